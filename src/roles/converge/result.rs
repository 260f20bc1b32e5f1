//! Results of tasks: mappings with Ansible's members.

use crate::roles::modules::Failed;
use crate::roles::value::{Key, Map, Value};
use std::sync::Arc;

/// What stands in the place of a result under `no_log`.
pub(super) const CENSORED: &str =
    "the output has been hidden due to the fact that 'no_log: true' was specified for this result";

/// Whether a member is true.
pub(super) fn flag(result: &Map, name: &str) -> bool {
    matches!(result.get(&Key::from(name)), Some(Value::Bool(true)))
}

/// Whether a result is a failure: `failed_when` has the last word, even where tries have run out.
pub(super) fn failed(result: &Map) -> bool {
    let said = |map: &Map| match map.get(&Key::from("failed_when_result")) {
        Some(Value::Bool(said)) => Some(*said),
        _ => None,
    };
    let items = result.get(&Key::from("results")).and_then(Value::as_list).unwrap_or_default();
    let items: Vec<bool> = items.iter().filter_map(|item| item.as_map().and_then(said)).collect();
    match (said(result), items.as_slice()) {
        (Some(said), _) => said,
        (None, []) => flag(result, "failed"),
        (None, items) => items.contains(&true),
    }
}

/// Puts a member.
pub(super) fn put(result: &mut Map, name: &str, value: impl Into<Value>) {
    result.insert(Key::from(name), value.into());
}

/// The text of a member.
pub(super) fn text<'a>(result: &'a Map, name: &str) -> Option<&'a str> {
    result.get(&Key::from(name)).and_then(Value::as_str)
}

/// A mapping as a value.
pub(super) fn value(result: &Map) -> Value {
    Value::Map(Arc::new(result.clone()))
}

/// A difference, as `diff: true` has it in a result.
pub(super) fn of_diff(diff: &crate::roles::modules::Diff) -> Value {
    let text = |text: &Option<String>| text.as_deref().map_or(Value::Null, Value::str);
    Value::map([
        ("before_header", Value::str(diff.before_header.as_str())),
        ("before", text(&diff.before)),
        ("after_header", Value::str(diff.after_header.as_str())),
        ("after", text(&diff.after)),
    ])
}

/// What stands for a Python traceback, which nobody has here: roles ask whether there is one.
const NO_TRACEBACK: &str = "(traceback unavailable)";

/// Notes that a result is a failure, or that `failed_when` says that it is none.
pub(super) fn note_exception(result: &mut Map, failed: bool) {
    let key = Key::from("exception");
    if failed {
        result.entry(key).or_insert_with(|| Value::str(NO_TRACEBACK));
    } else if let Some(exception) = result.shift_remove(&key) {
        put(result, "failed_when_suppressed_exception", exception);
    }
}

/// The result of a module that failed.
pub(super) fn of_failure(failed: Failed) -> Map {
    let mut result = failed.result;
    put(&mut result, "failed", true);
    note_exception(&mut result, true);
    put(&mut result, "msg", failed.message);
    if !result.contains_key(&Key::from("changed")) {
        put(&mut result, "changed", false);
    }
    result
}

/// The result of a task whose condition does not hold.
pub(super) fn of_skip(condition: &Value) -> Map {
    let condition = match condition {
        Value::Template(template) => Value::str(template.text.as_str()),
        other => other.clone(),
    };
    let mut result = Map::new();
    put(&mut result, "changed", false);
    put(&mut result, "skipped", true);
    put(&mut result, "skip_reason", "Conditional result was False");
    put(&mut result, "false_condition", condition);
    result
}

/// The result of a loop, from those of its items.
pub(super) fn of_items(items: &[Map]) -> Map {
    let mut result = Map::new();
    let any = |name: &str| items.iter().any(|item| flag(item, name));
    let skipped = items.iter().all(|item| flag(item, "skipped"));
    put(&mut result, "results", Value::list(items.iter().map(value)));
    put(&mut result, "skipped", skipped);
    put(&mut result, "changed", any("changed"));
    if any("failed") {
        put(&mut result, "failed", true);
        put(&mut result, "msg", "One or more items failed");
    } else {
        put(&mut result, "msg", if skipped { "All items skipped" } else { "All items completed" });
    }
    result
}

/// The result of a loop without items.
pub(super) fn of_nothing() -> Map {
    let mut result = Map::new();
    put(&mut result, "changed", false);
    put(&mut result, "results", Value::list([]));
    put(&mut result, "skipped", true);
    put(&mut result, "skipped_reason", "No items in the list");
    result
}

/// As it may be seen.
pub(super) fn shown(result: &Map, hidden: bool, redactor: &crate::secret::Redactor) -> serde_json::Value {
    if hidden {
        let mut kept = serde_json::json!({ "censored": CENSORED, "changed": flag(result, "changed") });
        // How often it was tried is no secret.
        for name in ["attempts", "retries"] {
            if let Some(count) = result.get(&Key::from(name)) {
                kept[name] = count.to_json();
            }
        }
        return kept;
    }
    let mut shown = scrub(value(result).to_json(), redactor);
    // A traceback is for `-vvv` in Ansible, and there is none here.
    if let Some(members) = shown.as_object_mut() {
        ["exception", "failed_when_suppressed_exception"].iter().for_each(|name| drop(members.shift_remove(*name)));
    }
    shown
}

fn scrub(json: serde_json::Value, redactor: &crate::secret::Redactor) -> serde_json::Value {
    use serde_json::Value as Json;
    match json {
        Json::String(text) => Json::String(redactor.scrub(&text)),
        Json::Array(items) => items.into_iter().map(|item| scrub(item, redactor)).collect(),
        Json::Object(map) => Json::Object(map.into_iter().map(|(key, value)| (key, scrub(value, redactor))).collect()),
        other => other,
    }
}
