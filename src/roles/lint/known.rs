//! What a tree defines: variables and handlers, wherever.

use super::Linter;
use super::unit::Unit;
use crate::fnmatch::matches;
use crate::roles::converge::item_names;
use crate::roles::load::{Repeat, Task};
use crate::roles::value::{Key, Map, Value};
use std::collections::{HashMap, HashSet};
use std::path::Path;

/// What is defined anywhere in the tree. Who sees what is not told apart: a name that something defines is no slip.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Variables, with every value that they are given in the open.
    pub(super) values: HashMap<String, Vec<Value>>,
    /// Names with a template in them, as patterns.
    patterns: Vec<String>,
    /// Names and topics of handlers.
    pub(super) handlers: HashSet<String>,
    handler_patterns: Vec<String>,
    /// Whether a task adds hosts, which may be this one by another name.
    pub(super) adds_hosts: bool,
    /// Whether a playbook takes variables from where nobody can see.
    pub(super) open: bool,
}

impl Known {
    /// Variables that something defines.
    pub(super) fn define(&mut self, map: &Map) {
        for (key, value) in map {
            self.name(&key.to_string(), Some(value));
        }
    }

    /// A variable by its name alone, or with a value.
    pub(super) fn name(&mut self, name: &str, value: Option<&Value>) {
        if name.contains("{{") || name.contains("{%") {
            self.patterns.push(pattern(name));
        } else {
            self.values.entry(name.to_owned()).or_default().extend(value.cloned());
        }
    }

    /// Every `name=` of a file of hosts.
    pub(super) fn words(&mut self, text: &str) {
        for word in text.split_whitespace() {
            if let Some((name, _)) = word.split_once('=') {
                self.name(name, None);
            }
        }
    }

    /// Whether something defines a variable.
    pub(super) fn has(&self, name: &str) -> bool {
        self.values.contains_key(name) || self.patterns.iter().any(|pattern| matches(pattern, name))
    }

    /// Whether a handler hears a notification.
    pub(super) fn hears(&self, notification: &str) -> bool {
        let short = notification.split_once(" : ").map_or(notification, |(_, name)| name);
        let heard = |name: &str| {
            self.handlers.contains(name) || self.handler_patterns.iter().any(|pattern| matches(pattern, name))
        };
        heard(notification) || heard(short.trim())
    }

    fn handler(&mut self, value: &Value) {
        match value {
            Value::Str(name) => {
                self.handlers.insert(name.expose().to_owned());
            }
            Value::Template(template) => self.handler_patterns.push(pattern(&template.text)),
            _ => {}
        }
    }
}

/// A text with templates as a pattern: what a template yields may be anything.
pub(super) fn pattern(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, inside)) = rest.split_once("{{") {
        out.push_str(before);
        out.push('*');
        rest = inside.split_once("}}").map_or("", |(_, after)| after);
    }
    if text.contains("{%") {
        return "*".into();
    }
    out + rest
}

impl Linter {
    /// What the tasks of a unit define.
    pub(super) fn learn(&self, unit: &mut Unit, known: &mut Known) {
        for task in &unit.tasks {
            for frame in task.frame.chain() {
                known.define(&frame.vars);
            }
            if let Some(register) = &task.register {
                known.name(register, None);
            }
            let includes = task.action.is("include_tasks") || task.action.is("include_role");
            if includes {
                item_names(task).iter().for_each(|name| known.name(name, None));
            }
            if task.handler {
                task.frame.name.iter().for_each(|name| known.handler(name));
                task.listen.iter().for_each(|said| known.handler(&said.value));
            }
            if self.brings(task, known) {
                unit.open = true;
            }
        }
    }

    /// What a task's module defines; `true` where nobody can see what.
    fn brings(&self, task: &Task, known: &mut Known) -> bool {
        let arguments = &task.action.arguments;
        match task.action.name() {
            "ansible.builtin.add_host" => {
                known.adds_hosts = true;
                false
            }
            "ansible.builtin.set_fact" => {
                known.define(&arguments.map);
                arguments.whole.is_some()
            }
            "ansible.builtin.include_vars" => self.included(task, known),
            "ansible.builtin.include_role" => !matches!(arguments.get("name"), Some(Value::Str(_))),
            "ansible.builtin.package_facts" => {
                known.name("packages", None);
                false
            }
            "ansible.builtin.service_facts" => {
                known.name("services", None);
                false
            }
            "ansible.builtin.getent" => {
                known.patterns.push("getent_*".into());
                false
            }
            other => task.action.row.is_none() && other.ends_with("_facts"),
        }
    }

    /// `include_vars`: a role's own files are known already, whichever is meant.
    fn included(&self, task: &Task, known: &mut Known) -> bool {
        let arguments = &task.action.arguments;
        if let Some(Value::Str(name)) = arguments.get("name") {
            known.name(name.expose(), None);
            return false;
        }
        let source = self.loader.source();
        let role = task.frame.role().map(|role| role.path.clone());
        let own = role.as_ref().is_some_and(|role| source.is_directory(&role.join("vars")));
        let named = arguments.get("file").or_else(|| arguments.get("dir"));
        match named {
            Some(Value::Str(name)) => {
                let name = Path::new(name.expose());
                let bases = role.iter().flat_map(|role| [role.join("vars"), role.clone()]);
                let bases =
                    bases.chain([task.directory.to_path_buf(), source.root().join("vars"), source.root().to_owned()]);
                let found =
                    bases.map(|base| base.join(name)).find(|path| source.is_file(path) || source.is_directory(path));
                let Some(found) = found else { return true };
                let files =
                    if source.is_file(&found) { vec![found] } else { self.files(&found, &["yml", "yaml", "json"]) };
                files.iter().filter_map(|file| self.loader.vars_file(file).ok()).for_each(|map| known.define(&map));
                false
            }
            Some(Value::Template(template)) => template.text.starts_with('/') || !own,
            _ => true,
        }
    }

    /// The texts that a loop goes over, as far as they are written out.
    pub(super) fn looped(task: &Task, known: &Known) -> Vec<String> {
        let Some(Repeat::Loop(said) | Repeat::With { terms: said, .. }) = &task.repeat else { return Vec::new() };
        let mut out = Vec::new();
        strings(&said.value, &mut out);
        if let Value::Template(template) = &said.value {
            let name = template.text.trim_matches(['{', '}', ' ']);
            known.values.get(name).into_iter().flatten().for_each(|value| strings(value, &mut out));
        }
        out
    }
}

fn strings(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::Str(text) => into.push(text.expose().to_owned()),
        Value::List(items) => items.iter().for_each(|item| strings(item, into)),
        Value::Map(map) => map.iter().for_each(|(key, value)| {
            if let Key::Str(key) = key {
                into.push(key.to_string());
            }
            strings(value, into);
        }),
        _ => {}
    }
}
