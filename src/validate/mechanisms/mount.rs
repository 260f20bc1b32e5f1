//! `mount`, `mount_option`: what is mounted on its own, and with which options.

use super::{Mechanism, Words};
use crate::validate::machine::Machine;
use crate::validate::readers::mounts::{Mount as Entry, Mounts, effective};
use crate::validate::text::At;
use crate::validate::verdict::{Aspect, Finding, Unseen};
use serde::Deserialize;
use std::rc::Rc;

/// A directory that has to be a mount of its own.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mount {
    /// The directory.
    path: String,
}

/// Options that a mount has to have. Where the directory is no mount of its own, this does not apply.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MountOption {
    /// The directory.
    path: String,
    /// `nodev`, `nosuid`, `noexec`.
    #[serde(alias = "option")]
    options: Words,
}

/// What is known of a directory: the next start's mount, and the live one.
struct Known {
    mounts: Rc<Mounts>,
    stored: Option<Entry>,
}

impl Known {
    fn of(machine: &Machine<'_>, path: &str) -> Result<Self, Unseen> {
        let mounts = machine.reader::<Mounts>()?;
        let stored = mounts.stored(machine, path)?;
        Ok(Self { mounts, stored })
    }
}

impl Mechanism for Mount {
    fn judge(&self, machine: &Machine<'_>) -> Finding {
        let known = match Known::of(machine, &self.path) {
            Ok(known) => known,
            Err(unseen) => return Finding::unseen(Aspect::Stored, &unseen),
        };
        let mut finding = Finding::new();
        let expected = self.expects();
        let nowhere = At::file("/etc/fstab");
        let (holds, at, found) = match &known.stored {
            Some(mount) if known.mounts.of_root(mount) => {
                (false, &mount.at, format!("{} is a directory of the root file system, bound there", self.path))
            }
            Some(mount) => (true, &mount.at, format!("{} is mounted ({})", self.path, mount.kind)),
            None => (false, &nowhere, format!("nothing mounts {}", self.path)),
        };
        finding.fact(Aspect::Stored, holds, at, found.clone(), expected.clone());
        finding.fact(Aspect::Reboot, holds, at, found, expected.clone());
        if machine.running() {
            match known.mounts.live(&self.path) {
                Ok(Some(mount)) => {
                    let holds = !known.mounts.live_of_root(mount);
                    let of = if holds { "" } else { ", and is a directory of the root file system" };
                    finding.fact(Aspect::Live, holds, &mount.at, format!("{} is mounted{of}", self.path), expected);
                }
                Ok(None) => {
                    let (at, found) = (At::file("/proc/self/mountinfo"), format!("{} is no mount", self.path));
                    finding.fact(Aspect::Live, false, &at, found, expected);
                }
                Err(unseen) => finding.could_not_look(Aspect::Live, &unseen),
            }
        }
        finding
    }

    fn reads(&self) -> Vec<String> {
        places()
    }

    fn expects(&self) -> String {
        format!("{} is a mount of its own", self.path)
    }
}

impl Mechanism for MountOption {
    fn judge(&self, machine: &Machine<'_>) -> Finding {
        let known = match Known::of(machine, &self.path) {
            Ok(known) => known,
            Err(unseen) => return Finding::unseen(Aspect::Stored, &unseen),
        };
        let live = if machine.running() { known.mounts.live(&self.path).map(Some) } else { Ok(None) };
        if known.stored.is_none() && matches!(live, Ok(None | Some(None))) {
            return Finding::not_applicable(format!("{} is no mount of its own", self.path));
        }
        let mut finding = Finding::new();
        for option in self.options.iter() {
            let expected = format!("{} with {option}", self.path);
            let nowhere = At::file("/etc/fstab");
            let (holds, at, found) = match &known.stored {
                Some(mount) => (effective(&mount.options, option), &mount.at, mount.options.clone()),
                None => (false, &nowhere, format!("nothing mounts {}", self.path)),
            };
            finding.fact(Aspect::Stored, holds, at, found.clone(), expected.clone());
            finding.fact(Aspect::Reboot, holds, at, found, expected.clone());
            match &live {
                Ok(Some(Some(mount))) => {
                    let holds = effective(&mount.options, option);
                    finding.fact(Aspect::Live, holds, &mount.at, mount.options.clone(), expected);
                }
                Ok(Some(None)) => {
                    let (at, found) = (At::file("/proc/self/mountinfo"), format!("{} is no mount", self.path));
                    finding.fact(Aspect::Live, false, &at, found, expected);
                }
                Ok(None) => {}
                Err(unseen) => finding.could_not_look(Aspect::Live, unseen),
            }
        }
        finding
    }

    fn reads(&self) -> Vec<String> {
        places()
    }

    fn expects(&self) -> String {
        format!("{} is mounted with {}", self.path, self.options.shown())
    }
}

fn places() -> Vec<String> {
    vec!["/etc/fstab, mount units and their drop-ins".into(), "/proc/self/mountinfo".into()]
}
