//! Attributes of Python's built-in types: numbers' parts, and methods that are named and not called.

use crate::roles::template::datum::{Datum, Object};
use crate::roles::value::Value;

const TEXT: &[&str] = &[
    "capitalize",
    "casefold",
    "center",
    "count",
    "encode",
    "endswith",
    "expandtabs",
    "find",
    "format",
    "format_map",
    "index",
    "isalnum",
    "isalpha",
    "isascii",
    "isdecimal",
    "isdigit",
    "isidentifier",
    "islower",
    "isnumeric",
    "isprintable",
    "isspace",
    "istitle",
    "isupper",
    "join",
    "ljust",
    "lower",
    "lstrip",
    "maketrans",
    "partition",
    "removeprefix",
    "removesuffix",
    "replace",
    "rfind",
    "rindex",
    "rjust",
    "rpartition",
    "rsplit",
    "rstrip",
    "split",
    "splitlines",
    "startswith",
    "strip",
    "swapcase",
    "title",
    "translate",
    "upper",
    "zfill",
];

const TUPLE: &[&str] = &["count", "index"];

const LIST: &[&str] =
    &["append", "clear", "copy", "count", "extend", "index", "insert", "pop", "remove", "reverse", "sort"];

const MAP: &[&str] =
    &["clear", "copy", "fromkeys", "get", "items", "keys", "pop", "popitem", "setdefault", "update", "values"];

const INT: &[&str] =
    &["as_integer_ratio", "bit_count", "bit_length", "conjugate", "from_bytes", "is_integer", "to_bytes"];

const FLOAT: &[&str] = &["as_integer_ratio", "conjugate", "fromhex", "hex", "is_integer"];

/// Whether a value has a method of that name.
pub(in crate::roles::template) fn has(value: &Value, name: &str) -> bool {
    let names = match value {
        Value::Str(text) if !text.is_moment() => TEXT,
        Value::List(items) if items.is_tuple() => TUPLE,
        Value::List(_) => LIST,
        Value::Map(_) => MAP,
        Value::Bool(_) | Value::Int(_) => INT,
        Value::Float(_) => FLOAT,
        _ => return false,
    };
    names.contains(&name)
}

/// What Python's `getattr` yields of a value, its members aside.
pub(in crate::roles::template) fn attribute(value: &Value, name: &str) -> Option<Datum> {
    let number = match (value, name) {
        (Value::Bool(truth), "real" | "numerator") => Value::Int(i64::from(*truth)),
        (Value::Int(_), "real" | "numerator") | (Value::Float(_), "real") => value.clone(),
        (Value::Bool(_) | Value::Int(_), "imag") => Value::Int(0),
        (Value::Bool(_) | Value::Int(_), "denominator") => Value::Int(1),
        (Value::Float(_), "imag") => Value::Float(0.0),
        _ => return has(value, name).then(|| Datum::object(Object::Method(value.clone(), name.into()))),
    };
    Some(Datum::Value(number))
}
