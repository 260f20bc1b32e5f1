//! What a task sees: its variables, and the tree by its search order.

use super::facts::Facts;
use super::layers::{self, Layer};
use super::magic;
use crate::failure::Place;
use crate::host::Observe;
use crate::roles::load::{Frame, Loader};
use crate::roles::modules::{Failed, RenderOptions, Tree};
use crate::roles::remote::Remote;
use crate::roles::template::{Binding, Decision, Scope, Services, Templar, TemplateError};
use crate::roles::value::{Key, Map, Value};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// A point of view.
pub(super) struct View<'a> {
    pub(super) loader: &'a Loader,
    pub(super) templar: &'a Templar,
    pub(super) remote: &'a dyn Remote,
    pub(super) host: &'a dyn Observe,
    /// What templates ask in the machine's place, where there is such a thing.
    pub(super) asked: Option<&'a dyn Observe>,
    pub(super) facts: Facts,
    pub(super) environment: &'a [(String, String)],
    pub(super) frame: &'a Frame,
    pub(super) directory: &'a Path,
    pub(super) playbook: &'a Path,
    /// Where relative paths of the host begin.
    pub(super) start: Option<&'a Path>,
    /// The item of a loop, the task's own result: over everything.
    pub(super) local: &'a Map,
    /// Names of the item of a loop that is not known yet.
    pub(super) hidden: &'a [String],
    pub(super) magic: Arc<Map>,
    pub(super) layers: Vec<Layer>,
    pub(super) host_layers: Vec<Layer>,
    /// Added while a template file is rendered.
    pub(super) extra: Map,
}

impl View<'_> {
    fn services(&self) -> Services<'_> {
        Services {
            remote: self.remote,
            tree: self,
            environment: self.environment,
            host: self.asked.unwrap_or(self.host),
        }
    }

    /// A value with every template in it evaluated.
    pub(super) fn render(&self, value: &Value) -> Result<Value, TemplateError> {
        match value {
            Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Str(_) => Ok(value.clone()),
            _ => self.templar.render(self, &self.services(), value),
        }
    }

    /// Whether a condition holds.
    pub(super) fn condition(&self, value: &Value, place: &Place) -> Result<bool, TemplateError> {
        match value {
            Value::Bool(truth) => Ok(*truth),
            _ => self.templar.condition(self, &self.services(), value, place),
        }
    }

    /// Whether a condition is known to hold, or not to.
    pub(super) fn decide(&self, value: &Value, place: &Place) -> Result<Decision, TemplateError> {
        self.templar.decide(self, &self.services(), value, place)
    }

    /// The value of an expression.
    pub(super) fn expression(&self, text: &str, place: &Place) -> Result<Value, TemplateError> {
        self.templar.expression(self, &self.services(), text, place)
    }

    /// What a lookup yields.
    pub(super) fn lookup(&self, name: &str, terms: Vec<Value>, options: Map) -> Result<Vec<Value>, TemplateError> {
        self.templar.lookup(self, &self.services(), name, terms, options)
    }

    /// The directories in which files are looked for: the roles around the task, the task's file, the playbook.
    fn bases(&self) -> Vec<PathBuf> {
        let mut bases: Vec<PathBuf> = self.frame.roles().map(|role| role.path.clone()).collect();
        bases.push(self.directory.to_owned());
        bases.push(self.playbook.to_owned());
        bases
    }

    /// Where a file of that kind and name is looked for.
    fn searched(&self, kind: &str, name: &str) -> Vec<PathBuf> {
        if Path::new(name).is_absolute() {
            return vec![PathBuf::from(name)];
        }
        self.bases().iter().flat_map(|base| [base.join(kind).join(name), base.join(name)]).collect()
    }

    /// When a file of the tree was changed, where the tree lies on the host; a commit knows no such time.
    fn modified(&self, path: &Path) -> SystemTime {
        let stat = self.start.and_then(|_| self.host.stat(path, true).ok().flatten());
        let since = stat.and_then(|stat| Duration::try_from_secs_f64(stat.mtime).ok());
        since.map_or_else(SystemTime::now, |since| SystemTime::UNIX_EPOCH + since)
    }

    fn special(&self, name: &str) -> Option<Value> {
        if let Some(value) = magic::of_frame(self.frame, name) {
            return Some(value);
        }
        match name {
            "vars" => {
                let mut all = layers::flatten(&self.layers, &self.facts, self.host);
                all.extend(self.magic.iter().map(|(key, value)| (key.clone(), value.clone())));
                all.extend(self.local.iter().map(|(key, value)| (key.clone(), value.clone())));
                Some(Value::Map(Arc::new(all)))
            }
            "hostvars" => {
                let mut all = layers::flatten(&self.host_layers, &self.facts, self.host);
                for (key, value) in self.magic.iter().filter(|(key, _)| **key != Key::from("omit")) {
                    all.insert(key.clone(), value.clone());
                }
                let host = self.magic.get(&Key::from("inventory_hostname")).and_then(Value::as_str).unwrap_or_default();
                let mut hosts = Map::from_iter([(Key::from(host), Value::Map(Arc::new(all)))]);
                for layer in &self.host_layers {
                    if let Layer::Hosts(others) = layer {
                        hosts.extend(others.iter().map(|(key, value)| (key.clone(), value.clone())));
                    }
                }
                Some(Value::Map(Arc::new(hosts)))
            }
            "ansible_search_path" => {
                Some(Value::list(self.bases().iter().map(|path| Value::str(path.display().to_string()))))
            }
            _ => self.magic.get(&Key::from(name)).cloned(),
        }
    }
}

impl Scope for View<'_> {
    fn get(&self, name: &str) -> Binding {
        let key = Key::from(name);
        if self.hidden.iter().any(|hidden| hidden == name) {
            return Binding::Unknown;
        }
        if let Some(value) = self.local.get(&key).or_else(|| self.extra.get(&key)) {
            return Binding::Value(value.clone());
        }
        if let Some(value) = self.special(name) {
            return Binding::Value(value);
        }
        layers::find(&self.layers, &self.facts, self.host, name)
    }

    fn member(&self, name: &str, key: &str) -> Option<Value> {
        let whole = Key::from(name);
        let above = self.hidden.iter().any(|hidden| hidden == name)
            || self.local.contains_key(&whole)
            || self.extra.contains_key(&whole);
        if above { None } else { layers::member(&self.layers, &self.facts, self.host, name, key) }
    }

    fn names(&self) -> Vec<String> {
        let mut all = layers::names(&self.layers, &self.facts, self.host);
        all.extend(self.local.keys().chain(self.extra.keys()).chain(self.magic.keys()).map(ToString::to_string));
        let frame = magic::FRAME_NAMES.iter().filter(|name| magic::of_frame(self.frame, name).is_some());
        all.extend(frame.map(|name| (*name).to_owned()));
        all.extend(["vars", "hostvars"].map(str::to_owned));
        all.sort();
        all.dedup();
        all
    }
}

impl Tree for View<'_> {
    fn resolve(&self, kind: &str, name: &str) -> Result<PathBuf, Failed> {
        self.every(kind, name).into_iter().next().ok_or_else(|| {
            let shown: Vec<String> = self.searched(kind, name).iter().map(|path| self.loader.shown(path)).collect();
            let mut failed = Failed::new(format!("Could not find or access '{name}' in the tree"));
            failed.hint = Some(format!("looked for {}", shown.join(", ")));
            failed
        })
    }

    fn every(&self, kind: &str, name: &str) -> Vec<PathBuf> {
        let source = self.loader.source();
        let there = |path: &PathBuf| source.is_file(path) || source.is_directory(path);
        self.searched(kind, name).iter().map(|path| crate::roles::load::tidy(path)).filter(there).collect()
    }

    fn directory(&self) -> Option<&Path> {
        self.start
    }

    fn read(&self, path: &Path) -> Result<Vec<u8>, Failed> {
        let opened = self.loader.opened(path).map(|(bytes, _)| bytes);
        opened.map_err(|error| super::builtin::load_failed(&error))
    }

    fn sealed(&self, path: &Path) -> bool {
        self.loader.bytes(path).is_ok_and(|bytes| crate::roles::vault::Vault::is_encrypted(&bytes))
    }

    fn walk(&self, path: &Path) -> Result<Vec<(PathBuf, bool)>, Failed> {
        let mut out = Vec::new();
        walk(self.loader, path, Path::new(""), 0, &mut out)?;
        Ok(out)
    }

    fn mode(&self, path: &Path) -> Result<u32, Failed> {
        let mode = self.loader.source().mode(path);
        mode.map_err(|error| Failed::new(format!("reading the mode of {}: {error}", self.loader.shown(path))))
    }

    fn render(&self, path: &Path, options: &RenderOptions) -> Result<Value, Failed> {
        let bytes = self.read(path)?;
        let shown = self.loader.shown(path);
        let text = String::from_utf8(bytes).map_err(|_| Failed::new(format!("template {shown} is not UTF-8 text")))?;
        let sealed = self.sealed(path);
        let rendered = self.file(path, &text, options).map_err(|error| {
            let mut failed = failed(&error);
            if let Some(place) = failed.place.as_mut().filter(|_| sealed) {
                place.excerpt = None;
            }
            failed
        })?;
        Ok(if sealed { rendered.into_secret() } else { rendered })
    }
}

impl View<'_> {
    /// A template file's text, evaluated with the variables that only files have.
    pub(super) fn file(&self, path: &Path, text: &str, options: &RenderOptions) -> Result<Value, TemplateError> {
        let full = path.display().to_string();
        let extra = [
            ("template_path", Value::str(full.as_str())),
            ("template_fullpath", Value::str(full.as_str())),
            ("template_host", self.magic.get(&Key::from("inventory_hostname")).cloned().unwrap_or_default()),
            ("template_uid", "root".into()),
            ("template_mtime", Value::str(moment(self.modified(path)))),
            ("template_run_date", Value::str(moment(SystemTime::now()))),
            ("template_destpath", Value::str(options.destination.display().to_string())),
        ];
        let mut extra = Map::from_iter(extra.map(|(key, value)| (Key::from(key), value)));
        extra.extend(self.extra.iter().map(|(key, value)| (key.clone(), value.clone())));
        let within = View {
            facts: self.facts.clone(),
            magic: Arc::clone(&self.magic),
            layers: self.layers.clone(),
            host_layers: self.host_layers.clone(),
            extra,
            ..*self
        };
        within.templar.file(&within, &within.services(), text, (&self.loader.shown(path), path), options)
    }
}

/// A moment as Python's `str(datetime)`.
fn moment(time: SystemTime) -> String {
    let zoned = jiff::Timestamp::try_from(time).unwrap_or_default().to_zoned(jiff::tz::TimeZone::system());
    zoned.strftime("%Y-%m-%d %H:%M:%S.%6f").to_string()
}

/// A template's error as a task's failure.
pub(super) fn failed(error: &TemplateError) -> Failed {
    let mut failed = Failed::new(match &error.place {
        Some(place) => format!("{error} ({place})"),
        None => error.to_string(),
    });
    failed.hint.clone_from(&error.hint);
    failed.place = error.place.clone().map(Box::new);
    failed.undecided = error.is_unknown();
    failed
}

fn walk(loader: &Loader, top: &Path, below: &Path, depth: usize, out: &mut Vec<(PathBuf, bool)>) -> Result<(), Failed> {
    if depth > 60 {
        return Err(Failed::new(format!("{} is nested too deep", loader.shown(top))));
    }
    let path = top.join(below);
    let entries = loader.source().list(&path);
    let entries = entries.map_err(|error| Failed::new(format!("listing {}: {error}", loader.shown(&path))))?;
    for (name, is_directory) in entries {
        let relative = below.join(&name);
        out.push((relative.clone(), is_directory));
        if is_directory {
            walk(loader, top, &relative, depth + 1, out)?;
        }
    }
    Ok(())
}
