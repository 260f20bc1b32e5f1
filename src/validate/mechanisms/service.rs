//! `service_on`, `service_off`: what runs, and what the next start will start.

use super::{Mechanism, Words};
use crate::validate::machine::Machine;
use crate::validate::readers::active_units::Active;
use crate::validate::readers::container::borrowed;
use crate::validate::readers::unit_file;
use crate::validate::readers::units::{Standing, Units, full_name};
use crate::validate::text::At;
use crate::validate::verdict::{Aspect, Finding, Unseen};
use serde::Deserialize;

/// Units that all run and will be started; `a|b` is either.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
pub struct On(Words);

/// Units of which none runs or will be started.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
pub struct Off(Words);

impl Mechanism for On {
    fn judge(&self, machine: &Machine<'_>) -> Finding {
        let units = match Units::of(machine) {
            Ok(units) => units,
            Err(unseen) => return Finding::unseen(Aspect::Stored, &unseen),
        };
        let mut finding = Finding::new();
        for names in self.0.iter() {
            let all: Vec<String> = names.split('|').map(full_name).collect();
            let started = |unit: &&String| matches!(units.standing(unit), Standing::Started(_));
            let unit = all.iter().find(started).unwrap_or(&all[0]);
            stored(&units, unit, true, &mut finding);
            match unit_file::idle(machine, unit) {
                Ok(None) => {}
                Ok(Some((at, found))) => {
                    finding.fact(Aspect::Reboot, false, &at, found, format!("{unit} does its work"));
                }
                Err(unseen) => finding.could_not_look(Aspect::Reboot, &unseen),
            }
            live(machine, unit, true, &mut finding);
        }
        finding
    }

    fn reads(&self) -> Vec<String> {
        places()
    }

    fn expects(&self) -> String {
        format!("{} runs, and is started with the system", self.0.shown())
    }
}

impl Mechanism for Off {
    fn judge(&self, machine: &Machine<'_>) -> Finding {
        let units = match Units::of(machine) {
            Ok(units) => units,
            Err(unseen) => return Finding::unseen(Aspect::Stored, &unseen),
        };
        let mut finding = Finding::new();
        for unit in self.0.iter().map(|name| full_name(name)) {
            stored(&units, &unit, false, &mut finding);
            live(machine, &unit, false, &mut finding);
        }
        finding
    }

    fn reads(&self) -> Vec<String> {
        places()
    }

    fn expects(&self) -> String {
        format!("{} does not run, and is not started with the system", self.0.shown())
    }
}

fn stored(units: &Units, unit: &str, wanted: bool, finding: &mut Finding) {
    let nowhere = At::file("systemd's unit directories");
    let expected = format!("{unit} is {}started with the system", if wanted { "" } else { "not " });
    let (on, at, found) = match units.standing(unit) {
        Standing::Missing => (false, &nowhere, format!("there is no {unit}")),
        Standing::Masked(at) => (false, at, format!("{unit} is masked")),
        Standing::Started(at) => (true, at, format!("{unit} is wanted")),
        Standing::Unreached(at) => (false, at, format!("{unit} is wanted only by what is not started itself")),
        Standing::Idle => (false, &nowhere, format!("nothing wants {unit}")),
        Standing::FirstBoot(_) => (false, &nowhere, format!("nothing wants {unit} yet")),
        Standing::Triggered(_) => (false, &nowhere, format!("nothing wants {unit} by itself")),
    };
    finding.fact(Aspect::Stored, on == wanted, at, found.clone(), expected.clone());
    match units.standing(unit) {
        Standing::FirstBoot(at) => {
            let found = format!("{unit} is enabled at the first boot, by systemd's presets");
            finding.fact(Aspect::Reboot, wanted, at, found, expected);
        }
        Standing::Triggered(at) => {
            let found = format!("a timer, a socket or a path starts {unit}");
            finding.fact(Aspect::Reboot, wanted, at, found, expected);
        }
        _ => finding.fact(Aspect::Reboot, on == wanted, at, found, expected),
    }
}

fn live(machine: &Machine<'_>, unit: &str, wanted: bool, finding: &mut Finding) {
    if !machine.running() {
        return;
    }
    match machine.reader::<Active>() {
        Ok(active) => {
            let state = active.state(unit);
            let runs = matches!(state, "active" | "activating" | "reloading" | "refreshing");
            let expected = format!("{unit} is {}", if wanted { "active" } else { "not active" });
            let at = At::file("systemctl list-units");
            if wanted
                && !runs
                && let Some(why) = not_in_a_container(machine, unit)
            {
                let unseen = Unseen::new(&*at.file, format!("{unit} does not run: {why}"));
                return finding.could_not_look(Aspect::Live, &unseen);
            }
            finding.fact(Aspect::Live, runs == wanted, &at, format!("{unit} is {state}"), expected);
        }
        Err(unseen) => finding.could_not_look(Aspect::Live, &unseen),
    }
}

/// Why a unit cannot run where this system is: its daemon speaks with the audit log of the host's kernel, or systemd does
/// not start it because this is a container, or one without a right that the unit asks for.
fn not_in_a_container(machine: &Machine<'_>, unit: &str) -> Option<String> {
    let why = borrowed(machine)?;
    if unit == "auditd.service" {
        return Some(why);
    }
    let condition = conditions(machine, unit).into_iter().find(|condition| match condition.split_once('=') {
        Some(("ConditionVirtualization", value)) => matches!(value, "!container" | "no" | "vm"),
        Some(("ConditionCapability", value)) => lacks(machine, value).unwrap_or(false),
        _ => false,
    })?;
    Some(format!("{condition} does not hold, {why}"))
}

/// The conditions of a unit, from its file and its drop-ins.
fn conditions(machine: &Machine<'_>, unit: &str) -> Vec<String> {
    let entries = unit_file::entries(machine, unit).ok().flatten().unwrap_or_default();
    let own = entries.into_iter().filter(|entry| entry.key.starts_with("Condition"));
    own.map(|entry| format!("{}={}", entry.key, entry.value)).collect()
}

/// Whether the first process cannot have a right that a service may be given here; the numbers are capabilities(7)'s.
fn lacks(machine: &Machine<'_>, right: &str) -> Option<bool> {
    const NUMBERS: &[(&str, u32)] = &[
        ("CAP_SYS_MODULE", 16),
        ("CAP_SYS_RAWIO", 17),
        ("CAP_SYS_TIME", 25),
        ("CAP_AUDIT_CONTROL", 30),
        ("CAP_AUDIT_READ", 37),
    ];
    let number = NUMBERS.iter().find(|(name, _)| *name == right)?.1;
    let status = machine.text("/proc/1/status").ok().flatten()?;
    let bounds = status.lines().find_map(|(_, line)| line.strip_prefix("CapBnd:"))?;
    Some(u64::from_str_radix(bounds.trim(), 16).ok()? >> number & 1 == 0)
}

fn places() -> Vec<String> {
    vec![
        "unit files, drop-ins and links of /etc and /usr/lib/systemd/system, presets, scripts of /etc/init.d".into(),
        "systemctl list-units".into(),
    ]
}
