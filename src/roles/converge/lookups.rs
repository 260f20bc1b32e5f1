//! The lookups that a tree names literally: asked for in batches before the first task.

use super::refuse::all_tasks;
use super::texts::{TextKind, Texts};
use crate::failure::Place;
use crate::roles::load::{Item, Loader, Playbook, Repeat, Task};
use crate::roles::template::Templar;
use crate::roles::value::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The lookups that a playbook's tasks, variables and templates name with literal terms: for each lookup its terms,
/// each once, in order of name.
pub fn literal_lookups(playbook: &Playbook, loader: &Loader, templar: &Templar) -> Vec<(String, Vec<String>)> {
    let (mut texts, mut looped) = (Texts::default(), Vec::new());
    for play in &playbook.plays {
        texts.map(&play.frame.vars);
        let mut items: Vec<Item> = play.parts().concat();
        items.extend(play.handlers.iter().map(|handler| Item::Task(Arc::clone(handler))));
        let mut roles = Vec::new();
        super::play::imports(&items, &mut roles);
        for role in roles.iter().flat_map(|run| run.all_roles()) {
            [&role.defaults, &role.vars, &role.params, &role.vars_given].into_iter().for_each(|map| texts.map(map));
            role_files(loader, &role.path, &mut texts);
        }
        all_tasks(&items).iter().for_each(|task| {
            texts.task(task);
            looped.extend(literal_loop(task));
        });
    }
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, terms) in looped {
        found.entry(name).or_default().extend(terms);
    }
    for text in texts.all {
        let Ok(inspection) = text.inspect(templar) else { continue };
        for lookup in inspection.lookups {
            let terms = found.entry(lookup.name).or_default();
            for term in lookup.terms.into_iter().flatten() {
                if let Some(text) = term.as_str().filter(|text| !terms.iter().any(|have| have == text)) {
                    terms.push(text.to_owned());
                }
            }
        }
    }
    found.into_iter().filter(|(_, terms)| !terms.is_empty()).collect()
}

/// The lookup of a `with_NAME` and its terms, as far as these are literal.
pub(super) fn literal_loop(task: &Task) -> Option<(String, Vec<String>)> {
    let Some(Repeat::With { lookup, terms }) = &task.repeat else { return None };
    let literal = |value: &Value| match value {
        Value::Str(text) => vec![text.expose().to_owned()],
        _ => Vec::new(),
    };
    let terms = match &terms.value {
        Value::List(items) => items.iter().flat_map(literal).collect(),
        other => literal(other),
    };
    Some((lookup.clone(), terms))
}

/// Templates and dynamically included tasks of a role, as far as they can be read.
fn role_files(loader: &Loader, role: &std::path::Path, texts: &mut Texts) {
    for directory in ["templates", "tasks", "vars"] {
        let mut open = vec![role.join(directory)];
        while let Some(directory) = open.pop() {
            for (name, is_directory) in loader.source().list(&directory).unwrap_or_default() {
                let path = directory.join(name);
                if is_directory {
                    open.push(path);
                } else if let Some(text) = loader.bytes(&path).ok().and_then(|bytes| String::from_utf8(bytes).ok())
                    && text.contains("lookup")
                {
                    // Line by line: a lookup in YAML or in a template stands on one line, and what is no template
                    // alone is left to the run itself.
                    let place = Place { file: loader.shown(&path), line: 1, column: 1, excerpt: None };
                    let lines = text.lines().filter(|line| line.contains("lookup") && line.contains("{{"));
                    lines.for_each(|line| texts.put(line, &place, TextKind::Template));
                }
            }
        }
    }
}
