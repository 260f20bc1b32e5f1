//! One evaluation: its variables, where it stands, and how lazy values become finished ones.

use super::datum::{Datum, Missing, Object};
use super::error::{TemplateError, nearest};
use super::place::Source;
use super::syntax::{Program, Stmt};
use super::{Binding, Scope, Services, Templar, globals, python};
use crate::roles::items::Form;
use crate::roles::value::{Key, Map, Template, Value};
use crate::roles::vault::Vault;
use std::collections::HashMap;
use std::sync::Arc;

/// Variables of one block.
pub(super) type Frame = HashMap<Arc<str>, Datum>;

/// Variables that are templates of templates: deeper than this is a loop.
const DEEPEST: usize = 80;

/// Macros and templates within one another: Python's own limit lies about here.
const MOST_CALLS: usize = 250;

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
    pub(super) source: Source,
    pub(super) frames: Vec<Frame>,
    /// Bodies of `{% block %}`, the innermost template's first.
    pub(super) blocks: HashMap<Arc<str>, Vec<Arc<Vec<Stmt>>>>,
}

impl<'a> Run<'a> {
    pub(super) fn new(templar: &'a Templar, scope: &'a dyn Scope, services: &'a Services<'a>, source: Source) -> Self {
        let (frames, blocks) = (vec![Frame::new()], HashMap::new());
        Self { templar, scope, services, depth: 0, calls: 0, condition: false, source, frames, blocks }
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
        match self.scope.get(name) {
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
                    hint: None,
                    name: Some(name.into()),
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

    /// A value to work with, its own members still lazy.
    pub(super) fn force(&self, datum: Datum) -> Result<Value, TemplateError> {
        match datum {
            Datum::Value(value) => Ok(value),
            Datum::Undefined(missing) => Err(self.undefined(&missing)),
            Datum::Unknown => Err(TemplateError::unknown()),
            Datum::Mixed(items) => {
                Ok(Value::list(items.iter().map(|i| self.force(i.clone())).collect::<Result<Vec<_>, _>>()?))
            }
            Datum::Object(object) => self.object_value(&object),
        }
    }

    fn object_value(&self, object: &Object) -> Result<Value, TemplateError> {
        match object {
            Object::Date(date) => Ok(Value::str(globals::date_text(*date))),
            Object::Delta(seconds, micros) => Ok(Value::str(globals::delta_text(*seconds, *micros))),
            Object::Vars => Ok(self.all_variables()),
            Object::HostVars => Ok(Value::map([("localhost", self.all_variables())])),
            Object::Namespace(members) => {
                let members = members.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                let mut map = Map::new();
                for (key, member) in members.iter() {
                    map.insert(key.clone(), self.force(member.clone())?);
                }
                Ok(Value::Map(Arc::new(map)))
            }
            other => Err(TemplateError::failed(format!("a {} is no value", kind(other)))),
        }
    }

    /// Every variable, lazy. Those that are not known yet are left out.
    pub(super) fn all_variables(&self) -> Value {
        let mut map = Map::new();
        for name in self.scope.names() {
            if let Binding::Value(value) = self.scope.get(&name) {
                map.insert(Key::from(name.as_str()), value);
            }
        }
        Value::Map(Arc::new(map))
    }

    /// A finished value: nothing in it is a template or undefined any more.
    pub(super) fn deep(&self, datum: Datum) -> Result<Value, TemplateError> {
        let whole = matches!(&datum, Datum::Object(object) if matches!(**object, Object::Vars | Object::HostVars));
        let value = self.force(datum)?;
        if whole { Ok(self.finish_all(&value)) } else { self.finish(value) }
    }

    /// Finishes each member that can be finished: among all variables some always refer to what is not there.
    fn finish_all(&self, value: &Value) -> Value {
        let Value::Map(map) = value else { return Value::Null };
        let finished = map.iter().filter_map(|(key, member)| Some((key.clone(), self.finish(member.clone()).ok()?)));
        Value::Map(Arc::new(finished.collect()))
    }

    /// The same for a value.
    pub(super) fn finish(&self, value: Value) -> Result<Value, TemplateError> {
        match &value {
            Value::Template(_) | Value::Unknown => {
                let datum = self.resolve(value)?;
                self.deep(datum)
            }
            Value::List(items) if items.iter().any(is_lazy) => {
                Ok(Value::list(items.iter().map(|i| self.finish(i.clone())).collect::<Result<Vec<_>, _>>()?))
            }
            Value::Map(map) if map.values().any(is_lazy) => {
                let mut out = Map::with_capacity(map.len());
                for (key, member) in map.iter() {
                    out.insert(key.clone(), self.finish(member.clone())?);
                }
                Ok(Value::Map(Arc::new(out)))
            }
            _ => Ok(value),
        }
    }

    /// What `for` and filters go through, each item resolved.
    pub(super) fn items(&self, datum: Datum) -> Result<Vec<Datum>, TemplateError> {
        if let Datum::Mixed(items) = datum {
            return Ok(items.to_vec());
        }
        let value = self.force(datum)?;
        let items = python::items(&value)
            .ok_or_else(|| TemplateError::failed(format!("'{}' object is not iterable", value.type_name())))?;
        items.into_iter().map(|item| self.resolve(item)).collect()
    }

    /// Truth, as `if` sees it.
    pub(super) fn truth(&self, datum: Datum) -> Result<bool, TemplateError> {
        match datum {
            Datum::Object(_) => Ok(true),
            Datum::Mixed(items) => Ok(!items.is_empty()),
            other => Ok(python::truth(&self.force(other)?)),
        }
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

/// Whether anything in a value is still to be templated.
pub(super) fn is_lazy(value: &Value) -> bool {
    match value {
        Value::Template(_) | Value::Unknown => true,
        Value::List(items) => items.iter().any(is_lazy),
        Value::Map(map) => map.values().any(is_lazy),
        _ => false,
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

fn kind(object: &Object) -> &'static str {
    match object {
        Object::Macro { .. } => "macro",
        Object::Module(_) => "module",
        Object::Loop(_) => "loop",
        Object::Function(_) => "function",
        Object::Cycler(..) => "cycler",
        Object::Joiner(..) => "joiner",
        _ => "block",
    }
}

/// What a template yields, in pieces: one piece keeps its type, several are text.
#[derive(Default)]
pub(super) struct Output {
    text: String,
    secret: bool,
    pieces: usize,
    only: Option<Value>,
}

impl Output {
    /// A finished piece. Null is no piece.
    pub(super) fn push(&mut self, value: Value) {
        if matches!(value, Value::Null) {
            return;
        }
        self.pieces += 1;
        if self.pieces == 1 {
            self.only = Some(value);
            return;
        }
        if let Some(first) = self.only.take() {
            self.write(&first);
        }
        self.write(&value);
    }

    fn write(&mut self, value: &Value) {
        self.secret |= value.has_secret();
        // What is printed has lists for tuples, but for a group by itself.
        match value {
            Value::List(items) if items.form() == Form::Group => self.text.push_str(&python::text(value)),
            value if value.has_tuple() => self.text.push_str(&python::text(&value.clone().without_tuples())),
            value => self.text.push_str(&python::text(value)),
        }
    }

    /// Whether there is no piece.
    pub(super) fn is_empty(&self) -> bool {
        self.pieces == 0
    }

    /// One piece as it is, several as text; nothing at all is null, as Ansible 2.19 has it.
    pub(super) fn native(self) -> Datum {
        match self.pieces {
            0 => Datum::Value(Value::Null),
            1 => Datum::Value(self.only.unwrap_or_default()),
            _ => Datum::Value(self.text()),
        }
    }

    /// Whether anything was written, be it nothing.
    pub(super) fn has_printed(&self) -> bool {
        self.pieces > 0
    }

    /// Whether one thing was written, and it is no text.
    pub(super) fn is_native(&self) -> bool {
        self.pieces == 1 && self.only.as_ref().is_some_and(|value| !matches!(value, Value::Str(_)))
    }

    /// All pieces as text, secret where any of them is.
    pub(super) fn text(mut self) -> Value {
        if let Some(first) = self.only.take() {
            self.write(&first);
        }
        if self.secret { Value::secret(self.text) } else { Value::str(self.text) }
    }
}
