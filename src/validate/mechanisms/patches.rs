//! `patches`: no update is waiting on the running system.
//!
//! Where no list of apt's has a version that is newer than an installed one, nothing waits, whatever pins and holds say. Where
//! one has, apt-get decides. Lists that are old know of no update that came since: with them nobody could look, unless even
//! they have one.

use super::Mechanism;
use crate::validate::machine::{Machine, NO_SYSTEM};
use crate::validate::readers::apt_lists::{Known, known, made};
use crate::validate::readers::dnf_cache;
use crate::validate::text::At;
use crate::validate::verdict::{Aspect, Finding, Unseen};
use serde::Deserialize;

/// No update that mends a flaw is waiting.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Patches {}

const APT: &[&str] = &["apt-get", "-s", "-o", "Debug::NoLocking=true", "dist-upgrade"];
const DNF: &[&str] = &["dnf", "-q", "-C", "updateinfo", "list", "--security", "--updates"];

/// Distributions publish updates, and sign their lists anew, more often than that.
const OLDEST_DAYS: i64 = 14;

impl Mechanism for Patches {
    fn judge(&self, machine: &Machine<'_>) -> Finding {
        self.look(machine).unwrap_or_else(|unseen| Finding::unseen(Aspect::Live, &unseen))
    }

    fn reads(&self) -> Vec<String> {
        vec!["/var/lib/apt/lists/*_Packages".into(), APT.join(" "), DNF.join(" ")]
    }

    fn expects(&self) -> String {
        "no update is waiting".into()
    }
}

impl Patches {
    fn look(&self, machine: &Machine<'_>) -> Result<Finding, Unseen> {
        let apt = machine.exists("/usr/bin/apt-get")?;
        if !machine.running() {
            return Err(Unseen::new(if apt { APT } else { DNF }.join(" "), NO_SYSTEM));
        }
        let (mut finding, of) = if apt {
            let finding = match known(machine)? {
                Known::Nothing { at, lists } => {
                    let mut finding = Finding::new();
                    finding.fact(Aspect::Live, true, &at, format!("nothing newer in {lists} lists"), self.expects());
                    finding
                }
                Known::Perhaps => self.asked(machine, APT, |line| line.starts_with("Inst "))?,
            };
            (finding, made(machine)?)
        } else {
            // A line is an update.
            (self.asked(machine, DNF, |line| !line.trim().is_empty())?, dnf_cache::made(machine)?)
        };
        if let Some((when, at)) = of {
            aged(machine, when, &at, &mut finding);
        }
        Ok(finding)
    }

    fn asked(&self, machine: &Machine<'_>, asked: &[&str], waits: impl Fn(&str) -> bool) -> Result<Finding, Unseen> {
        let output = machine.ask(asked)?;
        let name = asked.join(" ");
        if !output.ok() {
            return Err(Unseen::new(name, String::from_utf8_lossy(&output.stderr).trim().to_owned()));
        }
        let text = output.text();
        let mut finding = Finding::new();
        for line in text.lines().filter(|line| waits(line)) {
            finding.fact(Aspect::Live, false, &At::file(&name), line, self.expects());
        }
        if !text.lines().any(waits) {
            finding.fact(Aspect::Live, true, &At::file(&name), "nothing is waiting", self.expects());
        }
        Ok(finding)
    }
}

/// Names the age of what was looked at, which says nothing of what came later.
fn aged(machine: &Machine<'_>, when: jiff::Timestamp, at: &At, finding: &mut Finding) {
    let now = jiff::Timestamp::try_from(machine.observe().now()).unwrap_or_default();
    let days = now.duration_since(when).as_hours() / 24;
    let day = when.to_zoned(jiff::tz::TimeZone::UTC).date();
    if days > OLDEST_DAYS {
        let why = format!("the newest list is of {day}, {days} days ago: fetch newer ones, and look again");
        finding.could_not_look(Aspect::Live, &Unseen::new(&*at.file, why));
    } else {
        finding.show(Aspect::Live, at, format!("the newest list is of {day}"));
    }
}
