//! A task's arguments when it runs: module defaults, `args:`, its own; templated, `omit` dropped.

use super::view::View;
use crate::roles::load::Task;
use crate::roles::modules::{Failed, Row};
use crate::roles::template::TemplateError;
use crate::roles::value::{Key, Map, Value};
use std::sync::Arc;

/// Arguments that the engine's modules evaluate themselves.
const RAW: [(&str, &str); 2] = [("ansible.builtin.assert", "that"), ("ansible.builtin.debug", "var")];

/// The arguments of a task.
pub(super) fn arguments(view: &View<'_>, task: &Task) -> Result<Map, Failed> {
    let mut all = defaults(view, task)?;
    if let Some(whole) = &task.action.arguments.whole {
        match view.render(whole).map_err(|error| argument(task, &error))? {
            Value::Map(map) => {
                let kept = map.iter().filter(|(_, value)| !matches!(value, Value::Omit));
                lay(&mut all, task, &kept.map(|(key, value)| (key.clone(), value.clone())).collect());
            }
            Value::Omit => {}
            other => {
                let why = format!("arguments must be a mapping, and this is of type {}", other.type_name());
                return Err(Failed::new(format!("{}: {why}", finalization(task))));
            }
        }
    }
    let mut own = Map::new();
    for (key, value) in &task.action.arguments.map {
        let raw = RAW.iter().any(|(module, name)| task.action.name() == *module && *key == Key::from(*name));
        let value = if raw { value.clone() } else { view.render(value).map_err(|error| argument(task, &error))? };
        own.insert(key.clone(), value);
    }
    lay(&mut all, task, &own);
    Ok(all.into_iter().filter_map(|(key, value)| strip(value).map(|value| (key, value))).collect())
}

/// Lays arguments over others; the same argument under another of its names is replaced.
fn lay(under: &mut Map, task: &Task, over: &Map) {
    for (key, value) in over {
        if let Some(param) = task.action.row.and_then(|row| row.spec.param(&key.to_string())) {
            under.retain(|have, _| {
                let have = have.to_string();
                have != param.name && !param.aliases.contains(&have.as_str())
            });
        }
        under.insert(key.clone(), value.clone());
    }
}

fn finalization(task: &Task) -> String {
    format!("Finalization of task args for '{}' failed", task.action.name())
}

fn argument(task: &Task, error: &TemplateError) -> Failed {
    let mut failed = super::view::failed(error);
    failed.message = format!("{}: {}", finalization(task), failed.message);
    failed
}

/// A value without what `omit` stands for.
pub(super) fn strip(value: Value) -> Option<Value> {
    Some(match value {
        Value::Omit => return None,
        Value::List(items) if items.iter().any(has_omit) => Value::list(items.iter().cloned().filter_map(strip)),
        Value::Map(map) if map.values().any(has_omit) => {
            let kept = map.iter().filter_map(|(key, value)| strip(value.clone()).map(|value| (key.clone(), value)));
            Value::Map(Arc::new(kept.collect()))
        }
        other => other,
    })
}

fn has_omit(value: &Value) -> bool {
    match value {
        Value::Omit => true,
        Value::List(items) => items.iter().any(has_omit),
        Value::Map(map) => map.values().any(has_omit),
        _ => false,
    }
}

/// `module_defaults` for the task's module, inner ones over outer ones.
fn defaults(view: &View<'_>, task: &Task) -> Result<Map, Failed> {
    let mut all = Map::new();
    let Some(row) = task.action.row else { return Ok(all) };
    // `service` is carried out by systemd's module, whose defaults lie under its own.
    if row.spec.name == "ansible.builtin.service" {
        let systemd = crate::roles::modules::find("ansible.builtin.systemd_service");
        all = systemd.map(|systemd| defaults_of(view, task, systemd)).transpose()?.unwrap_or_default();
    }
    let own = defaults_of(view, task, row)?;
    lay(&mut all, task, &own);
    Ok(all)
}

/// What `module_defaults` gives a module.
fn defaults_of(view: &View<'_>, task: &Task, row: &Row) -> Result<Map, Failed> {
    let mut all = Map::new();
    for said in task.frame.defaults() {
        let Value::Map(modules) = view.render(&said.value).map_err(|error| argument(task, &error))? else { continue };
        for (name, given) in modules.iter() {
            let name = name.to_string();
            let meant = match name.strip_prefix("group/") {
                Some(group) => crate::roles::load::group_has(group, row.spec.name),
                None => crate::roles::modules::find(&name).is_some_and(|named| std::ptr::eq(named.spec, row.spec)),
            };
            if let (true, Value::Map(given)) = (meant, given) {
                lay(&mut all, task, given);
            }
        }
    }
    Ok(all)
}

/// The task's environment, inner mappings over outer ones.
pub(super) fn environment(view: &View<'_>, task: &Task) -> Result<Vec<(String, String)>, TemplateError> {
    let mut all: Vec<(String, String)> = Vec::new();
    for said in task.frame.environments() {
        let rendered = view.render(&said.value)?;
        let mappings = match &rendered {
            Value::List(items) => items.to_vec(),
            other => vec![other.clone()],
        };
        for mapping in mappings {
            for (name, value) in mapping.as_map().into_iter().flatten() {
                let name = name.to_string();
                all.retain(|(have, _)| *have != name);
                all.push((name, plain(value)));
            }
        }
    }
    Ok(all)
}

/// A value as Python's `str` writes it.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::Str(text) => text.expose().to_owned(),
        Value::Bool(true) => "True".into(),
        Value::Bool(false) => "False".into(),
        Value::Null | Value::Omit | Value::Unknown => String::new(),
        other => match other.to_json() {
            serde_json::Value::String(text) => text,
            json => json.to_string(),
        },
    }
}

/// A value as a truth value, as keywords take it.
pub(super) fn truth(value: &Value) -> bool {
    match value {
        Value::Bool(truth) => *truth,
        Value::Int(number) => *number != 0,
        Value::Str(text) => matches!(text.expose().to_lowercase().as_str(), "yes" | "true" | "on" | "1" | "y" | "t"),
        _ => false,
    }
}
