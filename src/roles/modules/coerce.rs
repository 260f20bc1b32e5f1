//! An argument's value as its kind has it, by the rules of Ansible's `argument_spec`.

use super::files::mode::Mode;
use super::spec::ParamKind;
use crate::roles::value::Value;

/// A scalar as Python's `str()` writes it.
pub(super) fn written(value: &Value) -> Option<String> {
    Some(match value {
        // To a module a moment is what JSON has of it.
        Value::Str(text) => text.iso(),
        Value::Template(template) => template.text.clone(),
        Value::Int(i) => i.to_string(),
        Value::Float(f) if f.fract() == 0.0 && f.abs() < 1e16 => format!("{f:.1}"),
        Value::Float(f) => f.to_string(),
        Value::Bool(true) => "True".into(),
        Value::Bool(false) => "False".into(),
        Value::Null | Value::Omit | Value::Unknown | Value::List(_) | Value::Map(_) => return None,
    })
}

/// Ansible's truth words (`module_utils/parsing/convert_bool.py`).
pub fn truth(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "y" | "yes" | "on" | "1" | "true" | "t" | "1.0" => Some(true),
        "n" | "no" | "off" | "0" | "false" | "f" | "0.0" => Some(false),
        _ => None,
    }
}

fn keep_secret(of: &Value, text: String) -> Value {
    if of.has_secret() { Value::secret(text) } else { Value::str(text) }
}

pub(super) fn coerce(kind: ParamKind, value: &Value) -> Result<Value, String> {
    let wrong = |want: &str| Err(format!("wants {want}, not {} {}", value.type_name(), value.to_json()));
    match kind {
        ParamKind::Raw => Ok(value.clone()),
        ParamKind::Mode => match value {
            // Some modules take this word for one.
            Value::Str(text) if text.expose() == "preserve" => Ok(value.clone()),
            Value::Int(_) | Value::Str(_) => Mode::read(value).map(|_| value.clone()),
            _ => wrong("a permission mode"),
        },
        ParamKind::Str | ParamKind::Path => match written(value) {
            Some(text) => Ok(keep_secret(value, text)),
            // Ansible writes lists and mappings out as text; where that is meant, `to_json` says it better.
            None => wrong("text"),
        },
        ParamKind::Bool => match value {
            Value::Bool(_) => Ok(value.clone()),
            other => written(other)
                .and_then(|text| truth(&text))
                .map_or_else(|| wrong("a truth value"), |truth| Ok(Value::Bool(truth))),
        },
        ParamKind::Int => match value {
            Value::Int(_) => Ok(value.clone()),
            Value::Bool(b) => Ok(Value::Int(i64::from(*b))),
            #[expect(clippy::cast_possible_truncation, reason = "a whole fraction within range")]
            Value::Float(f) if f.fract() == 0.0 && f.abs() < 9e15 => Ok(Value::Int(*f as i64)),
            other => written(other)
                .and_then(|text| text.trim().parse().ok())
                .map_or_else(|| wrong("a whole number"), |int| Ok(Value::Int(int))),
        },
        ParamKind::Float => match value {
            Value::Float(_) => Ok(value.clone()),
            other => written(other)
                .and_then(|text| text.trim().parse().ok())
                .map_or_else(|| wrong("a number"), |float| Ok(Value::Float(float))),
        },
        ParamKind::StrList | ParamKind::AnyList => match value {
            Value::List(items) if kind == ParamKind::StrList => items
                .iter()
                .map(|item| written(item).map_or_else(|| wrong("a list of texts"), |t| Ok(keep_secret(item, t))))
                .collect::<Result<Vec<_>, _>>()
                .map(Value::list),
            Value::List(_) => Ok(value.clone()),
            Value::Str(text) => {
                Ok(Value::list(text.expose().split(',').map(|part| keep_secret(value, part.trim().to_owned()))))
            }
            Value::Map(_) => wrong("a list"),
            other => Ok(Value::list(written(other).map(Value::str))),
        },
        ParamKind::Dict => match value {
            Value::Map(_) => Ok(value.clone()),
            Value::Str(text) => serde_json::from_str::<serde_json::Value>(text.expose())
                .ok()
                .filter(serde_json::Value::is_object)
                .map_or_else(|| wrong("a mapping"), |json| Ok(Value::from_json(&json))),
            _ => wrong("a mapping"),
        },
    }
}
