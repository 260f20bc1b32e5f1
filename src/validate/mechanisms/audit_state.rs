//! `audit_immutable`, `audit_loaded_equals_stored`: rules that stay until the next start, and are those of the files.

use super::Mechanism;
use crate::validate::machine::Machine;
use crate::validate::readers::audit::{Loaded, RULES, Rule, Stored};
use crate::validate::text::At;
use crate::validate::verdict::{Aspect, Finding, Unseen};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Nobody changes the rules until the next start.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Immutable {}

/// The kernel has the rules of the files, and no others.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Equal {}

impl Mechanism for Immutable {
    fn judge(&self, machine: &Machine<'_>) -> Finding {
        let stored = match machine.reader::<Stored>() {
            Ok(stored) => stored,
            Err(unseen) => return Finding::unseen(Aspect::Stored, &unseen),
        };
        let mut finding = Finding::new();
        let (at, value) = stored.enabled.as_ref().map_or((&stored.from, "not set"), |(value, at)| (at, value));
        finding.fact(Aspect::Stored, value == "2", at, format!("-e {value}"), "-e 2");
        if machine.running() {
            match enabled(machine) {
                Ok(state) => {
                    let at = At::file("auditctl -s");
                    finding.fact(Aspect::Live, state == "2", &at, format!("enabled {state}"), "enabled 2");
                }
                Err(unseen) => finding.could_not_look(Aspect::Live, &unseen),
            }
        }
        finding
    }

    fn reads(&self) -> Vec<String> {
        vec!["/etc/audit/rules.d/*.rules, else /etc/audit/audit.rules".into(), "auditctl -s".into()]
    }

    fn expects(&self) -> String {
        "-e 2 is the last word of the rules, and the kernel has it".into()
    }
}

fn enabled(machine: &Machine<'_>) -> Result<String, Unseen> {
    let output = machine.ask(&["auditctl", "-s"])?;
    let text = output.text();
    let state = text.lines().find_map(|line| line.trim().strip_prefix("enabled"));
    let state = state.filter(|_| output.ok()).map(|state| state.trim().to_owned());
    state.ok_or_else(|| Unseen::new("auditctl -s", "does not say whether rules can be changed"))
}

impl Mechanism for Equal {
    fn judge(&self, machine: &Machine<'_>) -> Finding {
        let look = || {
            let stored = machine.reader::<Stored>()?;
            let mut finding = Finding::new();
            if &*stored.from.file != RULES {
                let file = Stored::of_file(machine, RULES)?;
                compare(Aspect::Stored, &stored.rules, &file.rules, &file.from, &mut finding);
            }
            if machine.running() {
                match machine.reader::<Loaded>() {
                    Ok(loaded) => {
                        compare(Aspect::Live, &stored.rules, &loaded.0, &At::file("auditctl -l"), &mut finding);
                    }
                    Err(unseen) => finding.could_not_look(Aspect::Live, &unseen),
                }
            } else if &*stored.from.file == RULES {
                // Nothing but this file is loaded, so that it is equal to itself; one without a rule is none.
                let found = format!("{} rules", stored.rules.len());
                finding.fact(Aspect::Stored, !stored.rules.is_empty(), &stored.from, found, self.expects());
            }
            Ok(finding)
        };
        look().unwrap_or_else(|unseen: Unseen| Finding::unseen(Aspect::Stored, &unseen))
    }

    fn reads(&self) -> Vec<String> {
        vec!["/etc/audit/rules.d/*.rules".into(), RULES.into(), "auditctl -l".into()]
    }

    fn expects(&self) -> String {
        "audit.rules and the kernel have the rules of rules.d, and no others".into()
    }
}

fn compare(aspect: Aspect, wanted: &[Rule], has: &[Rule], at: &At, finding: &mut Finding) {
    let by = |rules: &[Rule]| -> BTreeMap<String, (At, String)> {
        rules.iter().map(|rule| (rule.canonical(), (rule.at.clone(), rule.text.clone()))).collect()
    };
    let (wanted, has) = (by(wanted), by(has));
    let mut equal = true;
    for (rule, (place, text)) in wanted.iter().filter(|(rule, _)| !has.contains_key(*rule)) {
        equal = false;
        let _ = rule;
        finding.fact(aspect, false, place, format!("{at} lacks {text}"), "the rule is there");
    }
    for (_, (place, text)) in has.iter().filter(|(rule, _)| !wanted.contains_key(*rule)) {
        equal = false;
        finding.fact(aspect, false, place, format!("only there: {text}"), "no rule that rules.d lacks");
    }
    if equal {
        finding.fact(aspect, true, at, format!("{} rules", has.len()), "the rules of rules.d");
    }
}
