//! `firewall-cmd`.

use super::Tool;
use crate::host::Output;
use crate::roles::modules::idempotence::machine::said;
use std::collections::{BTreeMap, BTreeSet};

/// What is let through: now and after a restart.
#[derive(Default)]
pub struct Firewall {
    rules: BTreeSet<(bool, String, String)>,
    zones: BTreeSet<String>,
    targets: BTreeMap<String, String>,
}

fn read<'a, 'w>(words: &'a [&'w str]) -> Option<(bool, &'a [&'w str])> {
    match words {
        ["firewall-cmd", "--permanent", rest @ ..] => Some((true, rest)),
        ["firewall-cmd", rest @ ..] => Some((false, rest)),
        _ => None,
    }
}

impl Tool for Firewall {
    fn answer(&self, words: &[&str]) -> Option<Output> {
        let (permanent, rest) = read(words)?;
        Some(match rest {
            ["--state"] => said(0, "running\n"),
            ["--get-default-zone"] => said(0, "public\n"),
            ["--get-zones"] => {
                said(0, self.zones.iter().fold("public dmz".to_owned(), |all, zone| format!("{all} {zone}")))
            }
            [zone, "--get-target"] => said(0, self.targets.get(*zone).map_or("default", String::as_str)),
            [zone, query] => {
                let option = query.strip_prefix("--query-")?.to_owned();
                said(i32::from(!self.rules.contains(&(permanent, (*zone).to_owned(), option))), "")
            }
            _ => return None,
        })
    }

    fn run(&mut self, words: &[&str]) -> Option<Output> {
        let (permanent, rest) = read(words)?;
        match rest {
            [one] => match (one.strip_prefix("--new-zone="), one.strip_prefix("--delete-zone=")) {
                (Some(zone), _) => drop(self.zones.insert(zone.to_owned())),
                (_, Some(zone)) => drop(self.zones.remove(zone)),
                _ => return None,
            },
            [zone, word, ..] => {
                if let Some(target) = word.strip_prefix("--set-target=") {
                    self.targets.insert((*zone).to_owned(), target.to_owned());
                    return Some(said(0, ""));
                }
                let rule = |option: &str| (permanent, (*zone).to_owned(), option.to_owned());
                match word.strip_prefix("--remove-") {
                    Some(option) => drop(self.rules.remove(&rule(option))),
                    None => {
                        let option = word.strip_prefix("--add-").or(word.strip_prefix("--change-"))?;
                        self.rules.insert(rule(option));
                    }
                }
            }
            [] => return None,
        }
        Some(said(0, "success\n"))
    }
}
