//! A YAML node: what it is and where it stands.

use super::scalar::is_template;
use crate::failure::Place;
use crate::roles::value::{Key, Map, Template, Value};
use std::sync::Arc;

/// A text with its name, shared by its nodes.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) file: Arc<str>,
    pub(super) lines: Vec<String>,
    /// Whether the text came out of an encrypted file: its lines are not shown, and its texts are secrets.
    pub(super) hidden: bool,
}

impl Source {
    pub(super) fn new(file: &str, text: &str, hidden: bool) -> Self {
        let lines = if hidden { Vec::new() } else { text.lines().map(str::to_owned).collect() };
        Self { file: file.into(), lines, hidden }
    }

    pub(super) fn place(&self, line: u32, column: u32) -> Place {
        // A very long line helps nobody and costs memory at every node.
        let excerpt = self.lines.get(line.saturating_sub(1) as usize).filter(|text| text.len() <= 400).cloned();
        Place { file: self.file.to_string(), line, column, excerpt }
    }
}

/// What a node holds. Lists and mappings are shared, so that an alias costs nothing.
#[derive(Clone, Debug)]
pub enum Content {
    /// A resolved scalar: null, truth value, number or plain text.
    Plain(Value),
    /// Text that is templated when it is read.
    Template(Arc<str>),
    /// Text that is encrypted with Ansible Vault, and opened when it is read.
    Sealed(Arc<str>),
    /// A list.
    List(Arc<[Node]>),
    /// A mapping in order, merge keys applied, each key once.
    Map(Arc<[(Node, Node)]>),
}

/// One node.
#[derive(Clone, Debug)]
pub struct Node {
    /// What it holds.
    pub content: Content,
    /// From 1.
    pub line: u32,
    /// From 1, in characters.
    pub column: u32,
    pub(super) source: Arc<Source>,
    /// Nodes in it, itself included: the cost of an alias to it.
    pub(super) weight: u32,
}

/// Something odd that is not refused.
#[derive(Clone, Debug)]
pub struct Warning {
    /// What.
    pub text: String,
    /// Where.
    pub place: Place,
}

/// A text that was read.
#[derive(Clone, Debug)]
pub struct Document {
    /// The only document in it; null where it is empty.
    pub root: Node,
    /// Duplicate keys.
    pub warnings: Vec<Warning>,
}

impl Node {
    /// Where it stands.
    pub fn place(&self) -> Place {
        self.source.place(self.line, self.column)
    }

    /// Whether it is null.
    pub fn is_null(&self) -> bool {
        matches!(self.content, Content::Plain(Value::Null))
    }

    /// Its text, templated or not; a number or truth value has none.
    pub fn text(&self) -> Option<&str> {
        match &self.content {
            Content::Plain(value) => value.as_str(),
            Content::Template(text) => Some(text),
            _ => None,
        }
    }

    /// Every text in it that is a value, templated or not.
    pub fn texts(&self, each: &mut dyn FnMut(&str)) {
        match &self.content {
            Content::List(items) => items.iter().for_each(|item| item.texts(each)),
            Content::Map(pairs) => pairs.iter().for_each(|(_, value)| value.texts(each)),
            _ => self.text().into_iter().for_each(each),
        }
    }

    /// Its items.
    pub fn list(&self) -> Option<&[Self]> {
        match &self.content {
            Content::List(items) => Some(items),
            _ => None,
        }
    }

    /// Its members.
    pub fn pairs(&self) -> Option<&[(Self, Self)]> {
        match &self.content {
            Content::Map(pairs) => Some(pairs),
            _ => None,
        }
    }

    /// A member by its text key.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.pairs()?.iter().find(|(k, _)| k.text() == Some(key)).map(|(_, v)| v)
    }

    /// What kind of value it is, for messages.
    pub fn describe(&self) -> &'static str {
        match &self.content {
            Content::Plain(Value::Null) => "nothing",
            Content::Plain(Value::Bool(_)) => "a truth value",
            Content::Plain(Value::Int(_) | Value::Float(_)) => "a number",
            Content::Plain(_) => "text",
            Content::Template(_) => "a template",
            Content::Sealed(_) => "an encrypted value",
            Content::List(_) => "a list",
            Content::Map(_) => "a mapping",
        }
    }

    /// As a mapping's key.
    pub fn key(&self) -> Key {
        match &self.content {
            Content::Plain(Value::Int(number)) => Key::Int(*number),
            Content::Plain(Value::Bool(truth)) => Key::Bool(*truth),
            Content::Plain(Value::Null) => Key::Null,
            Content::Plain(Value::Float(number)) => Key::from(number.to_string().as_str()),
            _ => Key::from(self.text().unwrap_or_default()),
        }
    }

    /// As a value for roles: text with template marks becomes [`Value::Template`] with its place.
    pub fn value(&self) -> Value {
        match &self.content {
            Content::Plain(value) if self.source.hidden => value.clone().into_secret(),
            Content::Plain(value) => value.clone(),
            Content::Sealed(text) => Value::Template(Arc::new(Template {
                text: text.to_string(),
                place: Place { excerpt: None, ..self.place() },
                secret: true,
            })),
            Content::Template(text) => self.template(text),
            Content::List(items) => Value::list(items.iter().map(Self::value)),
            Content::Map(_) => Value::Map(Arc::new(self.map())),
        }
    }

    /// Its members as values; empty where it is no mapping.
    pub fn map(&self) -> Map {
        self.pairs().unwrap_or_default().iter().map(|(key, value)| (key.key(), value.value())).collect()
    }

    /// A text of this place as a value.
    pub fn template(&self, text: &str) -> Value {
        if is_template(text) {
            Value::Template(Arc::new(Template {
                text: text.to_owned(),
                place: self.place(),
                secret: self.source.hidden,
            }))
        } else if self.source.hidden {
            Value::trusted(text).into_secret()
        } else {
            Value::trusted(text)
        }
    }
}
