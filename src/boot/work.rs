//! The work of a run: the roles read and judged, their secrets fetched, the host converged and looked at.

use super::duty::Duty;
use super::grounds::Grounds;
use super::hooks::{self, Hooks};
use super::lent::Lent;
use super::machines::Machines;
use super::observer::Watching;
use super::releases::{self, Site};
use super::remote::CloudRemote;
use super::repository::IMAGE_ROLES;
use super::roles::{GOES_ON, Reading, UNCHANGED, What};
use super::updates::Updates;
use super::way_back::Before;
use super::{Ended, Planning};
use crate::failure::{Failure, Stage};
use crate::host::Host;
use crate::journal::Counts;
use crate::roles::converge::{self, Input, Named, Observer, Outcome, converge, judge, list};
use crate::roles::load::{Loader, Playbook, Source};
use crate::roles::template::Templar;
use crate::roles::vault::Vault;
use crate::settings::{Settings, keys};
use crate::trust::Realm;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

/// A tree, and what is run of it.
pub(super) struct Order<'a> {
    pub(super) tree: Arc<dyn Source>,
    /// The commit, or `unverified DIR`.
    pub(super) name: String,
    pub(super) what: What,
    pub(super) input: Input,
    pub(super) hooks: &'a keys::Hooks,
    pub(super) vault: Arc<Vault>,
}

/// Roles that may be run.
pub(super) struct Work {
    pub(super) grounds: Grounds,
    pub(super) remote: Arc<CloudRemote>,
    pub(super) host: Box<dyn Host>,
    /// The same machine, looked at while a plan is made.
    pub(super) below: Box<dyn Host>,
    pub(super) what: What,
    pub(super) loader: Loader,
    pub(super) templar: Templar,
    pub(super) playbook: Arc<Playbook>,
    pub(super) hooks: Hooks,
    pub(super) input: Input,
    pub(super) tree: String,
    pub(super) counts: Counts,
    before: Before,
    /// The update repository, where releases name targets.
    updates: Option<Arc<Updates>>,
}

impl Work {
    /// Reads what is to be run, the hooks too.
    pub(super) fn load(
        grounds: Grounds,
        order: Order<'_>,
        remote: Arc<CloudRemote>,
        machines: Machines,
    ) -> Result<Self, Failure> {
        let Machines { host, below } = machines;
        grounds.run.enter(Stage::Parse);
        grounds.run.tree(&order.name);
        let loader = Loader::new(order.tree, &[PathBuf::from(IMAGE_ROLES)]).with_vault(Arc::clone(&order.vault));
        let (templar, input) = (Templar::new().with_vault(order.vault), order.input);
        let reading =
            Reading { loader: &loader, templar: &templar, host: host.observe(), remote: &*remote, input: &input };
        let playbook = reading.read(&order.what)?;
        let hooks = Hooks::read(order.hooks, &reading, &grounds.root)?;
        let before = Before::look(host.observe(), &grounds.records)?;
        let (tree, counts) = (order.name, Counts::default());
        let what = order.what;
        Ok(Self {
            grounds,
            remote,
            host,
            below,
            what,
            loader,
            templar,
            playbook,
            hooks,
            input,
            tree,
            counts,
            before,
            updates: None,
        })
    }

    /// Hands in the update repository: for the releases of settings, and for roles that ask for it.
    pub(super) fn lend(&mut self, settings: &Settings, realm: &Realm, duty: &Duty, updates: Option<Arc<Updates>>) {
        self.updates = updates.clone();
        if let Some(named) = &settings.updates {
            let keeps = duty.request.planning != Planning::Plan;
            let (settings, realm, state, tree) = (named.clone(), realm.clone(), duty.state.clone(), self.tree.clone());
            // Lent once: a run has one work.
            let _ = self.remote.lent.set(Lent { settings, realm, state, tree, keeps, opened: Mutex::new(updates) });
        }
    }

    /// Asks for every parameter and secret that the tree names literally, before the first task.
    pub(super) fn fetch_secrets(&mut self) -> Result<(), Failure> {
        self.grounds.run.enter(Stage::Secrets);
        let mut named = Named::default();
        for playbook in std::iter::once(&self.playbook).chain(self.hooks.playbooks().map(|(_, playbook)| playbook)) {
            named.join(Named::of(playbook, &self.loader, &self.templar));
        }
        self.remote.prefetch(&named).map_err(|error| {
            let failure = Failure::message(Stage::Secrets, error.message);
            Failure { hint: error.hint, ..failure }
        })
    }

    /// Refuses what muster does not do, in hooks too, before the first change of any of them.
    pub(super) fn judge(&mut self) -> Result<(), Failure> {
        let hooks = self.hooks.playbooks();
        let mut playbooks: Vec<_> = hooks.map(|(name, playbook)| (Some(name), Arc::clone(playbook))).collect();
        // Without a hook that changes something before it, the playbook is judged when it begins.
        if self.hooks.before.is_some() {
            playbooks.push((None, Arc::clone(&self.playbook)));
        }
        for (hook, playbook) in playbooks {
            let mut watching = Watching::new(&self.grounds.run, self.counts, &self.grounds.handlers, None);
            let machine = converge::Machine { host: self.host.as_mut(), remote: &*self.remote, real: None };
            let judged = judge(&self.input, &playbook, &self.loader, &self.templar, machine, &mut watching);
            judged.map_err(|error| error.into_failure().or_hint(UNCHANGED)).map_err(|failure| match hook {
                Some(name) => failure.during(&format!("hook {name}")),
                None => failure,
            })?;
        }
        Ok(())
    }

    /// Tells of the tasks that the playbook would go through.
    pub(super) fn list(&mut self, observer: Option<&mut dyn Observer>) -> Result<(), Failure> {
        let mut nobody = ();
        let observer: &mut dyn Observer = match observer {
            Some(observer) => observer,
            None => &mut nobody,
        };
        let machine = converge::Machine { host: self.host.as_mut(), remote: &*self.remote, real: None };
        let listed = list(&self.input, &self.playbook, &self.loader, &self.templar, machine, observer);
        listed.map_err(converge::ConvergeError::into_failure)
    }

    /// Ends the work where the run is asked to end, or its time is over.
    pub(super) fn go_on(&self) -> Result<(), Failure> {
        self.grounds.go_on()
    }

    /// Applies the roles; somebody else may watch, too.
    pub(super) fn converge(&mut self, also: Option<&mut dyn Observer>) -> Result<(), Failure> {
        self.grounds.run.enter(Stage::Converge);
        self.input.pending_handlers = self.owed()?;
        let playbook = Arc::clone(&self.playbook);
        let outcome = self.run(&playbook, also);
        self.keep(&outcome.pending_handlers)?;
        self.ended_with(outcome)
    }

    /// A failure; or every declared state read once more.
    pub(super) fn ended_with(&mut self, outcome: Outcome) -> Result<(), Failure> {
        if let Some(error) = outcome.error {
            return Err(self.goes_on(error));
        }
        self.look_again(outcome.recap.changed);
        Ok(())
    }

    pub(super) fn run(&mut self, playbook: &Playbook, also: Option<&mut dyn Observer>) -> Outcome {
        let also = also.map(|also| also as &mut dyn Observer);
        let mut watching = Watching::new(&self.grounds.run, self.counts, &self.grounds.handlers, also);
        let machine = converge::Machine { host: self.host.as_mut(), remote: &*self.remote, real: None };
        let outcome = converge(&self.input, playbook, &self.loader, &self.templar, machine, &mut watching);
        self.counts = watching.counts;
        self.grounds.run.counts(self.counts);
        outcome
    }

    /// Puts the releases that settings name in place.
    pub(super) fn release(&mut self, settings: &Settings) -> Result<(), Failure> {
        if settings.releases.is_empty() {
            return Ok(());
        }
        self.grounds.run.enter(Stage::Release);
        let updates = self.updates.as_ref();
        let mut site = Site { grounds: &self.grounds, remote: &self.remote, host: self.host.as_mut(), updates };
        releases::put_in_place(&mut site, settings, false)
    }

    /// Watches the checks that settings name until they pass.
    pub(super) fn check_health(&mut self, settings: &Settings) -> Result<(), Failure> {
        self.grounds.check_health(settings, self.host.observe())
    }

    /// After a failure: the releases before take their places again, and the failure's hook runs, in the time that was
    /// kept back for it. What goes wrong here is noted and changes nothing: the first failure is what counts.
    pub(super) fn fail(mut self, failure: Failure) -> Failure {
        let failure = self.grounds.deadline.judge(failure, self.grounds.reach.is_stopped());
        let deadline = self.grounds.deadline.of_failure();
        self.grounds.deadline = deadline;
        self.remote.until(deadline);
        crate::host::end_programs_at(Some(deadline.work().into_std()));
        let failure = failure.followed_by(&self.before.restore(self.host.as_mut(), &self.grounds.records));
        let Some(hook) = self.hooks.on_failure.clone() else { return failure };
        if self.grounds.reach.is_stopped() {
            self.grounds.run.note("hook on_failure was not run: the run was stopped from outside");
        } else if let Err(second) = hooks::run(&mut self, &hook) {
            self.grounds.run.note(&second.to_string());
        }
        failure
    }

    /// How it ended, when it ended well.
    pub(super) fn ended(self) -> Ended {
        Ended::Converged { commit: self.tree, counts: self.counts, signals: Vec::new() }
    }

    /// What becomes of a run that failed: of one that was refused before its first change nothing was done.
    pub(super) fn goes_on(&self, error: converge::ConvergeError) -> Failure {
        let failure = error.into_failure();
        let untouched = matches!(failure.stage, Stage::Parse | Stage::Parameters | Stage::Secrets)
            && self.grounds.run.completed().is_none();
        failure.or_hint(if untouched { UNCHANGED } else { GOES_ON })
    }
}
