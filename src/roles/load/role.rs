//! A role: its variables, and one run of it in a play.

use super::block::Item;
use super::frame::Frame;
use super::task::Task;
use crate::roles::value::Map;
use std::path::PathBuf;
use std::sync::Arc;

/// A role as it is used in one place.
#[derive(Debug, Default)]
pub struct Role {
    /// Its name, without a path.
    pub name: String,
    /// The collection that it belongs to, where it was named through one.
    pub collection: Option<String>,
    /// Its directory.
    pub path: PathBuf,
    /// `defaults/main.yml`.
    pub defaults: Arc<Map>,
    /// `vars/main.yml`.
    pub vars: Arc<Map>,
    /// `vars:` where it is used.
    pub vars_given: Arc<Map>,
    /// Other words where it is used: role parameters.
    pub params: Arc<Map>,
    /// The roles that it depends on, in order.
    pub dependencies: Vec<Arc<Role>>,
    /// Whether it runs again when it has run with the same parameters.
    pub allow_duplicates: bool,
    /// Whether its variables are seen by the whole play.
    pub public: bool,
    /// Whether it is the same as another: name, path, parameters, conditions, tags, files.
    pub identity: String,
}

impl Role {
    /// The name with its collection.
    pub fn full_name(&self) -> String {
        self.collection.as_ref().map_or_else(|| self.name.clone(), |prefix| format!("{prefix}.{}", self.name))
    }
}

/// Which of a role's files are used, and how it came to be used.
#[derive(Clone, Debug, Default)]
pub struct From {
    /// `tasks_from`.
    pub tasks: Option<String>,
    /// `vars_from`.
    pub vars: Option<String>,
    /// `defaults_from`.
    pub defaults: Option<String>,
    /// `handlers_from`.
    pub handlers: Option<String>,
    /// Whether a task names it.
    pub included: bool,
    /// Whether it may run again.
    pub allow_duplicates: bool,
    /// Whether its variables are seen by the whole play.
    pub public: bool,
    /// Variables of the including task.
    pub vars_given: Arc<Map>,
    /// Whether its argument specification is left unchecked.
    pub unchecked: bool,
}

/// A role to run: its dependencies, then its tasks.
#[derive(Debug)]
pub struct RoleRun {
    /// The role.
    pub role: Arc<Role>,
    /// What its tasks inherit.
    pub frame: Arc<Frame>,
    /// What runs before it.
    pub dependencies: Vec<RoleRun>,
    /// Its tasks.
    pub items: Vec<Item>,
    /// Its handlers.
    pub handlers: Vec<Arc<Task>>,
}

impl RoleRun {
    /// The handlers of its dependencies and its own, in order.
    pub fn all_handlers(&self) -> Vec<Arc<Task>> {
        let mut all: Vec<_> = self.dependencies.iter().flat_map(Self::all_handlers).collect();
        all.extend(self.handlers.iter().cloned());
        all
    }

    /// It and the roles that it depends on, dependencies first.
    pub fn all_roles(&self) -> Vec<Arc<Role>> {
        let mut all: Vec<_> = self.dependencies.iter().flat_map(Self::all_roles).collect();
        all.push(Arc::clone(&self.role));
        all
    }
}

/// Handlers one by one: imports are opened.
pub(super) fn flat(items: Vec<Item>) -> Vec<Arc<Task>> {
    let mut tasks = Vec::new();
    for item in items {
        match item {
            Item::Task(task) => tasks.push(task),
            Item::Imported(items) => tasks.extend(flat(items)),
            Item::Block(_) | Item::Role(_) => {}
        }
    }
    tasks
}
