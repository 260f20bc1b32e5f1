//! Neighbouring package tasks as one transaction.
//!
//! Where a task is about to install packages, those behind it are looked at: as long as it is certain that they will
//! install packages in the same way, and that none of them needs what another one leaves, their packages are installed
//! with the first one's. apt-get simulates each step, so that each task still tells the change that it would have made
//! by itself, and so that exactly the same packages come. Where anything is unlike that, every task runs by itself.

use super::foresee::Foreseen;
use super::install::Install;
use super::repeat::Loop;
use super::run::{Run, Stage};
use super::tries::Trouble;
use crate::host::{Change, Command, Effect};
use crate::roles::load::{Item, Task};
use crate::roles::modules::Failed;
use crate::roles::value::Map;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Keywords that let a task's result, or its time, matter to itself or to others.
const ALONE: [&str; 9] = [
    "async",
    "check_mode",
    "debugger",
    "delegate_to",
    "environment",
    "ignore_errors",
    "ignore_unreachable",
    "poll",
    "timeout",
];

/// What stands behind the task that runs, and what was done for it.
#[derive(Default)]
pub(super) struct Ahead {
    /// The tasks right behind it in its list.
    behind: Vec<Arc<Task>>,
    /// The items of its own loop that are still to come.
    items: Vec<Map>,
    /// Steps that a transaction has carried out, in order.
    done: Vec<Step>,
}

/// One run of a task: by itself, or for an item.
#[derive(Clone, PartialEq)]
struct Step {
    place: String,
    item: Option<Map>,
}

impl Step {
    fn of(task: &Task, local: &Map) -> Self {
        let item = task.repeat.is_some().then(|| local.clone());
        Self { place: task.place.to_string(), item }
    }
}

/// Whether nothing but its packages is to be had of a task.
fn is_plain(task: &Task) -> bool {
    (task.action.is("apt") || task.action.is("package"))
        && !task.action.is_templated()
        && task.register.is_none()
        && [&task.changed_when, &task.failed_when, &task.until, &task.control.break_when]
            .iter()
            .all(|all| all.is_empty())
        && task.retries.is_none()
        && task.control.pause.is_none()
        && ALONE.iter().all(|name| task.frame.keyword(name).is_none())
        && task.frame.environments().is_empty()
}

/// Whether one can be carried out with what stands before it. What it notifies would be lost with a run that is killed
/// in between.
fn may_join(task: &Task) -> bool {
    is_plain(task) && task.frame.notified().is_empty()
}

impl Run<'_> {
    /// Notes what stands behind a task, before it runs.
    pub(super) fn look_ahead(&mut self, task: &Task, rest: &[Item]) {
        self.ahead.behind.clear();
        self.ahead.items.clear();
        if !is_plain(task) {
            self.ahead.done.clear();
            return;
        }
        let tasks = rest.iter().map_while(|item| match item {
            Item::Task(task) if may_join(task) => Some(Arc::clone(task)),
            _ => None,
        });
        self.ahead.behind = tasks.collect();
    }

    /// Notes which items of its loop a task has still to come to.
    pub(super) fn items_ahead(&mut self, task: &Task, repeat: &Loop, index: usize) {
        self.ahead.items.clear();
        if may_join(task) {
            self.ahead.items.extend((index + 1..repeat.items.len()).map(|index| repeat.variables(index)));
        }
    }

    /// Whether an earlier task has made the change that this one would have made.
    pub(super) fn was_done(&mut self, stage: &Stage<'_>) -> bool {
        if self.ahead.done.is_empty() {
            return false;
        }
        let own = Step::of(stage.task, &stage.local);
        let at = self.ahead.done.iter().position(|step| *step == own);
        at.map(|at| self.ahead.done.drain(..=at)).is_some()
    }

    /// Carries an installation out together with those behind it; `None` where it is to be carried out by itself.
    pub(super) fn transaction(&mut self, stage: &Stage<'_>, change: &Change) -> Result<Option<Effect>, Trouble> {
        let Change::Packages(command) = change else { return Ok(None) };
        let waits = !self.ahead.behind.is_empty() || !self.ahead.items.is_empty();
        if !waits || self.input.check || self.host.is_held() || !is_plain(stage.task) {
            return Ok(None);
        }
        let Some(own) = Install::read(command) else { return Ok(None) };
        let Some(Joined { packages, done }) = self.gathered(stage, command, &own) else {
            return Ok(None);
        };
        let whole = Command { argv: own.with(&packages), ..command.clone() };
        let effect = self.host.apply(&Change::Packages(whole)).map_err(Failed::from)?;
        if effect.output.as_ref().is_none_or(|output| !output.ok()) {
            // By itself each says what is wrong with it.
            return Ok(None);
        }
        self.ahead.done = done;
        Ok(Some(effect))
    }

    /// The packages of this installation and of those behind it, and which of them are changes of their own.
    fn gathered(&self, stage: &Stage<'_>, command: &Command, own: &Install<'_>) -> Option<Joined> {
        let mut packages = own.packages.to_vec();
        let (mut done, mut known) = (Vec::new(), None);
        let items = self.ahead.items.iter().map(|item| (stage.task, item.clone()));
        let behind = self.ahead.behind.iter().flat_map(|task| self.runs(task).into_iter().map(|item| (&**task, item)));
        let steps: Vec<(&Task, Map)> = items.chain(behind).collect();
        for (task, local) in steps {
            let next = Stage { local, ..self.stage(task) };
            let more = match self.foreseen(&next, command, own) {
                Foreseen::Nothing => continue,
                Foreseen::Packages(more) => more,
                Foreseen::Unsure => break,
            };
            let before = match known.take() {
                Some(before) => before,
                None => match self.simulated(command, own, &packages) {
                    Some(before) => before,
                    None => break,
                },
            };
            let joined = [packages.as_slice(), more.as_slice()].concat();
            let Some(after) = self.simulated(command, own, &joined).filter(|after| before.is_subset(after)) else {
                break;
            };
            // What came as a dependency of an earlier one is found installed: no change.
            let names: Vec<&str> = more.iter().filter_map(|name| name.split('=').next()).collect();
            if !names.iter().all(|name| before.iter().any(|line| line.split(' ').next() == Some(*name))) {
                done.push(Step::of(task, &next.local));
            }
            packages = joined;
            known = Some(after);
        }
        (packages.len() > own.packages.len()).then_some(Joined { packages, done })
    }

    /// What apt-get would install, by name and version; `None` where it would do more, or cannot.
    fn simulated(&self, command: &Command, own: &Install<'_>, packages: &[String]) -> Option<BTreeSet<String>> {
        let mut simulation = Command { argv: own.with(packages), ..command.clone() };
        simulation.argv.insert(1, "--simulate".into());
        let output = self.host.observe().query(&simulation).ok().filter(|output| output.ok())?;
        let text = output.text();
        let lines = || text.lines().filter_map(|line| line.split_once(' '));
        if lines().any(|(what, _)| matches!(what, "Remv" | "Purg")) {
            return None;
        }
        let installed = lines().filter(|(what, _)| *what == "Inst").map(|(_, which)| which.to_owned());
        Some(installed.collect::<BTreeSet<_>>()).filter(|set| !set.is_empty())
    }
}

/// An installation with those behind it.
struct Joined {
    packages: Vec<String>,
    /// Those whose packages are a change of their own.
    done: Vec<Step>,
}
