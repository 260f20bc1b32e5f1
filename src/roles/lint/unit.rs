//! A role or a playbook as it is judged: every task that could ever run, and every text that is evaluated.

use super::Linter;
use super::finding::Findings;
use super::known::Known;
use crate::failure::Place;
use crate::roles::converge::{Texts, all_tasks};
use crate::roles::load::{At, Frame, FrameKind, From, Item, LoadError, Names, Play, Role, Said, Task};
use crate::roles::value::Value;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A role or a playbook.
pub(super) struct Unit {
    /// Its directory or file.
    pub(super) path: PathBuf,
    pub(super) is_role: bool,
    /// Its tasks and handlers.
    pub(super) tasks: Vec<Arc<Task>>,
    /// Texts of its variables.
    pub(super) texts: Texts,
    /// Template files.
    pub(super) templates: Vec<PathBuf>,
    /// Whether variables come from where nobody can see: then nothing is called undefined.
    pub(super) open: bool,
    /// The playbook's directory.
    pub(super) directory: Arc<Path>,
}

/// Names of static imports as written: one that is a template is known to a run only.
pub(super) struct Written;

impl Names for Written {
    fn text(&self, frame: &Frame, value: &Value, place: &Place) -> Result<String, LoadError> {
        crate::roles::load::Literal.text(frame, value, place)
    }
}

/// How many tasks some units have, each counted once.
pub(super) fn count(units: &[&Unit]) -> usize {
    let places = units.iter().flat_map(|unit| &unit.tasks).map(|task| (&task.place.file, task.place.line));
    places.collect::<HashSet<_>>().len()
}

impl Linter {
    fn unit(&self, path: &Path, is_role: bool) -> Unit {
        let directory = if is_role { self.loader.source().root() } else { path.parent().unwrap_or(path) };
        Unit {
            path: path.to_owned(),
            is_role,
            tasks: Vec::new(),
            texts: Texts::default(),
            templates: Vec::new(),
            open: false,
            directory: directory.into(),
        }
    }

    /// Reads a role: what its `main` files reach, then every other file of tasks and handlers.
    pub(super) fn role(&self, path: &Path, known: &mut Known, findings: &mut Findings) -> Unit {
        let mut unit = self.unit(path, true);
        let play = Arc::new(Frame::new(None, FrameKind::Play));
        let at = At {
            frame: Arc::clone(&play),
            directory: Arc::clone(&unit.directory),
            playbook: Arc::clone(&unit.directory),
            handlers: false,
            depth: 0,
        };
        let name = format!("./{}", self.loader.shown(path));
        let run = self.loader.role_run(&name, From { public: true, ..From::default() }, &at, &Written, None);
        let missing = matches!(run, Err(LoadError::Missing { .. }));
        let frame = match Self::told(run, findings) {
            Some(run) => {
                let frame = Arc::clone(&run.frame);
                unit.tasks.extend(run.all_handlers());
                unit.tasks.extend(all_tasks(&[Item::Role(Arc::new(run))]));
                frame
            }
            None => {
                // So does a dependency that is nowhere.
                unit.open |= missing;
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                let role = Role { name, path: path.to_owned(), ..Role::default() };
                Arc::new(Frame::new(Some(play), FrameKind::Role(Arc::new(role))))
            }
        };
        for (kind, handlers) in [("tasks", false), ("handlers", true)] {
            for file in self.files(&path.join(kind), &["yml", "yaml"]) {
                let shown = self.loader.shown(&file);
                if unit.tasks.iter().any(|task| task.place.file == shown) {
                    continue;
                }
                let directory = file.parent().unwrap_or(path).into();
                let at = At { frame: Arc::clone(&frame), directory, handlers, ..at.clone() };
                let items = self.loader.tasks_file(&file.display().to_string(), &at, &Written, None);
                unit.tasks.extend(Self::told(items, findings).map(|items| all_tasks(&items)).unwrap_or_default());
            }
        }
        for kind in ["defaults", "vars"] {
            for file in self.files(&path.join(kind), &["yml", "yaml", "json", ""]) {
                self.variables_file(&file, &mut unit, known, findings);
            }
        }
        self.specified(path, known);
        self.stepped_over(&mut unit, findings);
        unit.templates = self.files(&path.join("templates"), &["j2"]);
        unit
    }

    /// Reads a playbook.
    pub(super) fn playbook(&self, path: &Path, known: &mut Known, findings: &mut Findings) -> Unit {
        let mut unit = self.unit(path, false);
        let book = Self::told(self.loader.playbook(path, &Written), findings);
        self.stepped_over(&mut unit, findings);
        let Some(book) = book else { return unit };
        for play in &book.plays {
            let items: Vec<Item> = play.parts().concat();
            unit.tasks.extend(all_tasks(&items));
            unit.tasks.extend(play.handlers.iter().cloned());
            unit.tasks.extend(play.roles.iter().flat_map(|run| run.all_handlers()));
            unit.texts.map(&play.frame.vars);
            known.define(&play.frame.vars);
            play.prompts.iter().for_each(|prompt| known.name(&prompt.name, None));
            for run in &play.roles {
                [&run.role.params, &run.role.vars_given].into_iter().for_each(|map| {
                    known.define(map);
                    unit.texts.map(map);
                });
            }
            self.vars_files(play, &mut unit, known, findings);
        }
        unit
    }

    /// What the loader stepped over. A role that is nowhere brings variables and handlers that nobody can see.
    fn stepped_over(&self, unit: &mut Unit, findings: &mut Findings) {
        for error in self.loader.take_errors() {
            unit.open |= matches!(error, LoadError::Missing { kind: "role", .. });
            findings.load_error(&error);
        }
    }

    fn vars_files(&self, play: &Play, unit: &mut Unit, known: &mut Known, findings: &mut Findings) {
        let names = play.vars_files.iter().flat_map(|said: &Said| match &said.value {
            Value::List(all) => all.to_vec(),
            other => vec![other.clone()],
        });
        for name in names {
            let Some(name) = name.as_str() else {
                // Which file is a run's decision; the playbook's own are as good as certain.
                known.open |= !self.loader.source().is_directory(&play.directory.join("vars"));
                let files = self.files(&play.directory.join("vars"), &["yml", "yaml", "json"]);
                files.iter().for_each(|file| self.variables_file(file, unit, known, findings));
                continue;
            };
            let candidates = [play.directory.join(name), play.directory.join("vars").join(name)];
            match candidates.iter().find(|path| self.loader.source().is_file(path)) {
                Some(path) => self.variables_file(path, unit, known, findings),
                None => known.open = true,
            }
        }
    }

    /// Variables of an inventory: they are not judged, because who runs the tree may have others.
    pub(super) fn inventory(&self, path: &Path, known: &mut Known, findings: &mut Findings) {
        if self.loader.source().is_file(path) {
            let bytes = self.loader.bytes(path).unwrap_or_default();
            known.words(&String::from_utf8_lossy(&bytes));
            return;
        }
        let mut unit = self.unit(path, false);
        for file in self.files(path, &["yml", "yaml", "json", ""]) {
            self.variables_file(&file, &mut unit, known, findings);
        }
    }

    fn variables_file(&self, file: &Path, unit: &mut Unit, known: &mut Known, findings: &mut Findings) {
        let read = self.loader.vars_file(file);
        unit.open |= matches!(read, Err(LoadError::Vault { .. }));
        if let Some(map) = Self::told(read, findings) {
            known.define(&map);
            unit.texts.map(&map);
        }
    }

    /// What `meta/argument_specs.yml` or `meta/main.yml` says that a role takes.
    fn specified(&self, role: &Path, known: &mut Known) {
        for name in ["argument_specs.yml", "argument_specs.yaml", "main.yml", "main.yaml"] {
            let path = role.join("meta").join(name);
            let document = self.loader.source().is_file(&path).then(|| self.loader.document(&path).ok()).flatten();
            let specs = document.as_ref().and_then(|document| document.root.get("argument_specs"));
            for (_, entry) in specs.and_then(|specs| specs.pairs()).into_iter().flatten() {
                if let Some(options) = entry.get("options") {
                    known.define(&options.map());
                }
            }
        }
    }

    /// The files below a directory with one of these extensions, in order, `main` first.
    pub(super) fn files(&self, directory: &Path, extensions: &[&str]) -> Vec<PathBuf> {
        let mut out = Vec::new();
        let mut open = vec![(directory.to_owned(), 0)];
        while let Some((directory, depth)) = open.pop() {
            for (name, is_directory) in self.loader.source().list(&directory).unwrap_or_default() {
                let path = directory.join(&name);
                let extension = path.extension().unwrap_or_default().to_string_lossy();
                if name.starts_with('.') || name.ends_with('~') {
                } else if is_directory && depth < 8 {
                    open.push((path, depth + 1));
                } else if extensions.contains(&&*extension) {
                    out.push(path);
                }
            }
        }
        out.sort_by_key(|path| (path.file_stem().is_none_or(|stem| stem != "main"), path.clone()));
        out
    }
}
