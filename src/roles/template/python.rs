//! Values as Python shows, tests and compares them.

use crate::roles::value::{Key, Value};
use std::cmp::Ordering;
use std::fmt::Write;

/// `str()`: what a value is inside a text.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::Str(text) => text.expose().to_owned(),
        other => repr(other),
    }
}

/// What `os.path` takes: a text and nothing else.
pub(super) fn path(value: &Value) -> Result<String, String> {
    match value {
        Value::Str(text) => Ok(text.expose().to_owned()),
        other => Err(format!("expected str, bytes or os.PathLike object, not {}", other.type_name())),
    }
}

/// `repr()`.
pub(super) fn repr(value: &Value) -> String {
    let mut out = String::new();
    write_repr(&mut out, value);
    out
}

fn write_repr(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("None"),
        Value::Bool(true) => out.push_str("True"),
        Value::Bool(false) => out.push_str("False"),
        Value::Int(int) => {
            let _ = write!(out, "{int}");
        }
        Value::Float(float) => out.push_str(&float_text(*float)),
        Value::Str(text) => match text.moment_repr() {
            Some(moment) => out.push_str(&moment),
            None => quote(out, text.expose()),
        },
        Value::Template(template) => quote(out, &template.text),
        Value::Omit => out.push_str("<<Omit>>"),
        Value::Unknown => out.push_str("<<Unknown>>"),
        Value::List(items) => {
            out.push(if items.is_tuple() { '(' } else { '[' });
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                write_repr(out, item);
            }
            out.push_str(match (items.is_tuple(), items.len()) {
                (false, _) => "]",
                (true, 1) => ",)",
                (true, _) => ")",
            });
        }
        Value::Map(map) => {
            out.push('{');
            for (index, (key, item)) in map.iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                match key {
                    Key::Str(text) => quote(out, text),
                    other => {
                        let _ = write!(out, "{other}");
                    }
                }
                out.push_str(": ");
                write_repr(out, item);
            }
            out.push('}');
        }
    }
}

fn quote(out: &mut String, text: &str) {
    let mark = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    out.push(mark);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == mark => {
                out.push('\\');
                out.push(c);
            }
            c if (c as u32) < 0x20 || (0x7f..0xa1).contains(&(c as u32)) => {
                let _ = write!(out, "\\x{:02x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push(mark);
}

/// A fraction's `repr()`: the shortest text that reads back, exponents from 1e16 and below 1e-4.
pub(super) fn float_text(float: f64) -> String {
    if float.is_nan() {
        return "nan".into();
    }
    if float.is_infinite() {
        return if float > 0.0 { "inf".into() } else { "-inf".into() };
    }
    let size = float.abs();
    if size != 0.0 && !(1e-4..1e16).contains(&size) {
        let text = format!("{float:e}");
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, digits) = exponent.strip_prefix('-').map_or(('+', exponent), |digits| ('-', digits));
        return format!("{mantissa}e{sign}{digits:0>2}");
    }
    let text = format!("{float}");
    if text.contains('.') { text } else { text + ".0" }
}

/// `bool()`.
pub(super) fn truth(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(b) => *b,
        Value::Int(int) => *int != 0,
        Value::Float(float) => *float != 0.0,
        Value::Str(text) => !text.expose().is_empty(),
        Value::Template(template) => !template.text.is_empty(),
        Value::List(items) => !items.is_empty(),
        Value::Map(map) => !map.is_empty(),
        Value::Omit | Value::Unknown => true,
    }
}

/// `int()`, as Jinja's filter does it: a text may be a fraction's; `None` where there is no number in it.
pub(super) fn to_int(value: &Value, base: u32) -> Option<i64> {
    match value {
        Value::Bool(b) => Some(i64::from(*b)),
        Value::Int(int) => Some(*int),
        #[expect(clippy::cast_possible_truncation, reason = "Python truncates; a fraction past 64 bits saturates")]
        Value::Float(float) if float.is_finite() => Some(float.trunc() as i64),
        Value::Str(text) => {
            let text = text.expose().trim().replace('_', "");
            let (sign, digits) = text.strip_prefix('-').map_or((1, text.as_str()), |rest| (-1, rest));
            let digits = digits.strip_prefix('+').unwrap_or(digits);
            let lower = digits.to_lowercase();
            let prefixed = match base {
                16 => lower.strip_prefix("0x"),
                8 => lower.strip_prefix("0o"),
                2 => lower.strip_prefix("0b"),
                _ => None,
            };
            i64::from_str_radix(prefixed.unwrap_or(&lower), base.clamp(2, 36)).ok().map(|int| sign * int)
        }
        _ => None,
    }
}

/// `float()`.
pub(super) fn to_float(value: &Value) -> Option<f64> {
    match value {
        Value::Bool(b) => Some(f64::from(u8::from(*b))),
        #[expect(clippy::cast_precision_loss, reason = "as Python converts")]
        Value::Int(int) => Some(*int as f64),
        Value::Float(float) => Some(*float),
        Value::Str(text) => text.expose().trim().parse().ok(),
        _ => None,
    }
}

/// `<` and kin; `None` where Python raises `TypeError`.
pub(super) fn compare(a: &Value, b: &Value) -> Option<Ordering> {
    match (a, b) {
        (Value::Str(a), Value::Str(b)) if a.is_moment() != b.is_moment() => None,
        (Value::Str(a), Value::Str(b)) => Some(a.expose().cmp(b.expose())),
        (Value::Int(a), Value::Int(b)) => Some(a.cmp(b)),
        (Value::List(a), Value::List(b)) if a.is_tuple() == b.is_tuple() => {
            for (a, b) in a.iter().zip(b.iter()) {
                if a != b {
                    return compare(a, b);
                }
            }
            Some(a.len().cmp(&b.len()))
        }
        (Value::Str(_), _) | (_, Value::Str(_)) => None,
        _ => to_float(a)?.partial_cmp(&to_float(b)?),
    }
}

/// `len()`.
pub(super) fn length(value: &Value) -> Option<usize> {
    match value {
        Value::Str(text) if !text.is_moment() => Some(text.expose().chars().count()),
        Value::List(items) => Some(items.len()),
        Value::Map(map) => Some(map.len()),
        _ => None,
    }
}

/// A mapping's key as a value.
pub(super) fn key_value(key: &Key) -> Value {
    match key {
        Key::Str(text) => Value::str(text.clone()),
        Key::Int(int) => Value::Int(*int),
        Key::Bool(b) => Value::Bool(*b),
        Key::Null => Value::Null,
    }
}

/// A value as a mapping's key. A whole fraction is the whole number; other fractions, lists and mappings are no keys.
pub(super) fn value_key(value: &Value) -> Option<Key> {
    match value {
        Value::Str(text) => Some(Key::from(text.expose())),
        Value::Int(int) => Some(Key::Int(*int)),
        Value::Bool(b) => Some(Key::Bool(*b)),
        Value::Null => Some(Key::Null),
        Value::Float(float) if float.fract() == 0.0 => to_int(value, 10).map(Key::Int),
        Value::Float(float) => Some(Key::from(float_text(*float).as_str())),
        _ => None,
    }
}

/// What `for` goes through: a list's items, a mapping's keys, a text's characters.
pub(super) fn items(value: &Value) -> Option<Vec<Value>> {
    match value {
        Value::List(items) => Some(items.to_vec()),
        Value::Map(map) => Some(map.keys().map(key_value).collect()),
        Value::Str(text) if !text.is_moment() => Some(
            text.expose()
                .chars()
                .map(|c| if text.is_secret() { Value::secret(c.to_string()) } else { Value::str(c.to_string()) })
                .collect(),
        ),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_are_written_as_python_writes_them() {
        for (float, text) in [(1.0, "1.0"), (0.1, "0.1"), (1e16, "1e+16"), (1.5e-7, "1.5e-07"), (-0.0, "-0.0")] {
            assert_eq!(float_text(float), text);
        }
    }

    #[test]
    fn texts_are_quoted_as_python_quotes_them() {
        let value = Value::list([Value::str("a'b"), Value::str("a\n"), Value::Null, Value::Bool(true)]);
        assert_eq!(repr(&value), r#"["a'b", 'a\n', None, True]"#);
    }
}
