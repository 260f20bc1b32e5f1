//! What a template yields, in pieces: one piece keeps its type, several are text.

use super::datum::Datum;
use super::python;
use crate::roles::items::Form;
use crate::roles::value::Value;

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
