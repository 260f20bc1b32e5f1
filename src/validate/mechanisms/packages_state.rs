//! `package_at_least`, `patches`, `package_verify`, `process_label`: how old packages are, and whether they are what was
//! shipped; and what daemons run as.

use super::Mechanism;
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
            let holds = package.state.is_none() && order(&package.version, &self.version) != Ordering::Less;
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

/// The order of versions: `EPOCH:UPSTREAM-REVISION`, as dpkg compares them; rpm's differ only where a tilde or a caret
/// stands, which order the same here.
pub fn order(a: &str, b: &str) -> Ordering {
    let parts = |text: &str| -> (u64, String, String) {
        let (epoch, rest) = text.split_once(':').map_or((0, text), |(epoch, rest)| (epoch.parse().unwrap_or(0), rest));
        let (upstream, revision) = rest.rsplit_once('-').unwrap_or((rest, ""));
        (epoch, upstream.to_owned(), revision.to_owned())
    };
    let (a, b) = (parts(a), parts(b));
    a.0.cmp(&b.0).then_with(|| part(&a.1, &b.1)).then_with(|| part(&a.2, &b.2))
}

fn part(a: &str, b: &str) -> Ordering {
    // A tilde is before the end, and letters are before other signs.
    let rank = |letter: Option<char>| match letter {
        Some('~') => -1,
        None => 0,
        Some(letter) if letter.is_ascii_digit() => 0,
        Some(letter) if letter.is_ascii_alphabetic() => letter as i32,
        Some(letter) => letter as i32 + 256,
    };
    let (mut left, mut right) = (a, b);
    while !left.is_empty() || !right.is_empty() {
        let digit = |text: &str| text.chars().next().is_some_and(|letter| letter.is_ascii_digit());
        while (!left.is_empty() && !digit(left)) || (!right.is_empty() && !digit(right)) {
            let (one, other) = (left.chars().next(), right.chars().next());
            match rank(one).cmp(&rank(other)) {
                Ordering::Equal => {}
                unequal => return unequal,
            }
            left = one.map_or("", |letter| &left[letter.len_utf8()..]);
            right = other.map_or("", |letter| &right[letter.len_utf8()..]);
        }
        let run = |text: &str| text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
        let (first, second) = (run(left), run(right));
        let number = |text: &str| text.parse::<u128>().unwrap_or(0);
        match number(&left[..first]).cmp(&number(&right[..second])) {
            Ordering::Equal => (left, right) = (&left[first..], &right[second..]),
            unequal => return unequal,
        }
    }
    Ordering::Equal
}

/// No update that mends a flaw is waiting.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Patches {}

const APT: &[&str] = &["apt-get", "-s", "-o", "Debug::NoLocking=true", "dist-upgrade"];
const DNF: &[&str] = &["dnf", "-q", "-C", "updateinfo", "list", "--security", "--updates"];

impl Mechanism for Patches {
    fn judge(&self, machine: &Machine<'_>) -> Finding {
        let look = || {
            let apt = machine.exists("/usr/bin/apt-get")?;
            let asked = if apt { APT } else { DNF };
            let output = machine.ask(asked)?;
            let name = asked.join(" ");
            if !output.ok() {
                return Err(Unseen::new(name, String::from_utf8_lossy(&output.stderr).trim().to_owned()));
            }
            let text = output.text();
            let waits = |line: &&str| !apt && !line.trim().is_empty() || apt && line.starts_with("Inst ");
            let waiting: Vec<&str> = text.lines().filter(waits).collect();
            let mut finding = Finding::new();
            for line in &waiting {
                finding.fact(Aspect::Live, false, &At::file(&name), *line, self.expects());
            }
            if waiting.is_empty() {
                finding.fact(Aspect::Live, true, &At::file(&name), "nothing is waiting", self.expects());
            }
            Ok(finding)
        };
        look().unwrap_or_else(|unseen: Unseen| Finding::unseen(Aspect::Live, &unseen))
    }

    fn reads(&self) -> Vec<String> {
        vec![APT.join(" "), DNF.join(" ")]
    }

    fn expects(&self) -> String {
        "no update is waiting".into()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered_as_dpkg_orders_them() {
        for (a, b, want) in [
            ("1.5.3-5ubuntu5.1", "1.5.3-5", Ordering::Greater),
            ("1.5.2-6", "1.5.3-5", Ordering::Less),
            ("1:0.9", "2.0", Ordering::Greater),
            ("1.0~rc1", "1.0", Ordering::Less),
            ("1.10", "1.9", Ordering::Greater),
            ("1.0", "1.0", Ordering::Equal),
        ] {
            assert_eq!(order(a, b), want, "{a} {b}");
        }
    }
}
