//! Controls and the roles that satisfy them: each control names tasks and variables that are there, or says why none does;
//! each task that is there for a recommendation has its control.

use serde_yaml::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// A control's benchmark and id, and the control.
type Controls = Vec<(String, String, Value)>;

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files(directory: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).expect("a directory").flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(&path, into);
        } else if path.extension().is_some_and(|end| end == "yml" || end == "yaml") {
            into.push(path);
        }
    }
}

fn yaml(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).expect("a file");
    serde_yaml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn text<'v>(value: &'v Value, key: &str) -> Option<&'v str> {
    value.get(key).and_then(Value::as_str)
}

fn controls() -> Controls {
    let (mut all, mut found) = (Vec::new(), Controls::new());
    files(&top().join("benchmarks"), &mut all);
    for path in all {
        let below = path.strip_prefix(top().join("benchmarks")).expect("below").display().to_string();
        let benchmark = below.split(['/', '.']).next().unwrap_or_default().to_owned();
        let document = yaml(&path);
        let list = document.get("controls").unwrap_or(&document).as_sequence().cloned().unwrap_or_default();
        for control in list.into_iter().filter(|control| control.get("check").is_some()) {
            found.push((benchmark.clone(), text(&control, "id").expect("an id").to_owned(), control));
        }
    }
    found
}

/// Names of tasks, each with its tags; blocks are gone through.
fn tasks(items: &Value, into: &mut BTreeMap<String, BTreeSet<String>>) {
    for item in items.as_sequence().into_iter().flatten() {
        for part in ["block", "rescue", "always"] {
            if let Some(inner) = item.get(part) {
                tasks(inner, into);
            }
        }
        if let Some(name) = text(item, "name") {
            let tags = item.get("tags").and_then(Value::as_sequence).into_iter().flatten();
            into.entry(name.to_owned()).or_default().extend(tags.filter_map(Value::as_str).map(str::to_owned));
        }
    }
}

fn roles() -> (BTreeMap<String, BTreeSet<String>>, BTreeSet<String>) {
    let (mut all, mut named, mut variables) = (Vec::new(), BTreeMap::new(), BTreeSet::new());
    files(&top().join("roles"), &mut all);
    for path in all {
        let below = |part: &str| path.components().any(|name| name.as_os_str() == part);
        if below("tasks") || below("handlers") {
            tasks(&yaml(&path), &mut named);
        } else if below("defaults") {
            let document = yaml(&path);
            let keys = document.as_mapping().into_iter().flat_map(|map| map.keys());
            variables.extend(keys.filter_map(Value::as_str).map(str::to_owned));
        }
    }
    (named, variables)
}

#[test]
fn every_control_has_its_task_and_every_task_its_control() {
    let (controls, (tasks, variables)) = (controls(), roles());
    assert!(controls.len() > 600 && tasks.len() > 200, "{} controls, {} tasks", controls.len(), tasks.len());
    let mut wrong = Vec::new();
    for (benchmark, id, control) in &controls {
        let fixed = match control.get("fixed_by") {
            Some(Value::Sequence(several)) => several.clone(),
            Some(one) => vec![one.clone()],
            None => Vec::new(),
        };
        if fixed.is_empty() == control.get("by_hand").is_none() {
            wrong.push(format!("{benchmark} {id}: either tasks, or why by hand"));
        }
        for one in &fixed {
            let (task, variable) = (text(one, "task").unwrap_or("?"), text(one, "variable").unwrap_or("?"));
            if !tasks.contains_key(task) || !variables.contains(variable) {
                wrong.push(format!("{benchmark} {id}: no task `{task}`, or no variable {variable}"));
            }
        }
    }
    let ids: BTreeSet<String> = controls.iter().map(|(benchmark, id, _)| format!("cis_{benchmark}_{id}")).collect();
    for (task, tags) in &tasks {
        let lost = tags.iter().filter(|tag| tag.starts_with("cis_") && !ids.contains(*tag));
        wrong.extend(lost.map(|tag| format!("task `{task}`: {tag} is no control")));
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
