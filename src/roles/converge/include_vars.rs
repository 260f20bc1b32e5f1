//! `include_vars`: variables of files, by name or of a whole directory.

use super::builtin::load_failed;
use super::end::End;
use super::result::put;
use super::run::{Run, Stage};
use crate::roles::modules::{Args, Failed, Tree};
use crate::roles::template::{Binding, Scope};
use crate::roles::value::{Map, Value};
use std::path::PathBuf;
use std::sync::Arc;

/// Ansible's module says what went wrong in `message`, as no other does.
fn said(failed: Failed) -> Failed {
    let message = failed.message.clone();
    failed.with("message", message)
}

impl Run<'_> {
    pub(super) fn include_vars(&self, stage: &Stage<'_>, args: &Args) -> Result<End, Failed> {
        let mut files: Vec<PathBuf> = Vec::new();
        match (args.text("file"), args.text("dir")) {
            (Some(file), None) => {
                // A folded text ends with a line end.
                let file = file.trim_end_matches('\n');
                files.push(self.view(stage).resolve("vars", file).map_err(said)?);
            }
            (None, Some(dir)) => files = self.vars_directory(stage, &dir, args).map_err(said)?,
            (None, None) => return Err(said(Failed::new("Could not find file: `file` or `dir` names one"))),
            (Some(_), Some(_)) => {
                return Err(Failed::new("You are mixing file only and dir only arguments, these are incompatible"));
            }
        }
        let mut all = Map::new();
        for file in &files {
            all.extend(self.loader.vars_file(file).map_err(|error| said(load_failed(&error)))?);
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
        let extensions = args.texts("extensions");
        let ignored: Result<Vec<_>, _> =
            args.texts("ignore_files").iter().map(|end| fancy_regex::Regex::new(&format!("{end}$"))).collect();
        let ignored = ignored.map_err(|error| Failed::new(format!("Invalid regular expression: {error}")))?;
        let mut files = Vec::new();
        for (path, is_directory) in view.walk(&top)? {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let too_deep = depth > 0 && path.components().count() > depth;
            let fits = pattern.as_ref().is_none_or(|pattern| pattern.is_match(&name).unwrap_or(false));
            if is_directory
                || too_deep
                || name.starts_with('.')
                || !fits
                || ignored.iter().any(|end| end.is_match(&name).unwrap_or(false))
            {
                continue;
            }
            let extension = path.extension().unwrap_or_default().to_string_lossy();
            if extensions.iter().any(|have| extension == **have) {
                files.push(top.join(path));
            } else if !args.flag("ignore_unknown_extensions") {
                let message = format!("{} does not have a valid extension: {}", path.display(), extensions.join(", "));
                return Err(Failed::new(message));
            }
        }
        // Directory by directory, each by its names.
        files.sort_by(|a: &PathBuf, b: &PathBuf| (a.parent(), a.file_name()).cmp(&(b.parent(), b.file_name())));
        Ok(files)
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
