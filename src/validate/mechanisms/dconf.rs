//! `dconf`: a default of GNOME's settings for the whole system, and whether users may change it.

use super::Mechanism;
use crate::validate::machine::Machine;
use crate::validate::text::At;
use crate::validate::verdict::{Aspect, Finding, Unseen};
use crate::validate::wanted::Wanted;
use serde::Deserialize;

/// A key of dconf.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Dconf {
    /// As `/org/gnome/login-screen/banner-message-enable`.
    key: String,
    /// What it has to be, without quotes and without the type in front.
    #[serde(default)]
    value: Option<Wanted>,
    /// Whether users may not change it.
    #[serde(default)]
    locked: bool,
}

const DATABASES: &str = "/etc/dconf/db";

impl Mechanism for Dconf {
    fn judge(&self, machine: &Machine<'_>) -> Finding {
        self.look(machine).unwrap_or_else(|unseen| Finding::unseen(Aspect::Stored, &unseen))
    }

    fn reads(&self) -> Vec<String> {
        vec!["/etc/dconf/profile".into(), format!("{DATABASES}/*.d and its locks")]
    }

    fn expects(&self) -> String {
        let value = self.value.as_ref().map_or(String::new(), |value| format!(" = {value}"));
        format!("{}{value}{}", self.key, if self.locked { ", locked" } else { "" })
    }
}

impl Dconf {
    fn look(&self, machine: &Machine<'_>) -> Result<Finding, Unseen> {
        let mut finding = Finding::new();
        let (mut value, mut lock) = (None, None);
        for database in databases(machine)? {
            let directory = format!("{DATABASES}/{database}.d");
            if let Some(found) = self.in_database(machine, &directory)? {
                value = value.or(Some((found, database.clone())));
            }
            for name in machine.names(&format!("{directory}/locks"))? {
                let Some(text) = machine.text(&format!("{directory}/locks/{name}"))? else { continue };
                let found = text.lines().find(|(_, line)| line.trim() == self.key).map(|(at, _)| at);
                lock = lock.or(found.map(|at| (at, database.clone())));
            }
        }
        let nowhere = At::file(DATABASES);
        if let Some(wanted) = &self.value {
            match &value {
                Some(((value, at), database)) => {
                    let found = format!("{} = {value}", self.key);
                    finding.fact(Aspect::Stored, wanted.accepts(value, false), at, found, self.expects());
                    compiled(machine, database, at, &mut finding)?;
                }
                None => {
                    let found = "no database of a profile sets it";
                    finding.fact(Aspect::Stored, false, &nowhere, found, self.expects());
                }
            }
        }
        if self.locked || self.value.is_none() {
            match &lock {
                Some((at, database)) => {
                    finding.fact(Aspect::Stored, true, at, format!("{} is locked", self.key), self.expects());
                    compiled(machine, database, at, &mut finding)?;
                }
                None => finding.fact(Aspect::Stored, false, &nowhere, "users may change it", self.expects()),
            }
        }
        Ok(finding)
    }

    /// Key files of a database in order of name: the last that sets it wins (dconf(7)).
    fn in_database(&self, machine: &Machine<'_>, directory: &str) -> Result<Option<(String, At)>, Unseen> {
        let Some((group, key)) = self.key.trim_start_matches('/').rsplit_once('/') else { return Ok(None) };
        let mut last = None;
        for name in machine.names(directory)?.into_iter().filter(|name| name != "locks") {
            let Some(text) = machine.text(&format!("{directory}/{name}"))? else { continue };
            let mut section = "";
            for (at, line) in text.lines() {
                let line = line.trim();
                if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                    section = name;
                } else if let Some((name, value)) = line.split_once('=').filter(|_| !line.starts_with('#'))
                    && section == group
                    && name.trim() == key
                {
                    let value = value.trim();
                    let value = value.strip_prefix("uint32 ").unwrap_or(value).trim_matches(['\'', '"']);
                    last = Some((value.to_owned(), at));
                }
            }
        }
        Ok(last)
    }
}

/// Databases of the system that profiles name, in their order: the first that sets a key wins.
fn databases(machine: &Machine<'_>) -> Result<Vec<String>, Unseen> {
    let mut found = Vec::new();
    for profile in machine.names("/etc/dconf/profile")? {
        let Some(text) = machine.text(&format!("/etc/dconf/profile/{profile}"))? else { continue };
        for (_, line) in text.lines() {
            let name = line.trim().strip_prefix("system-db:").map(str::to_owned);
            found.extend(name.filter(|name| !found.contains(name)));
        }
    }
    Ok(found)
}

/// What programs read is the database that `dconf update` makes of the files.
fn compiled(machine: &Machine<'_>, database: &str, source: &At, finding: &mut Finding) -> Result<(), Unseen> {
    let path = format!("{DATABASES}/{database}");
    let at = At::file(&path);
    let source = machine.stat(&source.file, true)?.map_or(0.0, |stat| stat.mtime);
    let (holds, found) = match machine.stat(&path, true)? {
        None => (false, "is not there: `dconf update` has not run"),
        Some(stat) if stat.mtime < source => (false, "is older than its files: `dconf update` has not run"),
        Some(_) => (true, "is as new as its files"),
    };
    finding.fact(Aspect::Stored, holds, &at, found, "the database that is made of the files");
    Ok(())
}
