//! Refusal before the first change: everything that muster does not do in a task that is not provably skipped.

use super::arguments::plain;
use super::brought::{Brought, Includes};
use super::error::{ConvergeError, Stop};
use super::play::imports;
use super::run::Run;
use super::texts::{elsewhere, slips, together, unheard};
use super::view::View;
use crate::roles::load::{Item, Playbook, Refusal, Task};
use crate::roles::template::Decision;
use crate::roles::value::{Map, Value};
use std::collections::{BTreeSet, HashSet, VecDeque};
use std::sync::Arc;

impl Run<'_> {
    /// Looks at every task of a playbook, with what is known before anything runs.
    pub(super) fn refuse_playbook(&mut self, playbook: &Playbook) -> Result<(), ConvergeError> {
        let mut refusals = Vec::new();
        for play in &playbook.plays {
            let before = self.variables.clone();
            let meant = match self.enter(play) {
                Ok(entered) => entered.meant,
                Err(Stop::Fatal(error)) => return Err(*error),
                Err(_) => false,
            };
            if meant {
                let mut unknown = BTreeSet::new();
                let items: Vec<Item> = play.parts().concat();
                let handlers: Vec<Item> = self.scene.handlers.iter().map(|task| Item::Task(Arc::clone(task))).collect();
                let includes = self.includes(&items);
                self.set_names(&items, &mut unknown);
                self.set_names(&handlers, &mut unknown);
                includes.items().for_each(|items| self.set_names(items, &mut unknown));
                self.variables.unknown = Arc::new(unknown);
                self.gather_refusals(&items, &includes, &mut refusals);
            }
            self.variables = before;
        }
        if refusals.is_empty() { Ok(()) } else { Err(ConvergeError::Refused(refusals)) }
    }

    /// Looks at the tasks of an include, before the first of them runs.
    pub(super) fn refuse(&mut self, items: &[Item]) -> Result<(), Stop> {
        let mut refusals = Vec::new();
        let mut unknown = BTreeSet::new();
        let includes = self.includes(items);
        self.set_names(items, &mut unknown);
        includes.items().for_each(|items| self.set_names(items, &mut unknown));
        let before = std::mem::replace(&mut self.variables.unknown, Arc::new(unknown));
        self.gather_refusals(items, &includes, &mut refusals);
        self.variables.unknown = before;
        if refusals.is_empty() { Ok(()) } else { Err(ConvergeError::Refused(refusals).into()) }
    }

    fn gather_refusals(&mut self, items: &[Item], includes: &Includes, into: &mut Vec<Refusal>) {
        let mut open: VecDeque<Arc<Task>> = all_tasks(items).into();
        let brought: Vec<Arc<Task>> = includes.items().flat_map(all_tasks).collect();
        let mut everything = open.iter().chain(&brought);
        self.scene.adds_hosts |= everything.any(|task| task.action.is("add_host"));
        let settled = self.knows_all_handlers(items, includes);
        let mut reached = BTreeSet::new();
        let mut rescued = HashSet::new();
        rescuable(items, false, &mut rescued);
        while let Some(task) = open.pop_front() {
            let is_rescued = rescued.contains(&Arc::as_ptr(&task));
            let found = self.wrong_with(&task, settled, is_rescued);
            let brings = includes.of(&task);
            let notified = task.frame.notified();
            if found.is_empty() && notified.is_empty() && brings.is_none() {
                continue;
            }
            if !task.handler && !self.selected(&task).unwrap_or(true) || self.never_runs(&task) {
                continue;
            }
            // Tasks that cannot be read are no result: `ignore_errors` does not reach them, as in Ansible.
            let unread = match brings {
                Some(Brought::Wrong(refusal)) if !is_rescued => Some(refusal.clone()),
                _ => None,
            };
            for refusal in found.into_iter().chain(unread) {
                if !into.contains(&refusal) {
                    into.push(refusal);
                }
            }
            if let Some(Brought::Items(items)) = brings {
                rescuable(items, is_rescued, &mut rescued);
                open.extend(all_tasks(items));
            }
            // A handler runs only where something that may run notifies it.
            for said in notified {
                let handlers = &self.scene.handlers;
                let meant = match &said.value {
                    Value::Str(name) => self.meant(name.expose()),
                    _ => (0..handlers.len()).collect(),
                };
                let new = meant.into_iter().filter(|index| reached.insert(*index)).collect::<Vec<_>>();
                open.extend(new.into_iter().map(|index| Arc::clone(&handlers[index])));
            }
        }
    }

    /// What is wrong with a task that may run, and does not look for it.
    fn wrong_with(&self, task: &Arc<Task>, settled: bool, is_rescued: bool) -> Vec<Refusal> {
        let mut found: Vec<Refusal> = task.all_refusals().cloned().collect();
        if found.is_empty() {
            found.extend(together(task));
        }
        found.extend(self.slips(task));
        found.extend(self.absent(task));
        if settled {
            found.extend(self.missing_handlers(task));
        }
        if is_rescued || self.ignores_errors(task) {
            found.retain(|refusal| !refusal.fails);
        } else if !task.failed_when.is_empty() {
            // What has no arguments has no result either that `failed_when` could judge.
            found.retain(|refusal| !refusal.fails || refusal.outside.is_some());
        }
        found
    }

    /// Whether no include can bring handlers.
    fn knows_all_handlers(&self, items: &[Item], includes: &Includes) -> bool {
        let mut roles = Vec::new();
        includes.items().for_each(|items| imports(items, &mut roles));
        let mut tasks = all_tasks(items);
        tasks.extend(includes.items().flat_map(all_tasks));
        roles.is_empty()
            && !tasks.iter().any(|task| task.action.is("include_role"))
            && !self.scene.handlers.iter().any(|handler| handler.action.is("include_tasks"))
    }

    /// Whether a task may fail: what is wrong with its arguments then shows when it runs.
    fn ignores_errors(&self, task: &Task) -> bool {
        self.keyword(&self.stage(task), "ignore_errors")
    }

    /// Whether facts and variables prove that a task is skipped.
    fn never_runs(&self, task: &Task) -> bool {
        let stage = self.stage(task);
        let hidden = item_names(task);
        let view = View { hidden: &hidden, ..self.view(&stage) };
        // An error is no proof: the task may be reached, and then says so itself.
        let decisions = task.frame.conditions().into_iter().map(|said| view.decide(&said.value, &said.place));
        decisions
            .into_iter()
            .take_while(|decision| decision.is_ok())
            .any(|decision| matches!(decision, Ok(Decision::False)))
    }

    /// What is wrong with the task's templates and conditions: syntax, filters, tests, lookups.
    fn slips(&self, task: &Task) -> Vec<Refusal> {
        let mut refusals = self.elsewhere(task);
        refusals.extend(slips(self.templar, task));
        refusals.extend(self.view(&self.stage(task)).template_slips(task));
        refusals.extend(self.vars_slips(task));
        refusals
    }

    /// A delegation by name to a host that is not this one, and that nothing adds as local.
    fn elsewhere(&self, task: &Task) -> Vec<Refusal> {
        let Some(said) = task.frame.keyword("delegate_to") else { return Vec::new() };
        let Value::Str(to) = &said.value else { return Vec::new() };
        // What may be unreachable is not relied upon.
        let optional = self.keyword(&self.stage(task), "ignore_unreachable");
        if self.inventory.is_here(to.expose()) || self.scene.adds_hosts || optional {
            return Vec::new();
        }
        vec![elsewhere(said, to.expose())]
    }

    /// Literal notifications that no handler of the play hears.
    fn missing_handlers(&self, task: &Task) -> Vec<Refusal> {
        let named = task.frame.notified().iter().filter(|said| matches!(said.value, Value::Str(_)));
        let missing = named.filter(|said| self.meant(&plain(&said.value)).is_empty());
        let handlers: Vec<String> = self.scene.handlers.iter().map(|handler| handler.title()).collect();
        missing.map(|said| unheard(said, &plain(&said.value), &handlers)).collect()
    }

    /// Every variable that tasks will set while they run.
    fn set_names(&self, items: &[Item], into: &mut BTreeSet<String>) {
        let mut roles = Vec::new();
        imports(items, &mut roles);
        for task in all_tasks(items) {
            into.extend(task.register.clone());
            if task.action.is("set_fact") {
                into.extend(task.action.arguments.map.keys().map(ToString::to_string));
            }
            if task.action.is("include_vars") {
                into.extend(self.vars_names(&task));
            }
        }
        into.remove("cacheable");
    }

    /// The names that an `include_vars` may set: those of the role's variables files, whichever is meant.
    fn vars_names(&self, task: &Task) -> Vec<String> {
        if let Some(Value::Str(name)) = task.action.arguments.get("name") {
            return vec![name.expose().to_owned()];
        }
        let directory = task.frame.role().map_or_else(|| task.directory.to_path_buf(), |role| role.path.join("vars"));
        let entries = self.loader.source().list(&directory).unwrap_or_default();
        let files = entries.into_iter().filter(|(name, is_directory)| !is_directory && !name.starts_with("main."));
        let maps = files.filter_map(|(name, _)| self.loader.vars_file(&directory.join(name)).ok());
        maps.flat_map(|map: Map| map.keys().map(ToString::to_string).collect::<Vec<_>>()).collect()
    }
}

/// The names of a loop's item, which is not known beforehand.
pub(in crate::roles) fn item_names(task: &Task) -> Vec<String> {
    if task.repeat.is_none() {
        return Vec::new();
    }
    let mut names = vec!["ansible_loop".to_owned()];
    let said = |said: &Option<crate::roles::load::Said>| said.as_ref().map(|said| plain(&said.value));
    names.push(said(&task.control.loop_var).unwrap_or_else(|| "item".into()));
    names.extend(said(&task.control.index_var));
    names
}

/// The tasks whose failure a block rescues.
fn rescuable(items: &[Item], within: bool, into: &mut HashSet<*const Task>) {
    for item in items {
        match item {
            Item::Task(task) if within => drop(into.insert(Arc::as_ptr(task))),
            Item::Task(_) => {}
            Item::Imported(items) => rescuable(items, within, into),
            Item::Block(block) => {
                rescuable(&block.items, within || !block.rescue.is_empty(), into);
                [&block.rescue, &block.always].into_iter().for_each(|part| rescuable(part, within, into));
            }
            Item::Role(run) => rescuable(&run.items, within, into),
        }
    }
}

/// Every task below some items, roles and blocks included.
pub(in crate::roles) fn all_tasks(items: &[Item]) -> Vec<Arc<Task>> {
    let each = items.iter().flat_map(|item| match item {
        Item::Task(task) => vec![Arc::clone(task)],
        Item::Imported(items) => all_tasks(items),
        Item::Block(block) => [&block.items, &block.rescue, &block.always].map(|part| all_tasks(part)).concat(),
        Item::Role(run) => {
            let mut all: Vec<_> = run.dependencies.iter().flat_map(|dependency| all_tasks(&dependency.items)).collect();
            all.extend(all_tasks(&run.items));
            all
        }
    });
    each.collect()
}
