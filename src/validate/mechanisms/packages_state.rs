//! `package_at_least`, `package_verify`, `process_label`: how old packages are, and whether they are what was
//! shipped; and what daemons run as.

use super::Mechanism;
use crate::package_version::compare;
use crate::validate::machine::Machine;
use crate::validate::readers::packages::Packages;
use crate::validate::text::At;
use crate::validate::verdict::{Aspect, Finding, Unseen};
use serde::Deserialize;
use std::cmp::Ordering;

/// A package that is at least so new.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AtLeast {
    /// Its name.
    name: String,
    /// The oldest version that is right.
    version: String,
}

impl Mechanism for AtLeast {
    fn judge(&self, machine: &Machine<'_>) -> Finding {
        let packages = match machine.reader::<Packages>() {
            Ok(packages) => packages,
            Err(unseen) => return Finding::unseen(Aspect::Stored, &unseen),
        };
        let mut finding = Finding::new();
        let found: Vec<_> = packages.named(&self.name).collect();
        for package in &found {
            let holds = package.state.is_none() && compare(&package.version, &self.version) != Ordering::Less;
            let shown = format!("{} {}", package.name, package.version);
            finding.fact(Aspect::Stored, holds, &package.at, shown, self.expects());
        }
        if found.is_empty() {
            let shown = format!("{} is not installed", self.name);
            finding.fact(Aspect::Stored, false, &packages.database, shown, self.expects());
        }
        finding
    }

    fn reads(&self) -> Vec<String> {
        vec!["/var/lib/dpkg/status, or rpm's database".into()]
    }

    fn expects(&self) -> String {
        format!("{} {} or newer", self.name, self.version)
    }
}

/// Files are as their packages shipped them.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Verify {}

impl Mechanism for Verify {
    fn judge(&self, machine: &Machine<'_>) -> Finding {
        let look = || {
            let rpm = !machine.exists("/var/lib/dpkg/status")?;
            let asked: &[&str] = if rpm { &["rpm", "-Va"] } else { &["dpkg", "--verify"] };
            // Both answer with a code for what differs.
            let output = machine.ask(asked)?;
            let text = output.text();
            let name = asked.join(" ");
            if text.trim().is_empty() && !output.ok() {
                let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
                return Err(Unseen::new(name, format!("ended with {} and named no file: {said}", output.code)));
            }
            let mut finding = Finding::new();
            // What is a configuration file (`c`) is meant to be altered.
            let config = |line: &str| line.split_whitespace().nth(1) == Some("c");
            let altered: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty() && !config(line)).collect();
            for line in &altered {
                finding.fact(Aspect::Live, false, &At::file(&name), *line, self.expects());
            }
            if altered.is_empty() {
                finding.fact(Aspect::Live, true, &At::file(&name), "nothing differs", self.expects());
            }
            Ok(finding)
        };
        look().unwrap_or_else(|unseen: Unseen| Finding::unseen(Aspect::Live, &unseen))
    }

    fn reads(&self) -> Vec<String> {
        ["rpm -Va", "dpkg --verify"].map(str::to_owned).to_vec()
    }

    fn expects(&self) -> String {
        "every file but configuration is as its package shipped it".into()
    }
}

/// No daemon runs in SELinux's domain for services that have none of their own.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProcessLabel {}

impl Mechanism for ProcessLabel {
    fn judge(&self, machine: &Machine<'_>) -> Finding {
        let look = || {
            if !machine.running() {
                return Err(Unseen::new("/proc", crate::validate::machine::NO_SYSTEM));
            }
            let mut finding = Finding::new();
            let mut seen = 0;
            for pid in machine.names("/proc")?.iter().filter(|name| name.bytes().all(|byte| byte.is_ascii_digit())) {
                // A process may be gone by now.
                let Some(text) = machine.text(&format!("/proc/{pid}/attr/current")).ok().flatten() else { continue };
                let label = text.as_str().trim_end_matches(['\0', '\n']);
                // `USER:ROLE:DOMAIN:LEVEL`; other security modules write words of their own there.
                if label.split(':').count() < 4 {
                    continue;
                }
                seen += 1;
                if label.contains(":unconfined_service_t:") {
                    finding.fact(Aspect::Live, false, &text.whole(), label, self.expects());
                }
            }
            if seen == 0 {
                return Err(Unseen::new("/proc", "shows no process's label of SELinux"));
            }
            finding.fact(Aspect::Live, true, &At::file("/proc"), format!("{seen} processes"), self.expects());
            Ok(finding)
        };
        look().unwrap_or_else(|unseen: Unseen| Finding::unseen(Aspect::Live, &unseen))
    }

    fn reads(&self) -> Vec<String> {
        vec!["/proc/*/attr/current".into()]
    }

    fn expects(&self) -> String {
        "no process is unconfined_service_t".into()
    }
}
