//! The task that stands before a role's first: its arguments are checked by its specification.

use super::action::{Action, Arguments};
use super::frame::{Frame, FrameKind};
use super::loader::At;
use super::role::Role;
use super::task::Task;
use crate::roles::modules;
use crate::roles::value::{Key, Map, Value};
use crate::roles::yaml::Node;
use std::sync::Arc;

/// The module that checks.
const MODULE: &str = "ansible.builtin.validate_argument_spec";

/// The checking task of an entry point; `None` where it has no specification.
pub(super) fn validation(specs: &Node, entry: &str, role: &Role, at: &At) -> Option<Task> {
    let entry = entry.strip_suffix(".yml").or_else(|| entry.strip_suffix(".yaml")).unwrap_or(entry);
    let node = specs.get(entry)?;
    let spec = plain(node.value());
    let options = spec.get("options").cloned().unwrap_or_else(|| Value::Map(Arc::default()));
    let mut title = format!("Validating arguments against arg spec '{entry}'");
    if let Some(description) = spec.get("short_description").and_then(Value::as_str) {
        title = format!("{title} - {description}");
    }
    let context = Value::map([
        ("type", Value::str("role")),
        ("name", Value::str(role.full_name())),
        ("argument_spec_name", Value::str(entry)),
        ("path", Value::str(role.path.display().to_string())),
    ]);
    let map: Map = [("argument_spec", options), ("validate_args_context", context)]
        .into_iter()
        .map(|(name, value)| (Key::from(name), value))
        .collect();
    let action = Action {
        written: MODULE.into(),
        row: modules::find(MODULE),
        arguments: Arguments { map, ..Arguments::default() },
    };
    let mut frame = Frame::new(Some(Arc::clone(&at.frame)), FrameKind::Task);
    frame.name = Some(Value::str(title));
    frame.tags = vec![Value::str("always")];
    Some(Task::bare(Arc::new(frame), action, at, node.place()))
}

/// A specification is no template: its texts are what they are.
fn plain(value: Value) -> Value {
    match value {
        Value::Template(template) => Value::str(template.text.as_str()),
        Value::List(items) => Value::list(items.iter().cloned().map(plain)),
        Value::Map(map) => Value::Map(Arc::new(map.iter().map(|(k, v)| (k.clone(), plain(v.clone()))).collect())),
        other => other,
    }
}
