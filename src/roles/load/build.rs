//! Roles read from their directories: found, with variables, dependencies, tasks and handlers.

use super::block::Item;
use super::error::LoadError;
use super::frame::{Frame, FrameKind, Said};
use super::keyword::{ROLE, is_keyword, lay};
use super::loader::{At, Loader, Names};
use super::role::{From, Role, RoleRun, flat};
use super::source::tidy;
use super::validation::validation;
use crate::failure::Place;
use crate::roles::value::{Map, Value};
use crate::roles::yaml::Node;
use std::path::PathBuf;
use std::sync::Arc;

impl Loader {
    /// Reads an entry of `roles:` or of `dependencies:`.
    pub(super) fn role_entry(&self, node: &Node, at: &At, names: &dyn Names) -> Result<RoleRun, LoadError> {
        let mut frame = Frame::new(Some(Arc::clone(&at.frame)), FrameKind::Block);
        let mut params = Map::new();
        let mut named = None;
        match node.pairs() {
            None => named = Some(node.value()),
            Some(pairs) => {
                for (key, value) in pairs {
                    match key.text().unwrap_or_default() {
                        "role" => named = Some(value.value()),
                        "name" if node.get("role").is_none() => named = Some(value.value()),
                        "src" if node.get("role").is_none() && node.get("name").is_none() => {
                            named = Some(value.value())
                        }
                        word if is_keyword(word, ROLE) => {
                            lay(&mut frame, (key, value), ROLE)?;
                        }
                        _ => {
                            params.insert(key.key(), value.value());
                        }
                    }
                }
            }
        }
        let named = named.filter(|name| !matches!(name, Value::Null)).ok_or_else(|| LoadError::Shape {
            what: "a role entry".into(),
            wanted: "a name, or a mapping with `role`",
            have: node.describe(),
            place: node.place(),
        })?;
        let name = names.text(&frame, &named, &node.place())?;
        let from = From { public: true, vars_given: Arc::clone(&frame.vars), ..From::default() };
        self.build(&name, from, frame, params, at, names, Some(&node.place()))
    }

    /// A role that a task or the command line names.
    pub fn role_run(
        &self,
        name: &str,
        from: From,
        at: &At,
        names: &dyn Names,
        place: Option<&Place>,
    ) -> Result<RoleRun, LoadError> {
        let frame = Frame::new(Some(Arc::clone(&at.frame)), FrameKind::Block);
        self.build(name, from, frame, Map::new(), at, names, place)
    }

    #[expect(clippy::too_many_arguments, reason = "everything that a use of a role consists of")]
    fn build(
        &self,
        name: &str,
        from: From,
        mut frame: Frame,
        params: Map,
        at: &At,
        names: &dyn Names,
        place: Option<&Place>,
    ) -> Result<RoleRun, LoadError> {
        let path = self.find_role(name, at, place)?;
        let meta = self.meta(&path)?;
        if let Some(collections) = &meta.collections {
            frame.keywords.insert("collections", collections.clone());
        }
        let identity = identity(name, &path, &from, &frame, &params);
        let vars = |kind: &str, main: &Option<String>| -> Result<Arc<Map>, LoadError> {
            let found = self.vars_named(&path.join(kind), main.as_deref().unwrap_or("main"), main.is_some())?;
            match (found, main) {
                (None, Some(main)) => Err(self.missing("role's variables file", main, &[path.join(kind)], place)),
                (found, _) => Ok(Arc::new(found.unwrap_or_default())),
            }
        };
        let mut role = Role {
            name: name.rsplit(['/', '.']).next().unwrap_or(name).to_owned(),
            collection: collection(name).map(|(collection, _)| collection).or_else(|| collection_of(&path)),
            defaults: vars("defaults", &from.defaults)?,
            vars: vars("vars", &from.vars)?,
            vars_given: Arc::clone(&from.vars_given),
            params: Arc::new(params),
            dependencies: Vec::new(),
            allow_duplicates: if from.included { from.allow_duplicates } else { meta.allow_duplicates },
            public: from.public,
            identity,
            path,
        };
        if collection(name).is_none() {
            role.name = name.rsplit('/').next().unwrap_or(name).to_owned();
        }
        // A dependency inherits what its dependent says, and sees its variables; so it needs a frame for it first.
        let outer = Role { dependencies: Vec::new(), ..clone_role(&role) };
        let mut outer_frame = frame.clone();
        outer_frame.kind = FrameKind::Role(Arc::new(outer));
        let here = place.cloned().unwrap_or_else(|| Place::top_of(&self.shown(&role.path)));
        let below = at.within(Arc::new(outer_frame), &here)?;
        let dependencies =
            meta.dependencies.iter().map(|node| self.role_entry(node, &below, names)).collect::<Result<Vec<_>, _>>()?;
        role.dependencies = dependencies.iter().map(|run| Arc::clone(&run.role)).collect();
        let role = Arc::new(role);
        frame.kind = FrameKind::Role(Arc::clone(&role));
        let frame = Arc::new(frame);
        let inside = At { handlers: false, ..at.within(Arc::clone(&frame), &here)? };
        let mut items = self.role_part(&role, "tasks", from.tasks.as_deref(), &inside, names, place)?;
        let entry = from.tasks.as_deref().unwrap_or("main");
        if let Some(check) =
            meta.specs.filter(|_| !from.unchecked).and_then(|specs| validation(&specs, entry, &role, &inside))
        {
            items.insert(0, Item::Task(Arc::new(check)));
        }
        let inside = At { handlers: true, ..inside };
        let handlers = self.role_part(&role, "handlers", from.handlers.as_deref(), &inside, names, place)?;
        Ok(RoleRun { role, frame, dependencies, items, handlers: flat(handlers) })
    }

    fn role_part(
        &self,
        role: &Role,
        kind: &str,
        main: Option<&str>,
        at: &At,
        names: &dyn Names,
        place: Option<&Place>,
    ) -> Result<Vec<Item>, LoadError> {
        let directory = role.path.join(kind);
        let found = self.with_extension(&directory, main.unwrap_or("main"), main.is_some());
        let Some(path) = found.filter(|path| self.source.is_file(path)) else {
            return match main {
                Some(main) => Err(self.missing("role's tasks file", main, &[directory], place)),
                None => Ok(Vec::new()),
            };
        };
        let at = At { directory: path.parent().unwrap_or(&directory).into(), ..at.clone() };
        self.items(&self.document(&path)?.root, &at, names)
    }

    /// Where a short name stands in collections: that of the role that names it, then those that `collections` lists.
    fn in_collections(&self, name: &str, at: &At) -> Vec<PathBuf> {
        let mut listed: Vec<String> = at.frame.role().and_then(|role| role.collection.clone()).into_iter().collect();
        if let Some(said) = at.frame.keyword("collections") {
            let several = said.value.as_list().map_or_else(|| vec![said.value.clone()], <[Value]>::to_vec);
            listed.extend(several.iter().filter_map(Value::as_str).map(str::to_owned));
        }
        let below = |collection: &String| {
            PathBuf::from("collections/ansible_collections").join(collection.replace('.', "/")).join("roles").join(name)
        };
        let tops = [&*at.playbook, self.source.root()];
        listed.iter().map(below).flat_map(|below| tops.map(|top| top.join(&below))).collect()
    }

    /// The collection that the tree itself is (`galaxy.yml`): its own roles name each other in full.
    fn own_collection(&self) -> Option<String> {
        let galaxy = self.source.root().join("galaxy.yml");
        let galaxy = self.source.is_file(&galaxy).then(|| self.document(&galaxy).ok()).flatten()?.root;
        Some(format!("{}.{}", galaxy.get("namespace")?.text()?, galaxy.get("name")?.text()?))
    }

    fn find_role(&self, name: &str, at: &At, place: Option<&Place>) -> Result<PathBuf, LoadError> {
        let mut searched = Vec::new();
        if let Some((collection, role)) = collection(name) {
            let below = PathBuf::from("collections/ansible_collections").join(collection.replace('.', "/"));
            let below = below.join("roles").join(role);
            searched.push(at.playbook.join(&below));
            searched.push(self.source.root().join(&below));
            if self.own_collection().is_some_and(|own| own == collection) {
                searched.push(self.source.root().join("roles").join(role));
            }
        }
        searched.push(at.playbook.join("roles").join(name));
        if collection(name).is_none() {
            searched.extend(self.in_collections(name, at));
        }
        searched.extend(self.role_paths.iter().map(|path| path.join(name)));
        if let Some(parent) = at.frame.role().and_then(|role| role.path.parent()) {
            searched.push(parent.join(name));
        }
        searched.push(at.playbook.join(name));
        let found = searched.iter().map(|path| tidy(path)).find(|path| self.source.is_directory(path));
        found.ok_or_else(|| {
            searched.iter_mut().for_each(|path| {
                path.pop();
            });
            self.missing("role", name, &searched, place)
        })
    }
}

fn clone_role(role: &Role) -> Role {
    Role {
        name: role.name.clone(),
        collection: role.collection.clone(),
        path: role.path.clone(),
        defaults: Arc::clone(&role.defaults),
        vars: Arc::clone(&role.vars),
        vars_given: Arc::clone(&role.vars_given),
        params: Arc::clone(&role.params),
        dependencies: role.dependencies.clone(),
        identity: role.identity.clone(),
        ..*role
    }
}

/// `namespace.collection.role` in two parts.
fn collection(name: &str) -> Option<(String, &str)> {
    let (rest, role) = name.rsplit_once('.')?;
    (rest.split('.').count() == 2 && !name.contains('/')).then(|| (rest.to_owned(), role))
}

/// The collection in which a role's directory lies.
fn collection_of(path: &std::path::Path) -> Option<String> {
    let parts: Vec<&str> = path.iter().filter_map(|part| part.to_str()).collect();
    let at = parts.iter().rposition(|part| *part == "ansible_collections")?;
    match parts.get(at + 1..)? {
        [namespace, name, "roles", _] => Some(format!("{namespace}.{name}")),
        _ => None,
    }
}

fn identity(name: &str, path: &std::path::Path, from: &From, frame: &Frame, params: &Map) -> String {
    let json = |map: &Map| Value::Map(Arc::new(map.clone())).to_json().to_string();
    let words: Vec<String> = frame.when.iter().map(|said: &Said| said.value.to_json().to_string()).collect();
    let tags: Vec<String> = frame.tags.iter().map(|tag| tag.to_json().to_string()).collect();
    let files = (&from.tasks, &from.vars, &from.defaults, &from.handlers, from.included);
    format!("{name}|{}|{}|{}|{words:?}|{tags:?}|{files:?}", path.display(), json(params), json(&from.vars_given))
}
