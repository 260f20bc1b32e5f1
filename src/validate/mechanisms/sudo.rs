//! `sudo_defaults`, `sudo_tag`, `sudo_timeout`: what sudo's policy comes to with all it includes.

use super::Mechanism;
use crate::validate::machine::Machine;
use crate::validate::readers::sudoers::{SUDOERS, Sudoers, tagged};
use crate::validate::text::At;
use crate::validate::verdict::{Aspect, Finding};
use serde::Deserialize;

/// A setting that is on for everybody.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SudoDefaults {
    /// As sudoers(5) names it: `use_pty`, `logfile`.
    has: String,
}

/// A tag that no rule has, or `!authenticate`.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SudoTag {
    /// `NOPASSWD`, or `!authenticate`.
    lacks: String,
}

/// How long sudo remembers a password.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SudoTimeout {
    /// Minutes. A negative time never ends.
    at_most: f64,
}

fn judged(machine: &Machine<'_>, judge: impl Fn(&Sudoers, &mut Finding)) -> Finding {
    match machine.reader::<Sudoers>() {
        Ok(sudoers) if !sudoers.installed => Finding::not_applicable("there is no sudo"),
        Ok(sudoers) => {
            let mut finding = Finding::new();
            judge(&sudoers, &mut finding);
            finding
        }
        Err(unseen) => Finding::unseen(Aspect::Stored, &unseen),
    }
}

fn places() -> Vec<String> {
    vec![format!("{SUDOERS}, and what it includes")]
}

fn whom(scope: &str) -> String {
    if scope.is_empty() { String::new() } else { format!(" for {scope}") }
}

impl Mechanism for SudoDefaults {
    fn judge(&self, machine: &Machine<'_>) -> Finding {
        judged(machine, |sudoers, finding| {
            let all = sudoers.last(&self.has);
            if !all.iter().any(|one| one.scope.is_empty()) {
                let found = format!("{} is not set for everybody", self.has);
                finding.fact(Aspect::Stored, false, &At::file(SUDOERS), found, self.expects());
            }
            for one in all {
                let state = if one.off { "off" } else { "on" };
                let value = one.value.as_deref().map_or(String::new(), |value| format!(" = {value}"));
                let found = format!("{}{value} is {state}{}", self.has, whom(&one.scope));
                // What goes to the null device is kept by nobody.
                let holds = !one.off && !matches!(one.value.as_deref(), Some("" | "/dev/null"));
                finding.fact(Aspect::Stored, holds, &one.at, found, self.expects());
            }
        })
    }

    fn reads(&self) -> Vec<String> {
        places()
    }

    fn expects(&self) -> String {
        format!("Defaults {}, and nothing that turns it off", self.has)
    }
}

impl Mechanism for SudoTag {
    fn judge(&self, machine: &Machine<'_>) -> Finding {
        judged(machine, |sudoers, finding| {
            let mut clean = true;
            if let Some(name) = self.lacks.strip_prefix('!') {
                // Members of an exempt group are not asked either.
                let exempt = sudoers.last("exempt_group").into_iter().filter(|one| name == "authenticate" && !one.off);
                for one in exempt {
                    clean = false;
                    let group = one.value.as_deref().unwrap_or_default();
                    let found = format!("exempt_group = {group}{}", whom(&one.scope));
                    finding.fact(Aspect::Stored, false, &one.at, found, self.expects());
                }
                for one in sudoers.last(name).into_iter().filter(|one| one.off) {
                    clean = false;
                    let found = format!("{} is off{}", one.name, whom(&one.scope));
                    finding.fact(Aspect::Stored, false, &one.at, found, self.expects());
                }
            } else {
                for (at, rule) in sudoers.rules.iter().filter(|(_, rule)| tagged(rule, &self.lacks)) {
                    clean = false;
                    finding.fact(Aspect::Stored, false, at, rule.clone(), self.expects());
                }
            }
            if clean {
                let found = format!("{} rules and none with {}", sudoers.rules.len(), self.lacks);
                finding.fact(Aspect::Stored, true, &At::file(SUDOERS), found, self.expects());
            }
        })
    }

    fn reads(&self) -> Vec<String> {
        places()
    }

    fn expects(&self) -> String {
        format!("nothing with {}", self.lacks)
    }
}

/// What sudo remembers for where nothing is set.
const DEFAULT_TIMEOUT: f64 = 15.0;

impl Mechanism for SudoTimeout {
    fn judge(&self, machine: &Machine<'_>) -> Finding {
        judged(machine, |sudoers, finding| {
            let all = sudoers.last("timestamp_timeout");
            if !all.iter().any(|one| one.scope.is_empty()) {
                let found = format!("{DEFAULT_TIMEOUT} minutes by default");
                let holds = DEFAULT_TIMEOUT <= self.at_most;
                finding.fact(Aspect::Stored, holds, &At::file(SUDOERS), found, self.expects());
            }
            for one in all {
                // Turned off it is 0, as sudo has it for integers.
                let minutes = if one.off { Some(0.0) } else { one.value.as_ref().and_then(|v| v.parse::<f64>().ok()) };
                let holds = minutes.is_some_and(|minutes| (0.0..=self.at_most).contains(&minutes));
                let value = one.value.as_deref().unwrap_or("0");
                let found = format!("timestamp_timeout = {value}{}", whom(&one.scope));
                finding.fact(Aspect::Stored, holds, &one.at, found, self.expects());
            }
        })
    }

    fn reads(&self) -> Vec<String> {
        places()
    }

    fn expects(&self) -> String {
        format!("timestamp_timeout of 0 to {} minutes", self.at_most)
    }
}
