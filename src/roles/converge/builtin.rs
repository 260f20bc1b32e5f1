//! Modules that the engine carries out itself.

use super::end::End;
use super::error::Stop;
use super::result::{self, put};
use super::run::{Run, Stage};
use super::tries::Trouble;
use crate::failure::Place;
use crate::roles::load::Task;
use crate::roles::modules::{Args, Failed};
use crate::roles::value::{Key, Map, Value};
use std::sync::Arc;
use std::time::Duration;

/// Words that Python and Jinja keep for themselves.
const KEYWORDS: [&str; 10] = ["True", "False", "None", "true", "false", "none", "and", "or", "not", "in"];

impl Run<'_> {
    /// Carries out a module of the engine.
    pub(super) fn builtin(&mut self, stage: &Stage<'_>, given: Map) -> Result<End, Trouble> {
        let name = stage.task.action.name();
        let short = name.rsplit('.').next().unwrap_or(name);
        if short == "set_fact" {
            return Ok(self.set_fact(stage, given)?);
        }
        if short == "add_host" {
            return Ok(self.add_host(given)?);
        }
        let row = stage.task.action.row.ok_or_else(|| Failed::new(format!("no module `{name}`")))?;
        let args = row.spec.accept(&given).map_err(|error| Failed::new(error.as_answered()))?;
        match short {
            "debug" => Ok(self.debug(stage, &args)?),
            "assert" => Ok(self.assert(stage, &args)?),
            "fail" => Err(Failed::new(args.text("msg").unwrap_or_default()).into()),
            "include_vars" => Ok(self.include_vars(stage, &args)?),
            "pause" => self.pause(stage, &args),
            "group_by" => Ok(self.group_by(&args)?),
            "async_status" => self.job_status(stage, &args),
            "validate_argument_spec" => Ok(self.validate_spec(stage, &args)?),
            "setup" => {
                let wanted = crate::roles::facts::Wanted {
                    subsets: args.texts("gather_subset"),
                    filters: args.texts("filter"),
                    directory: args.text("fact_path").unwrap_or_default(),
                };
                let facts = self.variables.facts.gather(self.host.observe(), &wanted);
                let mut result = Map::new();
                put(&mut result, "ansible_facts", Value::Map(Arc::new(facts.map_err(Failed::new)?)));
                Ok(End::new(result))
            }
            _ => Err(Failed::new(format!("`{name}` cannot stand here")).into()),
        }
    }

    fn set_fact(&self, stage: &Stage<'_>, given: Map) -> Result<End, Failed> {
        let view = self.view(stage);
        let mut facts = Map::new();
        for (key, value) in given {
            let mut name = key.to_string();
            if crate::roles::yaml::is_template(&name) {
                let template = crate::roles::value::Template::new(name, stage.task.place.clone());
                let rendered = view.render(&Value::Template(Arc::new(template)));
                let rendered = rendered.map_err(|error| super::view::failed(&error))?;
                name = super::arguments::plain(&rendered);
                if rendered.as_str().is_none() {
                    let kind = rendered.type_name();
                    return Err(Failed::new(format!("Invalid variable name '{name}' of type '{kind}'")));
                }
            }
            if name == "cacheable" {
                continue;
            }
            let good = name.starts_with(|c: char| c.is_alphabetic() || c == '_')
                && name.chars().all(|c| c.is_alphanumeric() || c == '_');
            if !good || KEYWORDS.contains(&name.as_str()) {
                return Err(Failed::new(format!("Invalid variable name '{name}'")));
            }
            facts.insert(Key::from(name.as_str()), value);
        }
        if facts.is_empty() {
            return Err(Failed::new("no key/value pairs were given, at least one is needed"));
        }
        let mut result = Map::new();
        put(&mut result, "ansible_facts", Value::Map(Arc::new(facts)));
        put(&mut result, "changed", false);
        Ok(End::new(result))
    }

    fn assert(&self, stage: &Stage<'_>, args: &Args) -> Result<End, Failed> {
        let view = self.view(stage);
        let conditions = match args.value("that") {
            Some(Value::List(items)) => items.to_vec(),
            Some(other) => vec![other.clone()],
            None => Vec::new(),
        };
        let place = &stage.task.place;
        for condition in &conditions {
            let holds = view.condition(condition, place).map_err(|error| super::view::failed(&error))?;
            if holds {
                continue;
            }
            let text = match condition {
                Value::Template(template) => Value::str(template.text.as_str()),
                other => other.clone(),
            };
            let message = args.value("fail_msg").map_or_else(|| "Assertion failed".to_owned(), super::arguments::plain);
            let mut failed = Failed::new(message).with("evaluated_to", false).with("assertion", text.clone());
            failed.hint = Some(format!("the condition that does not hold: {}", super::arguments::plain(&text)));
            return Err(failed);
        }
        let mut result = Map::new();
        let message = args.value("success_msg").cloned().unwrap_or_else(|| "All assertions passed".into());
        put(&mut result, "msg", message);
        put(&mut result, "changed", false);
        Ok(End::new(result))
    }

    fn pause(&mut self, stage: &Stage<'_>, args: &Args) -> Result<End, Trouble> {
        let number = |name: &str| match args.value(name) {
            Some(Value::Float(number)) => Some(*number),
            #[expect(clippy::cast_precision_loss, reason = "a number of seconds")]
            Some(Value::Int(number)) => Some(*number as f64),
            _ => None,
        };
        let (count, unit, each) = match (number("seconds"), number("minutes")) {
            (Some(seconds), _) => (seconds, "seconds", 1.0),
            (None, Some(minutes)) => (minutes, "minutes", 60.0),
            (None, None) => {
                return Err(Failed::new("`pause` without a time waits for a key, and nobody is there").into());
            }
        };
        let seconds = count * each;
        self.wait(Duration::from_secs_f64(seconds.clamp(0.0, 1e6)), stage.task).map_err(Trouble::Stop)?;
        let mut result = Map::new();
        put(&mut result, "delta", Value::Float(seconds));
        put(&mut result, "rc", 0);
        put(&mut result, "stdout", format!("Paused for {count} {unit}"));
        for name in ["stderr", "user_input"] {
            put(&mut result, name, "");
        }
        put(&mut result, "echo", !matches!(args.value("echo"), Some(Value::Bool(false))));
        put(&mut result, "changed", false);
        Ok(End::new(result))
    }

    /// `meta`.
    pub(super) fn meta(&mut self, task: &Arc<Task>) -> Result<(), Stop> {
        let stage = self.stage(task);
        if let Some(end) = self.condition_end(&stage) {
            return if result::flag(&end.result, "failed") { Err(self.fail(task, "meta", &end)) } else { Ok(()) };
        }
        let what = task.action.arguments.get("free_form").map(|value| self.view(&stage).render(value)).transpose()?;
        let what = what.map_or_else(String::new, |value| super::arguments::plain(&value));
        match what.as_str() {
            "flush_handlers" => self.flush_of(task.frame.role()),
            "end_play" | "end_host" | "end_batch" => Err(Stop::EndPlay),
            "end_role" => match task.frame.role() {
                Some(role) => Err(Stop::EndRole(role.identity.clone())),
                None => Ok(()),
            },
            "clear_facts" => {
                self.variables.facts.clear();
                Ok(())
            }
            "clear_host_errors" => {
                self.forgiven = true;
                Ok(())
            }
            // One local host has no connection, no other batch and no inventory to refresh.
            _ => Ok(()),
        }
    }
}

/// An error of the loader as a task's failure.
pub(super) fn load_failed(error: &crate::roles::load::LoadError) -> Failed {
    use crate::failure::Explain;
    let place = error.place().map(|place: Place| format!(" ({place})")).unwrap_or_default();
    let mut failed = Failed::new(format!("{error}{place}"));
    failed.hint = error.hint();
    failed
}
