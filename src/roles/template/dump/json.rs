//! `json.dumps`.

use crate::roles::template::python;
use crate::roles::value::{Key, Value};
use std::fmt::Write;

/// How JSON is laid out.
pub(in crate::roles::template) struct JsonLayout {
    /// Spaces a level; on one line without.
    pub(in crate::roles::template) indent: Option<usize>,
    /// Whether keys are sorted.
    pub(in crate::roles::template) sort: bool,
    /// Whether everything outside ASCII is escaped.
    pub(in crate::roles::template) ascii: bool,
    /// Between items.
    pub(in crate::roles::template) comma: String,
    /// Between a key and its value.
    pub(in crate::roles::template) colon: String,
}

impl Default for JsonLayout {
    fn default() -> Self {
        Self { indent: None, sort: false, ascii: true, comma: ", ".into(), colon: ": ".into() }
    }
}

/// A value as JSON.
pub(in crate::roles::template) fn json(value: &Value, layout: &JsonLayout) -> Result<String, String> {
    let mut out = String::new();
    write(&mut out, value, layout, 1)?;
    Ok(out)
}

fn write(out: &mut String, value: &Value, layout: &JsonLayout, level: usize) -> Result<(), String> {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(truth) => out.push_str(if *truth { "true" } else { "false" }),
        Value::Int(int) => {
            let _ = write!(out, "{int}");
        }
        Value::Float(float) if float.is_nan() => out.push_str("NaN"),
        Value::Float(float) if float.is_infinite() => {
            out.push_str(if *float > 0.0 { "Infinity" } else { "-Infinity" });
        }
        Value::Float(float) => out.push_str(&python::float_text(*float)),
        Value::Str(text) => string(out, &text.iso(), layout.ascii),
        Value::Template(template) => string(out, &template.text, layout.ascii),
        Value::Omit => return Err("`omit` is no value of JSON".into()),
        Value::Unknown => return Err("a value that is not known yet is no value of JSON".into()),
        Value::List(items) => {
            let items = items.iter().map(|item| (None, item)).collect::<Vec<_>>();
            container(out, ('[', ']'), &items, layout, level)?;
        }
        Value::Map(map) => {
            let mut members: Vec<(Option<String>, &Value)> = map.iter().map(|(k, v)| (Some(key(k)), v)).collect();
            if layout.sort {
                members.sort_by(|a, b| a.0.cmp(&b.0));
            }
            container(out, ('{', '}'), &members, layout, level)?;
        }
    }
    Ok(())
}

fn container(
    out: &mut String,
    (open, close): (char, char),
    members: &[(Option<String>, &Value)],
    layout: &JsonLayout,
    level: usize,
) -> Result<(), String> {
    out.push(open);
    let line = |out: &mut String, level: usize| {
        if let Some(indent) = layout.indent {
            out.push('\n');
            out.push_str(&" ".repeat(indent * level));
        }
    };
    for (index, (key, member)) in members.iter().enumerate() {
        if index > 0 {
            out.push_str(&layout.comma);
        }
        line(out, level);
        if let Some(key) = key {
            string(out, key, layout.ascii);
            out.push_str(&layout.colon);
        }
        write(out, member, layout, level + 1)?;
    }
    if !members.is_empty() {
        line(out, level - 1);
    }
    out.push(close);
    Ok(())
}

fn key(key: &Key) -> String {
    match key {
        Key::Str(text) => text.to_string(),
        Key::Int(int) => int.to_string(),
        Key::Bool(truth) => truth.to_string(),
        Key::Null => "null".into(),
    }
}

fn string(out: &mut String, text: &str, ascii: bool) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            c if u32::from(c) < 0x20 || (ascii && !c.is_ascii()) => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
            c => out.push(c),
        }
    }
    out.push('"');
}
