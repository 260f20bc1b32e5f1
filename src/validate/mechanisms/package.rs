//! `package_absent`, `package_present`: what is installed.

use super::{Mechanism, Words};
use crate::validate::machine::Machine;
use crate::validate::readers::packages::{Package, Packages};
use crate::validate::verdict::{Aspect, Finding};
use serde::Deserialize;

/// Packages of which none may be installed.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
pub struct Absent(Words);

/// Packages of which every one has to be installed.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
pub struct Present(Words);

impl Mechanism for Absent {
    fn judge(&self, machine: &Machine<'_>) -> Finding {
        judged(machine, |packages, finding| {
            for pattern in self.0.iter() {
                let mut found = packages.named(pattern).peekable();
                if found.peek().is_none() {
                    let (found, wanted) = (format!("{pattern} is not installed"), format!("no {pattern}"));
                    finding.fact(Aspect::Stored, true, &packages.database, found, wanted);
                }
                for package in found {
                    finding.fact(Aspect::Stored, false, &package.at, shown(package), format!("no {pattern}"));
                }
            }
        })
    }

    fn reads(&self) -> Vec<String> {
        databases()
    }

    fn expects(&self) -> String {
        format!("not installed: {}", self.0.shown())
    }
}

impl Mechanism for Present {
    fn judge(&self, machine: &Machine<'_>) -> Finding {
        judged(machine, |packages, finding| {
            for names in self.0.iter() {
                let whole = |package: &&Package| package.state.is_none();
                let found: Vec<&Package> = names.split('|').flat_map(|name| packages.named(name)).collect();
                let best = found.iter().copied().find(whole).or(found.first().copied());
                let (holds, at, found) = match best {
                    Some(package) => (package.state.is_none(), &package.at, shown(package)),
                    None => (false, &packages.database, format!("{names} is not installed")),
                };
                finding.fact(Aspect::Stored, holds, at, found, names.replace('|', " or "));
            }
        })
    }

    fn reads(&self) -> Vec<String> {
        databases()
    }

    fn expects(&self) -> String {
        format!("installed: {}", self.0.shown())
    }
}

fn judged(machine: &Machine<'_>, judge: impl Fn(&Packages, &mut Finding)) -> Finding {
    match machine.reader::<Packages>() {
        Ok(packages) => {
            let mut finding = Finding::new();
            judge(&packages, &mut finding);
            finding
        }
        Err(unseen) => Finding::unseen(Aspect::Stored, &unseen),
    }
}

fn shown(package: &Package) -> String {
    let state = package.state.as_ref().map(|state| format!(" ({state})")).unwrap_or_default();
    format!("{} {}{state}", package.name, package.version)
}

fn databases() -> Vec<String> {
    vec!["/var/lib/dpkg/status, or rpm's database".into()]
}
