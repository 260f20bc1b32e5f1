//! One evaluation: its variables, and where it stands.

use super::datum::{Datum, Missing, Object};
use super::error::{TemplateError, nearest};
use super::output::Output;
use super::place::Source;
use super::syntax::{Program, Stmt};
use super::{Binding, Scope, Services, Templar, globals};
use crate::roles::value::{Template, Value};
use crate::roles::vault::Vault;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Variables of one block.
pub(super) type Frame = HashMap<Arc<str>, Datum>;

/// Variables that are templates of templates: deeper than this is a loop.
const DEEPEST: usize = 80;

/// Macros and templates within one another: Python's own limit lies about here.
const MOST_CALLS: usize = 250;

/// The directory of a template's file.
#[derive(Clone, Debug)]
pub(super) struct Beside {
    pub(super) directory: PathBuf,
    /// Whether it is looked into before the role's `templates`, as the lookup has it, or after, as the module has it.
    pub(super) first: bool,
}

impl Beside {
    /// Of a file's path.
    pub(super) fn of(path: &Path, first: bool) -> Option<Self> {
        let directory = path.parent().filter(|parent| *parent != Path::new(""))?.to_owned();
        Some(Self { directory, first })
    }
}

/// One evaluation of one text.
pub(super) struct Run<'a> {
    pub(super) templar: &'a Templar,
    pub(super) scope: &'a dyn Scope,
    pub(super) services: &'a Services<'a>,
    pub(super) depth: usize,
    /// Macros and templates that are being run, one within another.
    pub(super) calls: usize,
    /// Whether it is a condition, whose quoted texts are templates too, as Ansible still has it.
    pub(super) condition: bool,
    /// Whether it sees no variables but its own, as what is imported without the context.
    pub(super) alone: bool,
    /// Where the template's file lies: templates that it names are looked for there, too.
    pub(super) beside: Option<Beside>,
    pub(super) source: Source,
    pub(super) frames: Vec<Frame>,
    /// Bodies of `{% block %}`, the innermost template's first.
    pub(super) blocks: HashMap<Arc<str>, Vec<Arc<Vec<Stmt>>>>,
}

impl<'a> Run<'a> {
    pub(super) fn new(templar: &'a Templar, scope: &'a dyn Scope, services: &'a Services<'a>, source: Source) -> Self {
        let (frames, blocks) = (vec![Frame::new()], HashMap::new());
        let (condition, alone, beside) = (false, false, None);
        Self { templar, scope, services, depth: 0, calls: 0, condition, alone, beside, source, frames, blocks }
    }

    /// Runs a macro or another template within this one: one that runs itself would never end.
    pub(super) fn deeper<T>(
        &mut self,
        inner: impl FnOnce(&mut Self) -> Result<T, TemplateError>,
    ) -> Result<T, TemplateError> {
        if self.calls >= MOST_CALLS {
            return Err(TemplateError::failed("maximum recursion depth exceeded: it runs itself without end"));
        }
        self.calls += 1;
        let done = inner(self);
        self.calls -= 1;
        done
    }

    /// An error with the place of an offset, unless a deeper one has set its own.
    pub(super) fn located(&self, error: TemplateError, at: u32) -> TemplateError {
        if error.place.is_some() { error } else { error.at(&self.source.place(at)) }
    }

    /// What a name stands for: the template's own variables, the scope's, magic ones, functions.
    pub(super) fn name(&self, name: &str, at: u32) -> Result<Datum, TemplateError> {
        if let Some(datum) = self.frames.iter().rev().find_map(|frame| frame.get(name)) {
            return Ok(datum.clone());
        }
        let bound = if self.alone { Binding::Undefined } else { self.scope.get(name) };
        match bound {
            Binding::Value(value) => self.resolve(value),
            Binding::Unknown => Ok(Datum::Unknown),
            Binding::Undefined => Ok(match name {
                "omit" => Datum::Value(Value::Omit),
                "vars" => Datum::object(Object::Vars),
                "hostvars" => Datum::object(Object::HostVars),
                _ if globals::known(name) => Datum::object(Object::Function(name.into())),
                _ => Datum::Undefined(Arc::new(Missing {
                    message: format!("'{name}' is undefined"),
                    place: Some(self.source.place(at)),
                    hint: self.alone.then(|| "variables are seen by what is imported `with context`".to_owned()),
                    name: (!self.alone).then(|| name.into()),
                })),
            }),
        }
    }

    /// A value as it was stored, as what it stands for: a template is evaluated, anything else is itself.
    pub(super) fn resolve(&self, value: Value) -> Result<Datum, TemplateError> {
        let template = match value {
            Value::Template(template) => template,
            Value::Unknown => return Ok(Datum::Unknown),
            other => return Ok(Datum::Value(other)),
        };
        match self.nested(&template) {
            Ok(datum) => Ok(datum),
            // An undefined name inside makes the variable undefined, as `is defined` and `default` see it.
            Err(error) if error.is_undefined() => Ok(Datum::Undefined(Arc::new(error.into()))),
            Err(error) if error.is_unknown() => Ok(Datum::Unknown),
            Err(error) => Err(error),
        }
    }

    fn nested(&self, template: &Template) -> Result<Datum, TemplateError> {
        if !is_template(&template.text) {
            return self.opened(template);
        }
        if self.depth >= DEEPEST {
            return Err(TemplateError::failed("recursive template: the variable refers to itself")
                .at(&template.place)
                .with_hint("a default that is written in terms of its own name never ends; use another name"));
        }
        let program = self.templar.template(&template.text, &template.place)?;
        let mut run = Run::new(self.templar, self.scope, self.services, program.source.clone());
        run.depth = self.depth + 1;
        let outcome = stacker::maybe_grow(256 << 10, 4 << 20, || run.native(&program));
        let outcome = outcome.map(|datum| match datum {
            Datum::Value(value) => Datum::Value(ended_as(&template.text, value)),
            other => other,
        });
        if template.secret { hidden(outcome) } else { outcome }
    }

    /// A text without marks: itself, or a value that is encrypted.
    fn opened(&self, template: &Template) -> Result<Datum, TemplateError> {
        if !Vault::is_encrypted(template.text.as_bytes()) {
            return Ok(Datum::str(template.text.as_str()));
        }
        let text = self.templar.vault.open_text(&template.text).map_err(|error| {
            let message = format!("Attempt to use undecryptable variable: {error}");
            let out = TemplateError { hint: error.hint, ..TemplateError::failed(message) };
            out.at(&template.place)
        })?;
        Ok(Datum::Value(Value::opened(text)))
    }

    /// Evaluates a whole text: the value of the one thing that it yields, or the text of all.
    pub(super) fn native(&mut self, program: &Program) -> Result<Datum, TemplateError> {
        if let [Stmt::Emit(node)] = program.body.as_slice() {
            return self.eval(node);
        }
        let mut out = Output::default();
        self.execute(program, &mut out)?;
        Ok(out.native())
    }

    /// The error that a missing name is, with the nearest name that there is.
    pub(super) fn undefined(&self, missing: &Missing) -> TemplateError {
        let mut error = missing.error();
        if let Some(name) = &missing.name {
            let names = self.scope.names();
            error.hint = nearest(name, names.iter().map(String::as_str))
                .or_else(|| Some("define it, or give a default: `| default(...)`".into()));
        }
        error
    }

    /// A variable of the template: the innermost block's, or all blocks' together as a macro's module.
    pub(super) fn assign(&mut self, name: &Arc<str>, datum: Datum) {
        if let Some(frame) = self.frames.last_mut() {
            frame.insert(name.clone(), datum);
        }
    }
}

/// What comes of a template that stands in an encrypted file: secret, and its text is not shown in errors.
fn hidden(outcome: Result<Datum, TemplateError>) -> Result<Datum, TemplateError> {
    match outcome {
        Ok(Datum::Value(value)) => Ok(Datum::Value(value.into_secret())),
        Err(mut error) => {
            if let Some(place) = &mut error.place {
                place.excerpt = None;
            }
            Err(error)
        }
        other => other,
    }
}

/// Text that ends with as many line ends as the template that it came from: Jinja drops the last one, and a tag's own,
/// and Ansible puts them back.
pub(super) fn ended_as(template: &str, value: Value) -> Value {
    let ends = |text: &str| text.len() - text.trim_end_matches('\n').len();
    match &value {
        Value::Str(text) if ends(template) > ends(text.expose()) => {
            let missing = "\n".repeat(ends(template) - ends(text.expose()));
            let whole = format!("{}{missing}", text.expose());
            if text.is_secret() { Value::secret(whole) } else { Value::str(whole) }
        }
        _ => value,
    }
}

/// Whether a text has anything to evaluate.
pub(super) fn is_template(text: &str) -> bool {
    text.contains("{{") || text.contains("{%") || text.contains("{#")
}
