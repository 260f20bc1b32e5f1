//! What serde says of settings: it knows the key's path, and the place where that stands.

use super::error::SettingsError;
use super::node::{Mark, Node, join};
use serde::de;
use std::fmt;

/// What serde says, until the place is known.
#[derive(Debug)]
pub(crate) struct Fault {
    cause: Cause,
    path: String,
    mark: Option<Box<Mark>>,
}

#[derive(Debug)]
enum Cause {
    Unknown { key: String, known: &'static [&'static str] },
    Other(String),
}

impl Fault {
    pub(super) fn other(message: String) -> Self {
        Self { cause: Cause::Other(message), path: String::new(), mark: None }
    }

    /// The first place that is named is the innermost.
    pub(super) fn at(mut self, mark: &Mark) -> Self {
        self.mark.get_or_insert_with(|| Box::new(mark.clone()));
        self
    }

    pub(super) fn below(mut self, step: &str) -> Self {
        self.path = join(step, &self.path);
        self
    }

    pub(super) fn explain(self, root: &Node) -> SettingsError {
        let place = self.mark.as_deref().unwrap_or(&root.mark).place();
        match self.cause {
            Cause::Unknown { key, known } => SettingsError::UnknownKey {
                place,
                nearest: nearest(&key, known),
                known: known.iter().map(ToString::to_string).collect(),
                path: if self.path.is_empty() { key } else { format!("{}.{key}", self.path) },
            },
            Cause::Other(message) => SettingsError::Value { place: Some(place), path: self.path, message, hint: None },
        }
    }
}

/// The key that was probably meant.
fn nearest(key: &str, known: &[&str]) -> Option<String> {
    let near = known.iter().map(|name| (strsim::damerau_levenshtein(&key.to_ascii_lowercase(), name), name));
    near.min().filter(|(distance, name)| *distance <= 1 + name.len() / 4).map(|(_, name)| (*name).to_owned())
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cause {
            Cause::Unknown { key, .. } => write!(f, "unknown key `{key}`"),
            Cause::Other(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for Fault {}

impl de::Error for Fault {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::other(message.to_string())
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self { cause: Cause::Unknown { key: field.into(), known: expected }, path: String::new(), mark: None }
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        Self::other(format!("expected one of {}, found `{variant}`", expected.join(", ")))
    }

    fn missing_field(field: &'static str) -> Self {
        Self::other(format!("the key `{field}` is missing"))
    }
}
