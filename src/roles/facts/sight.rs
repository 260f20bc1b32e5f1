//! What the sections look through: the host, and short ways to read it.

use crate::host::{Command, Observe};
use crate::roles::value::{Key, Map, Value};
use std::path::Path;

/// The host, and what else facts are made of.
pub(super) struct Sight<'a> {
    pub(super) host: &'a dyn Observe,
    pub(super) environment: &'a [(String, String)],
    /// Of local facts.
    pub(super) directory: &'a str,
}

impl Sight<'_> {
    /// A file's text without white space at its ends; `None` where it is not there, is empty or cannot be read.
    pub(super) fn text(&self, path: &str) -> Option<String> {
        let bytes = self.host.read(Path::new(path)).ok().flatten()?;
        let text = String::from_utf8_lossy(&bytes).trim().to_owned();
        (!text.is_empty()).then_some(text)
    }

    /// A file's lines.
    pub(super) fn lines(&self, path: &str) -> Vec<String> {
        self.text(path).map(|text| text.lines().map(str::to_owned).collect()).unwrap_or_default()
    }

    /// Whether there is something at a path.
    pub(super) fn exists(&self, path: &str) -> bool {
        self.host.stat(Path::new(path), true).ok().flatten().is_some()
    }

    /// The names in a directory.
    pub(super) fn list(&self, path: &str) -> Vec<String> {
        let names = self.host.list(Path::new(path)).ok().flatten().unwrap_or_default();
        names.into_iter().map(|name| name.to_string_lossy().into_owned()).collect()
    }

    /// Where a link points.
    pub(super) fn link(&self, path: &str) -> Option<String> {
        let target = self.host.read_link(Path::new(path)).ok().flatten()?;
        Some(target.to_string_lossy().into_owned())
    }

    /// What a program that only reads says, where it is installed and ends well.
    pub(super) fn says(&self, argv: &[&str]) -> Option<String> {
        self.host.find_program(argv.first()?).ok().flatten()?;
        let mut command = Command::new(argv.iter().copied());
        command.environment.push(("LC_ALL".into(), "C".into()));
        let output = self.host.query(&command).ok()?;
        output.ok().then(|| output.text())
    }
}

/// Facts by name.
pub(super) fn facts<const N: usize>(members: [(&str, Value); N]) -> Map {
    members.into_iter().map(|(name, value)| (Key::from(name), value)).collect()
}

/// A number as a fact.
pub(super) fn int<T: TryInto<i64>>(number: T) -> Value {
    Value::Int(number.try_into().unwrap_or(i64::MAX))
}
