//! A role: its variables, and one run of it in a play.

use super::block::Item;
use super::error::LoadError;
use super::frame::{Frame, FrameKind, Said};
use super::keyword::{ROLE, is_keyword, lay};
use super::loader::{At, Loader, Names};
use super::source::tidy;
use super::task::Task;
use crate::failure::Place;
use crate::roles::value::{Map, Value};
use crate::roles::yaml::Node;
use std::path::PathBuf;
use std::sync::Arc;

/// A role as it is used in one place.
#[derive(Debug, Default)]
pub struct Role {
    /// Its name, without a path.
    pub name: String,
    /// The collection that it belongs to, where it was named through one.
    pub collection: Option<String>,
    /// Its directory.
    pub path: PathBuf,
    /// `defaults/main.yml`.
    pub defaults: Arc<Map>,
    /// `vars/main.yml`.
    pub vars: Arc<Map>,
    /// `vars:` where it is used.
    pub vars_given: Arc<Map>,
    /// Other words where it is used: role parameters.
    pub params: Arc<Map>,
    /// The roles that it depends on, in order.
    pub dependencies: Vec<Arc<Role>>,
    /// Whether it runs again when it has run with the same parameters.
    pub allow_duplicates: bool,
    /// Whether its variables are seen by the whole play.
    pub public: bool,
    /// Whether it is the same as another: name, path, parameters, conditions, tags, files.
    pub identity: String,
}

impl Role {
    /// The name with its collection.
    pub fn full_name(&self) -> String {
        self.collection.as_ref().map_or_else(|| self.name.clone(), |prefix| format!("{prefix}.{}", self.name))
    }
}

/// Which of a role's files are used, and how it came to be used.
#[derive(Clone, Debug, Default)]
pub struct From {
    /// `tasks_from`.
    pub tasks: Option<String>,
    /// `vars_from`.
    pub vars: Option<String>,
    /// `defaults_from`.
    pub defaults: Option<String>,
    /// `handlers_from`.
    pub handlers: Option<String>,
    /// Whether a task names it.
    pub included: bool,
    /// Whether it may run again.
    pub allow_duplicates: bool,
    /// Whether its variables are seen by the whole play.
    pub public: bool,
    /// Variables of the including task.
    pub vars_given: Arc<Map>,
}

/// A role to run: its dependencies, then its tasks.
#[derive(Debug)]
pub struct RoleRun {
    /// The role.
    pub role: Arc<Role>,
    /// What its tasks inherit.
    pub frame: Arc<Frame>,
    /// What runs before it.
    pub dependencies: Vec<RoleRun>,
    /// Its tasks.
    pub items: Vec<Item>,
    /// Its handlers.
    pub handlers: Vec<Arc<Task>>,
}

impl RoleRun {
    /// The handlers of its dependencies and its own, in order.
    pub fn all_handlers(&self) -> Vec<Arc<Task>> {
        let mut all: Vec<_> = self.dependencies.iter().flat_map(Self::all_handlers).collect();
        all.extend(self.handlers.iter().cloned());
        all
    }

    /// It and the roles that it depends on, dependencies first.
    pub fn all_roles(&self) -> Vec<Arc<Role>> {
        let mut all: Vec<_> = self.dependencies.iter().flat_map(Self::all_roles).collect();
        all.push(Arc::clone(&self.role));
        all
    }
}

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
            collection: collection(name).map(|(collection, _)| collection),
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
        let below = at.within(Arc::new(outer_frame))?;
        let dependencies =
            meta.dependencies.iter().map(|node| self.role_entry(node, &below, names)).collect::<Result<Vec<_>, _>>()?;
        role.dependencies = dependencies.iter().map(|run| Arc::clone(&run.role)).collect();
        let role = Arc::new(role);
        frame.kind = FrameKind::Role(Arc::clone(&role));
        let frame = Arc::new(frame);
        let inside = At { handlers: false, ..at.within(Arc::clone(&frame))? };
        let items = self.role_part(&role, "tasks", from.tasks.as_deref(), &inside, names, place)?;
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

    fn find_role(&self, name: &str, at: &At, place: Option<&Place>) -> Result<PathBuf, LoadError> {
        let mut searched = Vec::new();
        if let Some((collection, role)) = collection(name) {
            let below = PathBuf::from("collections/ansible_collections").join(collection.replace('.', "/"));
            let below = below.join("roles").join(role);
            searched.push(at.playbook.join(&below));
            searched.push(self.source.root().join(&below));
        }
        searched.push(at.playbook.join("roles").join(name));
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

fn identity(name: &str, path: &std::path::Path, from: &From, frame: &Frame, params: &Map) -> String {
    let json = |map: &Map| Value::Map(Arc::new(map.clone())).to_json().to_string();
    let words: Vec<String> = frame.when.iter().map(|said: &Said| said.value.to_json().to_string()).collect();
    let tags: Vec<String> = frame.tags.iter().map(|tag| tag.to_json().to_string()).collect();
    let files = (&from.tasks, &from.vars, &from.defaults, &from.handlers, from.included);
    format!("{name}|{}|{}|{}|{words:?}|{tags:?}|{files:?}", path.display(), json(params), json(&from.vars_given))
}

/// Handlers one by one: imports are opened.
pub(super) fn flat(items: Vec<Item>) -> Vec<Arc<Task>> {
    let mut tasks = Vec::new();
    for item in items {
        match item {
            Item::Task(task) => tasks.push(task),
            Item::Imported(items) => tasks.extend(flat(items)),
            Item::Block(_) | Item::Role(_) => {}
        }
    }
    tasks
}
