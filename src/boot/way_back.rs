//! The way back: the releases that stood before a run, and the units that run them.

use crate::failure::{Failure, Stage};
use crate::host::{Change, Host, Observe, UnitAction};
use crate::release::{self, Record};
use std::path::{Path, PathBuf};

/// The records of releases before a run, for the way back.
#[derive(Default)]
pub(super) struct Before(Vec<(PathBuf, Record)>);

impl Before {
    /// What stands in a directory of records.
    pub(super) fn look(host: &dyn Observe, records: &Path) -> Result<Self, Failure> {
        Record::all(host, records).map(Self).map_err(|error| Failure::new(Stage::Release, error))
    }

    /// Puts back every release that the run replaced, and says so.
    pub(super) fn restore(&self, host: &mut dyn Host, records: &Path) -> Vec<String> {
        let now = match Record::all(host.observe(), records) {
            Ok(now) => now,
            Err(error) => return vec![format!("releases were not put back: {error}")],
        };
        let mut said = Vec::new();
        for (path, record) in now {
            let before = self.0.iter().find(|(known, _)| *known == path).map(|(_, record)| record);
            let label = record.label();
            match before {
                Some(before) if before.active == record.active => {}
                Some(before) if record.previous.as_ref() == Some(&before.active) => {
                    said.push(match release::rollback(&path, host) {
                        Ok(back) => of_old(host, &label, &back.active.version, back.restart.as_deref()),
                        Err(error) => format!("release {label} was not put back: {error}"),
                    });
                }
                _ => said.push(format!("release {label} {} stays: none was before it", record.active.version)),
            }
        }
        said
    }
}

/// Says that the release before is back, and restarts its unit.
pub(super) fn of_old(host: &mut dyn Host, label: &str, version: &str, unit: Option<&str>) -> String {
    let back = format!("release {label} is back at {version}");
    match unit.map(|unit| (unit, host.apply(&restart(unit)))) {
        None => back,
        Some((unit, Ok(_))) => format!("{back}, and {unit} was restarted"),
        Some((unit, Err(error))) => format!("{back}, and restarting {unit} failed: {error}"),
    }
}

/// The change that restarts a unit.
pub(super) fn restart(unit: &str) -> Change {
    Change::Unit { name: unit.to_owned(), action: UnitAction::Restart, scope: None, no_block: false }
}
