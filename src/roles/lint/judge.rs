//! What is wrong with tasks: what the loader refuses, templates, handlers, arguments together, template files.

use super::Linter;
use super::finding::Findings;
use super::known::Known;
use super::unit::Unit;
use crate::roles::converge::{Texts, elsewhere, together, unheard};
use crate::roles::load::{Task, is_local};
use crate::roles::value::Value;
use std::collections::HashSet;

impl Linter {
    /// Judges every task and every text of a unit.
    pub(super) fn judge(&self, unit: &Unit, known: &Known, findings: &mut Findings) {
        let mut seen = HashSet::new();
        for text in &unit.texts.all {
            text.problems(text.inspect(&self.templar)).iter().for_each(|refusal| findings.refusal(refusal));
        }
        for task in &unit.tasks {
            let before: Vec<_> = task.all_refusals().collect();
            before.iter().for_each(|refusal| findings.refusal(refusal));
            for text in Texts::of(task).all {
                if seen.insert(text.clone()) {
                    text.problems(text.inspect(&self.templar)).iter().for_each(|refusal| findings.refusal(refusal));
                }
            }
            if let Some(said) = task.frame.keyword("delegate_to")
                && let Value::Str(to) = &said.value
                && !is_local(to.expose())
                && !known.adds_hosts
            {
                findings.refusal(&elsewhere(said, to.expose()));
            }
            if before.is_empty() {
                together(task).iter().for_each(|refusal| findings.refusal(refusal));
            }
            if !unit.open {
                unheard_by_all(task, known, findings);
            }
            self.targets(task, unit, findings);
        }
        for path in self.judged_templates(unit) {
            let Some(text) = self.template_text(&path) else { continue };
            let shown = self.loader.shown(&path);
            match self.templar.inspect_file(&text, &shown) {
                Ok(inspection) => inspection.problems.into_iter().for_each(|error| findings.template(error, &shown)),
                Err(error) => findings.template(error, &shown),
            }
        }
    }

    /// A template file's text; one that is encrypted or no text is left alone.
    pub(super) fn template_text(&self, path: &std::path::Path) -> Option<String> {
        let (bytes, _) = self.loader.opened(path).ok()?;
        let text = String::from_utf8(bytes).ok()?;
        Some(text.replace("\r\n", "\n"))
    }
}

/// Notifications that no handler of the tree hears.
fn unheard_by_all(task: &Task, known: &Known, findings: &mut Findings) {
    for said in task.frame.notified() {
        let Value::Str(name) = &said.value else { continue };
        if known.hears(name.expose()) {
            continue;
        }
        let mut handlers: Vec<String> = known.handlers.iter().cloned().collect();
        handlers.sort();
        findings.refusal(&unheard(said, name.expose(), &handlers));
    }
}
