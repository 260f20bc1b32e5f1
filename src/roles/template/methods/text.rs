//! Methods of `str`.

use super::{Named, Outcome, format};
use crate::roles::template::python;
use crate::roles::value::Value;

/// Calls one; `None` where `str` has no such method.
pub(super) fn call(it: &str, method: &str, args: &[Value], named: &Named) -> Option<Outcome> {
    let arg = |index: usize, name: &str| {
        args.get(index).or_else(|| named.iter().find(|(have, _)| &**have == name).map(|(_, value)| value))
    };
    let word = |index: usize| args.get(index).filter(|v| !matches!(v, Value::Null)).map(python::text);
    let number = |index: usize, name: &str| arg(index, name).and_then(|v| python::to_int(v, 10));
    let text = |text: String| Some(Ok(Value::str(text)));
    let truth = |truth: bool| Some(Ok(Value::Bool(truth)));
    match method {
        "upper" => text(it.to_uppercase()),
        "lower" | "casefold" => text(it.to_lowercase()),
        "capitalize" => text(capitalize(it)),
        "title" => text(title(it)),
        "swapcase" => text(
            it.chars()
                .flat_map(|c| -> Vec<char> {
                    if c.is_uppercase() { c.to_lowercase().collect() } else { c.to_uppercase().collect() }
                })
                .collect(),
        ),
        "strip" => text(strip(it, word(0).as_deref(), true, true).to_owned()),
        "lstrip" => text(strip(it, word(0).as_deref(), true, false).to_owned()),
        "rstrip" => text(strip(it, word(0).as_deref(), false, true).to_owned()),
        "removeprefix" => text(it.strip_prefix(&*word(0).unwrap_or_default()).unwrap_or(it).to_owned()),
        "removesuffix" => text(it.strip_suffix(&*word(0).unwrap_or_default()).unwrap_or(it).to_owned()),
        "startswith" => truth(any_of(args.first(), |part| it.starts_with(part))),
        "endswith" => truth(any_of(args.first(), |part| it.ends_with(part))),
        "split" => {
            let separator = arg(0, "sep").filter(|v| !matches!(v, Value::Null)).map(python::text);
            Some(split(it, separator.as_deref(), number(1, "maxsplit").unwrap_or(-1)))
        }
        "rsplit" => {
            let separator = arg(0, "sep").filter(|v| !matches!(v, Value::Null)).map(python::text);
            Some(rsplit(it, separator.as_deref(), number(1, "maxsplit").unwrap_or(-1)))
        }
        "splitlines" => {
            let keep = arg(0, "keepends").is_some_and(python::truth);
            Some(Ok(Value::list(lines(it, keep).into_iter().map(Value::str))))
        }
        "partition" | "rpartition" => Some(Ok(partition(it, method, &word(0).unwrap_or_default()))),
        "replace" => {
            let (old, new) = (word(0).unwrap_or_default(), word(1).unwrap_or_default());
            let count = number(2, "count").unwrap_or(-1);
            text(match usize::try_from(count) {
                Ok(count) => it.replacen(&old, &new, count),
                Err(_) => it.replace(&old, &new),
            })
        }
        "join" => Some(join(it, args.first())),
        "find" | "rfind" | "index" | "rindex" => Some(find(it, method, &word(0).unwrap_or_default())),
        "count" => {
            let part = word(0).unwrap_or_default();
            let count = if part.is_empty() { it.chars().count() + 1 } else { it.matches(&part).count() };
            Some(Ok(Value::Int(i64::try_from(count).unwrap_or(i64::MAX))))
        }
        "expandtabs" => text(it.replace('\t', &" ".repeat(number(0, "tabsize").unwrap_or(8).clamp(0, 64) as usize))),
        "format" => Some(format::braces(it, args, named)),
        "encode" | "decode" => text(it.to_owned()),
        "zfill" | "ljust" | "rjust" | "center" => {
            let width = number(0, "width").and_then(|n| usize::try_from(n).ok()).unwrap_or(0).min(1 << 20);
            let fill = word(1).and_then(|t| t.chars().next()).unwrap_or(' ');
            text(padded(it, method, width, fill))
        }
        _ => is(it, method).map(|answer| Ok(Value::Bool(answer))),
    }
}

/// What is before, the separator, and what is after.
fn partition(it: &str, method: &str, by: &str) -> Value {
    let found = if method == "partition" { it.split_once(by) } else { it.rsplit_once(by) };
    let parts = match (found, method) {
        (Some((a, b)), _) => [a, by, b],
        (None, "partition") => [it, "", ""],
        (None, _) => ["", "", it],
    };
    Value::tuple(parts.into_iter().map(Value::str))
}

/// The questions, `is...`; `None` where there is no such one.
fn is(it: &str, method: &str) -> Option<bool> {
    match method {
        "isdigit" | "isdecimal" | "isnumeric" => Some(!it.is_empty() && it.chars().all(char::is_numeric)),
        "isalpha" => Some(!it.is_empty() && it.chars().all(char::is_alphabetic)),
        "isalnum" => Some(!it.is_empty() && it.chars().all(char::is_alphanumeric)),
        "isspace" => Some(!it.is_empty() && it.chars().all(char::is_whitespace)),
        "isupper" => Some(it.chars().any(char::is_uppercase) && !it.chars().any(char::is_lowercase)),
        "islower" => Some(it.chars().any(char::is_lowercase) && !it.chars().any(char::is_uppercase)),
        "isidentifier" => Some(
            it.starts_with(|c: char| c.is_alphabetic() || c == '_')
                && it.chars().all(|c| c.is_alphanumeric() || c == '_'),
        ),
        _ => None,
    }
}

/// Filled up to a width.
fn padded(it: &str, method: &str, width: usize, fill: char) -> String {
    let short = width.saturating_sub(it.chars().count());
    let pad = fill.to_string().repeat(short);
    match method {
        "zfill" => {
            let (sign, digits) = if it.starts_with(['-', '+']) { it.split_at(1) } else { ("", it) };
            format!("{sign}{}{digits}", "0".repeat(short))
        }
        "ljust" => format!("{it}{pad}"),
        "rjust" => format!("{pad}{it}"),
        _ => center(it, width, fill),
    }
}

fn any_of(parts: Option<&Value>, test: impl Fn(&str) -> bool) -> bool {
    match parts {
        Some(Value::List(parts)) => parts.iter().filter_map(Value::as_str).any(test),
        Some(part) => part.as_str().is_some_and(test),
        None => false,
    }
}

/// The first letter in upper case, the rest in lower.
pub(in crate::roles::template) fn capitalize(it: &str) -> String {
    let mut chars = it.chars();
    chars
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().collect::<String>() + &chars.as_str().to_lowercase())
}

/// Each word's first letter in upper case; a word ends at anything that is no letter.
fn title(it: &str) -> String {
    let mut inside = false;
    let mut out = String::with_capacity(it.len());
    for c in it.chars() {
        if inside {
            out.extend(c.to_lowercase())
        } else {
            out.extend(c.to_uppercase())
        }
        inside = c.is_alphabetic();
    }
    out
}

/// Without these characters, or white space, at the ends.
pub(in crate::roles::template) fn strip<'t>(it: &'t str, chars: Option<&str>, start: bool, end: bool) -> &'t str {
    let unwanted = |c: char| chars.map_or_else(|| c.is_whitespace(), |chars| chars.contains(c));
    let it = if start { it.trim_start_matches(unwanted) } else { it };
    if end { it.trim_end_matches(unwanted) } else { it }
}

/// `str.split`.
pub(in crate::roles::template) fn split(it: &str, separator: Option<&str>, most: i64) -> Outcome {
    let most = usize::try_from(most).ok();
    let parts: Vec<&str> = match (separator, most) {
        (Some(""), _) => return Err("empty separator".into()),
        (Some(by), Some(most)) => it.splitn(most.saturating_add(1), by).collect(),
        (Some(by), None) => it.split(by).collect(),
        (None, None) => it.split_whitespace().collect(),
        (None, Some(most)) => {
            let mut parts = Vec::new();
            let mut rest = it.trim_start();
            while !rest.is_empty() {
                match rest.find(char::is_whitespace).filter(|_| parts.len() < most) {
                    Some(at) => {
                        parts.push(&rest[..at]);
                        rest = rest[at..].trim_start();
                    }
                    None => {
                        // Without more to split, Python keeps the rest, trailing space and all, unless none was left.
                        parts.push(if parts.len() < most { rest.trim_end() } else { rest });
                        break;
                    }
                }
            }
            parts
        }
    };
    Ok(Value::list(parts.into_iter().map(Value::str)))
}

fn rsplit(it: &str, separator: Option<&str>, most: i64) -> Outcome {
    let Ok(most) = usize::try_from(most) else { return split(it, separator, -1) };
    let mut parts: Vec<&str> = match separator {
        Some("") => return Err("empty separator".into()),
        Some(by) => it.rsplitn(most.saturating_add(1), by).collect(),
        None => it.trim_end().rsplitn(most.saturating_add(1), char::is_whitespace).collect(),
    };
    parts.reverse();
    Ok(Value::list(parts.into_iter().map(Value::str)))
}

/// `str.splitlines`.
pub(in crate::roles::template) fn lines(it: &str, keep: bool) -> Vec<String> {
    let mut out = Vec::new();
    let mut rest = it;
    while !rest.is_empty() {
        let end = rest.find(['\n', '\r', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}']);
        let Some(at) = end else {
            out.push(rest.to_owned());
            break;
        };
        let mark = if rest[at..].starts_with("\r\n") { 2 } else { rest[at..].chars().next().map_or(1, char::len_utf8) };
        out.push(rest[..if keep { at + mark } else { at }].to_owned());
        rest = &rest[at + mark..];
    }
    out
}

fn join(by: &str, items: Option<&Value>) -> Outcome {
    let items = items.and_then(python::items).ok_or("can only join an iterable")?;
    let texts = items.iter().enumerate().map(|(index, item)| {
        item.as_str()
            .map(str::to_owned)
            .ok_or_else(|| format!("sequence item {index}: expected str instance, {} found", item.type_name()))
    });
    Ok(Value::str(texts.collect::<Result<Vec<_>, _>>()?.join(by)))
}

fn find(it: &str, method: &str, part: &str) -> Outcome {
    let found = if method.starts_with('r') { it.rfind(part) } else { it.find(part) };
    match found {
        Some(at) => Ok(Value::Int(i64::try_from(it[..at].chars().count()).unwrap_or(i64::MAX))),
        None if method.ends_with("index") => Err("substring not found".into()),
        None => Ok(Value::Int(-1)),
    }
}

/// `str.center`: the odd place goes to the left where the width is odd, as CPython has it.
pub(in crate::roles::template) fn center(it: &str, width: usize, fill: char) -> String {
    let short = width.saturating_sub(it.chars().count());
    let pad = |count: usize| fill.to_string().repeat(count);
    let left = short / 2 + (short & width & 1);
    format!("{}{it}{}", pad(left), pad(short - left))
}
