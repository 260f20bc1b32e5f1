//! `time_servers`: whom the machine asks for the time.

use super::Mechanism;
use crate::fnmatch::fits;
use crate::validate::machine::Machine;
use crate::validate::readers::units::{Standing, Units};
use crate::validate::readers::{drop_ins, settings};
use crate::validate::text::At;
use crate::validate::verdict::{Aspect, Finding, Unseen};
use serde::Deserialize;

/// Every source of the daemon that is started is one of the site's.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TimeServers {}

const CHRONY: &[&str] = &["/etc/chrony/chrony.conf", "/etc/chrony.conf"];
const TIMESYNCD: &str = "/etc/systemd/timesyncd.conf";

impl Mechanism for TimeServers {
    fn judge(&self, machine: &Machine<'_>) -> Finding {
        self.look(machine).unwrap_or_else(|unseen| Finding::unseen(Aspect::Stored, &unseen))
    }

    fn reads(&self) -> Vec<String> {
        [CHRONY, &["what it includes", TIMESYNCD, "and its drop-ins"]].concat().into_iter().map(str::to_owned).collect()
    }

    fn expects(&self) -> String {
        "at least one server, and every one is on the site's list".into()
    }
}

impl TimeServers {
    fn look(&self, machine: &Machine<'_>) -> Result<Finding, Unseen> {
        let units = Units::of(machine)?;
        let on = |names: &[&str]| names.iter().any(|name| matches!(units.standing(name), Standing::Started(_)));
        let mut sources = Vec::new();
        if on(&["chrony.service", "chronyd.service"]) {
            for main in CHRONY {
                chrony(machine, main, 0, &mut sources)?;
            }
        }
        if on(&["systemd-timesyncd.service"]) {
            let all = settings::sections(machine, TIMESYNCD, None)?;
            for key in ["NTP", "FallbackNTP"] {
                let last = all.iter().rev().find(|one| one.section == "Time" && one.key == key);
                let names = last
                    .into_iter()
                    .flat_map(|one| one.value.split_whitespace().map(move |name| (one.at.clone(), name.to_owned())));
                sources.extend(names);
            }
        }
        let mut finding = Finding::new();
        let Some(allowed) = &machine.site().time_servers else {
            sources.iter().for_each(|(at, name)| finding.show(Aspect::Stored, at, name.clone()));
            let unseen = Unseen::new("the profile's site", "does not say which time servers are approved");
            finding.could_not_look(Aspect::Stored, &unseen);
            return Ok(finding);
        };
        for (at, name) in &sources {
            let holds = allowed.iter().any(|pattern| fits(pattern, name));
            finding.fact(Aspect::Stored, holds, at, name.clone(), allowed.join(" or "));
        }
        if sources.is_empty() {
            let found = "no server of a daemon that is started";
            finding.fact(Aspect::Stored, false, &At::file(CHRONY[0]), found, self.expects());
        }
        Ok(finding)
    }
}

/// `server`, `pool` and `peer`, in the file, in `include`s, and in the directories of `confdir` and `sourcedir`.
fn chrony(machine: &Machine<'_>, file: &str, depth: usize, sources: &mut Vec<(At, String)>) -> Result<(), Unseen> {
    if depth > 8 {
        return Err(Unseen::new(file, "is included too deep"));
    }
    let Some(text) = machine.text(file)? else { return Ok(()) };
    for (at, line) in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["server" | "pool" | "peer", name, ..] => sources.push((at, name.to_owned())),
            ["include", pattern] => {
                let Some((directory, glob)) = pattern.rsplit_once('/') else { continue };
                for name in machine.names(directory)?.into_iter().filter(|name| fits(glob, name)) {
                    chrony(machine, &format!("{directory}/{name}"), depth + 1, sources)?;
                }
            }
            [kind @ ("confdir" | "sourcedir"), ref directories @ ..] => {
                let suffix = if kind == "confdir" { ".conf" } else { ".sources" };
                for file in drop_ins(machine, directories, suffix)? {
                    chrony(machine, &file, depth + 1, sources)?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}
