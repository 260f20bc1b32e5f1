//! What else is run, and when.

use crate::settings::scalar::{Period, RoleName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What else is run, and when.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Hooks {
    /// After the repository is verified, before the first role.
    pub before: Option<Hook>,
    /// After the roles and releases, before health.
    pub after: Option<Hook>,
    /// When the run failed after everything was read and accepted, in time that is kept back for it. A run that is
    /// stopped from outside does not run it.
    pub on_failure: Option<Hook>,
}

impl Hooks {
    /// Those that are set, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Hook)> {
        [("before", &self.before), ("after", &self.after), ("on_failure", &self.on_failure)]
            .into_iter()
            .filter_map(|(name, hook)| hook.as_ref().map(|hook| (name, hook)))
    }
}

/// A role, or a program of the repository.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Hook {
    /// A role.
    #[serde(default)]
    pub role: Option<RoleName>,
    /// A program, by its path within the verified repository.
    #[serde(default)]
    pub program: Option<String>,
    /// The program's arguments.
    #[serde(default)]
    pub arguments: Vec<String>,
    /// How long it may take.
    #[serde(default = "patience")]
    pub timeout: Period,
}

const fn patience() -> Period {
    Period::seconds(300)
}

/// What a hook does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HookAction<'a> {
    /// Applies a role.
    Role(&'a RoleName),
    /// Runs a program of the repository with arguments.
    Program(&'a str, &'a [String]),
}

impl Hook {
    /// What it does; `None` is refused when settings are validated.
    pub fn action(&self) -> Option<HookAction<'_>> {
        match (&self.role, &self.program) {
            (Some(role), None) => Some(HookAction::Role(role)),
            (None, Some(program)) => Some(HookAction::Program(program, &self.arguments)),
            _ => None,
        }
    }

    /// What is wrong, and with which key.
    pub(in crate::settings) fn faults(&self, name: &str) -> Vec<(String, String)> {
        let outside = |path: &str| path.is_empty() || path.starts_with('/') || path.split('/').any(|step| step == "..");
        match self.action() {
            None => vec![(format!("hooks.{name}"), "write `role` or `program`, one of them".into())],
            Some(HookAction::Role(_)) if !self.arguments.is_empty() => {
                vec![(format!("hooks.{name}.arguments"), "only a program takes arguments".into())]
            }
            Some(HookAction::Program(path, _)) if outside(path) => {
                vec![(format!("hooks.{name}.program"), "expected a path within the repository".into())]
            }
            Some(_) => Vec::new(),
        }
    }
}
