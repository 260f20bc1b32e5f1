//! `ini`, `key_value`: a key of a file with sections, or without, as it stands after drop-ins.

use super::Mechanism;
use crate::validate::machine::Machine;
use crate::validate::readers::settings::{self, Setting};
use crate::validate::text::At;
use crate::validate::verdict::{Aspect, Finding};
use crate::validate::wanted::Wanted;
use serde::Deserialize;

/// A key of a file with sections.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ini {
    /// The file. systemd's are found in its other directories as well, with their drop-ins.
    file: String,
    /// A directory of drop-ins, where it is not one of systemd's.
    #[serde(default)]
    drop_ins: Option<String>,
    /// Without brackets.
    section: String,
    /// The key.
    key: String,
    /// What it has to be; `yes`, `true`, `on` and `1` are the same.
    value: Wanted,
    /// What its tool does where nothing is set. Without it, that fails.
    #[serde(default)]
    default: Option<String>,
}

/// A key of a file without sections.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyValue {
    /// The file. A file of apt's stands for its whole configuration.
    file: String,
    /// A pattern of files that are read after it.
    #[serde(default)]
    drop_ins: Option<String>,
    /// What parts a key from its value; `=` where it is not given.
    #[serde(default)]
    separator: Option<char>,
    /// The key, in either case.
    key: String,
    /// What it has to be, in either case.
    #[serde(default)]
    value: Option<Wanted>,
    /// Whether it has to be set, where no value is given.
    #[serde(default)]
    set: Option<bool>,
    /// What its tool does where nothing is set. Without it, that fails.
    #[serde(default)]
    default: Option<String>,
}

impl Mechanism for Ini {
    fn judge(&self, machine: &Machine<'_>) -> Finding {
        let settings = match settings::sections(machine, &self.file, self.drop_ins.as_deref()) {
            Ok(settings) => settings,
            Err(unseen) => return Finding::unseen(Aspect::Stored, &unseen),
        };
        let own = |one: &&Setting| one.section == self.section && one.key == self.key;
        let last = settings.iter().rev().find(own);
        let accepts = |value: &str| self.value.accepts(value, false) || same_truth(&self.value, value);
        let names = Names { file: &self.file, key: &self.key, expected: self.expects() };
        let mut finding = say(last, self.default.as_deref(), accepts, &names);
        if machine.running() {
            match settings::until_start(machine, &self.file) {
                Ok(now) => {
                    let last = now.iter().rev().find(own).filter(|one| one.at.file.starts_with("/run/"));
                    if let Some(one) = last {
                        let found = format!("{} = {}", self.key, one.value);
                        finding.fact(Aspect::Live, accepts(&one.value), &one.at, found, self.expects());
                    }
                }
                Err(unseen) => finding.could_not_look(Aspect::Live, &unseen),
            }
        }
        finding
    }

    fn reads(&self) -> Vec<String> {
        vec![format!("{}, and its drop-ins", self.file)]
    }

    fn expects(&self) -> String {
        format!("[{}] {}={}", self.section, self.key, self.value)
    }
}

impl Mechanism for KeyValue {
    fn judge(&self, machine: &Machine<'_>) -> Finding {
        let separator = self.separator.unwrap_or('=');
        let settings = match settings::pairs(machine, &self.file, self.drop_ins.as_deref(), separator) {
            Ok(settings) => settings,
            Err(unseen) => return Finding::unseen(Aspect::Stored, &unseen),
        };
        let last = settings.iter().rev().find(|one| one.key.eq_ignore_ascii_case(&self.key));
        let names = Names { file: &self.file, key: &self.key, expected: self.expects() };
        match &self.value {
            Some(value) => say(last, self.default.as_deref(), |has| value.accepts(has, true), &names),
            None => {
                let mut finding = Finding::new();
                let found = last.map_or(format!("{} is not set", self.key), |one| format!("{} {}", one.key, one.value));
                let at = last.map_or(At::file(&self.file), |one| one.at.clone());
                let holds = last.is_some() == self.set.unwrap_or(true);
                finding.fact(Aspect::Stored, holds, &at, found, self.expects());
                finding
            }
        }
    }

    fn reads(&self) -> Vec<String> {
        std::iter::once(&self.file).chain(&self.drop_ins).cloned().collect()
    }

    fn expects(&self) -> String {
        match &self.value {
            Some(value) => format!("{} {value}", self.key),
            None if self.set == Some(false) => format!("{} is not set", self.key),
            None => format!("{} is set", self.key),
        }
    }
}

struct Names<'a> {
    file: &'a str,
    key: &'a str,
    expected: String,
}

fn say(last: Option<&Setting>, default: Option<&str>, accepts: impl Fn(&str) -> bool, names: &Names<'_>) -> Finding {
    let mut finding = Finding::new();
    let whole = At::file(names.file);
    // An empty value takes back what was set before it.
    let (holds, at, found) = match (last, default) {
        (Some(one), default) if !one.value.is_empty() || default.is_none() => {
            (accepts(&one.value), &one.at, format!("{} = {}", names.key, one.value))
        }
        (_, Some(default)) => (accepts(default), &whole, format!("{} = {default} by default", names.key)),
        (_, None) => (false, &whole, format!("{} is not set", names.key)),
    };
    finding.fact(Aspect::Stored, holds, at, found, names.expected.clone());
    finding
}

/// Whether a truth value is one of those wanted, in another word.
fn same_truth(wanted: &Wanted, value: &str) -> bool {
    let truth = |word: &str| match word.to_ascii_lowercase().as_str() {
        "yes" | "true" | "on" | "1" | "y" | "t" => Some(true),
        "no" | "false" | "off" | "0" | "n" | "f" => Some(false),
        _ => None,
    };
    let Wanted::OneOf(words) = wanted else { return false };
    truth(value).is_some_and(|is| words.iter().any(|word| truth(word) == Some(is)))
}
