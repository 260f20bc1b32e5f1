//! Carries a module out: it looks, what it asks for is applied, and it looks again where it wants to.

use super::arguments::{environment, plain, truth};
use super::result::put;
use super::run::{Run, Stage};
use super::task::End;
use super::tries::Trouble;
use crate::roles::modules::{Actor, Eyes, Failed};
use crate::roles::value::Map;

impl Run<'_> {
    /// One attempt, with its arguments evaluated.
    pub(super) fn invoke(&mut self, stage: &Stage<'_>, given: Map) -> Result<End, Trouble> {
        let Some(row) = stage.task.action.row else {
            return Err(Failed::new(format!("muster has no module `{}`", stage.task.action.written)).into());
        };
        match row.actor {
            Actor::Engine => self.builtin(stage, given),
            Actor::Host(read) => {
                let mut accepted = row.spec.accept(&given).map_err(|error| Failed::new(error.to_string()))?;
                let module = read(&mut accepted).map_err(|error| Failed::new(error.to_string()))?;
                self.apply(stage, &*module)
            }
        }
    }

    fn apply(&mut self, stage: &Stage<'_>, module: &dyn crate::roles::modules::Module) -> Result<End, Trouble> {
        let (environment, user) = {
            let view = self.view(stage);
            let environment = environment(&view, stage.task).map_err(|error| super::view::failed(&error))?;
            (environment, self.become_user(stage)?)
        };
        let mut end = End::new(Map::new());
        let (mut any, mut said) = (false, None);
        let mut plan = {
            let view = self.view(stage);
            module.plan(&eyes(&view, self.remote, &environment, user.as_deref()))?
        };
        loop {
            any |= !plan.changes.is_empty();
            said = plan.changed.or(said);
            end.result.extend(plan.result);
            end.diff.extend(plan.diff);
            let mut effects = Vec::with_capacity(plan.changes.len());
            for change in &plan.changes {
                self.within_limits(stage.task).map_err(Trouble::Stop)?;
                let effect = self.host.apply(change).map_err(Failed::from);
                effects.push(effect.map_err(|failed| Failed { result: end.result.clone(), ..failed })?);
            }
            let Some(next) = plan.next else { break };
            let view = self.view(stage);
            plan = next(&eyes(&view, self.remote, &environment, user.as_deref()), &effects)?;
        }
        put(&mut end.result, "changed", said.unwrap_or(any));
        Ok(end)
    }

    /// The user that the task becomes; `None` where it is the one that muster runs as.
    fn become_user(&self, stage: &Stage<'_>) -> Result<Option<String>, Failed> {
        let view = self.view(stage);
        let word = |name: &str| {
            let said = stage.task.frame.keyword(name);
            said.map(|said| view.render(&said.value)).transpose().map_err(|error| super::view::failed(&error))
        };
        if !word("become")?.is_some_and(|value| truth(&value)) {
            return Ok(None);
        }
        let user = word("become_user")?.map_or_else(String::new, |value| plain(&value));
        let user = if user.is_empty() { "root".to_owned() } else { user };
        Ok((user != self.input.user).then_some(user))
    }
}

fn eyes<'v>(
    view: &'v super::view::View<'v>,
    remote: &'v dyn crate::roles::remote::Remote,
    environment: &'v [(String, String)],
    become_user: Option<&'v str>,
) -> Eyes<'v> {
    Eyes { host: view.host, remote, tree: view, environment, become_user }
}
