//! What dynamic includes bring that are named literally: read beforehand, so that what muster does not do there is refused
//! before the first change, too.

use super::include::Wanted;
use super::refuse::all_tasks;
use super::run::Run;
use crate::failure::Explain;
use crate::roles::load::{Item, LoadError, Refusal, Task};
use crate::roles::modules::Tree;
use crate::roles::value::{Map, Value};
use std::collections::HashMap;
use std::sync::Arc;

/// What an include brings.
pub(super) enum Brought {
    /// These.
    Items(Vec<Item>),
    /// Nothing: what it names is not there, or cannot be read.
    Wrong(Refusal),
}

/// What the includes among some tasks bring, and those among what they bring.
#[derive(Default)]
pub(super) struct Includes(HashMap<*const Task, (Arc<Task>, Brought)>);

/// A tree whose includes fork more often than this is left to its run.
const MOST: usize = 1000;

impl Includes {
    /// What a task brings.
    pub(super) fn of(&self, task: &Arc<Task>) -> Option<&Brought> {
        self.0.get(&Arc::as_ptr(task)).map(|(_, brought)| brought)
    }

    /// All that is brought.
    pub(super) fn items(&self) -> impl Iterator<Item = &[Item]> {
        self.0.values().filter_map(|(_, brought)| match brought {
            Brought::Items(items) => Some(items.as_slice()),
            Brought::Wrong(_) => None,
        })
    }
}

impl Run<'_> {
    /// What literal includes bring.
    pub(super) fn includes(&self, items: &[Item]) -> Includes {
        let mut includes = Includes::default();
        let mut open: Vec<(Arc<Task>, Vec<String>)> = Vec::new();
        let handlers = self.scene.handlers.iter().map(Arc::clone);
        open.extend(all_tasks(items).into_iter().chain(handlers).map(|task| (task, Vec::new())));
        while let Some((task, around)) = open.pop() {
            if includes.0.len() >= MOST || includes.0.contains_key(&Arc::as_ptr(&task)) {
                continue;
            }
            // What goes round is read once.
            let Some(named) = self.named(&task).filter(|named| !around.contains(named)) else { continue };
            let Some(brought) = self.bring(&task) else { continue };
            if let Brought::Items(items) = &brought {
                let around: Vec<String> = around.into_iter().chain([named]).collect();
                open.extend(all_tasks(items).into_iter().map(|task| (task, around.clone())));
            }
            includes.0.insert(Arc::as_ptr(&task), (task, brought));
        }
        includes
    }

    /// What a task includes, where that is literal: the file or role, and from where.
    fn named(&self, task: &Task) -> Option<String> {
        let arguments = &task.action.arguments;
        let names: &[&str] = match &task.action {
            action if action.is("include_role") => {
                &["name", "role", "tasks_from", "vars_from", "defaults_from", "handlers_from"]
            }
            action if action.is("include_tasks") => &["file"],
            _ => return None,
        };
        let written: Vec<&Value> = names.iter().filter_map(|name| arguments.get(name)).collect();
        let literal: Option<Vec<&str>> = written.into_iter().map(Value::as_str).collect();
        let literal = literal.filter(|names| !names.is_empty() && arguments.whole.is_none())?;
        let role = task.frame.role().map(|role| role.identity.as_str()).unwrap_or_default();
        Some(format!("{} {role} {}", task.directory.display(), literal.join(" ")))
    }

    /// `None` where it cannot be told before the include is reached.
    fn bring(&self, task: &Arc<Task>) -> Option<Brought> {
        let include = Wanted { arguments: task.action.arguments.map.clone(), item: Map::new(), label: None };
        let at = self.include_at(task, &include).ok()?;
        let text = |name: &str| task.action.arguments.get(name).and_then(Value::as_str);
        let is_role = task.action.is("include_role");
        let name = if is_role { text("name").or_else(|| text("role")) } else { text("file") }?;
        let loaded = match is_role {
            true => self.load_role(name, task, &include, &at),
            false => self.load_tasks(name, task, &at),
        };
        let error = match loaded {
            Ok(items) => return Some(Brought::Items(items)),
            Err(error) => error,
        };
        match &error {
            LoadError::Missing { name: missing, .. } if missing != name => return None,
            LoadError::Missing { .. }
            | LoadError::Yaml(_)
            | LoadError::Shape { .. }
            | LoadError::Keyword { .. }
            | LoadError::Task { .. } => {}
            // Names that later tasks may settle, keys, depth.
            LoadError::Name { .. } | LoadError::Read { .. } | LoadError::Vault { .. } | LoadError::Deep(..) => {
                return None;
            }
        }
        let place = error.place().unwrap_or_else(|| task.place.clone());
        Some(Brought::Wrong(Refusal { hint: error.hint(), fails: true, ..Refusal::new(error.to_string(), place) }))
    }

    /// A file of variables that is named literally, and is not there or cannot be read.
    pub(super) fn vars_slips(&self, task: &Task) -> Option<Refusal> {
        let Some(Value::Str(file)) = task.action.arguments.get("file").filter(|_| task.action.is("include_vars"))
        else {
            return None;
        };
        let file = file.expose().trim_end_matches('\n');
        let stage = self.stage(task);
        let view = self.view(&stage);
        let (message, hint, place) = match view.resolve("vars", file) {
            Err(failed) => (failed.message, failed.hint, None),
            Ok(path) => match self.loader.vars_file(&path) {
                Ok(_) | Err(LoadError::Vault { .. }) => return None,
                Err(error) => (error.to_string(), error.hint(), error.place()),
            },
        };
        let place = place.unwrap_or_else(|| task.place.clone());
        Some(Refusal { hint, fails: true, ..Refusal::new(message, place) })
    }
}
