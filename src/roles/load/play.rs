//! A play.

use super::block::Item;
use super::error::LoadError;
use super::frame::{Frame, FrameKind, Said};
use super::keyword::{PLAY, lay, said, several, unknown};
use super::loader::{At, Loader, Names};
use super::prompt::{self, Prompt};
use super::role::{From, RoleRun, flat};
use super::task::Task;
use crate::failure::Place;
use crate::roles::yaml::Node;
use std::path::Path;
use std::sync::Arc;

/// A play as loaded.
#[derive(Debug)]
pub struct Play {
    /// Its keywords; its `vars` are the play's variables.
    pub frame: Arc<Frame>,
    /// `hosts`.
    pub hosts: Option<Said>,
    /// `gather_facts`.
    pub gather_facts: Option<Said>,
    /// `gather_subset`.
    pub gather_subset: Option<Said>,
    /// `vars_prompt`.
    pub prompts: Vec<Prompt>,
    /// `vars_files`; each entry is a name, or a list of names of which the first that exists is read.
    pub vars_files: Vec<Said>,
    /// `roles`.
    pub roles: Vec<Arc<RoleRun>>,
    /// `pre_tasks`.
    pub pre_tasks: Vec<Item>,
    /// `tasks`.
    pub tasks: Vec<Item>,
    /// `post_tasks`.
    pub post_tasks: Vec<Item>,
    /// `handlers`.
    pub handlers: Vec<Arc<Task>>,
    /// `force_handlers`.
    pub force_handlers: Option<Said>,
    /// The playbook's directory.
    pub directory: Arc<Path>,
    /// Where it begins.
    pub place: Place,
}

impl Play {
    fn empty(directory: Arc<Path>, place: Place) -> Self {
        Self {
            frame: Arc::new(Frame::new(None, FrameKind::Play)),
            hosts: None,
            gather_facts: None,
            gather_subset: None,
            prompts: Vec::new(),
            vars_files: Vec::new(),
            roles: Vec::new(),
            pre_tasks: Vec::new(),
            tasks: Vec::new(),
            post_tasks: Vec::new(),
            handlers: Vec::new(),
            force_handlers: None,
            directory,
            place,
        }
    }

    /// Every list of its steps, in the order in which they run; handlers are flushed after each. Roles and tasks
    /// are one list.
    pub fn parts(&self) -> [Vec<Item>; 3] {
        let roles = self.roles.iter().map(|run| Item::Role(Arc::clone(run)));
        [self.pre_tasks.clone(), roles.chain(self.tasks.iter().cloned()).collect(), self.post_tasks.clone()]
    }

    fn at(&self) -> At {
        At {
            frame: Arc::clone(&self.frame),
            directory: Arc::clone(&self.directory),
            playbook: Arc::clone(&self.directory),
            handlers: false,
            depth: 0,
        }
    }
}

impl Loader {
    /// A play of these roles, for this host.
    pub fn play_of_roles(&self, roles: &[String], names: &dyn Names) -> Result<Play, LoadError> {
        let directory: Arc<Path> = self.source.root().into();
        let place = Place { file: "roles".into(), line: 1, column: 1, excerpt: None };
        let mut play = Play::empty(directory, place);
        let at = play.at();
        for role in roles {
            let from = From { public: true, ..From::default() };
            play.roles.push(Arc::new(self.role_run(role, from, &at, names, None)?));
        }
        Ok(play)
    }

    /// Reads a play; `extra` are variables that `import_playbook` gives it.
    pub(super) fn play(
        &self,
        node: &Node,
        directory: &Arc<Path>,
        outer: &Frame,
        names: &dyn Names,
    ) -> Result<Play, LoadError> {
        let shape = |what: &str, wanted, node: &Node| LoadError::Shape {
            what: what.into(),
            wanted,
            have: node.describe(),
            place: node.place(),
        };
        let pairs = node.pairs().ok_or_else(|| shape("a play", "a mapping", node))?;
        let mut play = Play::empty(Arc::clone(directory), node.place());
        let mut frame = Frame { parent: None, kind: FrameKind::Play, name: None, ..outer.clone() };
        let outer_tags = std::mem::take(&mut frame.tags);
        let outer_vars = Arc::clone(&frame.vars);
        for (key, value) in pairs {
            if lay(&mut frame, (key, value), PLAY)? {
                continue;
            }
            match key.text() {
                Some("hosts") => play.hosts = Some(said(value)),
                Some("gather_facts") => play.gather_facts = Some(said(value)),
                Some("vars_files") => play.vars_files = several(value),
                Some("force_handlers") => play.force_handlers = Some(said(value)),
                Some("gather_subset") if !value.is_null() => play.gather_subset = Some(said(value)),
                Some("gather_subset") => {}
                Some("vars_prompt") => play.prompts = prompt::read(value, &mut frame.refusals)?,
                Some("roles" | "pre_tasks" | "tasks" | "post_tasks" | "handlers") => {}
                _ => return Err(unknown(key, PLAY)),
            }
        }
        if play.hosts.is_none() {
            return Err(LoadError::Task {
                problem: "this play names no `hosts`".into(),
                hint: Some("`hosts: localhost` or `hosts: all`".into()),
                place: node.place(),
            });
        }
        frame.tags.extend(outer_tags);
        let mut vars = (*frame.vars).clone();
        if !Arc::ptr_eq(&frame.vars, &outer_vars) {
            vars.extend(outer_vars.iter().map(|(k, v)| (k.clone(), v.clone())));
        }
        frame.vars = Arc::new(vars);
        play.frame = Arc::new(frame);
        let at = play.at();
        if let Some(roles) = node.get("roles").filter(|roles| !roles.is_null()) {
            for entry in roles.list().ok_or_else(|| shape("`roles`", "a list", roles))? {
                play.roles.extend(self.step(self.role_entry(entry, &at, names))?.map(Arc::new));
            }
        }
        let read = |part: &str, at: &At| node.get(part).map_or_else(|| Ok(Vec::new()), |n| self.items(n, at, names));
        play.pre_tasks = read("pre_tasks", &at)?;
        play.tasks = read("tasks", &at)?;
        play.post_tasks = read("post_tasks", &at)?;
        play.handlers = flat(read("handlers", &At { handlers: true, ..at })?);
        Ok(play)
    }
}
