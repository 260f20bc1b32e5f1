//! What roles are run with: which, with which variables, in which environment, read before anything runs.

use super::grounds::Grounds;
use crate::failure::{Failure, Stage};
use crate::host::Observe;
use crate::roles::converge::{Facts, Input, KnownNames, Limits, Variables};
use crate::roles::load::{Loader, Playbook};
use crate::roles::remote::Remote;
use crate::roles::template::Templar;
use crate::roles::value::{Key, Map, Value};
use crate::settings::Settings;
use std::path::PathBuf;
use std::sync::Arc;

/// What to do when roles are refused.
pub(super) const UNCHANGED: &str = "nothing was changed: mend the tree, commit, and run again";
/// What to do when a task failed.
pub(super) const GOES_ON: &str = "what was done stays done, and handlers that are due are kept: mend it, and run again";

/// What is run of a tree.
#[derive(Clone, Debug)]
pub enum What {
    /// A playbook of the tree.
    Playbook(PathBuf),
    /// Roles, in order.
    Roles(Vec<String>),
}

impl std::fmt::Display for What {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Playbook(file) => write!(f, "playbook {}", file.display()),
            Self::Roles(roles) => write!(f, "roles {}", roles.join(", ")),
        }
    }
}

impl What {
    /// What settings name.
    pub(super) fn of(settings: &Settings) -> Result<Self, Failure> {
        if let Some(file) = &settings.playbook {
            return Ok(Self::Playbook(PathBuf::from(file)));
        }
        let roles: Vec<String> = settings.roles.iter().map(ToString::to_string).collect();
        if roles.is_empty() {
            return Err(Failure::message(Stage::Settings, "settings name neither roles nor a playbook")
                .with_hint("set `roles: [...]` or `playbook: FILE`; `muster config show` tells what holds"));
        }
        Ok(Self::Roles(roles))
    }
}

/// Reads playbooks and roles of a tree.
pub(super) struct Reading<'a> {
    pub(super) loader: &'a Loader,
    pub(super) templar: &'a Templar,
    pub(super) host: &'a dyn Observe,
    pub(super) remote: &'a dyn Remote,
    pub(super) input: &'a Input,
}

impl Reading<'_> {
    /// Syntax, modules and arguments are judged here.
    pub(super) fn read(&self, what: &What) -> Result<Arc<Playbook>, Failure> {
        let input = self.input;
        let variables = Variables {
            extra: Arc::new(input.extra.clone()),
            inventory: Arc::new(input.inventory.clone()),
            parameters: Arc::new(input.parameters.clone()),
            ..Variables::default()
        };
        let (loader, templar) = (self.loader, self.templar);
        let names = KnownNames { loader, templar, host: self.host, remote: self.remote, variables: &variables };
        match what {
            What::Playbook(file) => loader.playbook(file, &names),
            What::Roles(roles) => loader.playbook_of_roles(roles, &names),
        }
        .map(Arc::new)
        .map_err(|error| Failure::new(Stage::Parse, error).or_hint(UNCHANGED))
    }
}

/// What a run of the config repository is about. Settings' variables are the image's and the operator's own words: their
/// templates are rendered, those of parameters are not.
pub(super) fn of_settings(grounds: &Grounds, settings: &Settings, parameters: Map) -> Result<Input, Failure> {
    let groups = settings.groups.iter().map(ToString::to_string).collect();
    let mut environment: Vec<(String, String)> = own_environment().filter(|(name, _)| inherited(name)).collect();
    environment.extend(settings.environment.iter().map(|(name, value)| (name.to_string(), value.clone())));
    let text = serde_json::to_string(&settings.variables).unwrap_or_default();
    let extra = crate::roles::yaml::read("settings: variables", &text)
        .map_err(|error| Failure::new(Stage::Settings, error))?
        .root
        .map();
    let mut inventory = Map::new();
    inventory.insert(Key::from("ansible_connection"), Value::str("local"));
    Ok(Input { groups, inventory, parameters, extra, ..run_of(grounds, environment) })
}

/// What every run is about.
pub(super) fn run_of(grounds: &Grounds, environment: Vec<(String, String)>) -> Input {
    Input {
        facts: Facts::new(crate::roles::facts::Facts::new(environment.clone())),
        environment,
        tags: grounds.tags.0.clone(),
        skip_tags: grounds.tags.1.clone(),
        limits: Limits {
            deadline: Some(grounds.deadline.work().into_std()),
            stopped: Some(Arc::clone(&grounds.reach.stopped)),
        },
        redactor: grounds.redactor.clone(),
        ..Input::default()
    }
}

/// muster's own environment, as far as it is text.
pub(super) fn own_environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

/// Of muster's own environment roles see what makes programs run, and no credentials.
fn inherited(name: &str) -> bool {
    ["PATH", "HOME", "LANG", "LC_ALL", "SHELL", "USER", "LOGNAME", "TZ"].contains(&name)
}
