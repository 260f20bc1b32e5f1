//! Tasks files and variables files: where they are looked for.

use super::block::Item;
use super::error::LoadError;
use super::loader::{At, Loader, Names};
use super::source::tidy;
use crate::failure::Place;
use crate::roles::value::Map;
use std::path::{Path, PathBuf};

/// Extensions of YAML files in Ansible's order.
const EXTENSIONS: [&str; 3] = [".yml", ".yaml", ".json"];

impl Loader {
    /// Reads a file of tasks for an import or include: beside the file that names it, in the role's `tasks` (or
    /// `handlers`), in the role, in the playbook's directory.
    pub fn tasks_file(
        &self,
        name: &str,
        at: &At,
        names: &dyn Names,
        place: Option<&Place>,
    ) -> Result<Vec<Item>, LoadError> {
        let kind = if at.handlers { "handlers" } else { "tasks" };
        let mut searched = vec![at.directory.join(name)];
        if let Some(role) = at.frame.role() {
            searched.push(role.path.join(kind).join(name));
            if at.handlers {
                searched.push(role.path.join("tasks").join(name));
            }
            searched.push(role.path.join(name));
        }
        searched.push(at.playbook.join(kind).join(name));
        searched.push(at.playbook.join(name));
        let path = self.first_file(&searched).ok_or_else(|| self.missing("tasks file", name, &searched, place))?;
        let document = self.document(&path)?;
        let directory = path.parent().unwrap_or(&at.directory);
        let at = At { directory: directory.into(), ..at.clone() };
        self.items(&document.root, &at, names)
    }

    pub(super) fn first_file(&self, paths: &[PathBuf]) -> Option<PathBuf> {
        paths.iter().map(|path| tidy(path)).find(|path| self.source.is_file(path))
    }

    pub(super) fn missing(
        &self,
        kind: &'static str,
        name: &str,
        searched: &[PathBuf],
        place: Option<&Place>,
    ) -> LoadError {
        let named = |text: String| if text.is_empty() { "the tree's top".to_owned() } else { text };
        let mut shown: Vec<String> = searched.iter().map(|path| named(self.shown(&tidy(path)))).collect();
        shown.dedup();
        LoadError::Missing { kind, name: name.to_owned(), searched: shown, place: place.cloned() }
    }

    /// A file of variables, which must be a mapping or empty.
    pub fn vars_file(&self, path: &Path) -> Result<Map, LoadError> {
        let root = self.document(path)?.root;
        if root.is_null() {
            return Ok(Map::new());
        }
        root.pairs().ok_or_else(|| LoadError::Shape {
            what: "a variables file".into(),
            wanted: "a mapping",
            have: root.describe(),
            place: root.place(),
        })?;
        Ok(root.map())
    }

    /// The file `NAME`, `NAME.yml`, ... in a directory; a name with its extension is looked for first where `named`.
    pub(super) fn with_extension(&self, directory: &Path, name: &str, named: bool) -> Option<PathBuf> {
        let extensions = EXTENSIONS.iter().copied();
        let candidates: Vec<&str> =
            if named { std::iter::once("").chain(extensions).collect() } else { extensions.chain([""]).collect() };
        candidates
            .into_iter()
            .map(|ext| tidy(&directory.join(format!("{name}{ext}"))))
            .find(|path| self.source.is_file(path) || self.source.is_directory(path))
    }

    /// Variables by name in a directory: a file, or a directory of files, which are joined in order of name.
    pub fn vars_named(&self, directory: &Path, name: &str, named: bool) -> Result<Option<Map>, LoadError> {
        let Some(path) = self.with_extension(directory, name, named) else { return Ok(None) };
        if self.source.is_file(&path) {
            return self.vars_file(&path).map(Some);
        }
        let mut all = Map::new();
        for file in self.vars_below(&path, 0)? {
            all.extend(self.vars_file(&file)?);
        }
        Ok(Some(all))
    }

    /// The variables files below a directory in order of name.
    fn vars_below(&self, directory: &Path, depth: usize) -> Result<Vec<PathBuf>, LoadError> {
        let entries = self
            .source
            .list(directory)
            .map_err(|source| LoadError::Read { path: PathBuf::from(self.shown(directory)), source })?;
        let mut files = Vec::new();
        for (name, is_directory) in entries {
            let path = directory.join(&name);
            let known = EXTENSIONS.iter().any(|ext| name.ends_with(ext)) || !name.contains('.');
            if name.starts_with('.') || name.ends_with('~') {
                continue;
            } else if is_directory && depth < 20 {
                files.extend(self.vars_below(&path, depth + 1)?);
            } else if !is_directory && known {
                files.push(path);
            }
        }
        Ok(files)
    }

    /// `group_vars` and `host_vars` beside a playbook: `all`, then the groups in order, or `ungrouped`, then the host.
    pub fn inventory_vars(&self, directory: &Path, groups: &[String], host: &str) -> Result<Map, LoadError> {
        let mut all = Map::new();
        let ungrouped = groups.is_empty().then_some("ungrouped");
        let groups = std::iter::once("all").chain(ungrouped).chain(groups.iter().map(String::as_str));
        let names = groups.map(|group| ("group_vars", group)).chain([("host_vars", host)]);
        for (kind, name) in names {
            if let Some(map) = self.vars_named(&directory.join(kind), name, false)? {
                all.extend(map);
            }
        }
        Ok(all)
    }
}
