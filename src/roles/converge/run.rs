//! One run: the playbook from its first play to the recap.

use super::background::Jobs;
use super::error::{ConvergeError, Stop};
use super::events::{Event, Observer};
use super::input::{Input, Machine};
use super::inventory::Inventory;
use super::layers::Layer;
use super::limits::Budget;
use super::outcome::{Completed, Outcome, PendingHandler, Recap};
use super::variables::Variables;
use super::view::View;
use crate::host::Host;
use crate::roles::load::{Loader, Playbook, Task};
use crate::roles::remote::Remote;
use crate::roles::template::Templar;
use crate::roles::value::{Map, Value};
use std::collections::{BTreeSet, HashSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

/// The state of a run.
pub(super) struct Run<'a> {
    pub(super) input: &'a Input,
    pub(super) loader: &'a Loader,
    pub(super) templar: &'a Templar,
    pub(super) host: &'a mut dyn Host,
    pub(super) remote: &'a dyn Remote,
    pub(super) real: Option<&'a mut dyn Host>,
    pub(super) observer: &'a mut dyn Observer,
    pub(super) variables: Variables,
    pub(super) scene: Scene,
    pub(super) recap: Recap,
    pub(super) completed: Vec<Completed>,
    pub(super) owed: Vec<PendingHandler>,
    /// The pending handlers as they were last told.
    pub(super) told: Vec<PendingHandler>,
    /// For each block that is being run, whether it can rescue a failure.
    pub(super) rescuing: Vec<bool>,
    /// The tasks whose programs a plan did not run.
    pub(super) not_run: super::doubt::NotRun,
    /// Hosts and groups.
    pub(super) inventory: Inventory,
    /// What goes on beside the run.
    pub(super) jobs: Jobs,
    /// When the task that runs must have ended.
    pub(super) budget: Option<Budget>,
    /// What stands behind the task that runs.
    pub(super) ahead: super::transaction::Ahead,
    /// Whether `meta: clear_host_errors` ran since the last failure.
    pub(super) forgiven: bool,
}

/// The play that is running.
pub(super) struct Scene {
    pub(super) directory: Arc<Path>,
    pub(super) magic: Arc<Map>,
    pub(super) handlers: Vec<Arc<Task>>,
    pub(super) notified: BTreeSet<usize>,
    /// Those of them that only undecided tasks have notified.
    pub(super) perhaps: BTreeSet<usize>,
    /// What the running task notifies if it changes something: whoever is killed in the middle owes it.
    pub(super) expected: BTreeSet<usize>,
    /// Of those notified, handlers that an earlier run left due, and that no task of this one notified.
    pub(super) recalled: BTreeSet<usize>,
    /// Roles that have run, by identity.
    pub(super) done: HashSet<String>,
    /// Roles of which a task ran.
    pub(super) begun: HashSet<String>,
    /// Whether tasks add hosts, to which others may delegate.
    pub(super) adds_hosts: bool,
}

impl Scene {
    /// A play of which nothing has run.
    pub(super) fn new(directory: &Arc<Path>, magic: Arc<Map>, handlers: Vec<Arc<Task>>) -> Self {
        Self {
            directory: Arc::clone(directory),
            magic,
            handlers,
            notified: BTreeSet::new(),
            perhaps: BTreeSet::new(),
            expected: BTreeSet::new(),
            recalled: BTreeSet::new(),
            done: HashSet::new(),
            begun: HashSet::new(),
            adds_hosts: false,
        }
    }
}

/// A task's variables while it runs.
pub(super) struct Stage<'t> {
    pub(super) task: &'t Task,
    pub(super) layers: Vec<Layer>,
    pub(super) host_layers: Vec<Layer>,
    /// The loop's item, and what the task itself has set.
    pub(super) local: Map,
}

/// Judges a playbook as [`converge`] does before its first task: what would be refused is refused, and nothing is changed.
pub fn judge(
    input: &Input,
    playbook: &Playbook,
    loader: &Loader,
    templar: &Templar,
    machine: Machine<'_>,
    observer: &mut dyn Observer,
) -> Result<(), ConvergeError> {
    let (mut run, beside_error) = begin(input, playbook, loader, templar, machine.shorter(), observer);
    beside_error.map_or(Ok(()), Err)?;
    run.refuse_playbook(playbook)
}

/// Tells the observer what [`converge`] would go through, and changes nothing.
pub fn list(
    input: &Input,
    playbook: &Playbook,
    loader: &Loader,
    templar: &Templar,
    machine: Machine<'_>,
    observer: &mut dyn Observer,
) -> Result<(), ConvergeError> {
    let (mut run, beside_error) = begin(input, playbook, loader, templar, machine.shorter(), observer);
    beside_error.map_or(Ok(()), Err)?;
    run.list(playbook)
}

/// Runs a playbook, and says how it went. Whatever happens, the outcome names what was done and what is still due.
pub fn converge(
    input: &Input,
    playbook: &Playbook,
    loader: &Loader,
    templar: &Templar,
    machine: Machine<'_>,
    observer: &mut dyn Observer,
) -> Outcome {
    let (mut run, beside_error) = begin(input, playbook, loader, templar, machine.shorter(), observer);
    let error = beside_error.or_else(|| run.playbook(playbook).err());
    let error = error.or(run.end_jobs().err());
    run.warnings();
    let recap = run.recap;
    run.observer.event(&Event::Recap(&recap));
    Outcome { recap, pending_handlers: run.pending(), completed: run.completed, error }
}

/// A run that has done nothing yet, and what is wrong with the variables beside the playbook.
fn begin<'a>(
    input: &'a Input,
    playbook: &Playbook,
    loader: &'a Loader,
    templar: &'a Templar,
    machine: Machine<'a>,
    observer: &'a mut dyn Observer,
) -> (Run<'a>, Option<ConvergeError>) {
    let mut inventory = super::magic::of_host();
    let beside = loader.inventory_vars(&playbook.directory, &input.groups, &input.hostname);
    let mut beside_error = None;
    match beside {
        Ok(map) => inventory.extend(map),
        Err(error) => beside_error = Some(ConvergeError::from(error)),
    }
    inventory.extend(input.inventory.iter().map(|(key, value)| (key.clone(), value.clone())));
    let variables = Variables {
        extra: Arc::new(input.extra.clone()),
        inventory: Arc::new(inventory),
        implied: Arc::new(super::magic::implied(input)),
        parameters: Arc::new(input.parameters.clone()),
        facts: input.facts.clone(),
        ..Variables::default()
    };
    let run = Run {
        input,
        loader,
        templar,
        host: machine.host,
        remote: machine.remote,
        real: machine.real.map(|real| -> &mut dyn Host { real }),
        observer,
        variables,
        scene: Scene::new(&playbook.directory, Arc::default(), Vec::new()),
        recap: Recap::default(),
        completed: Vec::new(),
        owed: input.pending_handlers.clone(),
        told: input.pending_handlers.clone(),
        rescuing: Vec::new(),
        not_run: super::doubt::NotRun::default(),
        inventory: Inventory::new(input),
        jobs: Jobs::default(),
        budget: None,
        ahead: super::transaction::Ahead::default(),
        forgiven: false,
    };
    (run, beside_error)
}

impl Run<'_> {
    fn playbook(&mut self, playbook: &Playbook) -> Result<(), ConvergeError> {
        self.refuse_playbook(playbook)?;
        // What was evaluated beforehand made up nothing that stays.
        self.templar.take_owed();
        for play in &playbook.plays {
            match self.play(play) {
                Ok(()) | Err(Stop::EndPlay | Stop::EndRole(_)) => {}
                Err(Stop::Failed(failure)) => return Err(ConvergeError::Task(failure)),
                Err(Stop::Fatal(error)) => return Err(*error),
            }
        }
        Ok(())
    }

    /// The variables that a task sees.
    pub(super) fn stage<'t>(&self, task: &'t Task) -> Stage<'t> {
        let include = task.action.is("include_tasks") || task.action.is("include_role");
        Stage {
            task,
            layers: self.variables.layers(&task.frame, include),
            host_layers: self.variables.host_layers(),
            local: Map::new(),
        }
    }

    /// What a task sees.
    pub(super) fn view<'v>(&'v self, stage: &'v Stage<'_>) -> View<'v> {
        View {
            loader: self.loader,
            templar: self.templar,
            remote: self.remote,
            host: self.host.observe(),
            asked: None,
            facts: self.variables.facts.clone(),
            environment: &self.input.environment,
            frame: &stage.task.frame,
            directory: &stage.task.directory,
            playbook: &self.scene.directory,
            start: self.input.directory.as_deref(),
            local: &stage.local,
            hidden: &[],
            magic: Arc::clone(&self.scene.magic),
            layers: stage.layers.clone(),
            host_layers: stage.host_layers.clone(),
            extra: Map::new(),
        }
    }

    /// Passes on what the loader found odd.
    pub(super) fn warnings(&mut self) {
        for warning in self.loader.take_warnings() {
            self.observer.event(&Event::Warning { text: &warning.text, place: Some(&warning.place) });
        }
    }

    /// Ends the run where its time is over, within a task.
    pub(super) fn within_limits(&self, task: &Task) -> Result<(), Stop> {
        Ok(self.outside_limits(&format!("in task `{}`", task.title()))?)
    }

    /// The same at something else: when.
    pub(super) fn outside_limits(&self, what: &str) -> Result<(), ConvergeError> {
        let limits = &self.input.limits;
        if limits.stopped.as_ref().is_some_and(|stopped| stopped.load(Ordering::Relaxed)) {
            return Err(ConvergeError::Stopped(what.to_owned()));
        }
        if limits.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Err(ConvergeError::Deadline(what.to_owned()));
        }
        Ok(())
    }

    /// A keyword of a task, evaluated as a truth value.
    pub(super) fn keyword(&self, stage: &Stage<'_>, name: &str) -> bool {
        let Some(said) = stage.task.frame.keyword(name) else { return false };
        let value = match &said.value {
            Value::Bool(truth) => return *truth,
            value => self.view(stage).render(value),
        };
        // A keyword that cannot be evaluated hides rather than shows.
        value.map_or(name == "no_log", |value| super::arguments::truth(&value))
    }
}
