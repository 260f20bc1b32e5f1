//! A task or handler.

use super::action::Action;
use super::error::{LoadError, Refusal};
use super::frame::{Frame, FrameKind, Said};
use super::keyword::{HANDLER, TASK, lay, said, several};
use super::loader::At;
use super::repeat::{Repeat, RepeatControl};
use crate::failure::Place;
use crate::roles::value::Value;
use crate::roles::yaml::Node;
use std::path::Path;
use std::sync::Arc;

/// A task as loaded. Nothing in it is templated yet.
#[derive(Clone, Debug)]
pub struct Task {
    /// Its own keywords and what it inherits.
    pub frame: Arc<Frame>,
    /// Its module and arguments.
    pub action: Action,
    /// What it is repeated over.
    pub repeat: Option<Repeat>,
    /// How.
    pub control: RepeatControl,
    /// The variable that keeps its result.
    pub register: Option<String>,
    /// `changed_when`.
    pub changed_when: Vec<Said>,
    /// `failed_when`.
    pub failed_when: Vec<Said>,
    /// `until`.
    pub until: Vec<Said>,
    /// `retries`.
    pub retries: Option<Said>,
    /// `delay`.
    pub delay: Option<Said>,
    /// `async`.
    pub asynchronous: Option<Said>,
    /// `poll`.
    pub poll: Option<Said>,
    /// Topics that a handler listens to.
    pub listen: Vec<Said>,
    /// The directory of the file that it stands in.
    pub directory: Arc<Path>,
    /// Whether it is a handler.
    pub handler: bool,
    /// What muster does not do of it.
    pub refusals: Vec<Refusal>,
    /// Where it begins.
    pub place: Place,
}

impl Task {
    /// A task of an action and nothing else.
    pub(super) fn bare(frame: Arc<Frame>, action: Action, at: &At, place: Place) -> Self {
        Self {
            frame,
            action,
            repeat: None,
            control: RepeatControl::default(),
            register: None,
            changed_when: Vec::new(),
            failed_when: Vec::new(),
            until: Vec::new(),
            retries: None,
            delay: None,
            asynchronous: None,
            poll: None,
            listen: Vec::new(),
            directory: Arc::clone(&at.directory),
            handler: at.handlers,
            refusals: Vec::new(),
            place,
        }
    }

    /// Reads a task.
    pub(super) fn read(node: &Node, at: &At) -> Result<Self, LoadError> {
        let on = if at.handlers { HANDLER } else { TASK };
        let pairs = node.pairs().ok_or_else(|| LoadError::Shape {
            what: "a task".into(),
            wanted: "a mapping",
            have: node.describe(),
            place: node.place(),
        })?;
        let mut refusals = Vec::new();
        let action = Action::read(node, on, &mut refusals)?;
        let mut frame = Frame::new(Some(Arc::clone(&at.frame)), FrameKind::Task);
        let mut task = Self { refusals, ..Self::bare(Arc::clone(&at.frame), action, at, node.place()) };
        for (key, value) in pairs {
            if !lay(&mut frame, (key, value), on)? {
                task.own(key, value)?;
            }
        }
        task.frame = Arc::new(frame);
        Ok(task)
    }

    fn own(&mut self, key: &Node, node: &Node) -> Result<(), LoadError> {
        let absent = node.is_null();
        let one = || (!absent).then(|| said(node));
        match key.text().unwrap_or_default() {
            "changed_when" => self.changed_when = several(node),
            "failed_when" => self.failed_when = several(node),
            "until" => self.until = several(node),
            "retries" => self.retries = one(),
            "delay" => self.delay = one(),
            "async" => self.asynchronous = one(),
            "poll" => self.poll = one(),
            "listen" => self.listen = several(node),
            "loop_control" => self.control = RepeatControl::read(node)?,
            "register" => self.register = Some(identifier(node)?),
            "loop" => self.repeat_over(key, Repeat::Loop(said(node)))?,
            word => {
                if let Some(lookup) = word.strip_prefix("with_") {
                    self.repeat_over(key, Repeat::With { lookup: lookup.to_owned(), terms: said(node) })?;
                }
            }
        }
        Ok(())
    }

    fn repeat_over(&mut self, key: &Node, repeat: Repeat) -> Result<(), LoadError> {
        if self.repeat.replace(repeat).is_some() {
            return Err(LoadError::Task {
                problem: "this task has two loops".into(),
                hint: Some("loop over `include_tasks` to nest loops".into()),
                place: key.place(),
            });
        }
        Ok(())
    }

    /// Everything that muster does not do in it, with what it inherits.
    pub fn all_refusals(&self) -> impl Iterator<Item = &Refusal> {
        self.refusals.iter().chain(self.frame.chain().flat_map(|frame| &frame.refusals))
    }

    /// The name as written, or the module's.
    pub fn title(&self) -> String {
        match &self.frame.name {
            Some(Value::Template(template)) if !template.secret => template.text.clone(),
            // A name in an encrypted file is not for everybody.
            Some(name) if matches!(name, Value::Template(_)) || name.has_secret() => self.action.written.clone(),
            Some(value) => value.as_str().map_or_else(|| value.to_json().to_string(), str::to_owned),
            None => self.action.written.clone(),
        }
    }
}

fn identifier(node: &Node) -> Result<String, LoadError> {
    let name = node.text().unwrap_or_default();
    let good = name.starts_with(|c: char| c.is_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_alphanumeric() || c == '_');
    if good {
        return Ok(name.to_owned());
    }
    let shown = node.value().to_json();
    let problem = format!("Invalid variable name in `register`: {shown}");
    Err(LoadError::Task {
        problem,
        hint: Some("a letter or `_`, then letters, digits and `_`".into()),
        place: node.place(),
    })
}
