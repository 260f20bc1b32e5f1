//! Local facts: `/etc/ansible/facts.d/*.fact`, JSON or INI, or programs that print them.

use super::sight::{Sight, facts};
use crate::host::Kind;
use crate::roles::value::{Key, Map, Value};
use std::path::Path;

pub(super) fn gather(sight: &Sight<'_>) -> Map {
    let mut out = Map::new();
    for name in sight.list(sight.directory) {
        let Some(short) = name.strip_suffix(".fact") else { continue };
        let path = format!("{}/{name}", sight.directory);
        let stat = match sight.host.stat(Path::new(&path), true) {
            Ok(Some(stat)) => stat,
            Ok(None) => {
                let text = format!("Could not stat fact ({path}): [Errno 2] No such file or directory: '{path}'");
                out.insert(Key::from(short), text.into());
                continue;
            }
            Err(_) => continue,
        };
        if stat.kind != Kind::File {
            continue;
        }
        let text =
            if stat.mode & 0o111 == 0 { Ok(sight.text(&path).unwrap_or_default()) } else { printed(sight, &path) };
        let value = text.map_or_else(Value::from, |text| read(&text, &path));
        out.insert(Key::from(short), value);
    }
    facts([("local", Value::Map(out.into()))])
}

/// What a program of facts prints.
fn printed(sight: &Sight<'_>, path: &str) -> Result<String, String> {
    let command = crate::host::Command::new([path]);
    match sight.host.query(&command) {
        Ok(output) if output.ok() => Ok(output.text()),
        Ok(output) => Err(format!("Failure executing fact script ({path}), rc: {}", output.code)),
        Err(error) => Err(format!("Could not execute fact script ({path}): {error}")),
    }
}

fn read(text: &str, path: &str) -> Value {
    if text.is_empty() {
        return Value::Map(Map::new().into());
    }
    if let Ok(json) = serde_json::from_str::<serde_json::Value>(text) {
        return Value::from_json(&json);
    }
    if let Some(bad) = text.lines().find(|line| line.contains('=') && misused(line)) {
        return format!("error loading facts as ini - please check content: {path} ({bad})").into();
    }
    ini(text).unwrap_or_else(|| format!("error loading facts as JSON or ini - please check content: {path}").into())
}

/// Whether a line has a `%` that Python's `configparser` cannot interpolate.
fn misused(line: &str) -> bool {
    line.replace("%%", "").contains('%')
}

/// Sections of `key = value` or `key: value`; keys are in lower case, as Python's `configparser` has them.
fn ini(text: &str) -> Option<Value> {
    let mut out = Map::new();
    let mut section: Option<(Key, Map)> = None;
    for line in text.lines() {
        let line = line.trim();
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            if let Some((name, members)) = section.replace((Key::from(name), Map::new())) {
                out.insert(name, Value::Map(members.into()));
            }
            continue;
        }
        let (key, value) = line.split_once(['=', ':'])?;
        section.as_mut()?.1.insert(Key::from(key.trim().to_lowercase().as_str()), value.trim().into());
    }
    let (name, members) = section?;
    out.insert(name, Value::Map(members.into()));
    Some(Value::Map(out.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read_and_others_say_so() {
        let value = read("[general]\nPort = 80\n; no\nname: a\n", "x.fact");
        let general = value.get("general").expect("a section");
        assert_eq!(general.get("port"), Some(&"80".into()));
        assert_eq!(read("{\"a\": 1}", "x.fact").get("a"), Some(&Value::Int(1)));
        assert!(read("nonsense", "x.fact").as_str().is_some_and(|text| text.contains("x.fact")));
    }
}
