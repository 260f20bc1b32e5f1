//! `login_defs`, `useradd_default`: what new accounts get, and what those that have a password already have.

use super::Mechanism;
use crate::validate::machine::Machine;
use crate::validate::readers::login_defs::{LOGIN_DEFS, LoginDefs, USERADD, Useradd};
use crate::validate::readers::users::{Password, SHADOW, Secrets};
use crate::validate::text::At;
use crate::validate::verdict::{Aspect, Finding, Unseen};
use crate::validate::wanted::Wanted;
use serde::Deserialize;

/// A field of shadow that login.defs fills for new accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Age {
    /// Days between two changes, at least.
    Min,
    /// Days until a password is to be changed.
    Max,
    /// Days of warning.
    Warn,
}

/// A setting of login.defs.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LoginDef {
    /// As `PASS_MAX_DAYS`.
    key: String,
    /// What it has to be.
    value: Wanted,
    /// The field of shadow in which every account with a password has to have such a value.
    #[serde(default)]
    shadow: Option<Age>,
}

/// The field of shadow that useradd fills.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Lock {
    /// Days until an account whose password has aged out is locked.
    Inactive,
}

/// A setting of useradd.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UseraddDefault {
    /// As `INACTIVE`.
    key: String,
    /// What it has to be.
    value: Wanted,
    /// The field of shadow in which every account with a password has to have such a value.
    #[serde(default)]
    shadow: Option<Lock>,
}

impl Mechanism for LoginDef {
    fn judge(&self, machine: &Machine<'_>) -> Finding {
        let look = || {
            let mut finding = Finding::new();
            let defs = machine.reader::<LoginDefs>()?;
            say(defs.value(&self.key), (&self.key, LOGIN_DEFS), &self.value, &mut finding);
            let field = self.shadow.map(|age| match age {
                Age::Min => 1,
                Age::Max => 2,
                Age::Warn => 3,
            });
            if let Some(field) = field {
                ages(machine, field, &self.value, &mut finding);
            }
            Ok(finding)
        };
        look().unwrap_or_else(|unseen: Unseen| Finding::unseen(Aspect::Stored, &unseen))
    }

    fn reads(&self) -> Vec<String> {
        let shadow = self.shadow.map(|_| SHADOW.to_owned());
        std::iter::once(LOGIN_DEFS.to_owned()).chain(shadow).collect()
    }

    fn expects(&self) -> String {
        format!("{} {}", self.key, self.value)
    }
}

impl Mechanism for UseraddDefault {
    fn judge(&self, machine: &Machine<'_>) -> Finding {
        let look = || {
            let mut finding = Finding::new();
            say(machine.reader::<Useradd>()?.value(&self.key), (&self.key, USERADD), &self.value, &mut finding);
            if let Some(Lock::Inactive) = self.shadow {
                ages(machine, 4, &self.value, &mut finding);
            }
            Ok(finding)
        };
        look().unwrap_or_else(|unseen: Unseen| Finding::unseen(Aspect::Stored, &unseen))
    }

    fn reads(&self) -> Vec<String> {
        vec![USERADD.into(), SHADOW.into()]
    }

    fn expects(&self) -> String {
        format!("{}={}", self.key, self.value)
    }
}

fn say(value: Option<(&str, &At)>, (key, file): (&str, &str), wanted: &Wanted, finding: &mut Finding) {
    let expected = format!("{key} {wanted}");
    match value {
        Some((value, at)) => {
            finding.fact(Aspect::Stored, wanted.accepts(value, true), at, format!("{key} {value}"), expected);
        }
        None => finding.fact(Aspect::Stored, false, &At::file(file), format!("{key} is not set"), expected),
    }
}

/// Accounts that have a password. Without one no age means anything.
fn ages(machine: &Machine<'_>, field: usize, wanted: &Wanted, finding: &mut Finding) {
    const NAMES: [&str; 5] = ["last change", "least days", "most days", "days of warning", "days until locked"];
    let secrets = match machine.reader::<Secrets>() {
        Ok(secrets) => secrets,
        Err(unseen) => return finding.could_not_look(Aspect::Stored, &unseen),
    };
    let name = NAMES[field];
    let mut any = false;
    for secret in secrets.0.iter().filter(|secret| secret.state == Password::Set) {
        any = true;
        let value = &secret.days[field];
        let shown = if value.is_empty() { "not set" } else { value };
        let found = format!("{} of {}: {shown}", name, secret.name);
        finding.fact(Aspect::Stored, wanted.accepts(value, false), &secret.at, found, format!("{name}: {wanted}"));
    }
    if !any {
        finding.show(Aspect::Stored, &At::file(SHADOW), "no account has a password");
    }
}
