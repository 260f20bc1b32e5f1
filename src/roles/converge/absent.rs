//! Parameters that tasks name literally and that do not exist: they were asked for before the first task, so what needs
//! one is refused before the first change.
//!
//! Nothing is guessed: a text that reaches such a name is evaluated as the task would evaluate it, with what is not known
//! yet left unknown. A text that would ask for anything else on its way (a program, a file, a secret) is left to its task.

use super::lookups::literal_loop;
use super::refuse::item_names;
use super::run::Run;
use super::texts::{Text, TextKind, Texts};
use super::view::View;
use crate::failure::Place;
use crate::roles::load::{Refusal, Repeat, Task};
use crate::roles::modules::Tree;
use crate::roles::template::{Binding, Inspection, Scope, TemplateError, TemplateTrouble, plain_options};
use crate::roles::value::{Template, Value};
use std::collections::HashSet;
use std::sync::Arc;

/// What a text asks for, by itself and through the variables that it reads.
#[derive(Default)]
struct Reach {
    absent: bool,
    else_too: bool,
    seen: HashSet<String>,
}

impl Run<'_> {
    /// What of a task needs a parameter that is known not to exist.
    pub(super) fn absent_parameters(&self, task: &Task) -> Vec<Refusal> {
        let absent = self.remote.absent();
        if absent.is_empty() {
            return Vec::new();
        }
        let stage = self.stage(task);
        let hidden = item_names(task);
        let view = View { hidden: &hidden, ..self.view(&stage) };
        // A variable of the task that nothing reads is never evaluated.
        let mut given = Texts::default();
        given.map(&task.frame.vars);
        let texts = Texts::of(task).all.into_iter().filter(|text| !given.all.contains(text));
        let mut found: Vec<Refusal> = texts.filter_map(|text| view.lacks(&text, &absent)).collect();
        found.extend(view.template_lacks(task, &absent));
        found.extend(looped(task, &absent));
        found
    }
}

impl View<'_> {
    fn lacks(&self, text: &Text, absent: &[String]) -> Option<Refusal> {
        let inspection = text.inspect(self.templar).ok()?;
        if !self.reaches_only(&inspection, absent) {
            return None;
        }
        let value = match text.kind {
            TextKind::Template => {
                let template = Template::new(text.text.as_str(), text.place.clone());
                self.render(&Value::Template(Arc::new(template)))
            }
            TextKind::Expression | TextKind::Condition => self.expression(&text.text, &text.place),
            TextKind::Implied => return None,
        };
        refusal(value.err()?, &text.place)
    }

    /// The same of the file that a `template` task renders, where its name is literal and it is written plainly.
    fn template_lacks(&self, task: &Task, absent: &[String]) -> Option<Refusal> {
        let arguments = &task.action.arguments.map;
        let plain = |key: &str| {
            !["_string", "_blocks", "newline_sequence", "output_encoding"].iter().any(|end| key.ends_with(end))
        };
        let Some(Value::Str(src)) = task.action.arguments.get("src").filter(|_| task.action.is("template")) else {
            return None;
        };
        if !arguments.keys().all(|key| plain(&key.to_string())) {
            return None;
        }
        let path = self.resolve("templates", src.expose()).ok()?;
        let text = String::from_utf8(self.read(&path).ok()?).ok()?;
        let inspection = self.templar.inspect_file(&text, &self.loader.shown(&path)).ok()?;
        if !self.reaches_only(&inspection, absent) {
            return None;
        }
        let mut refusal = refusal(self.file(&path, &text, &plain_options()).err()?, &task.place)?;
        if self.sealed(&path) {
            refusal.place.excerpt = None;
        }
        Some(refusal)
    }

    fn reaches_only(&self, inspection: &Inspection, absent: &[String]) -> bool {
        let mut reach = Reach::default();
        self.reach(inspection, absent, &mut reach);
        reach.absent && !reach.else_too
    }

    fn reach(&self, inspection: &Inspection, absent: &[String], reach: &mut Reach) {
        reach.else_too |= inspection.opaque;
        for lookup in &inspection.lookups {
            let parameter = is_parameter(&lookup.name);
            let by_name = lookup.options.iter().all(|(option, _)| !matches!(option.as_str(), "bypath" | "errors"));
            let terms: Option<Vec<&str>> = lookup.terms.iter().map(|term| term.as_ref()?.as_str()).collect();
            match terms.filter(|_| parameter && by_name) {
                Some(terms) => reach.absent |= terms.iter().any(|term| absent.iter().any(|name| name == term)),
                None => reach.else_too = true,
            }
        }
        for (name, _) in &inspection.variables {
            if !reach.seen.insert(name.clone()) {
                continue;
            }
            let Binding::Value(value) = self.get(name) else { continue };
            let mut texts = Texts::default();
            texts.value(&value);
            for text in texts.all {
                match text.inspect(self.templar) {
                    Ok(inspection) => self.reach(&inspection, absent, reach),
                    Err(_) => reach.else_too = true,
                }
            }
        }
    }
}

/// What `with_aws_ssm` and its like name.
fn looped(task: &Task, absent: &[String]) -> Option<Refusal> {
    let (lookup, terms) = literal_loop(task).filter(|(name, _)| is_parameter(name))?;
    let missing = terms.into_iter().find(|term| absent.contains(term))?;
    let place = match &task.repeat {
        Some(Repeat::With { terms, .. }) => terms.place.clone(),
        _ => task.place.clone(),
    };
    let refusal = Refusal::new(format!("`with_{lookup}`: there is no SSM parameter {missing}"), place);
    Some(Refusal { fails: true, outside: true, ..refusal.hint("create it, or loop over what is there") })
}

fn is_parameter(lookup: &str) -> bool {
    matches!(lookup.rsplit('.').next(), Some("aws_ssm" | "ssm_parameter"))
}

/// Nothing else than the parameter was asked for, so that a lookup that fails is that of the parameter.
fn refusal(error: TemplateError, otherwise: &Place) -> Option<Refusal> {
    if error.kind != TemplateTrouble::Lookup {
        return None;
    }
    let place = error.place.unwrap_or_else(|| otherwise.clone());
    Some(Refusal { fails: true, outside: true, hint: error.hint, ..Refusal::new(error.message, place) })
}
