//! Filters on text.

use super::Filter;
use crate::roles::template::args::Args;
use crate::roles::template::methods;
use crate::roles::template::python;
use crate::roles::value::{Map, Text, Value};
use std::fmt::Write;

type Outcome = Result<Value, String>;

pub(super) static FILTERS: &[Filter] = &[
    Filter::values("lower", &[], |v, _| Ok(Value::str(python::text(v).to_lowercase()))),
    Filter::values("upper", &[], |v, _| Ok(Value::str(python::text(v).to_uppercase()))),
    Filter::values("capitalize", &[], |v, _| Ok(Value::str(methods::capitalize(&python::text(v))))),
    Filter::values("title", &[], title),
    Filter::values("string", &[], |v, _| Ok(Value::str(python::text(v)))),
    Filter::values("trim", &["chars"], |v, args| {
        Ok(Value::str(methods::strip(&python::text(v), args.text(0).as_deref(), true, true)))
    }),
    Filter::values("replace", &["old", "new", "count"], replace),
    Filter::values("split", &["sep", "maxsplit"], |v, args| {
        let separator = args.text(0);
        methods::split(&subject(v)?, separator.as_deref(), args.int(1)?.unwrap_or(-1))
    }),
    Filter::values("center", &["width"], |v, args| {
        let width = usize::try_from(args.int(0)?.unwrap_or(80)).unwrap_or(0).min(1 << 16);
        Ok(Value::str(methods::center(&python::text(v), width, ' ')))
    }),
    Filter::values("indent", &["width", "first", "blank"], indent),
    Filter::values("wordcount", &[], |v, _| {
        let text = python::text(v);
        let words = text.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|w| !w.is_empty());
        Ok(Value::Int(i64::try_from(words.count()).unwrap_or(i64::MAX)))
    }),
    Filter::values("wordwrap", &["width", "break_long_words", "wrapstring", "break_on_hyphens"], wordwrap),
    Filter::values("truncate", &["length", "killwords", "end", "leeway"], truncate),
    Filter::values("format", &["*", "**"], format),
    Filter::values("escape", &[], |v, _| Ok(safe(escaped(v, false)))),
    Filter::values("e", &[], |v, _| Ok(safe(escaped(v, false)))),
    Filter::values("forceescape", &[], |v, _| Ok(safe(escaped(v, true)))),
    Filter::values("safe", &[], |v, _| Ok(safe(python::text(v)))),
    Filter::values("striptags", &[], |v, _| Ok(Value::str(striptags(&python::text(v))))),
    Filter::values("xmlattr", &["autospace"], xmlattr),
    Filter::values("pprint", &[], |v, _| Ok(Value::str(python::repr(v)))),
    Filter::values("quote", &[], |v, _| {
        let text = if matches!(v, Value::Null) { String::new() } else { python::text(v) };
        Ok(Value::str(shell_quote(&text)))
    }),
];

fn safe(text: String) -> Value {
    Value::Str(Text::markup(text))
}

/// A value as HTML has it; what a filter has made safe already is escaped again only by force.
fn escaped(value: &Value, force: bool) -> String {
    match value {
        Value::Str(text) if text.is_markup() && !force => text.expose().to_owned(),
        other => escape(&python::text(other)),
    }
}

fn subject(value: &Value) -> Result<String, String> {
    value.as_str().map(str::to_owned).ok_or_else(|| format!("takes text, not {}", value.type_name()))
}

/// Each word's first letter in upper case; words end at white space, hyphens and brackets (Jinja's, not Python's).
fn title(value: &Value, _: &Args) -> Outcome {
    let mut inside = false;
    let mut out = String::new();
    for c in python::text(value).chars() {
        if inside {
            out.extend(c.to_lowercase())
        } else {
            out.extend(c.to_uppercase())
        }
        inside = !(c.is_whitespace() || "-({[<".contains(c));
    }
    Ok(Value::str(out))
}

fn replace(value: &Value, args: &Args) -> Outcome {
    let (old, new) = (python::text(args.need(0)?), python::text(args.need(1)?));
    let text = python::text(value);
    Ok(Value::str(match args.int(2)?.and_then(|count| usize::try_from(count).ok()) {
        Some(count) => text.replacen(&old, &new, count),
        None => text.replace(&old, &new),
    }))
}

fn indent(value: &Value, args: &Args) -> Outcome {
    let lead = match args.get(0) {
        Some(Value::Str(text)) => text.expose().to_owned(),
        _ => " ".repeat(usize::try_from(args.int(0)?.unwrap_or(4)).unwrap_or(0).min(1 << 12)),
    };
    let (first, blank) = (args.flag(1, false), args.flag(2, false));
    let text = subject(value)? + "\n";
    let mut out = String::new();
    if blank {
        let lines: Vec<&str> = text.strip_suffix('\n').unwrap_or(&text).split('\n').collect();
        out.push_str(&lines.join(&format!("\n{lead}")));
    } else {
        let lines = methods::lines(&text, false);
        for (index, line) in lines.iter().enumerate() {
            if index > 0 {
                out.push('\n');
                if !line.is_empty() {
                    out.push_str(&lead);
                }
            }
            out.push_str(line);
        }
    }
    Ok(Value::str(if first { lead + &out } else { out }))
}

fn wordwrap(value: &Value, args: &Args) -> Outcome {
    let lacks = || format!("'{}' object has no attribute 'splitlines'", value.type_name());
    value.as_str().ok_or_else(lacks)?;
    let width = usize::try_from(args.int(0)?.unwrap_or(79)).unwrap_or(79).max(1);
    let break_long = args.flag(1, true);
    let by = args.text_or(2, "\n");
    let mut out: Vec<String> = Vec::new();
    for line in methods::lines(&python::text(value), false) {
        let (mut current, mut wrapped) = (String::new(), Vec::new());
        for word in line.split_inclusive(' ') {
            let mut word = word.to_owned();
            if current.chars().count() + word.trim_end().chars().count() > width && !current.is_empty() {
                wrapped.push(current.trim_end().to_owned());
                current.clear();
            }
            while break_long && word.trim_end().chars().count() > width {
                let head: String = word.chars().take(width).collect();
                word = word.chars().skip(width).collect();
                wrapped.push(head);
            }
            current.push_str(&word);
        }
        if !current.trim_end().is_empty() || wrapped.is_empty() {
            wrapped.push(current.trim_end().to_owned());
        }
        out.push(wrapped.join(&by));
    }
    Ok(Value::str(out.join(&by)))
}

fn truncate(value: &Value, args: &Args) -> Outcome {
    python::length(value).ok_or_else(|| format!("object of type '{}' has no len()", value.type_name()))?;
    let length = usize::try_from(args.int(0)?.unwrap_or(255)).unwrap_or(255);
    let end = args.text_or(2, "...");
    let leeway = usize::try_from(args.int(3)?.unwrap_or(5)).unwrap_or(5);
    if python::length(value).is_some_and(|have| have <= length + leeway) {
        return Ok(value.clone());
    }
    let text = subject(value)?;
    let kept: String = text.chars().take(length.saturating_sub(end.chars().count())).collect();
    if args.flag(1, false) {
        return Ok(Value::str(kept + &end));
    }
    Ok(Value::str(kept.rsplit_once(' ').map_or(kept.as_str(), |(head, _)| head).to_owned() + &end))
}

fn format(value: &Value, args: &Args) -> Outcome {
    let named: Map = args.named.iter().map(|(name, v)| (name.as_ref().into(), v.clone())).collect();
    let with = if named.is_empty() { Value::tuple(args.rest.clone()) } else { Value::Map(named.into()) };
    methods::percent(&python::text(value), &with).map(Value::str)
}

/// HTML's five.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\'' => out.push_str("&#39;"),
            '"' => out.push_str("&#34;"),
            c => out.push(c),
        }
    }
    out
}

fn striptags(text: &str) -> String {
    let (mut out, mut inside) = (String::new(), false);
    for c in text.chars() {
        match c {
            '<' => inside = true,
            '>' if inside => inside = false,
            c if !inside => out.push(c),
            _ => {}
        }
    }
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn xmlattr(value: &Value, args: &Args) -> Outcome {
    let map = value.as_map().ok_or("takes a mapping")?;
    let mut out = String::new();
    for (key, member) in map.iter().filter(|(_, member)| !matches!(member, Value::Null)) {
        let key = key.to_string();
        if key.contains(|c: char| c.is_ascii_whitespace() || "/>=".contains(c)) {
            return Err(format!("Invalid character in attribute name: {}", python::repr(&Value::str(key))));
        }
        let _ = write!(out, " {key}=\"{}\"", escape(&python::text(member)));
    }
    Ok(Value::str(if args.flag(0, true) { out } else { out.trim_start().to_owned() }))
}

/// `shlex.quote`.
pub(super) fn shell_quote(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_@%+=:,./-".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\"'\"'"))
}
