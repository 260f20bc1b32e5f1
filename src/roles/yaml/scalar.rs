//! What a plain scalar is, by PyYAML's implicit resolvers (`yaml/resolver.py`, YAML 1.1).

use crate::roles::value::{Text, Value, moment};

/// Whether a text has marks of a template.
pub fn is_template(text: &str) -> bool {
    text.as_bytes().windows(2).any(|pair| matches!(pair, b"{{" | b"{%" | b"{#"))
}

/// The value of a plain, untagged scalar.
pub(super) fn resolve(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => return Value::Bool(true),
        "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => return Value::Bool(false),
        _ => {}
    }
    if !text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c)) || text.len() > 400 {
        return Value::str(text);
    }
    let number = || int(text).map(Value::Int).or_else(|| float(text).map(Value::Float));
    let moment = || moment::read(text).map(|written| Value::Str(Text::moment(written)));
    number().or_else(moment).unwrap_or_else(|| Value::str(text))
}

fn unsigned(text: &str) -> (bool, &str) {
    match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    }
}

/// A whole number: decimal, octal by a leading zero, `0b`, `0x`, or base sixty (`1:30`). One past 64 bits stays text.
pub(super) fn int(text: &str) -> Option<i64> {
    let (negative, body) = unsigned(text);
    let digits: String = body.chars().filter(|c| *c != '_').collect();
    let only = |text: &str, set: &str| !text.is_empty() && text.chars().all(|c| c == '_' || set.contains(c));
    let magnitude = if let Some(rest) = body.strip_prefix("0b").filter(|rest| only(rest, "01")) {
        i64::from_str_radix(&rest.replace('_', ""), 2).ok()?
    } else if let Some(rest) = body.strip_prefix("0x").filter(|rest| only(rest, "0123456789abcdefABCDEF")) {
        i64::from_str_radix(&rest.replace('_', ""), 16).ok()?
    } else if body.starts_with('0') {
        if !only(body, "01234567") {
            return None;
        }
        i64::from_str_radix(&digits, 8).ok()?
    } else if let Some((first, rest)) = body.split_once(':') {
        if !first.starts_with(|c: char| c.is_ascii_digit()) || !only(first, "0123456789") {
            return None;
        }
        let first = first.replace('_', "").parse().ok()?;
        rest.split(':').try_fold(first, |sum: i64, part| sum.checked_mul(60)?.checked_add(sixtieth(part)?))?
    } else if body.starts_with(|c: char| c.is_ascii_digit()) && only(body, "0123456789") {
        digits.parse().ok()?
    } else {
        return None;
    };
    Some(if negative { -magnitude } else { magnitude })
}

/// `[0-5]?[0-9]`
fn sixtieth(part: &str) -> Option<i64> {
    let good = matches!(part.as_bytes(), [b'0'..=b'9'] | [b'0'..=b'5', b'0'..=b'9']);
    good.then(|| part.parse().ok()).flatten()
}

/// A fraction. An exponent needs its sign, and a fraction its point, as in PyYAML.
pub(super) fn float(text: &str) -> Option<f64> {
    let (negative, body) = unsigned(text);
    let signed = |magnitude: f64| Some(if negative { -magnitude } else { magnitude });
    match body {
        ".inf" | ".Inf" | ".INF" => return signed(f64::INFINITY),
        ".nan" | ".NaN" | ".NAN" => return (body == text).then_some(f64::NAN),
        _ => {}
    }
    let (whole, rest) = body.split_once('.')?;
    if let Some((first, minutes)) = whole.split_once(':') {
        let digits = |text: &str| text.chars().all(|c| c.is_ascii_digit() || c == '_');
        if !first.starts_with(|c: char| c.is_ascii_digit()) || !digits(first) || !digits(rest) {
            return None;
        }
        let first: f64 = first.replace('_', "").parse().ok()?;
        let mut parts: Vec<&str> = minutes.split(':').collect();
        let last = parts.pop()?;
        #[expect(clippy::cast_precision_loss, reason = "below sixty")]
        let sum = parts.iter().try_fold(first, |sum, part| Some(sum * 60.0 + sixtieth(part)? as f64))?;
        sixtieth(last)?;
        let tail: f64 = format!("{last}.{}", rest.replace('_', "")).parse().ok()?;
        return signed(sum * 60.0 + tail);
    }
    let digit_first = |text: &str| text.starts_with(|c: char| c.is_ascii_digit());
    let (fraction, exponent) = match rest.find(['e', 'E']) {
        Some(at) => (&rest[..at], Some(&rest[at + 1..])),
        None => (rest, None),
    };
    let all = |text: &str| text.chars().all(|c| c.is_ascii_digit() || c == '_');
    let exponent_good = exponent.is_none_or(|exponent| {
        exponent.strip_prefix(['+', '-']).is_some_and(|e| !e.is_empty() && e.chars().all(|c| c.is_ascii_digit()))
    });
    let whole_good = if whole.is_empty() { body == text && digit_first(fraction) } else { digit_first(whole) };
    if !(whole_good && all(whole) && all(fraction) && exponent_good) {
        return None;
    }
    signed(body.replace('_', "").parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_are_what_pyyaml_says() {
        for (text, want) in [
            ("0644", Value::Int(0o644)),
            ("0o644", Value::str("0o644")),
            ("08", Value::str("08")),
            ("1_000", Value::Int(1000)),
            ("1:30", Value::Int(90)),
            ("1:60", Value::str("1:60")),
            ("-0x1F", Value::Int(-31)),
            ("0b1010", Value::Int(10)),
            ("1e5", Value::str("1e5")),
            ("1.5e+3", Value::Float(1500.0)),
            ("1.", Value::Float(1.0)),
            ("-.5", Value::str("-.5")),
            (".5", Value::Float(0.5)),
            ("1:30.5", Value::Float(90.5)),
            ("2001-12-14", Value::Str(Text::moment("2001-12-14"))),
            ("2001-12-14T01:02:03", Value::Str(Text::moment("2001-12-14 01:02:03"))),
            ("2026-02-30", Value::str("2026-02-30")),
            ("1.2.3", Value::str("1.2.3")),
            ("12:30:45", Value::Int(45045)),
            ("-", Value::str("-")),
            ("y", Value::str("y")),
            ("on", Value::Bool(true)),
        ] {
            let have = resolve(text);
            assert_eq!(have.type_name(), want.type_name(), "{text}");
            assert_eq!(have, want, "{text}");
        }
    }
}
