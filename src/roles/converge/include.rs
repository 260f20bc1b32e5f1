//! Dynamic includes: files of tasks and roles that are named when the task is reached.

use super::arguments::{arguments, plain, truth};
use super::end::End;
use super::error::Stop;
use super::events::{Event, Status};
use super::names::KnownNames;
use super::result::{self, flag};
use super::run::{Run, Stage};
use crate::roles::load::{At, Frame, FrameKind, From, Item, LoadError, RoleRun, Said, Task};
use crate::roles::modules::Failed;
use crate::roles::value::{Key, Map, Value};
use std::sync::Arc;

/// An include that is to be carried out.
pub(super) struct Wanted {
    pub(super) arguments: Map,
    /// The loop's item and what belongs to it.
    pub(super) item: Map,
    pub(super) label: Option<String>,
}

impl Run<'_> {
    /// Carries out `include_tasks` or `include_role`: every item is judged first, then each include is run.
    pub(super) fn include(&mut self, task: &Arc<Task>, title: &str) -> Result<(), Stop> {
        let mut stage = self.stage(task);
        let mut wanted = Vec::new();
        let mut results = Vec::new();
        let repeat = match self.repeat(&stage) {
            Ok(repeat) => repeat,
            Err(error) => {
                let end = match self.skipped(&stage) {
                    Ok(Some(condition)) => End::new(result::of_skip(&condition)),
                    _ => End::failed(super::view::failed(&error)),
                };
                return self.include_ends(task, title, end);
            }
        };
        match &repeat {
            None => {
                let end = self.want(&stage, Map::new(), None, &mut wanted);
                results.push(end);
            }
            Some(repeat) => {
                for (index, item) in repeat.items.iter().enumerate() {
                    let own = repeat.variables(index);
                    stage.local.extend(own.iter().map(|(key, value)| (key.clone(), value.clone())));
                    let label = self.label(&stage, item).unwrap_or_default();
                    let mut end = self.want(&stage, own.clone(), Some(label.clone()), &mut wanted);
                    end.result.extend(own);
                    if matches!(end.status(), Status::Skipped | Status::Failed | Status::Undecided) {
                        self.tell_include(task, &end, Some(&label));
                    }
                    results.push(end);
                }
            }
        }
        let ends = |end: &End| matches!(end.status(), Status::Failed | Status::Undecided);
        if let Some(failed) = results.iter().position(ends) {
            let end = results.swap_remove(failed);
            return self.include_ends(task, title, end);
        }
        if wanted.is_empty() {
            let end = match repeat {
                None => results.pop().unwrap_or_else(|| End::new(Map::new())),
                Some(_) if results.is_empty() => End::new(result::of_nothing()),
                Some(_) => End::new(result::of_items(&results.into_iter().map(|end| end.result).collect::<Vec<_>>())),
            };
            return self.include_ends(task, title, end);
        }
        if let Some(register) = &task.register {
            let mut registered = Map::new();
            result::put(&mut registered, "changed", false);
            match (&repeat, results.pop()) {
                (None, Some(end)) => registered.extend(end.result),
                (_, last) => {
                    let items: Vec<Map> = results.into_iter().chain(last).map(|end| end.result).collect();
                    registered.extend(result::of_items(&items));
                }
            }
            self.variables.set(register, result::value(&registered));
        }
        for include in wanted {
            self.within_limits(task)?;
            self.run_include(task, title, &include)?;
        }
        Ok(())
    }

    /// Judges one item: it is wanted, skipped, or failed.
    fn want(&self, stage: &Stage<'_>, item: Map, label: Option<String>, wanted: &mut Vec<Wanted>) -> End {
        if let Some(end) = self.condition_end(stage) {
            return end;
        }
        match arguments(&self.view(stage), stage.task) {
            Ok(arguments) => {
                let result = of_include(stage.task, &arguments);
                wanted.push(Wanted { arguments, item, label });
                End::new(result)
            }
            Err(failed) => End::failed(failed),
        }
    }

    fn tell_include(&mut self, task: &Task, end: &End, label: Option<&str>) {
        let shown = result::shown(&end.result, end.hidden, &self.input.redactor);
        self.tell_error(task, end, &shown);
        self.observer.event(&Event::Result {
            status: end.status(),
            item: label,
            result: &shown,
            diff: &[],
            changes: &[],
            hidden: end.hidden,
            undecided: end.undecided.as_deref(),
            shown: false,
        });
    }

    /// The end of an include that includes nothing.
    fn include_ends(&mut self, task: &Arc<Task>, title: &str, mut end: End) -> Result<(), Stop> {
        let stage = self.stage(task);
        end.ignored = flag(&end.result, "failed") && self.keyword(&stage, "ignore_errors");
        if task.repeat.is_none() || matches!(end.status(), Status::Failed | Status::Undecided) {
            self.tell_include(task, &end, None);
        }
        if let Some(register) = &task.register {
            self.variables.set(register, end.registered());
        }
        match end.status() {
            Status::Failed => return Err(self.fail(task, title, &end)),
            // What an include would bring may change anything.
            Status::Undecided => {
                self.recap.undecided += 1;
                self.doubt_after(task, title);
            }
            Status::Ignored => {
                self.recap.ok += 1;
                self.recap.ignored += 1;
            }
            _ => self.recap.skipped += 1,
        }
        Ok(())
    }

    fn run_include(&mut self, task: &Arc<Task>, title: &str, include: &Wanted) -> Result<(), Stop> {
        let at = self.include_at(task, include)?;
        let is_role = task.action.is("include_role");
        let text = |name: &str| include.arguments.get(&Key::from(name)).map(plain);
        let name = if is_role { text("name").or_else(|| text("role")) } else { text("file") };
        let Some(name) = name else {
            let end = End::new(result::of_failure(Failed::new("the include names nothing")));
            return self.include_ends(task, title, end);
        };
        self.observer.event(&Event::Include { name: &name, item: include.label.as_deref() });
        let loaded =
            if is_role { self.load_role(&name, task, include, &at) } else { self.load_tasks(&name, task, &at) };
        self.warnings();
        let items = match loaded {
            Ok(items) => items,
            Err(error) => {
                let end = End::new(result::of_failure(super::builtin::load_failed(&error)));
                // Tasks that cannot be read are no result: `ignore_errors` does not reach them, as in Ansible.
                self.tell_include(task, &end, None);
                return Err(self.fail(task, title, &end));
            }
        };
        self.recap.ok += 1;
        if let Some(role) = task.frame.role() {
            self.scene.begun.insert(role.identity.clone());
        }
        if task.handler {
            let handlers: Vec<Arc<Task>> = tasks(&items);
            self.refuse(&items)?;
            for handler in handlers {
                self.handler(&handler)?;
            }
            return Ok(());
        }
        if let [Item::Role(run)] = items.as_slice() {
            self.scene.handlers.extend(run.all_handlers());
            if run.role.public {
                self.variables.public.push(Arc::clone(&run.role));
            }
        }
        let mut imported = Vec::new();
        super::play::imports(&items, &mut imported);
        for run in imported.iter().skip(usize::from(is_role)) {
            self.scene.handlers.extend(run.all_handlers());
            if run.role.public {
                self.variables.public.push(Arc::clone(&run.role));
            }
        }
        // An earlier run may have left handlers due of a role that is there only now.
        self.recall();
        self.refuse(&items)?;
        self.items(&items)
    }

    fn names(&self) -> KnownNames<'_> {
        KnownNames {
            loader: self.loader,
            templar: self.templar,
            host: self.host.observe(),
            remote: self.remote,
            variables: &self.variables,
        }
    }

    pub(super) fn load_tasks(&self, name: &str, task: &Task, at: &At) -> Result<Vec<Item>, LoadError> {
        self.loader.tasks_file(name, at, &self.names(), Some(&task.place))
    }

    pub(super) fn load_role(&self, name: &str, task: &Task, include: &Wanted, at: &At) -> Result<Vec<Item>, LoadError> {
        let text = |name: &str| include.arguments.get(&Key::from(name)).map(plain);
        let flag = |name: &str| include.arguments.get(&Key::from(name)).map(truth);
        let from = From {
            tasks: text("tasks_from"),
            vars: text("vars_from"),
            defaults: text("defaults_from"),
            handlers: text("handlers_from"),
            included: true,
            allow_duplicates: flag("allow_duplicates").unwrap_or(true),
            public: flag("public").unwrap_or(false),
            vars_given: Arc::clone(&task.frame.vars),
            unchecked: !flag("rolespec_validate").unwrap_or(true),
        };
        let run: RoleRun = self.loader.role_run(name, from, at, &self.names(), Some(&task.place))?;
        Ok(vec![Item::Role(Arc::new(run))])
    }

    /// What included tasks inherit: the include's variables and the loop's item, and what `apply` says.
    pub(super) fn include_at(&self, task: &Task, include: &Wanted) -> Result<At, Stop> {
        let mut frame = Frame::new(task.frame.parent.clone(), FrameKind::Include);
        let mut vars = (*task.frame.vars).clone();
        vars.extend(include.item.iter().map(|(key, value)| (key.clone(), value.clone())));
        frame.vars = Arc::new(vars);
        let mut frame = Arc::new(frame);
        if let Some(Value::Map(apply)) = include.arguments.get(&Key::from("apply")) {
            frame = Arc::new(applied(apply, frame, task));
        }
        let depth = task.frame.chain().count();
        let at = At {
            frame: Arc::clone(&frame),
            directory: Arc::clone(&task.directory),
            playbook: Arc::clone(&self.scene.directory),
            handlers: task.handler,
            depth,
        };
        Ok(at.within(frame, &task.place)?)
    }
}

/// What is registered of an include.
fn of_include(task: &Task, arguments: &Map) -> Map {
    let mut others = arguments.clone();
    others.shift_remove(&Key::from("apply"));
    let mut result = Map::new();
    if task.action.is("include_tasks")
        && let Some(file) = others.shift_remove(&Key::from("file"))
    {
        result::put(&mut result, "include", file);
    }
    result::put(&mut result, "include_args", Value::Map(Arc::new(others)));
    result
}

/// A block's keywords, from `apply`.
fn applied(apply: &Map, parent: Arc<Frame>, task: &Task) -> Frame {
    let mut frame = Frame::new(Some(parent), FrameKind::Block);
    let place = task.action.arguments.places.get("apply").unwrap_or(&task.place);
    let said = |value: &Value| Said { value: value.clone(), place: place.clone() };
    let several = |value: &Value| match value {
        Value::List(items) => items.iter().map(said).collect(),
        other => vec![said(other)],
    };
    for (key, value) in apply {
        match key.to_string().as_str() {
            "when" => frame.when = several(value),
            "tags" => frame.tags = several(value).into_iter().map(|said| said.value).collect(),
            "environment" => frame.environment = several(value),
            "module_defaults" => frame.module_defaults = several(value),
            "notify" => frame.notify = Some(several(value)),
            "vars" => frame.vars = Arc::new(value.as_map().cloned().unwrap_or_default()),
            word => {
                if let Some(word) = crate::roles::load::inherited(word) {
                    frame.keywords.insert(word, said(value));
                }
            }
        }
    }
    frame
}

/// The tasks of a list, one by one.
fn tasks(items: &[Item]) -> Vec<Arc<Task>> {
    let each = items.iter().flat_map(|item| match item {
        Item::Task(task) => vec![Arc::clone(task)],
        Item::Imported(items) => tasks(items),
        Item::Block(_) | Item::Role(_) => Vec::new(),
    });
    each.collect()
}
