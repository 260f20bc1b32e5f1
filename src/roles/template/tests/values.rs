//! Tests on values: types, comparisons, membership, patterns.

use super::Test;
use crate::roles::pattern::{Flags, Pattern};
use crate::roles::template::args::Args;
use crate::roles::template::datum::{Datum, Object};
use crate::roles::template::operators;
use crate::roles::template::syntax::CompareOp;
use crate::roles::template::{filters, python};
use crate::roles::value::Value;
use crate::roles::vault::Vault;

type Outcome = Result<bool, String>;

pub(super) static TESTS: &[Test] = &[
    Test::values("none", &[], |v, _| Ok(matches!(v, Value::Null))),
    Test::values("string", &[], |v, _| Ok(is_text(v))),
    Test::values("boolean", &[], |v, _| Ok(matches!(v, Value::Bool(_)))),
    Test::values("true", &[], |v, _| Ok(matches!(v, Value::Bool(true)))),
    Test::values("false", &[], |v, _| Ok(matches!(v, Value::Bool(false)))),
    Test::values("integer", &[], |v, _| Ok(matches!(v, Value::Int(_)))),
    Test::values("float", &[], |v, _| Ok(matches!(v, Value::Float(_)))),
    Test::values("number", &[], |v, _| Ok(matches!(v, Value::Int(_) | Value::Float(_) | Value::Bool(_)))),
    Test::values("mapping", &[], |v, _| Ok(matches!(v, Value::Map(_)))),
    Test::values("sequence", &[], |v, _| Ok(matches!(v, Value::List(_) | Value::Map(_)) || is_text(v))),
    Test::values("iterable", &[], |v, _| Ok(matches!(v, Value::List(_) | Value::Map(_)) || is_text(v))),
    Test::run("callable", |_, datum, _| {
        let Datum::Object(object) = datum else { return Ok(false) };
        Ok(matches!(&*object, Object::Macro { .. } | Object::Function(_) | Object::Joiner(..) | Object::Method(..)))
    }),
    Test::values("lower", &[], |v, _| Ok(letters(v, char::is_lowercase, char::is_uppercase))),
    Test::values("upper", &[], |v, _| Ok(letters(v, char::is_uppercase, char::is_lowercase))),
    Test::values("even", &[], |v, _| rest(v, &Value::Int(2)).map(|rest| rest == 0.0)),
    Test::values("odd", &[], |v, _| rest(v, &Value::Int(2)).map(|rest| rest == 1.0)),
    Test::values("divisibleby", &["num"], |v, args| rest(v, args.need(0)?).map(|rest| rest == 0.0)),
    Test::values("escaped", &[], |v, _| Ok(matches!(v, Value::Str(text) if text.is_markup()))),
    Test::values("filter", &[], |v, _| Ok(v.as_str().is_some_and(|name| filters::TABLE.has(name)))),
    Test::values("test", &[], |v, _| Ok(v.as_str().is_some_and(|name| super::TABLE.has(name)))),
    // Values have no identity here; those of different types are never the same.
    Test::values("sameas", &["other"], |v, args| {
        let other = args.need(0)?;
        Ok(v.type_name() == other.type_name() && v == other)
    }),
    Test::values("eq", &["other"], |v, args| compared(CompareOp::Eq, v, args)),
    Test::values("equalto", &["other"], |v, args| compared(CompareOp::Eq, v, args)),
    Test::values("==", &["other"], |v, args| compared(CompareOp::Eq, v, args)),
    Test::values("ne", &["other"], |v, args| compared(CompareOp::Ne, v, args)),
    Test::values("!=", &["other"], |v, args| compared(CompareOp::Ne, v, args)),
    Test::values("lt", &["other"], |v, args| compared(CompareOp::Lt, v, args)),
    Test::values("lessthan", &["other"], |v, args| compared(CompareOp::Lt, v, args)),
    Test::values("<", &["other"], |v, args| compared(CompareOp::Lt, v, args)),
    Test::values("le", &["other"], |v, args| compared(CompareOp::Le, v, args)),
    Test::values("<=", &["other"], |v, args| compared(CompareOp::Le, v, args)),
    Test::values("gt", &["other"], |v, args| compared(CompareOp::Gt, v, args)),
    Test::values("greaterthan", &["other"], |v, args| compared(CompareOp::Gt, v, args)),
    Test::values(">", &["other"], |v, args| compared(CompareOp::Gt, v, args)),
    Test::values("ge", &["other"], |v, args| compared(CompareOp::Ge, v, args)),
    Test::values(">=", &["other"], |v, args| compared(CompareOp::Ge, v, args)),
    Test::values("in", &["seq"], |v, args| compared(CompareOp::In, v, args)),
    Test::values("contains", &["item"], |v, args| operators::contains(v, args.need(0)?)),
    Test::values("any", &[], |v, _| Ok(items(v)?.iter().any(python::truth))),
    Test::values("all", &[], |v, _| Ok(items(v)?.iter().all(python::truth))),
    Test::values("subset", &["b"], |v, args| subset(v, args.need(0)?)),
    Test::values("issubset", &["b"], |v, args| subset(v, args.need(0)?)),
    Test::values("superset", &["b"], |v, args| subset(args.need(0)?, v)),
    Test::values("issuperset", &["b"], |v, args| subset(args.need(0)?, v)),
    Test::values("truthy", &["convert_bool"], truthy),
    Test::values("falsy", &["convert_bool"], |v, args| truthy(v, args).map(|answer| !answer)),
    Test::values("nan", &[], |v, _| Ok(is_nan(v))),
    Test::values("isnan", &[], |v, _| Ok(is_nan(v))),
    Test::values("match", &["pattern", "ignorecase", "multiline"], |v, args| pattern(v, args, "match")),
    Test::values("search", &["pattern", "ignorecase", "multiline"], |v, args| pattern(v, args, "search")),
    Test::values("regex", &["pattern", "ignorecase", "multiline", "match_type"], |v, args| {
        pattern(v, args, &args.text_or(3, "search"))
    }),
    Test::values("url", &["schemes"], |v, args| Ok(is_url(v, args))),
    Test::values("uri", &["schemes"], |v, args| {
        Ok(is_url(v, args) || v.as_str().is_some_and(|text| text.starts_with("urn:") || text.starts_with("mailto:")))
    }),
    Test::values("urn", &[], |v, _| Ok(v.as_str().is_some_and(|text| text.to_lowercase().starts_with("urn:")))),
    Test::values("vault_encrypted", &[], |v, _| {
        Ok(matches!(v, Value::Str(text) if text.was_encrypted() || Vault::is_encrypted(text.expose().as_bytes())))
    }),
];

/// Whether it is a text: a date is none.
fn is_text(value: &Value) -> bool {
    matches!(value, Value::Str(text) if !text.is_moment())
}

fn compared(op: CompareOp, value: &Value, args: &Args) -> Outcome {
    operators::compare(op, value, args.need(0)?)
}

/// What Python's `%` leaves, which has the divisor's sign. Fractions have one too.
fn rest(value: &Value, by: &Value) -> Result<f64, String> {
    let number = |value: &Value| match value {
        Value::Int(int) => Ok(i128::from(*int)),
        Value::Bool(truth) => Ok(i128::from(*truth)),
        other => Err(other.type_name()),
    };
    let divided = |by_zero: bool| if by_zero { Err("integer modulo by zero".to_owned()) } else { Ok(()) };
    match (number(value), number(by), value, by) {
        (Ok(value), Ok(by), ..) => {
            divided(by == 0)?;
            #[expect(clippy::cast_precision_loss, reason = "only whether it is zero or one is asked")]
            Ok(((value % by + by) % by) as f64)
        }
        (_, _, Value::Int(_) | Value::Bool(_) | Value::Float(_), Value::Int(_) | Value::Bool(_) | Value::Float(_)) => {
            let (value, by) = (python::to_float(value).unwrap_or_default(), python::to_float(by).unwrap_or_default());
            divided(by == 0.0)?;
            let rest = value % by;
            Ok(if rest != 0.0 && rest.is_sign_negative() != by.is_sign_negative() { rest + by } else { rest })
        }
        (Err(kind), ..) | (_, Err(kind), ..) => Err(format!("takes a number, not {kind}")),
    }
}

fn items(value: &Value) -> Result<Vec<Value>, String> {
    python::items(value).ok_or_else(|| format!("'{}' object is not iterable", value.type_name()))
}

fn letters(value: &Value, wanted: fn(char) -> bool, unwanted: fn(char) -> bool) -> bool {
    let text = python::text(value);
    text.chars().any(wanted) && !text.chars().any(unwanted)
}

fn subset(inner: &Value, outer: &Value) -> Outcome {
    let outer = items(outer)?;
    Ok(items(inner)?.iter().all(|item| outer.contains(item)))
}

fn truthy(value: &Value, args: &Args) -> Outcome {
    if let (true, Value::Str(text)) = (args.flag(0, false), value) {
        match text.expose().to_lowercase().as_str() {
            "yes" | "on" | "true" | "1" | "y" | "t" => return Ok(true),
            "no" | "off" | "false" | "0" | "n" | "f" => return Ok(false),
            _ => {}
        }
    }
    Ok(python::truth(value))
}

fn is_nan(value: &Value) -> bool {
    matches!(value, Value::Float(float) if float.is_nan())
}

fn pattern(value: &Value, args: &Args, how: &str) -> Outcome {
    let flags = Flags { ignore_case: args.flag(1, false), multi_line: args.flag(2, false), dot_all: false };
    let text = python::text(value);
    let written = args.text_or(0, "");
    let failed = |error: crate::roles::pattern::PatternError| error.to_string();
    match how {
        "search" => Pattern::new(&written, flags).map_err(failed)?.is_match(&text).map_err(failed),
        "fullmatch" => Pattern::full(&written, flags).map_err(failed)?.is_match(&text).map_err(failed),
        _ => Pattern::new(&written, flags).map_err(failed)?.is_match_at_start(&text).map_err(failed),
    }
}

fn is_url(value: &Value, args: &Args) -> bool {
    let Some((scheme, rest)) = value.as_str().and_then(|text| text.split_once("://")) else { return false };
    let allowed = match args.get(0) {
        Some(Value::List(schemes)) => schemes.iter().any(|have| have.as_str() == Some(scheme)),
        _ => true,
    };
    let named = scheme.starts_with(|c: char| c.is_ascii_alphabetic());
    allowed && named && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c)) && !rest.is_empty()
}
