//! `muster validate --fix`: converges the roles' parts that failed, and judges again until nothing changes.
//!
//! A control's part is found by its tag, `cis_BENCHMARK_ID`; where that changes nothing, by its area's. The role looks
//! first whether it would close the way in, whatever tag is asked for, and refuses: `tests/validate/roles.rs` holds that.

use crate::boot::Ended;
use crate::cli::config::SettingsArgs;
use crate::cli::selection::Selection;
use crate::failure::{Failure, Stage};
use crate::validate::{Report, Verdict};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// Roles that bring controls about.
#[derive(clap::Args)]
pub(super) struct Roles {
    /// With --fix: a local tree in place of the config repository; its role hardening is run
    #[arg(long, value_name = "DIR", requires = "fix")]
    tree: Option<PathBuf>,
    /// With --fix: a playbook of the tree, in place of the role hardening
    #[arg(long, value_name = "FILE", requires = "tree")]
    playbook: Option<PathBuf>,
    /// With --fix: a variable above all others: KEY=VALUE, a mapping in JSON or YAML, or @FILE
    #[arg(short = 'e', long = "extra-vars", value_name = "VARS", requires = "tree")]
    extra: Vec<String>,
}

/// More rounds than these mean that two parts undo each other.
const ROUNDS: usize = 4;

/// A report, and what is to be warned of.
type Judged = (Report, Vec<String>);

impl Roles {
    /// The report of the last judgement.
    pub(super) fn fix(
        &self,
        first: Judged,
        settings: &SettingsArgs,
        judge: &dyn Fn() -> Result<Judged, Failure>,
    ) -> Result<Judged, Failure> {
        let mut judged = first;
        let mut by_area = false;
        for _ in 0..ROUNDS {
            let open = open(&judged.0);
            if open.is_empty() {
                break;
            }
            let tags = tags(&judged.0, &open, by_area);
            let parts = tags.iter().cloned().collect::<Vec<_>>().join(", ");
            crate::cli::warn(&format!("fix: {} controls, by {parts}\n", open.len()));
            let changed = self.converge(settings, tags)?;
            judged = judge()?;
            let left = self::open(&judged.0);
            crate::cli::warn(&format!("fix: {changed} tasks changed something; {} controls are left\n", left.len()));
            // What a tag alone does not reach, its whole area may; what neither alters is for a person.
            match (left == open || changed == 0, by_area) {
                (true, true) => break,
                (stuck, _) => by_area = stuck,
            }
        }
        Ok(judged)
    }

    fn converge(&self, settings: &SettingsArgs, tags: BTreeSet<String>) -> Result<u64, Failure> {
        let (tree, playbook) = (self.tree.clone(), self.playbook.clone());
        let tags = tags.into_iter().collect();
        let selection = Selection::tagged(settings, tree, playbook, self.extra.clone(), tags);
        match selection.run(crate::boot::Planning::Converge, &mut ())? {
            Ended::Converged { counts, .. } => Ok(counts.changed),
            _ => Err(Failure::message(Stage::Internal, "the converge of --fix ended as none does")),
        }
    }
}

/// The controls that failed, that nobody excused, and that a task brings about.
fn open(report: &Report) -> BTreeSet<String> {
    let failed = report.results.iter().filter(|one| one.verdict == Verdict::Fail && one.standing() != "waived");
    failed.filter(|one| !one.fixed_by.is_empty() && one.area != "seal").map(|one| one.id.clone()).collect()
}

/// The tags of controls' tasks. Only CIS's recommendations have one each.
fn tags(report: &Report, open: &BTreeSet<String>, by_area: bool) -> BTreeSet<String> {
    let benchmark = match report.subject.system.id.as_str() {
        "ubuntu" | "debian" => "ubuntu2404",
        _ => "rhel9",
    };
    let numbered = |id: &str| id.starts_with(|letter: char| letter.is_ascii_digit());
    let tag = |id: &str, area: &str| match numbered(id) && !by_area {
        true => format!("cis_{benchmark}_{id}"),
        false => area.to_owned(),
    };
    report.results.iter().filter(|one| open.contains(&one.id)).map(|one| tag(&one.id, &one.area)).collect()
}
