//! Doubt, in a plan: programs that were not run may change what later tasks find, and what is found so is no fact yet.

use super::arguments::plain;
use super::end::End;
use super::run::{Run, Stage};
use crate::host::Change;
use crate::roles::load::Task;
use crate::roles::value::{Key, Map, Value};

/// Verbs of package managers that leave the installed packages as they are.
const LISTS: [&str; 4] = ["update", "makecache", "clean", "autoclean"];

/// Facts that no program of a role moves.
const STEADY: [&str; 12] = [
    "os_family",
    "distribution",
    "system",
    "architecture",
    "machine",
    "kernel",
    "userspace",
    "processor",
    "virtualization",
    "product_",
    "pkg_mgr",
    "service_mgr",
];

/// What was not run: the last task of each kind.
#[derive(Default)]
pub(super) struct NotRun {
    /// What it would change is not known at all.
    pub(super) any: Option<String>,
    /// It may change packages or accounts.
    deep: Option<String>,
}

fn is_narrow(task: &Task) -> bool {
    task.action.row.is_some_and(|row| row.leaves_packages)
}

impl Run<'_> {
    /// A task whose outcome is not known: it may change what later tasks find.
    pub(super) fn doubt_after(&mut self, task: &Task, title: &str) {
        self.not_run.any = Some(title.to_owned());
        if !is_narrow(task) {
            self.not_run.deep = Some(title.to_owned());
        }
    }

    /// Whether what a task found may be otherwise, and what it leaves undone itself.
    pub(super) fn doubt(&mut self, stage: &Stage<'_>, end: &mut End) {
        let task = stage.task;
        let narrow = task.action.is("package_facts") || task.action.is("getent");
        let earlier = if narrow { &self.not_run.deep } else { &self.not_run.any };
        if let Some(earlier) = earlier {
            let lacks = task.action.is("stat")
                && matches!(end.result.get(&Key::from("stat")), Some(stat) if stat.get("exists") == Some(&Value::Bool(false)));
            if lacks || task.action.row.is_some_and(|row| row.only_looks) {
                end.undecided = Some(format!("what it finds may be changed by `{earlier}`"));
            }
        }
        let runs = |change: &Change| matches!(change, Change::Run(_) | Change::Packages(_) | Change::Unit { .. });
        if end.changes.iter().any(runs) {
            self.not_run.any = Some(task.title());
        }
        let deep = |change: &Change| match change {
            Change::Run(_) => !is_narrow(task),
            Change::Packages(command) => {
                let has = |verb: &str| command.argv.iter().any(|word| word == verb);
                !LISTS.into_iter().any(has) || has("install")
            }
            _ => false,
        };
        if end.changes.iter().any(deep) {
            self.not_run.deep = Some(task.title());
        }
    }

    /// Facts that an undecided task would bring are unknown, so that what reads them is undecided too, and nothing is
    /// taken for undefined.
    pub(super) fn forget(&mut self, task: &Task, result: &Map) {
        let steady = |name: &str| {
            let short = name.strip_prefix("ansible_").unwrap_or(name);
            task.action.is("setup") && STEADY.iter().any(|steady| short.starts_with(steady))
        };
        let mut facts = Map::new();
        let items = result.get(&Key::from("results")).and_then(Value::as_list).unwrap_or_default();
        for result in items.iter().filter_map(Value::as_map).chain([result]) {
            let Some(Value::Map(found)) = result.get(&Key::from("ansible_facts")) else { continue };
            facts.extend(found.iter().map(|(key, value)| {
                let value = if steady(&key.to_string()) { value.clone() } else { Value::Unknown };
                (key.clone(), value)
            }));
        }
        let named = match &task.action {
            action if action.is("package_facts") => Some("packages".to_owned()),
            action if action.is("service_facts") => Some("services".to_owned()),
            action if action.is("getent") => {
                action.arguments.get("database").map(|database| format!("getent_{}", plain(database)))
            }
            _ => None,
        };
        facts.extend(named.map(|name| (Key::from(name.as_str()), Value::Unknown)));
        self.variables.facts.add(&facts);
    }
}
