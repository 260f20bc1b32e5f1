//! The texts of tasks that are evaluated when they run, and what is wrong with them before anything is known.

use crate::failure::Place;
use crate::roles::load::{Refusal, Repeat, Said, Task, has_template};
use crate::roles::modules::{Actor, ArgError};
use crate::roles::template::{Inspection, Templar, TemplateError, TemplateTrouble};
use crate::roles::value::{Map, Value};

/// A text to be evaluated.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::roles) struct Text {
    pub(in crate::roles) text: String,
    pub(in crate::roles) place: Place,
    /// How it is written.
    pub(in crate::roles) kind: TextKind,
}

/// How a text is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::roles) enum TextKind {
    /// With delimiters.
    Template,
    /// An expression without delimiters.
    Expression,
    /// An expression that is a condition.
    Condition,
    /// It stands for something that is written otherwise, so that only its place as a whole means anything.
    Implied,
}

impl Text {
    /// What it does.
    pub(in crate::roles) fn inspect(&self, templar: &Templar) -> Result<Inspection, TemplateError> {
        match self.kind {
            TextKind::Template | TextKind::Implied => templar.inspect(&self.text, &self.place),
            TextKind::Expression | TextKind::Condition => templar.inspect_expression(&self.text, &self.place),
        }
    }

    /// What is wrong with it: syntax, filters, tests, lookups.
    pub(in crate::roles) fn problems(&self, inspected: Result<Inspection, TemplateError>) -> Vec<Refusal> {
        let errors = match inspected {
            Ok(inspection) => inspection.problems,
            Err(error) => vec![error],
        };
        let whole = |error: TemplateError| match self.kind {
            TextKind::Implied => TemplateError { place: None, ..error },
            _ => error,
        };
        errors.into_iter().map(|error| problem(whole(error), &self.place)).collect()
    }
}

/// An error of a template as what is wrong with a task.
pub(super) fn problem(error: TemplateError, otherwise: &Place) -> Refusal {
    let place = error.place.unwrap_or_else(|| otherwise.clone());
    let fails = error.kind == TemplateTrouble::Failed;
    Refusal { fails, hint: error.hint, ..Refusal::new(error.message, place) }
}

/// Texts to be evaluated.
#[derive(Default)]
pub(in crate::roles) struct Texts {
    pub(in crate::roles) all: Vec<Text>,
}

impl Texts {
    /// Every text of a task.
    pub(in crate::roles) fn of(task: &Task) -> Self {
        let mut texts = Self::default();
        texts.task(task);
        texts
    }

    /// A text in the tree, at its place.
    pub(in crate::roles) fn put(&mut self, text: impl Into<String>, place: &Place, kind: TextKind) {
        self.all.push(Text { text: text.into(), place: place.clone(), kind });
    }

    /// Every template of a value.
    pub(in crate::roles) fn value(&mut self, value: &Value) {
        match value {
            Value::Template(template) => self.put(template.text.as_str(), &template.place, TextKind::Template),
            Value::List(items) => items.iter().for_each(|item| self.value(item)),
            Value::Map(map) => self.map(map),
            _ => {}
        }
    }

    /// Every template of variables.
    pub(in crate::roles) fn map(&mut self, map: &Map) {
        map.values().for_each(|value| self.value(value));
    }

    fn conditions<'s>(&mut self, all: impl IntoIterator<Item = &'s Said>) {
        for said in all {
            self.condition(&said.value, &said.place);
        }
    }

    fn condition(&mut self, value: &Value, place: &Place) {
        match value {
            Value::Str(text) if !text.expose().trim().is_empty() => self.put(text.expose(), place, TextKind::Condition),
            Value::List(items) => items.iter().for_each(|item| self.condition(item, place)),
            other => self.value(other),
        }
    }

    /// Every text of a task that is evaluated when it runs.
    pub(in crate::roles) fn task(&mut self, task: &Task) {
        self.conditions(task.frame.conditions());
        self.conditions(task.changed_when.iter().chain(&task.failed_when).chain(&task.until));
        let arguments = &task.action.arguments;
        for (name, value) in &arguments.map {
            let name = name.to_string();
            let place = arguments.places.get(&name).unwrap_or(&task.place);
            match (name.as_str(), value) {
                ("that", value) if task.action.is("assert") => self.condition(value, place),
                ("var", Value::Str(text)) if task.action.is("debug") => {
                    self.put(text.expose(), place, TextKind::Expression);
                }
                _ => self.value(value),
            }
        }
        if let Some(whole) = &arguments.whole {
            self.value(whole);
        }
        self.map(&task.frame.vars);
        match &task.repeat {
            Some(Repeat::Loop(said)) => self.value(&said.value),
            Some(Repeat::With { lookup, terms }) => {
                self.value(&terms.value);
                self.put(format!("{{{{ lookup('{lookup}') }}}}"), &terms.place, TextKind::Implied);
            }
            None => {}
        }
        let control = &task.control;
        for said in [&control.label, &control.pause, &task.retries, &task.delay].into_iter().flatten() {
            self.value(&said.value);
        }
        task.frame.notified().iter().for_each(|said| self.value(&said.value));
        task.frame.environments().into_iter().for_each(|said| self.value(&said.value));
    }
}

/// What is wrong with a task's templates and conditions: syntax, filters, tests, lookups.
pub(in crate::roles) fn slips(templar: &Templar, task: &Task) -> Vec<Refusal> {
    Texts::of(task).all.iter().flat_map(|text| text.problems(text.inspect(templar))).collect()
}

/// Values that are not the module's, or do not go together, where all arguments are written out: it reads them as it will
/// when the task runs.
pub(in crate::roles) fn together(task: &Task) -> Option<Refusal> {
    let arguments = &task.action.arguments;
    let Actor::Host(read) = task.action.row?.actor else { return None };
    let settled = arguments.whole.is_none()
        && task.frame.defaults().is_empty()
        && !arguments.map.values().any(|value| has_template(value) || value.has_secret());
    if !settled {
        return None;
    }
    let spec = task.action.row?.spec;
    let error = spec.accept(&arguments.map).and_then(|mut args| read(&mut args).map(drop)).err()?;
    let place = match &error {
        ArgError::Value { name, .. } => {
            let written = spec.param(name).map(|param| param.aliases).unwrap_or_default();
            let mut names = std::iter::once(name).chain(written);
            names.find_map(|name| arguments.places.get(*name)).unwrap_or(&task.place)
        }
        _ => &task.place,
    };
    let fails = !matches!(error, ArgError::Unsupported { .. });
    Some(Refusal { fails, ..Refusal::new(error.to_string(), place.clone()) })
}

/// A delegation to a host that is not this one.
pub(in crate::roles) fn elsewhere(said: &Said, to: &str) -> Refusal {
    let message = format!("`delegate_to: {to}` is not supported: muster works on its own host only");
    Refusal::new(message, said.place.clone())
}

/// Why a notification is heard by nobody.
pub(in crate::roles) fn unheard(said: &Said, name: &str, handlers: &[String]) -> Refusal {
    let near = crate::roles::load::nearest(name, handlers.iter().map(String::as_str));
    let refusal = Refusal::new(format!("no handler is called `{name}`, and none listens to it"), said.place.clone());
    match near {
        Some(near) => refusal.hint(format!("did you mean `{near}`?")),
        None if handlers.is_empty() => refusal.hint("there are no handlers"),
        None if handlers.len() > 12 => refusal.hint("a notification is a handler's name or a topic, letter by letter"),
        None => refusal.hint(format!("the handlers are: {}", handlers.join(", "))),
    }
}
