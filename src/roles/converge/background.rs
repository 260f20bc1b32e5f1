//! `async`: work with a limit; with `poll: 0` a program that goes on beside the run, asked for by `async_status`. No
//! program outlives the run: what nobody asked for is waited for at its end.

use super::arguments::environment;
use super::end::End;
use super::error::ConvergeError;
use super::events::Event;
use super::invoke::eyes;
use super::result::put;
use super::run::{Run, Stage};
use super::tries::{Trouble, seconds};
use crate::host::{Change, Effect};
use crate::roles::modules::{Args, Failed, Module, Next};
use crate::roles::value::{Map, Value};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// The jobs of a run, by id.
#[derive(Default)]
pub(super) struct Jobs {
    all: BTreeMap<String, Job>,
    count: u64,
}

enum Job {
    /// A program runs, or has ended; this judges what it did.
    Program(Option<Next>),
    /// It is over, and this is its result.
    Over(Map),
}

impl Jobs {
    fn name(&mut self) -> String {
        self.count += 1;
        format!(
            "j{}.{}",
            fastrand::u64(100_000_000_000..1_000_000_000_000),
            std::process::id().wrapping_add(self.count as u32)
        )
    }
}

/// Modules that Ansible carries out on the controller, as a whole or in part, which it does not do with `async`.
const NEVER_BESIDE: [&str; 17] = [
    "add_host",
    "assemble",
    "assert",
    "copy",
    "debug",
    "fail",
    "fetch",
    "group_by",
    "include_vars",
    "pause",
    "raw",
    "reboot",
    "script",
    "set_fact",
    "template",
    "unarchive",
    "validate_argument_spec",
];

/// How often a job is asked after.
const TICK: Duration = Duration::from_millis(100);

/// What every answer about a job has.
fn about(job: &str, finished: bool) -> Map {
    let mut result = Map::new();
    put(&mut result, "ansible_job_id", job);
    put(&mut result, "started", true);
    put(&mut result, "finished", finished);
    put(&mut result, "results_file", format!("/root/.ansible_async/{job}"));
    result
}

fn silent(result: &mut Map) {
    for name in ["stdout", "stderr"] {
        put(result, name, "");
        put(result, &format!("{name}_lines"), Value::list([]));
    }
}

impl Run<'_> {
    /// Whether the task has `async` and is waited for.
    pub(super) fn polled(&self, stage: &Stage<'_>) -> Result<bool, Failed> {
        let started = self.seconds_of(stage, stage.task.asynchronous.as_ref())?.is_some();
        Ok(started && !self.fire_and_forget(stage)?)
    }

    /// Refuses `async` where Ansible's module does not know it.
    pub(super) fn goes_on_beside(&self, stage: &Stage<'_>) -> Result<(), Failed> {
        let action = &stage.task.action;
        let never = NEVER_BESIDE.iter().any(|name| action.is(name));
        if never && self.seconds_of(stage, stage.task.asynchronous.as_ref())?.is_some() {
            return Err(Failed::new(format!("This action ({}) does not support async.", action.written)));
        }
        Ok(())
    }

    fn fire_and_forget(&self, stage: &Stage<'_>) -> Result<bool, Failed> {
        let Some(said) = &stage.task.poll else { return Ok(false) };
        let value = self.view(stage).render(&said.value).map_err(|error| super::view::failed(&error))?;
        Ok(seconds(&value).is_some_and(|poll| poll <= 0.0))
    }

    /// The seconds that a task which nobody waits for may take.
    pub(super) fn begins_job(&self, stage: &Stage<'_>) -> Result<Option<f64>, Failed> {
        // A plan says what would be run, and starts nothing.
        match self.fire_and_forget(stage)? && !self.input.check {
            true => self.seconds_of(stage, stage.task.asynchronous.as_ref()),
            false => Ok(None),
        }
    }

    /// Starts a task that nobody waits for. One that is a single program goes on beside the run; any other is done at
    /// once, and is over when it is asked for.
    pub(super) fn begin(&mut self, stage: &Stage<'_>, module: &dyn Module, limit: f64) -> Result<End, Trouble> {
        let name = self.jobs.name();
        let (environment, user) = {
            let environment =
                environment(&self.view(stage), stage.task).map_err(|error| super::view::failed(&error))?;
            (environment, self.become_user(stage)?)
        };
        let plan = {
            let view = self.view(stage);
            module.plan(&eyes(&view, &self.input.hostname, self.remote, &environment, user.as_deref()))
        };
        let job = match plan {
            Ok(plan) => match (plan.changes.as_slice(), plan.next) {
                ([Change::Run(command)], Some(next)) => {
                    let mut command = command.clone();
                    command.timeout = Some(Duration::from_secs_f64(limit.min(1e8)));
                    let change = Change::Start { job: name.clone(), command };
                    self.host.apply(&change).map_err(Failed::from)?;
                    Job::Program(Some(next))
                }
                _ => Job::Over(over(self.apply(stage, module))?),
            },
            Err(failed) => Job::Over(super::result::of_failure(failed)),
        };
        self.jobs.all.insert(name.clone(), job);
        let mut result = about(&name, false);
        put(&mut result, "changed", true);
        Ok(End::new(result))
    }

    /// `async_status`.
    pub(super) fn job_status(&mut self, stage: &Stage<'_>, args: &Args) -> Result<End, Trouble> {
        let name = args.text("jid").unwrap_or_default();
        if !self.jobs.all.contains_key(&name) {
            let mut result = about(&name, true);
            silent(&mut result);
            return Err(Failed { result, ..Failed::new("could not find job") }.into());
        }
        if args.text("mode").as_deref() == Some("cleanup") {
            self.jobs.all.remove(&name);
            let mut result = about(&name, true);
            put(&mut result, "erased", format!("/root/.ansible_async/{name}"));
            return Ok(End::new(result));
        }
        if let Some(effect) = self.ended(&name) {
            self.judge_job(stage, &name, effect)?;
        }
        let mut result = about(&name, false);
        match self.jobs.all.get(&name) {
            Some(Job::Over(end)) => {
                silent(&mut result);
                result.extend(end.iter().map(|(key, value)| (key.clone(), value.clone())));
                put(&mut result, "finished", true);
            }
            _ => {
                silent(&mut result);
                put(&mut result, "changed", false);
            }
        }
        Ok(End::new(result))
    }

    /// What a job's program did, once it has ended and nobody has judged it.
    fn ended(&self, name: &str) -> Option<Effect> {
        match self.jobs.all.get(name) {
            Some(Job::Program(_)) => self.host.observe().job(name).flatten(),
            _ => None,
        }
    }

    fn judge_job(&mut self, stage: &Stage<'_>, name: &str, effect: Effect) -> Result<(), Trouble> {
        let Some(Job::Program(next)) = self.jobs.all.get_mut(name) else { return Ok(()) };
        let Some(next) = next.take() else { return Ok(()) };
        let environment = environment(&self.view(stage), stage.task).map_err(|error| super::view::failed(&error))?;
        let judged = {
            let view = self.view(stage);
            next(&eyes(&view, &self.input.hostname, self.remote, &environment, None), &[effect])
        };
        let result = match judged {
            Ok(plan) => {
                let mut result = plan.result;
                put(&mut result, "changed", plan.changed.unwrap_or(true));
                put(&mut result, "msg", "");
                result
            }
            Err(failed) => super::result::of_failure(failed),
        };
        self.jobs.all.insert(name.to_owned(), Job::Over(result));
        Ok(())
    }

    /// The result of a task that was waited for, with what belongs to a job.
    pub(super) fn complete(&mut self, outcome: Result<End, Trouble>) -> Result<End, Trouble> {
        let name = self.jobs.name();
        let dress = |result: &mut Map| {
            let own = std::mem::take(result);
            *result = about(&name, true);
            result.extend(own);
        };
        match outcome {
            Ok(mut end) => {
                dress(&mut end.result);
                Ok(end)
            }
            Err(Trouble::Failed(mut failed)) => {
                dress(&mut failed.result);
                Err(failed.into())
            }
            stop => stop,
        }
    }

    pub(super) fn not_complete(&mut self, limit: f64) -> Failed {
        let name = self.jobs.name();
        let mut inner = about(&name, false);
        silent(&mut inner);
        let message = format!("async task did not complete within the requested time - {limit}s");
        Failed::new(message).with("async_result", Value::Map(Arc::new(inner)))
    }

    /// Waits for programs that still run: each has its own limit.
    pub(super) fn end_jobs(&mut self) -> Result<(), ConvergeError> {
        let running = |run: &Self| {
            let open = run.jobs.all.iter().filter(|(_, job)| matches!(job, Job::Program(Some(_))));
            open.filter(|(name, _)| matches!(run.host.observe().job(name), Some(None))).count()
        };
        let mut told = false;
        loop {
            let count = running(self);
            if count == 0 {
                return Ok(());
            }
            if !std::mem::replace(&mut told, true) {
                let text = format!("waiting for {count} background jobs (`poll: 0`) that no task waited for");
                self.observer.event(&Event::Warning { text: &text, place: None });
            }
            self.outside_limits("while background jobs were waited for")?;
            let _ = self.host.apply(&Change::Wait(TICK));
        }
    }
}

/// The result of a task that was done at once.
fn over(outcome: Result<End, Trouble>) -> Result<Map, Trouble> {
    match outcome {
        Ok(end) => Ok(end.result),
        Err(Trouble::Failed(failed)) => Ok(super::result::of_failure(failed)),
        Err(stop) => Err(stop),
    }
}
