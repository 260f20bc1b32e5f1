//! Arguments of filters, tests and functions, bound to their parameters' names.

use super::datum::Datum;
use super::python;
use crate::roles::value::Value;
use std::sync::Arc;

/// Arguments before they are bound: evaluated, not forced.
#[derive(Clone, Debug, Default)]
pub(super) struct Given {
    pub(super) positional: Vec<Datum>,
    pub(super) named: Vec<(Arc<str>, Datum)>,
}

impl Given {
    /// The argument at a position or by a name.
    pub(super) fn get(&self, index: usize, name: &str) -> Option<&Datum> {
        self.positional.get(index).or_else(|| self.named(name))
    }

    /// The argument by name only.
    pub(super) fn named(&self, name: &str) -> Option<&Datum> {
        self.named.iter().find(|(have, _)| &**have == name).map(|(_, datum)| datum)
    }
}

/// Arguments in the order of their parameters. A parameter list that ends in `*` takes any number of positional
/// arguments, one that ends in `**` any named ones too.
#[derive(Clone, Debug, Default)]
pub(super) struct Args {
    bound: Vec<Option<Value>>,
    /// Positional arguments past the parameters.
    pub(super) rest: Vec<Value>,
    /// Named arguments that are no parameters.
    pub(super) named: Vec<(Arc<str>, Value)>,
}

impl Args {
    /// Binds values to parameters; what does not fit is named.
    pub(super) fn bind(params: &[&str], positional: Vec<Value>, named: Vec<(Arc<str>, Value)>) -> Result<Self, String> {
        let open = params.iter().filter(|p| p.starts_with('*')).count();
        let names = &params[..params.len() - open];
        let mut out = Self { bound: vec![None; names.len()], ..Self::default() };
        for (index, value) in positional.into_iter().enumerate() {
            match out.bound.get_mut(index) {
                Some(slot) => *slot = Some(value),
                None if open > 0 => out.rest.push(value),
                None => return Err(format!("takes at most {} arguments", names.len())),
            }
        }
        for (name, value) in named {
            match names.iter().position(|have| *have == &*name) {
                Some(index) => out.bound[index] = Some(value),
                None if params.contains(&"**") => out.named.push((name, value)),
                None => return Err(format!("has no argument `{name}`")),
            }
        }
        Ok(out)
    }

    /// Arguments by position, bound already.
    pub(super) fn of(bound: Vec<Option<Value>>) -> Self {
        Self { bound, ..Self::default() }
    }

    /// The argument of a parameter.
    pub(super) fn get(&self, index: usize) -> Option<&Value> {
        self.bound.get(index).and_then(Option::as_ref)
    }

    /// It, or an error that says that it is needed.
    pub(super) fn need(&self, index: usize) -> Result<&Value, String> {
        self.get(index).ok_or_else(|| format!("needs argument {}", index + 1))
    }

    /// It as text; `None` where it is not given or null.
    pub(super) fn text(&self, index: usize) -> Option<String> {
        self.get(index).filter(|v| !matches!(v, Value::Null)).map(python::text)
    }

    /// It as text, or a default.
    pub(super) fn text_or(&self, index: usize, default: &str) -> String {
        self.text(index).unwrap_or_else(|| default.to_owned())
    }

    /// It as a whole number.
    pub(super) fn int(&self, index: usize) -> Result<Option<i64>, String> {
        match self.get(index) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => {
                python::to_int(value, 10).map(Some).ok_or_else(|| format!("argument {} is no number", index + 1))
            }
        }
    }

    /// Its truth, or a default.
    pub(super) fn flag(&self, index: usize, default: bool) -> bool {
        self.get(index).map_or(default, python::truth)
    }

    /// Whether any argument holds a secret.
    pub(super) fn has_secret(&self) -> bool {
        self.bound.iter().flatten().chain(&self.rest).chain(self.named.iter().map(|(_, v)| v)).any(Value::has_secret)
    }
}
