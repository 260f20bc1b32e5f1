//! How lazy values become finished ones.

use super::datum::{Datum, Object};
use super::error::TemplateError;
use super::run::Run;
use super::{Binding, globals, python};
use crate::roles::value::{Key, Map, Value};
use std::sync::Arc;

impl Run<'_> {
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
            Object::Method(..) => {
                let problem = "Type 'builtin_function_or_method' is unsupported for variable storage.";
                Err(TemplateError::failed(problem)
                    .with_hint("a method is called with parentheses; a key of its name is written `['key']`"))
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
