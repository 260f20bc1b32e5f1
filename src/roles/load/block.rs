//! Lists of tasks and blocks, with static imports expanded.

use super::error::LoadError;
use super::frame::{Frame, FrameKind};
use super::keyword::{BLOCK, lay, unknown};
use super::loader::{At, Loader, Names};
use super::role::{From, RoleRun};
use super::task::Task;
use crate::failure::Place;
use crate::roles::value::Value;
use crate::roles::yaml::Node;
use std::sync::Arc;

/// A step of a play.
#[derive(Clone, Debug)]
pub enum Item {
    /// A task, or a dynamic include.
    Task(Arc<Task>),
    /// A block.
    Block(Arc<Block>),
    /// A role: listed in the play, or imported.
    Role(Arc<RoleRun>),
    /// What `import_tasks` stands for.
    Imported(Vec<Item>),
}

/// A block.
#[derive(Debug)]
pub struct Block {
    /// Its keywords and what it inherits.
    pub frame: Arc<Frame>,
    /// `block`.
    pub items: Vec<Item>,
    /// `rescue`.
    pub rescue: Vec<Item>,
    /// `always`.
    pub always: Vec<Item>,
    /// Where it begins.
    pub place: Place,
}

impl Loader {
    /// Reads a list of tasks; nothing is an empty list.
    pub(super) fn items(&self, node: &Node, at: &At, names: &dyn Names) -> Result<Vec<Item>, LoadError> {
        if node.is_null() {
            return Ok(Vec::new());
        }
        let nodes = node.list().ok_or_else(|| LoadError::Shape {
            what: "a list of tasks".into(),
            wanted: "a list",
            have: node.describe(),
            place: node.place(),
        })?;
        let nodes = nodes.iter().filter(|node| !node.is_null());
        nodes.filter_map(|node| self.step(self.item(node, at, names)).transpose()).collect()
    }

    fn item(&self, node: &Node, at: &At, names: &dyn Names) -> Result<Item, LoadError> {
        if node.get("block").is_some() {
            return self.block(node, at, names).map(|block| Item::Block(Arc::new(block)));
        }
        let task = Task::read(node, at)?;
        let only = |what: &str| LoadError::Task {
            problem: format!("{what} on a static import is not possible"),
            hint: Some("include dynamically: `include_tasks` or `include_role`".into()),
            place: task.place.clone(),
        };
        if task.action.is("import_tasks") {
            if task.repeat.is_some() {
                return Err(only("a loop"));
            }
            return self.import_tasks(&task, at, names);
        }
        if task.action.is("import_role") {
            if task.repeat.is_some() {
                return Err(only("a loop"));
            }
            return self.import_role(&task, at, names);
        }
        Ok(Item::Task(Arc::new(task)))
    }

    fn block(&self, node: &Node, at: &At, names: &dyn Names) -> Result<Block, LoadError> {
        if at.handlers {
            return Err(LoadError::Task {
                problem: "a block cannot be a handler".into(),
                hint: Some("list its tasks as handlers that listen to one topic".into()),
                place: node.place(),
            });
        }
        let mut frame = Frame::new(Some(Arc::clone(&at.frame)), FrameKind::Block);
        let (mut block, mut rescue, mut always) = (None, None, None);
        for (key, value) in node.pairs().unwrap_or_default() {
            if lay(&mut frame, (key, value), BLOCK)? {
                continue;
            }
            match key.text() {
                Some("block") => block = Some(value),
                Some("rescue") => rescue = Some(value),
                Some("always") => always = Some(value),
                _ => return Err(unknown(key, BLOCK)),
            }
        }
        let frame = Arc::new(frame);
        let within = at.within(Arc::clone(&frame), &node.place())?;
        let read = |part: Option<&Node>| part.map_or_else(|| Ok(Vec::new()), |part| self.items(part, &within, names));
        Ok(Block { items: read(block)?, rescue: read(rescue)?, always: read(always)?, frame, place: node.place() })
    }

    fn import_tasks(&self, task: &Task, at: &At, names: &dyn Names) -> Result<Item, LoadError> {
        let mut frame = (*task.frame).clone();
        frame.kind = FrameKind::Import;
        frame.refusals.extend(task.refusals.iter().cloned());
        let frame = Arc::new(frame);
        let name = argument(names, &frame, task, "file")?;
        let name = name.ok_or_else(|| LoadError::Task {
            problem: "`import_tasks` names no file".into(),
            hint: None,
            place: task.place.clone(),
        })?;
        self.tasks_file(&name, &at.within(frame, &task.place)?, names, Some(&task.place)).map(Item::Imported)
    }

    fn import_role(&self, task: &Task, at: &At, names: &dyn Names) -> Result<Item, LoadError> {
        let mut frame = (*task.frame).clone();
        frame.kind = FrameKind::Import;
        frame.refusals.extend(task.refusals.iter().cloned());
        let frame = Arc::new(frame);
        let read = |name: &str| argument(names, &frame, task, name);
        let name = match read("name")? {
            Some(name) => name,
            None => read("role")?.ok_or_else(|| LoadError::Task {
                problem: "`import_role` names no role".into(),
                hint: None,
                place: task.place.clone(),
            })?,
        };
        let from = From {
            tasks: read("tasks_from")?,
            vars: read("vars_from")?,
            defaults: read("defaults_from")?,
            handlers: read("handlers_from")?,
            included: true,
            allow_duplicates: task.action.arguments.get("allow_duplicates") != Some(&Value::Bool(false)),
            public: task.action.arguments.get("public") != Some(&Value::Bool(false)),
            vars_given: Arc::clone(&frame.vars),
            unchecked: task.action.arguments.get("rolespec_validate") == Some(&Value::Bool(false)),
        };
        let run = self.role_run(&name, from, &at.within(Arc::clone(&frame), &task.place)?, names, Some(&task.place))?;
        Ok(Item::Role(Arc::new(run)))
    }
}

/// A text argument of an import, templated.
fn argument(names: &dyn Names, frame: &Frame, task: &Task, name: &str) -> Result<Option<String>, LoadError> {
    task.action.arguments.get(name).map(|value| names.text(frame, value, &task.place)).transpose()
}
