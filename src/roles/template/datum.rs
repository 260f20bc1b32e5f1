//! What an expression yields while it is evaluated: a value, or one of the things that are not values.

use super::error::{TemplateError, TemplateTrouble};
use super::place::Source;
use super::run::Frame;
use super::syntax::{For, Macro};
use crate::failure::Place;
use crate::roles::value::{Key, Value};
use indexmap::IndexMap;
use std::sync::{Arc, Mutex};

/// What an expression yields.
#[derive(Clone, Debug)]
pub(super) enum Datum {
    /// A value. It is no template itself; what a container holds is templated when it is read.
    Value(Value),
    /// Nothing: an error where it is used, an answer to `is defined` and `default`.
    Undefined(Arc<Missing>),
    /// A value that is known only at apply.
    Unknown,
    /// A list with something other than values in it.
    Mixed(Arc<Vec<Datum>>),
    /// Something that has no value: a macro, a namespace, ...
    Object(Arc<Object>),
}

/// A name or attribute that is not there.
#[derive(Clone, Debug)]
pub(super) struct Missing {
    /// As Ansible says it.
    pub(super) message: String,
    pub(super) place: Option<Place>,
    pub(super) hint: Option<String>,
    /// The variable's name, where it is one: its nearest is looked for when an error is made of this.
    pub(super) name: Option<Arc<str>>,
}

/// Things that only templates know.
#[derive(Debug)]
pub(super) enum Object {
    /// `namespace()`.
    Namespace(Mutex<IndexMap<Key, Datum>>),
    /// A macro: its text, the variables that it sees where those are not the running template's, and whether it sees none
    /// but those.
    Macro { it: Arc<Macro>, source: Source, module: Option<Arc<Frame>>, alone: bool },
    /// What `{% import %}` yields.
    Module(IndexMap<Key, Datum>),
    /// `loop`.
    Loop(Looping),
    /// `super`: a block's name, and how far up its next body is.
    Super(Arc<str>, usize),
    /// `cycler()`.
    Cycler(Vec<Value>, Mutex<usize>),
    /// `joiner()`.
    Joiner(Value, Mutex<bool>),
    /// A moment, from `now()` and `to_datetime`.
    Date(jiff::civil::DateTime),
    /// The difference of two moments, in seconds and microseconds.
    Delta(i64, i64),
    /// All variables: `vars`, and every member of `hostvars`.
    Vars,
    /// `hostvars`.
    HostVars,
    /// A global function that was named and not called.
    Function(Arc<str>),
    /// A method that was named and not called.
    Method(Value, Arc<str>),
}

/// The state of a loop.
#[derive(Debug)]
pub(super) struct Looping {
    pub(super) index: usize,
    pub(super) length: usize,
    pub(super) depth: usize,
    pub(super) previous: Option<Datum>,
    pub(super) next: Option<Datum>,
    pub(super) last_changed: Arc<Mutex<Option<Vec<Value>>>>,
    /// The statement, where it can be called again.
    pub(super) recursive: Option<Arc<For>>,
}

impl Datum {
    pub(super) fn str(text: impl Into<Arc<str>>) -> Self {
        Self::Value(Value::str(text))
    }

    /// An attribute that is not there.
    pub(super) fn missing(message: impl Into<String>) -> Self {
        Self::Undefined(Arc::new(Missing { message: message.into(), place: None, hint: None, name: None }))
    }

    pub(super) fn object(object: Object) -> Self {
        Self::Object(Arc::new(object))
    }

    /// Python's name of its type.
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Self::Value(value) => value.type_name(),
            Self::Undefined(_) => "AnsibleUndefined",
            Self::Unknown => "unknown",
            Self::Mixed(_) => "list",
            Self::Object(object) => match &**object {
                Object::Namespace(_) => "Namespace",
                Object::Macro { .. } => "Macro",
                Object::Module(_) => "TemplateModule",
                Object::Loop(_) => "LoopContext",
                Object::Super(..) => "BlockReference",
                Object::Cycler(..) => "Cycler",
                Object::Joiner(..) => "Joiner",
                Object::Date(_) => "datetime",
                Object::Delta(..) => "timedelta",
                Object::Vars | Object::HostVars => "dict",
                Object::Function(_) => "function",
                Object::Method(..) => "builtin_function_or_method",
            },
        }
    }
}

impl Missing {
    /// The error that using it is.
    pub(super) fn error(&self) -> TemplateError {
        TemplateError {
            kind: TemplateTrouble::Undefined,
            message: self.message.clone(),
            place: self.place.clone(),
            hint: self.hint.clone(),
        }
    }
}

impl From<TemplateError> for Missing {
    fn from(error: TemplateError) -> Self {
        Self { message: error.message, place: error.place, hint: error.hint, name: None }
    }
}

impl From<Value> for Datum {
    fn from(value: Value) -> Self {
        Self::Value(value)
    }
}
