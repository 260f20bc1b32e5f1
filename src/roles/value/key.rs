//! A mapping's key, told from others as Python does it.

use std::sync::Arc;

/// A mapping's key. YAML and Python have more kinds of key; roles use these. As in Python, `True` and `1` are one key.
#[derive(Clone, Debug, Eq)]
pub enum Key {
    /// A string.
    Str(Arc<str>),
    /// A whole number.
    Int(i64),
    /// A truth value.
    Bool(bool),
    /// YAML's null.
    Null,
}

impl Key {
    /// What it is told from others by.
    fn identity(&self) -> (Option<&str>, Option<i64>) {
        match self {
            Self::Str(text) => (Some(text), None),
            Self::Int(number) => (None, Some(*number)),
            Self::Bool(truth) => (None, Some(i64::from(*truth))),
            Self::Null => (None, None),
        }
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.identity() == other.identity()
    }
}

impl std::hash::Hash for Key {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.identity().hash(state);
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.identity().cmp(&other.identity())
    }
}

impl From<&str> for Key {
    fn from(text: &str) -> Self {
        Self::Str(text.into())
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Str(text) => f.write_str(text),
            Self::Int(number) => number.fmt(f),
            Self::Bool(true) => f.write_str("True"),
            Self::Bool(false) => f.write_str("False"),
            Self::Null => f.write_str("None"),
        }
    }
}
