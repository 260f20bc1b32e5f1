//! The file that a `template` task renders, where its name is literal and it is written plainly: judged before the first
//! change.

use super::texts::problem;
use super::view::View;
use crate::roles::load::{Refusal, Task};
use crate::roles::modules::Tree;
use crate::roles::value::Value;
use std::path::PathBuf;

/// A template of the tree.
pub(super) struct TemplateFile {
    pub(super) path: PathBuf,
    /// As the user knows it.
    pub(super) shown: String,
    pub(super) text: String,
    /// Whether it is encrypted: then no line of it is shown.
    pub(super) sealed: bool,
}

impl View<'_> {
    /// The task's, where it can be told and read.
    pub(super) fn template_file(&self, task: &Task) -> Option<TemplateFile> {
        let plain = |key: &str| {
            !["_string", "_blocks", "newline_sequence", "output_encoding"].iter().any(|end| key.ends_with(end))
        };
        let Some(Value::Str(src)) = task.action.arguments.get("src").filter(|_| task.action.is("template")) else {
            return None;
        };
        if !task.action.arguments.map.keys().all(|key| plain(&key.to_string())) {
            return None;
        }
        let path = self.resolve("templates", src.expose()).ok()?;
        let text = String::from_utf8(self.read(&path).ok()?).ok()?;
        Some(TemplateFile { shown: self.loader.shown(&path), sealed: self.sealed(&path), path, text })
    }

    /// What is wrong with it: syntax, filters, tests, lookups.
    pub(super) fn template_slips(&self, task: &Task) -> Vec<Refusal> {
        let Some(file) = self.template_file(task) else { return Vec::new() };
        let errors = match self.templar.inspect_file(&file.text, &file.shown) {
            Ok(inspection) => inspection.problems,
            Err(error) => vec![error],
        };
        let mut refusals: Vec<Refusal> = errors.into_iter().map(|error| problem(error, &task.place)).collect();
        if file.sealed {
            refusals.iter_mut().for_each(|refusal| refusal.place.excerpt = None);
        }
        refusals
    }
}
