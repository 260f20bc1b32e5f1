//! A value as roles know it: YAML's, with what Ansible and secrets add to strings.

mod json;
mod key;
pub mod moment;
mod text;

pub use key::Key;
pub use text::Text;

use super::items::{Form, Items};
use crate::failure::Place;
use indexmap::IndexMap;
use std::sync::Arc;

/// A mapping in the order in which it was written.
pub type Map = IndexMap<Key, Value>;

/// A string that is to be templated when it is read. Only text of the verified tree, and of settings and the command
/// line, becomes one: results, facts and parameters never do (CVE-2023-5764).
#[derive(Debug)]
pub struct Template {
    /// The text as YAML gave it; or a value that is encrypted with Ansible Vault, which has no marks of a template.
    pub text: String,
    /// Where it stands.
    pub place: Place,
    /// Whether it stands in an encrypted file: what comes of it is a secret.
    pub secret: bool,
}

impl Template {
    /// A text in the open.
    pub fn new(text: impl Into<String>, place: Place) -> Self {
        Self { text: text.into(), place, secret: false }
    }
}

/// A value of a variable, an argument or a result.
#[derive(Clone, Debug, Default)]
pub enum Value {
    /// Null.
    #[default]
    Null,
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A fraction.
    Float(f64),
    /// A plain string, never templated.
    Str(Text),
    /// A string to be templated when read.
    Template(Arc<Template>),
    /// A list.
    List(Arc<Items>),
    /// A mapping.
    Map(Arc<Map>),
    /// Ansible's `omit`: the argument that has it is as if not written.
    Omit,
    /// What only shows when a plan is applied: the result of a program that has not run.
    Unknown,
}

impl Value {
    /// A string in the open.
    pub fn str(text: impl Into<Arc<str>>) -> Self {
        Self::Str(Text::open(text))
    }

    /// A string that must not be seen.
    pub fn secret(text: impl Into<Arc<str>>) -> Self {
        Self::Str(Text::secret(text))
    }

    /// A string of the verified tree, settings or the command line, without anything to template.
    pub fn trusted(text: impl Into<Arc<str>>) -> Self {
        Self::Str(Text::trusted(text))
    }

    /// A string that was opened with a key of Ansible Vault.
    pub fn opened(text: impl Into<Arc<str>>) -> Self {
        Self::Str(Text::opened(text))
    }

    /// A mapping with string keys.
    pub fn map<K: AsRef<str>>(items: impl IntoIterator<Item = (K, Self)>) -> Self {
        Self::Map(Arc::new(items.into_iter().map(|(key, value)| (Key::from(key.as_ref()), value)).collect()))
    }

    /// A member of a mapping by its string key.
    pub fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Map(map) => map.get(&Key::from(key)),
            _ => None,
        }
    }

    /// The text of a plain string, secret or not.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Str(text) => Some(text.expose()),
            _ => None,
        }
    }

    /// The items of a list.
    pub fn as_list(&self) -> Option<&[Self]> {
        match self {
            Self::List(items) => Some(items),
            _ => None,
        }
    }

    /// The members of a mapping.
    pub fn as_map(&self) -> Option<&Map> {
        match self {
            Self::Map(map) => Some(map),
            _ => None,
        }
    }

    /// Whether any string within must not be seen.
    pub fn has_secret(&self) -> bool {
        match self {
            Self::Str(text) => text.is_secret(),
            Self::List(items) => items.iter().any(Self::has_secret),
            Self::Map(map) => map.values().any(Self::has_secret),
            _ => false,
        }
    }

    /// The same value with every string within marked secret. A number or truth value that came from a secret
    /// carries no mark: it is `Str` again the moment that it is printed, and the redactor knows its text.
    #[must_use]
    pub fn into_secret(self) -> Self {
        match self {
            Self::Str(text) => Self::Str(text.into_secret()),
            Self::List(items) => Self::List(Arc::new(items.map(Self::into_secret))),
            Self::Map(map) => {
                Self::Map(Arc::new(map.iter().map(|(k, v)| (k.clone(), v.clone().into_secret())).collect()))
            }
            other => other,
        }
    }

    /// Python's name of the type, as `type_debug` and messages give it.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "NoneType",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Float(_) => "float",
            Self::Str(text) if text.has_time() => "datetime",
            Self::Str(text) if text.is_moment() => "date",
            Self::Str(_) | Self::Template(_) => "str",
            Self::List(items) => match items.form() {
                Form::List => "list",
                Form::Tuple => "tuple",
                Form::Group => "GroupTuple",
            },
            Self::Map(_) => "dict",
            Self::Omit => "omit",
            Self::Unknown => "unknown",
        }
    }
}

/// Two values are equal as Python's are: `1 == 1.0 == True`; a secret equals the same text in the open.
impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        let number = |value: &Self| match value {
            Self::Bool(b) => Some(f64::from(u8::from(*b))),
            #[expect(
                clippy::cast_precision_loss,
                reason = "Python compares int with float by value; so large ones are rare"
            )]
            Self::Int(i) => Some(*i as f64),
            Self::Float(f) => Some(*f),
            _ => None,
        };
        match (self, other) {
            (Self::Null, Self::Null) | (Self::Omit, Self::Omit) => true,
            (Self::Int(a), Self::Int(b)) => a == b,
            (Self::Str(a), Self::Str(b)) => a.expose() == b.expose() && a.is_moment() == b.is_moment(),
            (Self::Template(a), Self::Template(b)) => a.text == b.text,
            (Self::List(a), Self::List(b)) => a == b,
            (Self::Map(a), Self::Map(b)) => a == b,
            _ => matches!((number(self), number(other)), (Some(a), Some(b)) if a == b),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::str(text)
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::str(text)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_stay_hidden_in_json_and_debug() {
        let value = Value::map([("password", Value::secret("hunter2")), ("user", Value::str("app"))]);
        assert_eq!(value.to_json().to_string(), r#"{"password":"********","user":"app"}"#);
        assert!(!format!("{value:?}").contains("hunter2"));
        assert!(value.has_secret());
    }

    #[test]
    fn numbers_compare_as_in_python() {
        assert_eq!(Value::Int(1), Value::Float(1.0));
        assert_eq!(Value::Int(1), Value::Bool(true));
        assert_ne!(Value::Int(1), Value::str("1"));
    }
}
