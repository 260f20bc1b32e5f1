//! `service_on`, `service_off`: what runs, and what the next start will start.

use super::{Mechanism, Words};
use crate::validate::machine::Machine;
use crate::validate::readers::units::{Active, Standing, Units, full_name};
use crate::validate::text::At;
use crate::validate::verdict::{Aspect, Finding};
use serde::Deserialize;

/// Units that all run and will be started; `a|b` is either.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
pub struct On(Words);

/// Units of which none runs or will be started.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
pub struct Off(Words);

impl Mechanism for On {
    fn judge(&self, machine: &Machine<'_>) -> Finding {
        let units = match machine.reader::<Units>() {
            Ok(units) => units,
            Err(unseen) => return Finding::unseen(Aspect::Stored, &unseen),
        };
        let mut finding = Finding::new();
        for names in self.0.iter() {
            let all: Vec<String> = names.split('|').map(full_name).collect();
            let started = |unit: &&String| matches!(units.standing(unit), Standing::Started(_));
            let unit = all.iter().find(started).unwrap_or(&all[0]);
            stored(&units, unit, true, &mut finding);
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
        let units = match machine.reader::<Units>() {
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
    };
    finding.fact(Aspect::Stored, on == wanted, at, found.clone(), expected.clone());
    finding.fact(Aspect::Reboot, on == wanted, at, found, expected);
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
            finding.fact(Aspect::Live, runs == wanted, &at, format!("{unit} is {state}"), expected);
        }
        Err(unseen) => finding.could_not_look(Aspect::Live, &unseen),
    }
}

fn places() -> Vec<String> {
    vec![
        "unit files, drop-ins and links of /etc, /run and /usr/lib/systemd/system".into(),
        "systemctl list-units".into(),
    ]
}
