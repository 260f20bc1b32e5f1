//! Modules that the engine carries out itself.

use super::error::Stop;
use super::result::{self, put};
use super::run::{Run, Stage};
use super::task::End;
use super::tries::Trouble;
use crate::failure::Place;
use crate::roles::load::Task;
use crate::roles::modules::{Args, Failed, Tree};
use crate::roles::template::{Binding, Scope};
use crate::roles::value::{Key, Map, Value};
use std::path::PathBuf;
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
        let args = row.spec.accept(&given).map_err(|error| Failed::new(error.to_string()))?;
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

    fn debug(&self, stage: &Stage<'_>, args: &Args) -> Result<End, Failed> {
        let mut result = Map::new();
        if args.int("verbosity").unwrap_or(0) > i64::from(self.input.verbosity) {
            put(&mut result, "skipped", true);
            put(&mut result, "skipped_reason", "Verbosity threshold not met.");
            return Ok(End::new(result));
        }
        let view = self.view(stage);
        match (args.value("var"), args.value("msg")) {
            (Some(_), Some(_)) => return Err(Failed::new("'msg' and 'var' are incompatible options")),
            (Some(variable), None) => {
                let (name, value) = match variable {
                    Value::Template(template) => {
                        let value = view.render(variable);
                        // `var: "{{ name }}"` names a variable, or is the value itself.
                        match &value {
                            Ok(Value::Str(text)) => {
                                let name = text.expose().to_owned();
                                let inner = view.expression(&name, &stage.task.place);
                                (name, inner.or(value))
                            }
                            _ => (template.text.trim_matches(['{', '}', ' ']).to_owned(), value),
                        }
                    }
                    other => {
                        let name = super::arguments::plain(other);
                        let value = view.expression(&name, &stage.task.place);
                        (name, value)
                    }
                };
                let value = match value {
                    Ok(value) => value,
                    Err(error) if error.is_undefined() => Value::str("VARIABLE IS NOT DEFINED!"),
                    Err(error) => return Err(super::view::failed(&error)),
                };
                put(&mut result, &name, value);
            }
            (None, Some(message)) => put(&mut result, "msg", message.clone()),
            (None, None) => put(&mut result, "msg", "Hello world!"),
        }
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

    fn include_vars(&self, stage: &Stage<'_>, args: &Args) -> Result<End, Failed> {
        let mut files: Vec<PathBuf> = Vec::new();
        match (args.text("file"), args.text("dir")) {
            (Some(file), None) => files.push(self.view(stage).resolve("vars", &file)?),
            (None, Some(dir)) => files = self.vars_directory(stage, &dir, args)?,
            _ => return Err(Failed::new("include_vars takes `file` or `dir`")),
        }
        let mut all = Map::new();
        for file in &files {
            all.extend(self.loader.vars_file(file).map_err(|error| load_failed(&error))?);
        }
        if let Some(name) = args.text("name").filter(|name| !name.is_empty()) {
            all = super::layers::one(&name, Value::Map(Arc::new(all)));
        }
        if args.text("hash_behaviour").as_deref() == Some("merge") {
            let view = self.view(stage);
            for (key, value) in &mut all {
                if let Binding::Value(before) = view.get(&key.to_string()) {
                    *value = merged(before, value.clone());
                }
            }
        }
        let mut result = Map::new();
        put(&mut result, "ansible_facts", Value::Map(Arc::new(all)));
        let shown = files.iter().map(|file| Value::str(file.display().to_string()));
        put(&mut result, "ansible_included_var_files", Value::list(shown));
        put(&mut result, "changed", false);
        Ok(End::new(result))
    }

    fn vars_directory(&self, stage: &Stage<'_>, dir: &str, args: &Args) -> Result<Vec<PathBuf>, Failed> {
        let view = self.view(stage);
        let source = self.loader.source();
        let mut candidates = Vec::new();
        if let Some(role) = stage.task.frame.role() {
            candidates.push(role.path.join("vars").join(dir));
            candidates.push(role.path.join(dir));
        }
        candidates.push(stage.task.directory.join(dir));
        candidates.push(self.scene.directory.join(dir));
        let tidy = candidates.iter().map(|path| crate::roles::load::tidy(path));
        let top = tidy.into_iter().find(|path| source.is_directory(path));
        let top = top.ok_or_else(|| Failed::new(format!("directory `{dir}` does not exist in the tree")))?;
        let depth = usize::try_from(args.int("depth").unwrap_or(0)).unwrap_or(0);
        let pattern = args.text("files_matching").map(|text| fancy_regex::Regex::new(&text)).transpose();
        let pattern = pattern.map_err(|error| Failed::new(format!("files_matching: {error}")))?;
        let (extensions, ignored) = (args.texts("extensions"), args.texts("ignore_files"));
        let mut files = Vec::new();
        for (path, is_directory) in view.walk(&top)? {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let too_deep = depth > 0 && path.components().count() > depth;
            let fits = pattern.as_ref().is_none_or(|pattern| pattern.is_match(&name).unwrap_or(false));
            if is_directory
                || too_deep
                || name.starts_with('.')
                || !fits
                || ignored.iter().any(|word| name.ends_with(word.as_str()))
            {
                continue;
            }
            let known =
                path.extension().is_some_and(|ext| extensions.iter().any(|have| ext.to_string_lossy() == **have));
            if known {
                files.push(top.join(path));
            } else if !args.flag("ignore_unknown_extensions") {
                let message = format!("{} does not have a valid extension: {}", path.display(), extensions.join(", "));
                return Err(Failed::new(message));
            }
        }
        files.sort();
        Ok(files)
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

/// A mapping laid over another, mappings within alike; anything else replaces.
fn merged(under: Value, over: Value) -> Value {
    match (under, over) {
        (Value::Map(under), Value::Map(over)) => {
            let mut all = (*under).clone();
            for (key, value) in over.iter() {
                let before = all.get(key).cloned().unwrap_or_default();
                all.insert(key.clone(), merged(before, value.clone()));
            }
            Value::Map(Arc::new(all))
        }
        (_, over) => over,
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
