//! Files and roles that a task names outright, and that must be in the tree.

use super::Linter;
use super::finding::Findings;
use super::unit::{Unit, Written};
use crate::roles::load::{At, From, Task, tidy};
use crate::roles::value::Value;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Modules that take a file of the tree, and the directory in which it is looked for.
const SOURCES: [(&str, &str); 3] = [
    ("ansible.builtin.copy", "files"),
    ("ansible.builtin.template", "templates"),
    ("ansible.builtin.unarchive", "files"),
];

/// Arguments of `template` that change what a template looks like.
const DELIMITERS: [&str; 6] = [
    "block_end_string",
    "block_start_string",
    "comment_end_string",
    "comment_start_string",
    "variable_end_string",
    "variable_start_string",
];

impl Linter {
    /// What a task names that is not there.
    pub(super) fn targets(&self, task: &Task, unit: &Unit, findings: &mut Findings) {
        let text = |name: &str| task.action.arguments.get(name).and_then(Value::as_str);
        if let Some((_, kind)) = SOURCES.iter().find(|(module, _)| task.action.name() == *module) {
            let remote = ["remote_src", "copy"].iter().any(|name| task.action.arguments.get(name).is_some());
            if let Some(src) =
                text("src").filter(|src| !remote && !Path::new(src).is_absolute() && !src.contains("://"))
            {
                self.source_file(task, unit, kind, src, findings);
            }
        }
        let at = At {
            frame: Arc::clone(&task.frame),
            directory: Arc::clone(&task.directory),
            playbook: Arc::clone(&unit.directory),
            handlers: task.handler,
            depth: 0,
        };
        if task.action.is("include_tasks")
            && let Some(file) = text("file")
        {
            Self::told(self.loader.tasks_file(file, &at, &Written, Some(&task.place)), findings);
        }
        if task.action.is("include_role")
            && let Some(name) = text("name").or_else(|| text("role"))
        {
            let part = |name: &str| text(name).map(str::to_owned);
            let from = From { tasks: part("tasks_from"), vars: part("vars_from"), included: true, ..From::default() };
            Self::told(self.loader.role_run(name, from, &at, &Written, Some(&task.place)), findings);
        }
    }

    fn source_file(&self, task: &Task, unit: &Unit, kind: &str, src: &str, findings: &mut Findings) {
        let source = self.loader.source();
        let mut bases: Vec<PathBuf> = task.frame.roles().map(|role| role.path.clone()).collect();
        bases.extend([task.directory.to_path_buf(), unit.directory.to_path_buf()]);
        let searched: Vec<PathBuf> =
            bases.iter().flat_map(|base| [base.join(kind).join(src), base.join(src)]).map(|path| tidy(&path)).collect();
        if searched.iter().any(|path| source.is_file(path) || source.is_directory(path)) {
            return;
        }
        let place = task.action.arguments.places.get("src").unwrap_or(&task.place).clone();
        let near = searched[0].parent().map(|directory| source.list(directory).unwrap_or_default()).unwrap_or_default();
        let near = crate::roles::load::nearest(src, near.iter().map(|(name, _)| name.as_str()));
        let hint = near.map_or_else(
            || format!("looked for {}", self.loader.shown(&searched[0])),
            |near| format!("did you mean `{near}`?"),
        );
        findings.error(format!("there is no file `{src}` in the tree"), Some(hint), place);
    }

    /// The template files that have the usual delimiters.
    pub(super) fn judged_templates(&self, unit: &Unit) -> Vec<PathBuf> {
        let mut others: HashSet<String> = HashSet::new();
        for task in unit.tasks.iter().filter(|task| task.action.is("template")) {
            let arguments = &task.action.arguments;
            if !DELIMITERS.iter().any(|name| arguments.get(name).is_some()) {
                continue;
            }
            match arguments.get("src").and_then(Value::as_str) {
                Some(src) => others.insert(src.to_owned()),
                None => return Vec::new(),
            };
        }
        let usual = |path: &&PathBuf| !others.iter().any(|src| path.ends_with(src));
        unit.templates.iter().filter(usual).cloned().collect()
    }
}
