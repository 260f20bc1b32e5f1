//! `sysctl`: kernel parameters, as stored for the next start and as the kernel has them now.

use super::{Mechanism, Words};
use crate::validate::machine::Machine;
use crate::validate::readers::container::kernel_fact;
use crate::validate::readers::sysctl::{Sysctl as Stored, plain};
use crate::validate::readers::units::Units;
use crate::validate::text::At;
use crate::validate::verdict::{Aspect, Finding, Unseen};
use crate::validate::wanted::Wanted;
use serde::Deserialize;

/// Kernel parameters that all have to be as wanted.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sysctl {
    /// Dotted names, as sysctl(8) prints them.
    #[serde(alias = "key")]
    keys: Words,
    /// What each of them has to be.
    value: Wanted,
}

impl Mechanism for Sysctl {
    fn judge(&self, machine: &Machine<'_>) -> Finding {
        let stored = match machine.reader::<Stored>() {
            Ok(stored) => stored,
            Err(unseen) => return Finding::unseen(Aspect::Stored, &unseen),
        };
        let mut finding = Finding::new();
        let mut asked = false;
        for key in self.keys.iter() {
            let absent = lacks_ipv6(machine, key);
            if matches!(absent, Ok(true)) && stored.value(key).is_none() {
                continue;
            }
            asked = true;
            self.stored(&stored, key, &mut finding);
            match absent {
                Ok(true) => finding.show(Aspect::Live, &At::file("/proc/sys/net"), "the running kernel has no IPv6"),
                Ok(false) if machine.running() => self.live(machine, key, &mut finding),
                Ok(false) => {}
                Err(unseen) => finding.could_not_look(Aspect::Live, &unseen),
            }
        }
        match machine.reader::<Units>().map(|units| units.withheld("systemd-sysctl.service")) {
            Ok(None) => {}
            Ok(Some(at)) => {
                let found = "the unit that sets kernel parameters is not started";
                finding.fact(Aspect::Reboot, false, &at, found, "systemd-sysctl.service is started");
            }
            Err(unseen) => finding.could_not_look(Aspect::Reboot, &unseen),
        }
        if asked { finding } else { Finding::not_applicable("the running kernel has no IPv6") }
    }

    fn reads(&self) -> Vec<String> {
        let live = |key: &String| live_path(key);
        let mut reads = vec!["sysctl.d in /etc, /usr/local/lib and /usr/lib".into(), "ufw's sysctl.conf".into()];
        reads.extend(self.keys.iter().map(live));
        reads
    }

    fn expects(&self) -> String {
        format!("{} is {}", self.keys.shown(), self.value)
    }
}

impl Sysctl {
    fn stored(&self, stored: &Stored, key: &str, finding: &mut Finding) {
        let expected = format!("{key} = {}", self.value);
        match stored.value(key) {
            Some((value, at)) => {
                let holds = self.value.accepts(value, false);
                finding.fact(Aspect::Stored, holds, at, format!("{key} = {value}"), expected.clone());
                finding.fact(Aspect::Reboot, holds, at, format!("{key} = {value}"), expected);
            }
            // What the kernel has by itself is nobody's promise: the next kernel may have another.
            None => {
                let found = format!("{key} is not set");
                finding.fact(Aspect::Stored, false, &At::file("sysctl.d"), found, expected);
            }
        }
        for (value, at) in stored.overridden(key) {
            finding.show(Aspect::Stored, at, format!("{key} = {value}, which another file overrides"));
        }
    }

    fn live(&self, machine: &Machine<'_>, key: &str, finding: &mut Finding) {
        let path = live_path(key);
        match machine.text(&path) {
            Ok(Some(text)) => {
                let value = plain(text.as_str());
                let holds = self.value.accepts(&value, false);
                self.say(machine, key, holds, &text.whole(), &value, finding);
            }
            Ok(None) => match machine.exists("/proc/sys/kernel") {
                Ok(true) => {
                    let found = "the kernel has no such parameter";
                    self.say(machine, key, false, &At::file(&path), found, finding);
                }
                Ok(false) => finding.could_not_look(Aspect::Live, &Unseen::new(path, "/proc is not mounted")),
                Err(unseen) => finding.could_not_look(Aspect::Live, &unseen),
            },
            Err(unseen) => finding.could_not_look(Aspect::Live, &unseen),
        }
    }

    /// Parameters of the network are each container's own; the others are the host's.
    fn say(&self, machine: &Machine<'_>, key: &str, holds: bool, at: &At, found: &str, finding: &mut Finding) {
        let expected = self.value.to_string();
        if key.starts_with("net.") {
            finding.fact(Aspect::Live, holds, at, found, expected);
        } else {
            kernel_fact(machine, finding, holds, at, found, &expected);
        }
    }
}

/// `/proc/sys` with a slash for each dot; a dot within a name is written as a slash in dotted names.
fn live_path(key: &str) -> String {
    let path: String = key
        .chars()
        .map(|letter| {
            if letter == '.' {
                '/'
            } else if letter == '/' {
                '.'
            } else {
                letter
            }
        })
        .collect();
    format!("/proc/sys/{path}")
}

/// A kernel without IPv6 has none of its parameters, and needs none.
fn lacks_ipv6(machine: &Machine<'_>, key: &str) -> Result<bool, Unseen> {
    Ok(machine.running()
        && key.starts_with("net.ipv6.")
        && machine.exists("/proc/sys/net/ipv4")?
        && !machine.exists("/proc/sys/net/ipv6")?)
}
