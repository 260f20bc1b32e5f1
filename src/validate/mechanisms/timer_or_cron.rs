//! `timer_or_cron`: a command that is started again and again, by a timer of systemd or by cron.

use super::Mechanism;
use crate::validate::machine::Machine;
use crate::validate::readers::unit_file;
use crate::validate::readers::units::{DIRECTORIES, Standing, Units};
use crate::validate::text::At;
use crate::validate::verdict::{Aspect, Finding, Unseen};
use serde::Deserialize;

/// The command.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TimerOrCron {
    /// A regular expression over ExecStart of what enabled timers start, and over cron's lines and scripts.
    matches: Pattern,
}

#[derive(Clone, Debug, schemars::JsonSchema)]
#[schemars(with = "String")]
struct Pattern(fancy_regex::Regex);

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        fancy_regex::Regex::new(&text).map(Self).map_err(serde::de::Error::custom)
    }
}

const TABLES: &[&str] = &["/etc/cron.d", "/var/spool/cron/crontabs", "/var/spool/cron"];
const SCRIPTS: &[&str] = &["/etc/cron.hourly", "/etc/cron.daily", "/etc/cron.weekly", "/etc/cron.monthly"];

impl Mechanism for TimerOrCron {
    fn judge(&self, machine: &Machine<'_>) -> Finding {
        self.look(machine).unwrap_or_else(|unseen| Finding::unseen(Aspect::Stored, &unseen))
    }

    fn reads(&self) -> Vec<String> {
        [&["systemd's timers", "/etc/crontab"], TABLES, SCRIPTS].concat().into_iter().map(str::to_owned).collect()
    }

    fn expects(&self) -> String {
        format!("a timer or cron starts what matches `{}`", self.matches.0.as_str())
    }
}

impl TimerOrCron {
    fn look(&self, machine: &Machine<'_>) -> Result<Finding, Unseen> {
        let mut finding = Finding::new();
        let mut found = self.timers(machine)?;
        found.extend(self.cron(machine)?);
        for (at, text) in &found {
            finding.fact(Aspect::Stored, true, at, text.clone(), self.expects());
        }
        if found.is_empty() {
            finding.fact(Aspect::Stored, false, &At::file("/etc/crontab"), "nothing starts it", self.expects());
        }
        Ok(finding)
    }

    fn is(&self, text: &str) -> bool {
        self.matches.0.is_match(text).unwrap_or(false)
    }

    /// Timers that the next start starts; what each starts is `Unit=`, else the service of its name.
    fn timers(&self, machine: &Machine<'_>) -> Result<Vec<(At, String)>, Unseen> {
        let units = machine.reader::<Units>()?;
        let mut found = Vec::new();
        let mut seen = Vec::new();
        for directory in DIRECTORIES {
            for name in machine.names(directory)?.into_iter().filter(|name| name.ends_with(".timer")) {
                if seen.contains(&name) || !matches!(units.standing(&name), Standing::Started(_)) {
                    continue;
                }
                let entries = unit_file::entries(machine, &name)?.unwrap_or_default();
                let own = entries.iter().rev().find(|entry| entry.section == "Timer" && entry.key == "Unit");
                let service = own.map_or_else(|| name.replace(".timer", ".service"), |entry| entry.value.clone());
                seen.push(name);
                let entries = unit_file::entries(machine, &service)?.unwrap_or_default();
                found.extend(unit_file::starts(&entries).into_iter().filter(|(_, command)| self.is(command)));
            }
        }
        Ok(found)
    }

    fn cron(&self, machine: &Machine<'_>) -> Result<Vec<(At, String)>, Unseen> {
        let mut tables = vec!["/etc/crontab".to_owned()];
        let mut found = Vec::new();
        // cron passes names over that have a dot.
        let plain = |name: &String| !name.contains('.') && !name.ends_with('~');
        for directory in TABLES {
            for name in machine.names(directory)?.into_iter().filter(plain) {
                let path = format!("{directory}/{name}");
                if machine.stat(&path, true)?.is_some_and(|stat| stat.kind == crate::host::Kind::File) {
                    tables.push(path);
                }
            }
        }
        for table in tables {
            let lines = machine.text(&table)?;
            for (at, line) in lines.iter().flat_map(|text| text.lines()) {
                if !line.trim_start().starts_with('#') && self.is(line) {
                    found.push((at, line.trim().to_owned()));
                }
            }
        }
        for directory in SCRIPTS {
            for name in machine.names(directory)?.into_iter().filter(plain) {
                let path = format!("{directory}/{name}");
                let runs = machine.stat(&path, true)?.is_some_and(|stat| stat.mode & 0o111 != 0);
                let Some(text) = machine.text(&path)?.filter(|_| runs) else { continue };
                let line = text.lines().find(|(_, line)| !line.trim_start().starts_with('#') && self.is(line));
                found.extend(line.map(|(at, line)| (at, line.trim().to_owned())));
            }
        }
        Ok(found)
    }
}
