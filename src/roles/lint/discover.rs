//! What a tree has: roles, playbooks, and variables of inventories.

use crate::roles::load::Source;
use std::path::{Path, PathBuf};

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) roles: Vec<PathBuf>,
    pub(super) playbooks: Vec<PathBuf>,
    /// `group_vars` and `host_vars` directories, and files of hosts.
    pub(super) inventory: Vec<PathBuf>,
}

impl Found {
    /// The directories that have roles.
    pub(super) fn role_paths(&self) -> Vec<PathBuf> {
        let mut all: Vec<PathBuf> = self.roles.iter().filter_map(|role| role.parent()).map(Path::to_owned).collect();
        all.dedup();
        all
    }
}

/// Directories that have nothing to judge: others' code, tests of other tools.
const SKIPPED: [&str; 9] =
    ["collections", "files", "library", "molecule", "node_modules", "templates", "test", "tests", "venv"];

const DEEPEST: usize = 8;

/// The tree to which a path belongs: what is defined anywhere in it counts as defined.
pub(super) fn root(path: &Path) -> PathBuf {
    let parent = path.parent().unwrap_or(path);
    if path.is_file() {
        let whole = parent.ancestors().take(4).find(|above| above.join("roles").is_dir());
        return whole.unwrap_or(parent).to_owned();
    }
    let named = |path: &Path, name: &str| path.file_name().is_some_and(|have| have == name);
    let is_role = looks_like_role(&|name| path.join(name).exists());
    let roles = [path, parent].into_iter().take(1 + usize::from(is_role)).find(|path| named(path, "roles"));
    match roles.and_then(Path::parent) {
        Some(above) if named(above, "ansible") => above.parent().unwrap_or(above).to_owned(),
        Some(above) => above.to_owned(),
        None if is_role => parent.to_owned(),
        None => path.to_owned(),
    }
}

fn looks_like_role(has: &dyn Fn(&str) -> bool) -> bool {
    ["tasks", "meta", "handlers", "defaults"]
        .iter()
        .any(|part| has(&format!("{part}/main.yml")) || has(&format!("{part}/main.yaml")))
}

/// Finds what is to be judged. Of a role that stands alone, its neighbours are nobody's business.
pub(super) fn discover(source: &dyn Source, path: &Path) -> Found {
    let mut found = Found::default();
    let root = source.root();
    let is_role = |path: &Path| looks_like_role(&|name| source.is_file(&path.join(name)));
    let alone = is_role(path) && path.parent() == Some(root);
    if source.is_file(path) {
        found.playbooks.push(path.to_owned());
        walk(source, root, 0, &mut found);
        found.playbooks.dedup();
    } else {
        walk(source, if alone { path } else { root }, 0, &mut found);
    }
    found
}

fn walk(source: &dyn Source, directory: &Path, depth: usize, found: &mut Found) {
    let entries = source.list(directory).unwrap_or_default();
    let in_roles = directory.parent().and_then(Path::file_name).is_some_and(|name| name == "roles");
    let has_part = entries
        .iter()
        .any(|(name, is_directory)| *is_directory && matches!(name.as_str(), "tasks" | "handlers" | "defaults"));
    let is_role = looks_like_role(&|name| source.is_file(&directory.join(name))) || in_roles && has_part;
    if is_role {
        found.roles.push(directory.to_owned());
    }
    for (name, is_directory) in entries {
        let path = directory.join(&name);
        if name.starts_with('.') || depth >= DEEPEST {
            continue;
        }
        if is_directory {
            match name.as_str() {
                "group_vars" | "host_vars" => found.inventory.push(path),
                name if SKIPPED.contains(&name) || is_role && name != "roles" => {}
                _ => walk(source, &path, depth + 1, found),
            }
        } else if is_playbook(source, &path, &name) {
            if !found.playbooks.contains(&path) {
                found.playbooks.push(path);
            }
        } else if matches!(name.as_str(), "hosts" | "inventory") || name.ends_with(".ini") {
            found.inventory.push(path);
        }
    }
}

/// Whether a file is a list of plays, by its text: one that does not parse is a playbook all the same.
fn is_playbook(source: &dyn Source, path: &Path, name: &str) -> bool {
    if !name.ends_with(".yml") && !name.ends_with(".yaml") {
        return false;
    }
    let Ok(bytes) = source.read(path) else { return false };
    let text = String::from_utf8_lossy(&bytes);
    let mut lines = text.lines().filter(|line| {
        let line = line.trim();
        !line.is_empty() && !line.starts_with('#') && line != "---"
    });
    let Some(first) = lines.next().filter(|line| line.trim_start().starts_with("- ")) else { return false };
    std::iter::once(first).chain(lines).any(|line| {
        let word = line.trim_start().trim_start_matches("- ").trim_start();
        let indent = line.len() - word.len();
        let words = ["hosts:", "import_playbook:", "ansible.builtin.import_playbook:"];
        indent <= 4 && words.iter().any(|key| word.starts_with(key))
    })
}
