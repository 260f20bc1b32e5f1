//! `selinux`: its state and policy, in its file, on the kernel's command line, and now.

use super::Mechanism;
use crate::validate::machine::Machine;
use crate::validate::readers::container::kernel_fact;
use crate::validate::readers::grub::{command_lines, parameter};
use crate::validate::text::At;
use crate::validate::verdict::{Aspect, Finding, Unseen};
use crate::validate::wanted::Wanted;
use serde::Deserialize;

/// What SELinux has to be.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Selinux {
    /// At least this.
    #[serde(default)]
    state: Option<State>,
    /// The name of its policy.
    #[serde(default)]
    policy: Option<Wanted>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
enum State {
    Disabled,
    Permissive,
    Enforcing,
}

const CONFIG: &str = "/etc/selinux/config";
const ENFORCE: &str = "/sys/fs/selinux/enforce";

impl Mechanism for Selinux {
    fn judge(&self, machine: &Machine<'_>) -> Finding {
        self.look(machine).unwrap_or_else(|unseen| Finding::unseen(Aspect::Stored, &unseen))
    }

    fn reads(&self) -> Vec<String> {
        vec![CONFIG.into(), "the kernel's command line".into(), ENFORCE.into()]
    }

    fn expects(&self) -> String {
        let state = self.state.map(|state| format!("SELINUX={} or stricter", state.word()));
        let policy = self.policy.as_ref().map(|policy| format!("SELINUXTYPE={policy}"));
        state.into_iter().chain(policy).collect::<Vec<_>>().join(", ")
    }
}

impl State {
    fn word(self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::Permissive => "permissive",
            Self::Enforcing => "enforcing",
        }
    }
}

impl Selinux {
    fn look(&self, machine: &Machine<'_>) -> Result<Finding, Unseen> {
        let mut finding = Finding::new();
        if let Some(wanted) = self.state {
            let (state, at) = stored(machine)?;
            let expected = format!("{} or stricter", wanted.word());
            let holds = state.is_some_and(|state| state >= wanted);
            let found = format!("SELINUX={}", state.map_or("nothing it knows", State::word));
            finding.fact(Aspect::Stored, holds, &at, found, &expected);
            for line in command_lines(machine)?.iter().filter(|line| line.aspect != Aspect::Live) {
                let off = parameter(&line.text, "selinux") == Some("0");
                let lax = parameter(&line.text, "enforcing") == Some("0");
                if off || lax && wanted == State::Enforcing {
                    let found = if off { "selinux=0" } else { "enforcing=0" };
                    finding.fact(Aspect::Reboot, false, &line.at, found, &expected);
                }
            }
            if machine.running() {
                let (state, at) = match machine.text(ENFORCE)? {
                    Some(text) if text.as_str().trim() == "1" => (State::Enforcing, text.whole()),
                    Some(text) => (State::Permissive, text.whole()),
                    None => (State::Disabled, At::file(ENFORCE)),
                };
                kernel_fact(machine, &mut finding, state >= wanted, &at, state.word(), &expected);
            }
        }
        if let Some(wanted) = &self.policy {
            let (value, at) = value(machine, "SELINUXTYPE=")?.unwrap_or((String::new(), At::file(CONFIG)));
            let found = format!("SELINUXTYPE={value}");
            finding.fact(Aspect::Stored, wanted.accepts(&value, true), &at, found, self.expects());
        }
        Ok(finding)
    }
}

/// libselinux takes the first line that has a word it knows; nothing may stand before the name.
fn stored(machine: &Machine<'_>) -> Result<(Option<State>, At), Unseen> {
    let Some(text) = machine.text(CONFIG)? else { return Ok((None, At::file(CONFIG))) };
    for (at, line) in text.lines() {
        let Some(word) = line.strip_prefix("SELINUX=") else { continue };
        let word = word.trim().to_ascii_lowercase();
        for state in [State::Enforcing, State::Permissive, State::Disabled] {
            if word.starts_with(state.word()) {
                return Ok((Some(state), at));
            }
        }
    }
    Ok((None, text.whole()))
}

fn value(machine: &Machine<'_>, name: &str) -> Result<Option<(String, At)>, Unseen> {
    let Some(text) = machine.text(CONFIG)? else { return Ok(None) };
    let value = text.lines().filter_map(|(at, line)| Some((line.strip_prefix(name)?.trim().to_owned(), at))).last();
    Ok(value)
}
