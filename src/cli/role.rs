//! `muster role`: judges roles where they are written.

use super::print;
use crate::failure::{Failure, Stage};
use crate::roles::lint::{Report, Severity, lint};
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// There is something to mend.
const FINDINGS: u8 = 1;
/// The exit codes beside those of the stages.
pub(crate) const CODES: &[(u8, &str)] = &[(FINDINGS, "something is to be mended")];

/// Judge roles where they are written
#[derive(Args)]
pub(crate) struct Role {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Judge a role, a directory of roles, a playbook or a whole repository, with no host and no network
    ///
    /// Says what fails or is not done wherever it stands, whether or not a run would come to it: modules, arguments,
    /// keywords, filters, tests, lookups, handlers, files and variables. The exit code is 0 when there is nothing to
    /// mend, 1 when there is.
    Lint {
        /// What to judge
        #[arg(default_value = ".")]
        path: PathBuf,
        /// Also say what works and is better written otherwise: conditions that ansible-core 2.19 refuses, secrets on
        /// a command line, versions that nobody chose, keys that stand twice
        #[arg(long)]
        warn: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

impl Role {
    /// Does what was asked.
    pub(crate) fn run(self) -> Result<u8, Failure> {
        let What::Lint { path, warn, json } = self.what;
        let usage =
            |error: std::io::Error| Failure::message(Stage::Usage, format!("judge {}: {error}", path.display()));
        let here = std::env::current_dir().map_err(usage)?;
        let report = lint(&path, &here, warn).map_err(usage)?;
        if report.roles + report.playbooks == 0 {
            return Err(Failure::message(Stage::Usage, format!("{} has no role and no playbook", path.display()))
                .with_hint("name a role's directory, a playbook, or a repository that has them"));
        }
        print(&if json { as_json(&report) } else { as_text(&report) });
        Ok(if report.findings.is_empty() { 0 } else { FINDINGS })
    }
}

fn as_json(report: &Report) -> String {
    let json = serde_json::json!({
        "roles": report.roles,
        "playbooks": report.playbooks,
        "tasks": report.tasks,
        "findings": report.findings,
    });
    format!("{json:#}\n")
}

fn as_text(report: &Report) -> String {
    let mut text: String = report.findings.iter().map(|finding| format!("{finding}\n\n")).collect();
    let several = |number: usize, what: &str| format!("{number} {what}{}", if number == 1 { "" } else { "s" });
    let of = |severity| report.findings.iter().filter(|finding| finding.severity == severity).count();
    let judged = [several(report.roles, "role"), several(report.playbooks, "playbook"), several(report.tasks, "task")];
    let mut found = vec![several(of(Severity::Error), "error")];
    if of(Severity::Warning) > 0 {
        found.push(several(of(Severity::Warning), "warning"));
    }
    text.push_str(&format!("{}: {}\n", judged.join(", "), found.join(", ")));
    text
}
