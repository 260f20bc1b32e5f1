//! Parameters and secrets that tasks name literally and that are not to be had: they were asked for before the first task,
//! so what needs one is refused before the first change.
//!
//! Nothing is guessed: a text that reaches such a name is evaluated as the task would evaluate it, with what is not known
//! yet left unknown. A text that would ask for anything else on its way (a program, a file) is left to its task.

use super::lookups::{Kind, literal_loop, secrets};
use super::refuse::item_names;
use super::run::Run;
use super::texts::{Text, TextKind, Texts};
use super::view::View;
use crate::failure::{Place, Stage};
use crate::roles::load::{Refusal, Repeat, Task};
use crate::roles::remote::{Remote, SecretName};
use crate::roles::template::{Binding, Inspection, LookupUse, Scope, TemplateError, TemplateTrouble, plain_options};
use crate::roles::value::{Template, Value};
use std::collections::HashSet;
use std::sync::Arc;

/// What is known not to be had.
struct Absent {
    parameters: Vec<String>,
    secrets: Vec<SecretName>,
}

impl Absent {
    fn of(remote: &dyn Remote) -> Self {
        Self { parameters: remote.absent(), secrets: remote.withheld() }
    }
}

/// What a text asks for, by itself and through the variables that it reads.
#[derive(Default)]
struct Reach {
    parameter: bool,
    secret: bool,
    else_too: bool,
    seen: HashSet<String>,
}

impl Reach {
    /// Takes a lookup in; whether it asks for nothing else than what is looked for by name.
    fn takes(&mut self, lookup: &LookupUse, absent: &Absent) -> bool {
        if lookup.options.iter().any(|(option, _)| matches!(option.as_str(), "bypath" | "errors")) {
            return false;
        }
        match Kind::of(&lookup.name) {
            Some(Kind::Parameter) => {
                let terms: Option<Vec<&str>> = lookup.terms.iter().map(|term| term.as_ref()?.as_str()).collect();
                let among = |term: &&str| absent.parameters.iter().any(|name| name == term);
                self.parameter |= terms.iter().flatten().any(among);
                terms.is_some()
            }
            Some(Kind::Secret) => {
                let names: Option<Vec<SecretName>> = secrets(lookup).into_iter().collect();
                self.secret |= names.iter().flatten().any(|name| absent.secrets.contains(name));
                names.is_some()
            }
            None => false,
        }
    }

    fn stage(&self) -> Option<Stage> {
        match (self.parameter, self.secret) {
            _ if self.else_too => None,
            (true, _) => Some(Stage::Parameters),
            (false, true) => Some(Stage::Secrets),
            (false, false) => None,
        }
    }
}

impl Run<'_> {
    /// What of a task needs what is known not to be had.
    pub(super) fn absent(&self, task: &Task) -> Vec<Refusal> {
        let absent = Absent::of(self.remote);
        if absent.parameters.is_empty() && absent.secrets.is_empty() {
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
    fn lacks(&self, text: &Text, absent: &Absent) -> Option<Refusal> {
        let inspection = text.inspect(self.templar).ok()?;
        let stage = self.needs(&inspection, absent)?;
        let value = match text.kind {
            TextKind::Template => {
                let template = Template::new(text.text.as_str(), text.place.clone());
                self.render(&Value::Template(Arc::new(template)))
            }
            TextKind::Expression | TextKind::Condition => self.expression(&text.text, &text.place),
            TextKind::Implied => return None,
        };
        refusal(value.err()?, &text.place, stage)
    }

    /// The same of the file that a `template` task renders.
    fn template_lacks(&self, task: &Task, absent: &Absent) -> Option<Refusal> {
        let file = self.template_file(task)?;
        let inspection = self.templar.inspect_file(&file.text, &file.shown).ok()?;
        let stage = self.needs(&inspection, absent)?;
        let mut refusal = refusal(self.file(&file.path, &file.text, &plain_options()).err()?, &task.place, stage)?;
        if file.sealed {
            refusal.place.excerpt = None;
        }
        Some(refusal)
    }

    /// Which stage what it needs and cannot have belongs to, where it asks for nothing else.
    fn needs(&self, inspection: &Inspection, absent: &Absent) -> Option<Stage> {
        let mut reach = Reach::default();
        self.reach(inspection, absent, &mut reach);
        reach.stage()
    }

    fn reach(&self, inspection: &Inspection, absent: &Absent, reach: &mut Reach) {
        reach.else_too |= inspection.opaque;
        for lookup in &inspection.lookups {
            reach.else_too |= !reach.takes(lookup, absent);
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
fn looped(task: &Task, absent: &Absent) -> Option<Refusal> {
    let (lookup, terms) = literal_loop(task)?;
    let is_secret = |term: &&String| absent.secrets.iter().any(|secret| secret.to_string() == **term);
    let (what, stage, missing) = match Kind::of(&lookup)? {
        Kind::Parameter => {
            let missing = terms.iter().find(|term| absent.parameters.contains(term))?;
            ("there is no SSM parameter", Stage::Parameters, missing)
        }
        Kind::Secret => ("there is no secret, or it may not be read:", Stage::Secrets, terms.iter().find(is_secret)?),
    };
    let place = match &task.repeat {
        Some(Repeat::With { terms, .. }) => terms.place.clone(),
        _ => task.place.clone(),
    };
    let refusal = Refusal::new(format!("`with_{lookup}`: {what} {missing}"), place);
    let refusal = refusal.hint("create it, let this host read it, or loop over what is there");
    Some(Refusal { fails: true, outside: Some(stage), ..refusal })
}

/// Nothing else than that was asked for, so that a lookup that fails is that of what is not to be had.
fn refusal(error: TemplateError, otherwise: &Place, stage: Stage) -> Option<Refusal> {
    if error.kind != TemplateTrouble::Lookup {
        return None;
    }
    let place = error.place.unwrap_or_else(|| otherwise.clone());
    Some(Refusal { fails: true, outside: Some(stage), hint: error.hint, ..Refusal::new(error.message, place) })
}
