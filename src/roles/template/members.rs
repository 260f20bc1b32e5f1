//! Members: of mappings and lists, of a template's own objects, and of facts.

use super::datum::{Datum, Object};
use super::error::TemplateError;
use super::run::Run;
use super::syntax::{Expr, Node};
use super::{Binding, globals, methods, operators, python};
use crate::roles::value::{Key, Value};
use std::sync::Arc;

type Outcome = Result<Datum, TemplateError>;

impl Run<'_> {
    /// `of.name`.
    pub(super) fn attribute(&mut self, of: &Node, name: &str) -> Outcome {
        if let Some(member) = self.read_member(of, name) {
            return member;
        }
        let of = self.eval(of)?;
        // A dot means a method before a member, a subscript the member before a method.
        match &of {
            Datum::Value(value) if methods::has(value, name) => {
                Ok(Datum::object(Object::Method(value.clone(), name.into())))
            }
            _ => self.member(of, &Value::str(name)),
        }
    }

    /// `of[subscript]`.
    pub(super) fn item(&mut self, of: &Node, subscript: &Node) -> Outcome {
        if let Expr::Const(Value::Str(name)) = &subscript.expr
            && let Some(member) = self.read_member(of, name.expose())
        {
            return member;
        }
        let of = self.eval(of)?;
        let subscript = self.finished(subscript);
        let needed = matches!(of, Datum::Value(Value::List(_) | Value::Str(_)));
        let subscript = if needed { subscript.map_err(TemplateError::of_operator)? } else { subscript? };
        self.member(of, &subscript)
    }

    /// A member of a name, where it is looked up as it is read: of facts, the others are not gathered for it.
    fn read_member(&self, of: &Node, key: &str) -> Option<Result<Datum, TemplateError>> {
        let Expr::Name(name) = &of.expr else { return None };
        if self.alone {
            return None;
        }
        let own = self.frames.iter().any(|frame| frame.contains_key(name));
        let value = self.scope.member(name, key).filter(|_| !own)?;
        Some(self.resolve(value))
    }

    pub(super) fn slice(&mut self, of: &Node, bounds: &[Option<Box<Node>>; 3]) -> Outcome {
        let of = self.value(of)?;
        let mut numbers = [None; 3];
        for (number, bound) in numbers.iter_mut().zip(bounds) {
            if let Some(bound) = bound {
                match self.finished(bound).map_err(TemplateError::of_operator)? {
                    Value::Null => {}
                    Value::Int(int) => *number = Some(int),
                    _ => return Err(TemplateError::failed("slice indices must be integers")),
                }
            }
        }
        operators::slice(&of, numbers).map(Datum::Value).map_err(TemplateError::failed)
    }

    /// `of[key]`: its member, or where it has none its attribute; what is not there is undefined, and so is all beneath it.
    pub(super) fn member(&self, of: Datum, key: &Value) -> Outcome {
        let attribute = match (&of, key) {
            (Datum::Value(value), Value::Str(name)) => methods::attribute(value, name.expose()),
            _ => None,
        };
        match self.entry(of, key)? {
            Datum::Undefined(missing) => Ok(attribute.unwrap_or(Datum::Undefined(missing))),
            found => Ok(found),
        }
    }

    /// The same without attributes.
    pub(super) fn entry(&self, of: Datum, key: &Value) -> Outcome {
        let value = match of {
            Datum::Unknown | Datum::Undefined(_) => return Ok(of),
            Datum::Object(object) => return self.object_member(&object, key),
            Datum::Mixed(items) => {
                let at = python::to_int(key, 10).and_then(|at| operators::index(at, items.len()));
                return Ok(at.map_or_else(|| missing("list", key), |at| items[at].clone()));
            }
            Datum::Value(value) => value,
        };
        match (&value, key) {
            (Value::Map(map), key) => match python::value_key(key).and_then(|key| map.get(&key)) {
                Some(member) => self.resolve(member.clone()),
                None => Ok(missing("dict", key)),
            },
            (Value::List(items), Value::Str(name)) if items.member(name.expose()).is_some() => {
                self.resolve(items.member(name.expose()).cloned().unwrap_or_default())
            }
            (Value::List(items), Value::Int(at)) => match operators::index(*at, items.len()) {
                Some(at) => self.resolve(items[at].clone()),
                None => Ok(missing("list", key)),
            },
            // `list.0` is written with a dot and `list['0']` as text: Jinja takes the first only.
            (Value::Str(text), Value::Str(name)) if text.is_moment() => {
                let member = text.moment_of().and_then(|moment| globals::date_member(moment, name.expose()));
                Ok(member.unwrap_or_else(|| missing(value.type_name(), key)))
            }
            (Value::Str(text), Value::Int(at)) if !text.is_moment() => {
                let chars: Vec<char> = text.expose().chars().collect();
                match operators::index(*at, chars.len()) {
                    Some(at) => {
                        let one = Value::str(chars[at].to_string());
                        Ok(Datum::Value(if text.is_secret() { one.into_secret() } else { one }))
                    }
                    None => Ok(missing("str", key)),
                }
            }
            _ => Ok(missing(value.type_name(), key)),
        }
    }

    fn object_member(&self, object: &Object, key: &Value) -> Outcome {
        let found = |members: &indexmap::IndexMap<Key, Datum>| {
            python::value_key(key).and_then(|key| members.get(&key).cloned())
        };
        let name = key.as_str().unwrap_or_default();
        let member = match object {
            Object::Namespace(members) => found(&members.lock().unwrap_or_else(std::sync::PoisonError::into_inner)),
            Object::Module(members) => found(members),
            Object::Loop(looping) => looping.member(name),
            Object::HostVars => Some(Datum::object(Object::Vars)),
            Object::Vars => {
                return match self.scope.get(name) {
                    Binding::Value(value) => self.resolve(value),
                    Binding::Unknown => Ok(Datum::Unknown),
                    Binding::Undefined => Ok(missing("dict", key)),
                };
            }
            Object::Date(date) => globals::date_member(*date, name),
            Object::Delta(seconds, micros) => globals::delta_member(*seconds, *micros, name),
            Object::Macro { it, .. } if name == "name" => Some(Datum::str(it.name.clone())),
            _ => None,
        };
        Ok(member.unwrap_or_else(|| missing(Datum::Object(Arc::new(Object::Vars)).type_name(), key)))
    }
}

fn missing(type_name: &str, key: &Value) -> Datum {
    Datum::missing(match key {
        Value::Str(text) if !text.is_secret() => {
            format!("object of type '{type_name}' has no attribute {}", python::repr(key))
        }
        Value::Str(_) => format!("object of type '{type_name}' has no such attribute"),
        _ => format!("object of type '{type_name}' has no item {}", python::repr(key)),
    })
}
