//! What was found, and where.

use crate::failure::{Explain, Place};
use crate::roles::load::{LoadError, Refusal};
use crate::roles::template::TemplateError;
use std::collections::HashSet;
use std::fmt;
use std::path::Path;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It fails, or is not done, where a run comes to it.
    Error,
    /// It works, and is better written otherwise.
    Warning,
}

/// Something to be mended.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Finding {
    /// How bad.
    pub severity: Severity,
    /// What.
    pub message: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Where.
    #[serde(flatten)]
    pub place: Place,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, "{severity}: {}\n{}", self.message, self.place.pointed())?;
        self.hint.as_ref().map_or(Ok(()), |hint| write!(f, "\n  hint: {hint}"))
    }
}

/// Findings as they come in: each once.
#[derive(Debug, Default)]
pub(super) struct Findings {
    all: Vec<Finding>,
    seen: HashSet<(String, u32, u32, String)>,
}

impl Findings {
    /// Something wrong.
    pub(super) fn error(&mut self, message: impl Into<String>, hint: Option<String>, place: Place) {
        self.put(Finding { severity: Severity::Error, message: message.into(), hint, place });
    }

    /// Something that works and could be better.
    pub(super) fn warn(&mut self, message: impl Into<String>, hint: Option<String>, place: Place) {
        self.put(Finding { severity: Severity::Warning, message: message.into(), hint, place });
    }

    /// Something that muster does not do.
    pub(super) fn refusal(&mut self, refusal: &Refusal) {
        self.error(refusal.message.as_str(), refusal.hint.clone(), refusal.place.clone());
    }

    /// What could not be read. A name that only a run knows, and a file that only a key opens, are nobody's mistake.
    pub(super) fn load_error(&mut self, error: &LoadError) {
        let nowhere = |file: &str| Place { file: file.to_owned(), line: 1, column: 1, excerpt: None };
        let place = match error {
            LoadError::Name { .. } | LoadError::Vault { .. } => return,
            LoadError::Read { path, .. } => nowhere(&path.display().to_string()),
            other => other.place().unwrap_or_else(|| nowhere("")),
        };
        self.error(error.to_string(), error.hint(), place);
    }

    /// What is wrong with a template file.
    pub(super) fn template(&mut self, error: TemplateError, file: &str) {
        let place = error.place.unwrap_or_else(|| Place { file: file.to_owned(), line: 1, column: 1, excerpt: None });
        self.error(error.message, error.hint, place);
    }

    fn put(&mut self, finding: Finding) {
        let at = &finding.place;
        if self.seen.insert((at.file.clone(), at.line, at.column, finding.message.clone())) {
            self.all.push(finding);
        }
    }

    /// Those below a path, in order, their places relative to `from` where they lie below it.
    pub(super) fn below(self, path: &Path, root: &Path, from: &Path) -> Vec<Finding> {
        let mut all: Vec<Finding> =
            self.all.into_iter().filter(|found| root.join(&found.place.file).starts_with(path)).collect();
        let from = from.canonicalize().unwrap_or_else(|_| from.to_owned());
        for found in &mut all {
            let full = root.join(&found.place.file);
            found.place.file = full.strip_prefix(&from).unwrap_or(&full).display().to_string();
        }
        all.sort_by(|a, b| {
            let key = |found: &Finding| (found.place.file.clone(), found.place.line, found.place.column);
            key(a).cmp(&key(b))
        });
        all
    }
}
