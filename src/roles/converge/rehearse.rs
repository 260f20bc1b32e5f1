//! `check_mode: true` on a task: it is planned over the machine, and changes nothing.

use super::arguments::{environment, plain, truth};
use super::end::End;
use super::invoke::eyes;
use super::result::put;
use super::run::{Run, Stage};
use super::tries::Trouble;
use super::view::View;
use crate::host::{Change, Host, Overlay};
use crate::roles::modules::{Failed, Module};
use crate::roles::value::{Key, Map, Value};

impl Run<'_> {
    /// Whether the task asks for it.
    pub(super) fn rehearses(&self, stage: &Stage<'_>) -> bool {
        let said = stage.task.frame.keyword("check_mode");
        said.is_some_and(|said| self.view(stage).render(&said.value).is_ok_and(|value| truth(&value)))
    }

    /// Carries a module out on a machine that only remembers.
    pub(super) fn rehearse(&mut self, stage: &Stage<'_>, module: &dyn Module, given: &Map) -> Result<End, Trouble> {
        let strangers = self.strangers(stage, given);
        let warned = |result: &mut Map| {
            if !strangers.is_empty() {
                put(result, "warnings", Value::list(strangers.iter().cloned().map(Value::from)));
            }
        };
        match self.rehearsed(stage, module) {
            Ok(mut end) => {
                warned(&mut end.result);
                Ok(end)
            }
            Err(Trouble::Failed(mut failed)) => {
                warned(&mut failed.result);
                Err(Trouble::Failed(failed))
            }
            stop => stop,
        }
    }

    /// Users and groups that `file` is to give to and that are not there: somebody else may make them before.
    fn strangers(&self, stage: &Stage<'_>, given: &Map) -> Vec<String> {
        if !stage.task.action.is("file") || given.get(&Key::from("state")).is_some_and(|state| plain(state) == "absent")
        {
            return Vec::new();
        }
        let host = self.host.observe();
        let unknown = |name: &str, kind: &str, number: &str, found: &dyn Fn(&str) -> bool| {
            let asked = given.get(&Key::from(name)).filter(|value| !matches!(value, Value::Null | Value::Omit));
            let asked = plain(asked?);
            let with = if asked.parse::<u32>().is_ok() { format!("with {number} ") } else { String::new() };
            let warning =
                format!("failed to look up {kind} {with}{asked}. Create {kind} up to this point in real play");
            (!found(&asked)).then_some(warning)
        };
        let user = unknown("owner", "user", "uid", &|asked| matches!(host.user(asked), Ok(Some(_)) | Err(_)));
        let group = unknown("group", "group", "gid", &|asked| matches!(host.group(asked), Ok(Some(_)) | Err(_)));
        user.into_iter().chain(group).collect()
    }

    fn rehearsed(&mut self, stage: &Stage<'_>, module: &dyn Module) -> Result<End, Trouble> {
        let user = self.become_user(stage)?;
        let environment = environment(&self.view(stage), stage.task).map_err(|error| super::view::failed(&error))?;
        let mut machine = Overlay::new(self.host.observe());
        let mut end = End::new(Map::new());
        let (mut any, mut said, mut ran) = (false, None, false);
        let mut plan = {
            let view = View { host: machine.observe(), ..self.view(stage) };
            module.plan(&eyes(&view, &self.input.hostname, self.remote, &environment, user.as_deref()))?
        };
        loop {
            any |= !plan.changes.is_empty();
            ran |= plan.changes.iter().any(|change| matches!(change, Change::Run(_)));
            said = plan.changed.or(said);
            end.result.extend(plan.result);
            end.diff.extend(plan.diff);
            let mut effects = Vec::with_capacity(plan.changes.len());
            for change in &plan.changes {
                effects.push(machine.apply(change).map_err(Failed::from)?);
            }
            let Some(next) = plan.next else { break };
            let view = View { host: machine.observe(), ..self.view(stage) };
            plan = next(&eyes(&view, &self.input.hostname, self.remote, &environment, user.as_deref()), &effects)?;
        }
        put(&mut end.result, "changed", said.unwrap_or(any));
        if ran && (stage.task.action.is("command") || stage.task.action.is("shell")) {
            not_run(stage, &mut end.result);
        } else if ran && stage.task.action.is("script") {
            script_not_run(stage, &mut end.result);
        } else if ran && stage.task.action.is("raw") {
            put(&mut end.result, "changed", false);
            put(&mut end.result, "skipped", true);
        }
        self.put_diff(stage, &mut end);
        Ok(end)
    }
}

fn is_guarded(stage: &Stage<'_>) -> bool {
    ["creates", "removes"].iter().any(|name| stage.task.action.arguments.get(name).is_some())
}

/// What `script` says where it would have run: with a guard it counts as changed, without one it is skipped.
fn script_not_run(stage: &Stage<'_>, result: &mut Map) {
    let guarded = is_guarded(stage);
    put(result, "changed", guarded);
    if !guarded {
        put(result, "skipped", true);
        put(result, "msg", "Check mode is not supported for this task.");
    }
}

/// What `command` says where it would have run: with a guard it counts as changed, without one as skipped.
fn not_run(stage: &Stage<'_>, result: &mut Map) {
    let guarded = is_guarded(stage);
    put(result, "msg", "Command would have run if not in check mode");
    put(result, "rc", 0);
    put(result, "changed", guarded);
    if !guarded {
        put(result, "skipped", true);
    }
    for name in ["start", "end", "delta"] {
        put(result, name, Value::Null);
    }
    for name in ["stdout", "stderr"] {
        put(result, name, "");
        put(result, &format!("{name}_lines"), Value::list([]));
    }
}
