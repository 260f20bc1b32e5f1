//! `pam_config`: what faillock, pwquality or pwhistory go by, from the module's arguments, its file, or its default.

use super::Mechanism;
use crate::validate::machine::Machine;
use crate::validate::readers::{pam, pam_config};
use crate::validate::text::At;
use crate::validate::verdict::{Aspect, Finding, Unseen};
use crate::validate::wanted::Wanted;
use serde::Deserialize;

/// A module's file in /etc/security.
#[derive(Clone, Copy, Debug, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Which {
    /// faillock.conf
    Faillock,
    /// pwquality.conf and pwquality.conf.d
    Pwquality,
    /// pwhistory.conf
    Pwhistory,
}

impl Which {
    fn name(self) -> &'static str {
        match self {
            Self::Faillock => "faillock",
            Self::Pwquality => "pwquality",
            Self::Pwhistory => "pwhistory",
        }
    }
}

/// A setting of one of them.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PamConfig {
    /// `faillock`, `pwquality` or `pwhistory`.
    file: Which,
    /// The setting.
    key: String,
    /// What it has to be. faillock's `never` is 0.
    #[serde(default)]
    value: Option<Wanted>,
    /// For flags: whether it has to be there, which is what is asked without a value.
    #[serde(default)]
    set: Option<bool>,
    /// The module whose arguments come before the file; else the one that the file is named for.
    #[serde(default)]
    arguments_of: Option<String>,
}

impl Mechanism for PamConfig {
    fn judge(&self, machine: &Machine<'_>) -> Finding {
        self.look(machine).unwrap_or_else(|unseen| Finding::unseen(Aspect::Stored, &unseen))
    }

    fn reads(&self) -> Vec<String> {
        vec![
            format!("/etc/security/{}.conf", self.file.name()),
            format!("arguments of {} in /etc/pam.d", self.module()),
        ]
    }

    fn expects(&self) -> String {
        match &self.value {
            Some(value) => format!("{} = {value}", self.key),
            None if self.set == Some(false) => format!("{} is not set", self.key),
            None => format!("{} is set", self.key),
        }
    }
}

impl PamConfig {
    fn module(&self) -> String {
        self.arguments_of.clone().unwrap_or_else(|| format!("pam_{}.so", self.file.name()))
    }

    fn look(&self, machine: &Machine<'_>) -> Result<Finding, Unseen> {
        let mut finding = Finding::new();
        let main = format!("/etc/security/{}.conf", self.file.name());
        let lines = pam::lines_of(machine, &self.module())?;
        let mut asked = false;
        for line in &lines {
            if let Some(value) = line.argument(&self.key) {
                self.say(Some(value), &line.at, "", &mut finding);
            } else {
                // A line may name another file.
                let file = line.argument("conf").filter(|file| !file.is_empty());
                asked |= file.is_none();
                if let Some(file) = file {
                    self.file(machine, file, &mut finding)?;
                }
            }
        }
        // Where every line has the argument, the file has nothing to say.
        if asked || lines.is_empty() {
            self.file(machine, &main, &mut finding)?;
        }
        Ok(finding)
    }

    fn file(&self, machine: &Machine<'_>, file: &str, finding: &mut Finding) -> Result<(), Unseen> {
        let entries = pam_config::read(machine, file)?;
        let last = entries.iter().rev().find(|entry| entry.key == self.key);
        match (last, pam_config::default(self.file.name(), &self.key)) {
            (Some(entry), _) => self.say(Some(&entry.value), &entry.at, "", finding),
            (None, default) => self.say(default, &At::file(file), " by default", finding),
        }
        Ok(())
    }

    fn say(&self, value: Option<&str>, at: &At, by: &str, finding: &mut Finding) {
        let value = value.map(|value| if value == "never" { "0" } else { value });
        let found = match value {
            Some("") => format!("{} is set", self.key),
            Some(value) => format!("{} = {value}{by}", self.key),
            None => format!("{} is not set", self.key),
        };
        let holds = match &self.value {
            Some(wanted) => value.is_some_and(|value| wanted.accepts(value, false)),
            None => (value.is_some() && by.is_empty()) == self.set.unwrap_or(true),
        };
        finding.fact(Aspect::Stored, holds, at, found, self.expects());
    }
}
