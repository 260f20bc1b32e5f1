//! login.defs and useradd's defaults: the last value of a name wins, and what stands behind a value belongs to it.
//!
//! shadow's getdef.c overwrites a name that it meets again, and takes a value up to the end of the line, so that
//! `PASS_MAX_DAYS 365 # a year` is no number and counts as not set.

use crate::validate::machine::{Machine, Reader};
use crate::validate::text::At;
use crate::validate::verdict::Unseen;
use std::collections::BTreeMap;

pub const LOGIN_DEFS: &str = "/etc/login.defs";
pub const USERADD: &str = "/etc/default/useradd";

/// What login.defs sets.
#[derive(Debug)]
pub struct LoginDefs(BTreeMap<String, (String, At)>);

/// What useradd gives new accounts.
#[derive(Debug)]
pub struct Useradd(BTreeMap<String, (String, At)>);

impl Reader for LoginDefs {
    fn read(machine: &Machine<'_>) -> Result<Self, Unseen> {
        let mut values = BTreeMap::new();
        if let Some(text) = machine.text(LOGIN_DEFS)? {
            for (at, line) in text.lines() {
                let line = line.trim();
                if let Some((key, value)) = line.split_once([' ', '\t']).filter(|_| !line.starts_with('#')) {
                    let value = value.trim_start_matches([' ', '\t', '"']).split('"').next().unwrap_or_default();
                    values.insert(key.to_owned(), (value.trim_end().to_owned(), at));
                }
            }
        }
        Ok(Self(values))
    }
}

impl LoginDefs {
    /// A value, and where it is set.
    pub fn value(&self, key: &str) -> Option<(&str, &At)> {
        self.0.get(key).map(|(value, at)| (value.as_str(), at))
    }

    /// The first number of people's accounts.
    pub fn uid_min(&self) -> u32 {
        self.value("UID_MIN").and_then(|(value, _)| value.parse().ok()).unwrap_or(1000)
    }
}

impl Reader for Useradd {
    fn read(machine: &Machine<'_>) -> Result<Self, Unseen> {
        let mut values = BTreeMap::new();
        if let Some(text) = machine.text(USERADD)? {
            for (at, line) in text.lines() {
                if let Some((key, value)) = line.split_once('=').filter(|_| !line.starts_with('#')) {
                    values.insert(key.to_owned(), (value.trim().to_owned(), at));
                }
            }
        }
        Ok(Self(values))
    }
}

impl Useradd {
    /// A value, and where it is set.
    pub fn value(&self, key: &str) -> Option<(&str, &At)> {
        self.0.get(key).map(|(value, at)| (value.as_str(), at))
    }
}
