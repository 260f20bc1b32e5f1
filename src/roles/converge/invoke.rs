//! Carries a module out: it looks, what it asks for is applied, and it looks again where it wants to.

use super::arguments::{environment, plain, truth};
use super::end::End;
use super::error::ConvergeError;
use super::result::put;
use super::run::{Run, Stage};
use super::tries::Trouble;
use crate::host::HostError;
use crate::roles::modules::{Actor, Eyes, Failed, flagged};
use crate::roles::template::{Binding, Scope};
use crate::roles::value::{Key, Map, Value};

/// The variable by which a task says that its programs only read, so that a plan may run them.
const READS: &str = "muster_reads_only";

impl Run<'_> {
    /// One attempt, with its arguments evaluated.
    pub(super) fn invoke(&mut self, stage: &Stage<'_>, given: Map) -> Result<End, Trouble> {
        let Some(row) = stage.task.action.row else {
            return Err(Failed::new(format!("muster has no module `{}`", stage.task.action.written)).into());
        };
        match row.actor {
            Actor::Engine => self.builtin(stage, given),
            Actor::Host(read) => {
                let mut accepted = row.spec.accept(&given).map_err(|error| Failed::new(error.as_answered()))?;
                let module = read(&mut accepted).map_err(|error| Failed::new(error.as_answered()))?;
                let module = flagged(row.spec, &accepted, module);
                if self.rehearses(stage) {
                    return self.rehearse(stage, &*module, &given);
                }
                if let Some(job) = self.begins_job(stage)? {
                    self.expect(stage);
                    return self.begin(stage, &*module, job);
                }
                self.apply(stage, &*module)
            }
        }
    }

    pub(super) fn apply(
        &mut self,
        stage: &Stage<'_>,
        module: &dyn crate::roles::modules::Module,
    ) -> Result<End, Trouble> {
        let (environment, user) = {
            let view = self.view(stage);
            let environment = environment(&view, stage.task).map_err(|error| super::view::failed(&error))?;
            (environment, self.become_user(stage)?)
        };
        let mut end = End::new(Map::new());
        let (mut any, mut said, mut done) = (false, None, false);
        let expected = self.scene.expected.clone();
        let reads = self.only_reads(stage);
        let mut plan = {
            let view = self.view(stage);
            module.plan(&eyes(&view, &self.input.hostname, self.remote, &environment, user.as_deref()))?
        };
        loop {
            any |= !plan.changes.is_empty();
            said = plan.changed.or(said);
            end.result.extend(plan.result);
            end.diff.extend(plan.diff);
            end.undecided = plan.undecided;
            let mut effects = Vec::with_capacity(plan.changes.len());
            self.bound(&mut plan.changes);
            if !plan.changes.is_empty() {
                self.expect(stage);
            }
            for change in &plan.changes {
                self.within_limits(stage.task).map_err(Trouble::Stop)?;
                if plan.changes.len() == 1
                    && let Some(effect) = self.transaction(stage, change)?
                {
                    effects.push(effect);
                    done = true;
                    continue;
                }
                let host = match &mut self.real {
                    Some(real) if reads => &mut **real,
                    _ => &mut *self.host,
                };
                let applied = if plan.recovers { host.recover(change) } else { host.apply(change) };
                let effect = match applied {
                    Err(error @ HostError::NotReviewed { .. }) => {
                        if !done {
                            self.scene.expected = expected;
                        }
                        return Err(ConvergeError::NotReviewed(error.to_string()).into());
                    }
                    effect => effect.map_err(Failed::from),
                };
                effects.push(effect.map_err(|failed| Failed { result: end.result.clone(), ..failed })?);
                done = true;
            }
            end.changes.extend(plan.changes);
            let Some(next) = plan.next else { break };
            let view = self.view(stage);
            plan = next(&eyes(&view, &self.input.hostname, self.remote, &environment, user.as_deref()), &effects)?;
        }
        let changed = said.unwrap_or(any);
        put(&mut end.result, "changed", changed || self.was_done(stage));
        if self.input.check && !reads {
            self.doubt(stage, &mut end);
        }
        self.put_diff(stage, &mut end);
        Ok(end)
    }

    /// `diff: true` puts the differences into the result, in the form that Ansible's module has.
    pub(super) fn put_diff(&self, stage: &Stage<'_>, end: &mut End) {
        let key = Key::from("diff");
        if !self.keyword(stage, "diff") {
            // `file` tells it to those who ask, other modules to all.
            if stage.task.action.is("file") {
                end.result.shift_remove(&key);
            }
            return;
        }
        if end.diff.is_empty() || end.result.contains_key(&key) {
            return;
        }
        let listed = ["copy", "lineinfile", "template"].iter().any(|name| stage.task.action.is(name));
        let diff = match end.diff.as_slice() {
            [one] if !listed => super::result::of_diff(one),
            all => Value::list(all.iter().map(super::result::of_diff)),
        };
        end.result.insert(key, diff);
    }

    /// Whether a plan may run the task's programs: it says that they only read.
    fn only_reads(&self, stage: &Stage<'_>) -> bool {
        let view = self.view(stage);
        let said = stage.task.frame.keyword("check_mode").and_then(|said| view.render(&said.value).ok());
        let marked = matches!(view.get(READS), Binding::Value(value) if view.render(&value).is_ok_and(|v| truth(&v)));
        self.input.check && (marked || said.is_some_and(|value| !truth(&value)))
    }

    /// The user that the task becomes; `None` where it is the one that muster runs as.
    pub(super) fn become_user(&self, stage: &Stage<'_>) -> Result<Option<String>, Failed> {
        let view = self.view(stage);
        // A variable of the same meaning stands over the keyword.
        let word = |name: &str| {
            let said = match view.get(&format!("ansible_{name}")) {
                Binding::Value(value) => Some(value),
                _ => stage.task.frame.keyword(name).map(|said| said.value.clone()),
            };
            said.map(|value| view.render(&value)).transpose().map_err(|error| super::view::failed(&error))
        };
        if !word("become")?.is_some_and(|value| truth(&value)) {
            return Ok(None);
        }
        let user = word("become_user")?.map_or_else(String::new, |value| plain(&value));
        let user = if user.is_empty() { "root".to_owned() } else { user };
        Ok((user != self.input.user).then_some(user))
    }
}

pub(super) fn eyes<'v>(
    view: &'v super::view::View<'v>,
    inventory_hostname: &'v str,
    remote: &'v dyn crate::roles::remote::Remote,
    environment: &'v [(String, String)],
    become_user: Option<&'v str>,
) -> Eyes<'v> {
    Eyes { host: view.host, remote, tree: view, environment, inventory_hostname, become_user }
}
