//! Hooks: a role, or a program of the verified tree, before and after the roles and when something failed. They are read
//! with everything else, before the first change.

use super::roles::{Reading, What};
use super::work::Work;
use crate::failure::{Failure, Stage};
use crate::host::{Change, Command};
use crate::roles::load::{Loader, Playbook};
use crate::settings::keys::{self, HookAction};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The hooks of a run, read.
#[derive(Clone, Default)]
pub(super) struct Hooks {
    pub(super) before: Option<Hook>,
    pub(super) after: Option<Hook>,
    pub(super) on_failure: Option<Hook>,
}

/// A hook that was read.
#[derive(Clone)]
pub(super) struct Hook {
    name: &'static str,
    timeout: Duration,
    action: Action,
}

#[derive(Clone)]
enum Action {
    Role(Arc<Playbook>),
    Program(Command),
}

impl Hooks {
    /// Reads those that settings name, and refuses what cannot be run.
    pub(super) fn read(written: &keys::Hooks, reading: &Reading<'_>, root: &Path) -> Result<Self, Failure> {
        let read = |name, hook: &Option<keys::Hook>| {
            hook.as_ref().and_then(|hook| read(name, hook, reading, root).transpose()).transpose()
        };
        Ok(Self {
            before: read("before", &written.before)?,
            after: read("after", &written.after)?,
            on_failure: read("on_failure", &written.on_failure)?,
        })
    }

    /// Those that are roles: the hook's name and the playbook.
    pub(super) fn playbooks(&self) -> impl Iterator<Item = (&'static str, &Arc<Playbook>)> {
        [&self.before, &self.after, &self.on_failure].into_iter().flatten().filter_map(|hook| match &hook.action {
            Action::Role(playbook) => Some((hook.name, playbook)),
            Action::Program(_) => None,
        })
    }
}

fn read(name: &'static str, hook: &keys::Hook, reading: &Reading<'_>, root: &Path) -> Result<Option<Hook>, Failure> {
    let action = match hook.action() {
        None => return Ok(None),
        Some(HookAction::Role(role)) => {
            let read = reading.read(&What::Roles(vec![role.to_string()]));
            Action::Role(read.map_err(|failure| failure.during(&format!("hook {name}")))?)
        }
        Some(HookAction::Program(program, arguments)) => {
            Action::Program(of_tree(name, program, arguments, reading.loader, root)?)
        }
    };
    Ok(Some(Hook { name, timeout: hook.timeout.get(), action }))
}

/// The tree was written out after it was verified, into a directory of root's alone.
fn of_tree(name: &str, program: &str, arguments: &[String], loader: &Loader, root: &Path) -> Result<Command, Failure> {
    let refused = |why: &str, hint: &str| {
        Failure::message(Stage::Parse, format!("hook {name}, program {program}: {why}")).with_hint(hint)
    };
    let source = loader.source();
    let path = source.root().join(program);
    if root != Path::new("/") {
        return Err(refused("a root directory's programs do not run", "write the hook as a role"));
    }
    if !source.is_file(&path) {
        return Err(refused(
            "it is not in the config repository",
            "`hooks` name programs by their path within the repository",
        ));
    }
    if source.mode(&path).is_ok_and(|mode| mode & 0o100 == 0) {
        return Err(refused(
            "it is not executable in the config repository",
            "git update-index --chmod=+x, and commit",
        ));
    }
    let directory = path.parent().unwrap_or(Path::new("/")).to_owned();
    let mut argv = vec![path.display().to_string()];
    argv.extend(arguments.iter().cloned());
    Ok(Command { directory: Some(directory), ..Command::new(argv) })
}

impl Work {
    /// Runs the hook before the roles.
    pub(super) fn before(&mut self) -> Result<(), Failure> {
        let hook = self.hooks.before.clone();
        self.hook(hook)
    }

    /// Runs the hook after roles and releases.
    pub(super) fn after(&mut self) -> Result<(), Failure> {
        let hook = self.hooks.after.clone();
        self.hook(hook)
    }

    fn hook(&mut self, hook: Option<Hook>) -> Result<(), Failure> {
        let Some(hook) = hook else { return Ok(()) };
        self.go_on()?;
        run(self, &hook)
    }

    /// Runs a role beside the playbook.
    pub(super) fn run_role(&mut self, playbook: &Playbook, until: Instant) -> Result<(), Failure> {
        // What an earlier run owes is the roles' own.
        self.input.pending_handlers = self.owed()?;
        let end = self.grounds.deadline.work().into_std();
        self.input.limits.deadline = Some(until.min(end));
        let outcome = self.run(playbook, None);
        self.input.limits.deadline = Some(end);
        self.keep(&outcome.pending_handlers)?;
        outcome.error.map_or(Ok(()), |error| Err(self.goes_on(error)))
    }
}

/// Runs a hook within its time, and the run's.
pub(super) fn run(work: &mut Work, hook: &Hook) -> Result<(), Failure> {
    work.grounds.run.line(&format!("hook {}", hook.name));
    match &hook.action {
        Action::Role(playbook) => work.run_role(playbook, Instant::now() + hook.timeout),
        Action::Program(command) => program(work, hook, command),
    }
}

fn program(work: &mut Work, hook: &Hook, command: &Command) -> Result<(), Failure> {
    let name = hook.name;
    let failed =
        |message: String| Failure::message(Stage::Converge, format!("hook {name}, `{}`: {message}", command.shown()));
    let timeout = hook.timeout.min(work.grounds.deadline.left());
    let command = Command { timeout: Some(timeout), ..command.clone() };
    let effect = work.host.apply(&Change::Run(command)).map_err(|error| failed(error.to_string()))?;
    let output = effect.output.unwrap_or_default();
    for line in String::from_utf8_lossy(&output.stdout).lines().chain(String::from_utf8_lossy(&output.stderr).lines()) {
        work.grounds.run.line(&format!("hook {name}: {line}"));
    }
    if output.timed_out {
        return Err(failed(format!("it was ended after {timeout:.0?}")).with_hint("raise the hook's `timeout`"));
    }
    if output.ok() {
        return Ok(());
    }
    let why = output.not_run.unwrap_or_else(|| format!("it ended with {}", output.code));
    Err(failed(why).with_hint("its output is in the journal: `journalctl -t muster`"))
}
