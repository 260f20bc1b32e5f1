//! Expressions.

use super::args::Given;
use super::datum::Datum;
use super::error::{TemplateError, TemplateTrouble};
use super::run::{Run, is_template};
use super::syntax::{Args, Expr, Node};
use super::{Binding, filters, globals, operators, python, tests};
use crate::roles::value::{Map, Template, Value};
use crate::roles::vault::Vault;
use std::sync::Arc;

type Outcome = Result<Datum, TemplateError>;

impl Run<'_> {
    /// Evaluates an expression; what it yields may be undefined.
    pub(super) fn eval(&mut self, node: &Node) -> Outcome {
        let outcome = stacker::maybe_grow(128 << 10, 2 << 20, || self.expression(node));
        outcome.map_err(|error| match node.expr {
            Expr::Not(_) | Expr::Neg(_) | Expr::Plus(_) | Expr::Binary(..) | Expr::Compare(..) => {
                self.located(error, node.at).of_operator()
            }
            _ => self.located(error, node.at),
        })
    }

    /// Evaluates an expression to a value, its members still lazy.
    pub(super) fn value(&mut self, node: &Node) -> Result<Value, TemplateError> {
        let datum = self.eval(node)?;
        self.force(datum).map_err(|error| self.located(error, node.at))
    }

    /// Evaluates an expression to a finished value.
    pub(super) fn finished(&mut self, node: &Node) -> Result<Value, TemplateError> {
        let datum = self.eval(node)?;
        self.deep(datum).map_err(|error| self.located(error, node.at))
    }

    fn constant(&self, value: &Value, at: u32) -> Outcome {
        match value {
            Value::Str(text) if self.condition && is_template(text.expose()) => {
                let template = Template::new(text.expose(), self.source.place(at));
                self.resolve(Value::Template(Arc::new(template)))
            }
            other => Ok(Datum::Value(other.clone())),
        }
    }

    fn expression(&mut self, node: &Node) -> Outcome {
        match &node.expr {
            Expr::Name(name) => self.name(name, node.at),
            Expr::Const(value) => self.constant(value, node.at),
            Expr::List(items) => self.list(items),
            Expr::Tuple(items) => Ok(as_tuple(self.list(items)?)),
            Expr::Dict(members) => self.dict(members),
            Expr::Attr(of, name) => self.attribute(of, name),
            Expr::Item(of, subscript) => self.item(of, subscript),
            Expr::Slice(of, bounds) => self.slice(of, bounds),
            Expr::Not(of) => {
                let of = self.eval(of)?;
                Ok(Datum::Value(Value::Bool(!self.truth(of)?)))
            }
            Expr::Neg(of) => {
                let of = self.value(of)?;
                operators::negate(&of).map(Datum::Value).map_err(TemplateError::failed)
            }
            Expr::Plus(of) => {
                let of = self.value(of)?;
                operators::affirm(&of).map(Datum::Value).map_err(TemplateError::failed)
            }
            Expr::And(left, right) => self.junction(left, right, false),
            Expr::Or(left, right) => self.junction(left, right, true),
            Expr::Binary(op, left, right) => {
                if let Some(delta) = globals::difference(self, *op, left, right)? {
                    return Ok(delta);
                }
                let (left, right) = (self.finished(left)?, self.finished(right)?);
                operators::binary(*op, &left, &right).map(Datum::Value).map_err(TemplateError::failed)
            }
            Expr::Compare(first, rest) => {
                let mut left = self.finished(first)?;
                for (op, right) in rest {
                    let right = self.finished(right)?;
                    if !operators::compare(*op, &left, &right).map_err(TemplateError::failed)? {
                        return Ok(Datum::Value(Value::Bool(false)));
                    }
                    left = right;
                }
                Ok(Datum::Value(Value::Bool(true)))
            }
            Expr::If { test, yes, no } => {
                let test = self.eval(test).and_then(|test| self.truth(test)).map_err(TemplateError::of_operator)?;
                match (test, no) {
                    (true, _) => self.eval(yes),
                    (false, Some(no)) => self.eval(no),
                    (false, None) => Ok(Datum::missing(
                        "the inline if-expression evaluated to false and no else section was defined.",
                    )),
                }
            }
            Expr::Filter { name, input, args } => {
                let input = match input {
                    Some(input) => self.tolerant(input)?,
                    None => Datum::missing("the filter has no input"),
                };
                self.filter(name, input, args)
            }
            Expr::Test { name, input, args } => self.test(name, input, args),
            Expr::Call(callee, args) => self.call(callee, args),
        }
    }

    /// Evaluates what a filter or test may accept undefined: an undefined name anywhere in it makes all of it so.
    pub(super) fn tolerant(&mut self, node: &Node) -> Outcome {
        match self.eval(node) {
            Err(error) if error.kind == TemplateTrouble::Undefined => Ok(Datum::Undefined(Arc::new(error.into()))),
            Err(error) if error.is_unknown() => Ok(Datum::Unknown),
            other => other,
        }
    }

    fn list(&mut self, items: &[Node]) -> Outcome {
        let mut out = Vec::with_capacity(items.len());
        for item in items {
            out.push(self.tolerant(item)?);
        }
        Ok(list_of(out))
    }

    fn dict(&mut self, members: &[(Node, Node)]) -> Outcome {
        let mut out = Map::with_capacity(members.len());
        for (key, value) in members {
            let written = self.value(key)?;
            let Some(key) = python::value_key(&written) else {
                return Err(TemplateError::failed(format!("unhashable type: '{}'", written.type_name())));
            };
            let datum = self.tolerant(value)?;
            let value = self.kept(datum, value.at).map_err(|error| self.located(error, value.at))?;
            out.insert(key, value);
        }
        Ok(Datum::Value(Value::Map(Arc::new(out))))
    }

    /// What a mapping holds: what is undefined in it is an error where it is used.
    fn kept(&self, datum: Datum, at: u32) -> Result<Value, TemplateError> {
        match datum {
            Datum::Undefined(missing) => {
                let text = match &missing.name {
                    Some(name) => format!("{{{{ {name} }}}}"),
                    None => format!("{{{{ undef(hint={}) }}}}", python::repr(&Value::str(missing.message.as_str()))),
                };
                let place = missing.place.clone().unwrap_or_else(|| self.source.place(at));
                Ok(Value::Template(Arc::new(Template::new(text, place))))
            }
            Datum::Mixed(items) => {
                let items = items.iter().map(|item| self.kept(item.clone(), at));
                Ok(Value::list(items.collect::<Result<Vec<_>, _>>()?))
            }
            other => self.force(other),
        }
    }

    /// `and`, `or`: what is not known yet is decided by the other side where that can decide alone.
    fn junction(&mut self, left: &Node, right: &Node, or: bool) -> Outcome {
        let first = match self.eval(left) {
            Err(error) if error.is_unknown() => Datum::Unknown,
            other => other.map_err(TemplateError::of_operator)?,
        };
        match self.truth(first.clone()) {
            Ok(truth) if truth == or => Ok(first),
            Ok(_) => self.eval(right),
            Err(error) if error.is_unknown() => match self.eval(right).and_then(|second| self.truth(second)) {
                Ok(truth) if truth == or => Ok(Datum::Value(Value::Bool(or))),
                _ => Err(error),
            },
            Err(error) => Err(self.located(error, left.at).of_operator()),
        }
    }

    /// Evaluates written arguments.
    pub(super) fn given(&mut self, args: &Args) -> Result<Given, TemplateError> {
        let mut out = Given::default();
        for (splat, node) in &args.positional {
            let datum = self.tolerant(node)?;
            if *splat { out.positional.extend(self.items(datum)?) } else { out.positional.push(datum) }
        }
        for (name, node) in &args.named {
            let datum = self.tolerant(node)?;
            match name {
                Some(name) => out.named.push((name.clone(), datum)),
                None => {
                    if let Value::Map(map) = self.force(datum)? {
                        for (key, value) in map.iter() {
                            let value = self.resolve(value.clone())?;
                            out.named.push((key.to_string().into(), value));
                        }
                    }
                }
            }
        }
        Ok(out)
    }

    fn filter(&mut self, name: &str, input: Datum, args: &Args) -> Outcome {
        let given = self.given(args)?;
        filters::TABLE.apply(self, name, input, given)
    }

    /// Applies a chain of filters to what a block or macro yielded.
    pub(super) fn chain(&mut self, node: &Node, input: Datum) -> Outcome {
        match &node.expr {
            Expr::Filter { name, input: inner, args } => {
                let input = match inner {
                    Some(inner) => self.chain(inner, input)?,
                    None => input,
                };
                self.filter(name, input, args).map_err(|error| self.located(error, node.at))
            }
            _ => Ok(input),
        }
    }

    fn test(&mut self, name: &str, input: &Node, args: &Args) -> Outcome {
        if let ("vault_encrypted" | "ansible.builtin.vault_encrypted", Expr::Name(variable)) = (name, &input.expr)
            && let Binding::Value(Value::Template(template)) = self.scope.get(variable)
            && Vault::is_encrypted(template.text.as_bytes())
        {
            return Ok(Datum::Value(Value::Bool(true)));
        }
        let datum = self.tolerant(input)?;
        // The variable of a task that is still to run will be there; what its members will be is not known.
        if matches!((&datum, &input.expr), (Datum::Unknown, Expr::Name(_))) {
            match name {
                "defined" => return Ok(Datum::Value(Value::Bool(true))),
                "undefined" => return Ok(Datum::Value(Value::Bool(false))),
                _ => {}
            }
        }
        let given = self.given(args)?;
        tests::TABLE.apply(self, name, datum, given).map(|answer| Datum::Value(Value::Bool(answer)))
    }
}

/// A list of what expressions yielded.
pub(super) fn list_of(items: Vec<Datum>) -> Datum {
    if items.iter().all(|item| matches!(item, Datum::Value(_))) {
        let values =
            items.into_iter().filter_map(|item| if let Datum::Value(value) = item { Some(value) } else { None });
        return Datum::Value(Value::list(values));
    }
    Datum::Mixed(Arc::new(items))
}

/// The same as a tuple, where it holds values alone.
fn as_tuple(datum: Datum) -> Datum {
    match datum {
        Datum::Value(Value::List(items)) => Datum::Value(Value::tuple(items.to_vec())),
        other => other,
    }
}
