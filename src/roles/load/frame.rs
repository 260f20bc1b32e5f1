//! What a task inherits: its own keywords, then those of its blocks, includes, roles and play.

use super::error::Refusal;
use super::role::Role;
use crate::failure::Place;
use crate::roles::value::{Map, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A value as written, with its place.
#[derive(Clone, Debug)]
pub struct Said {
    /// What.
    pub value: Value,
    /// Where.
    pub place: Place,
}

/// What a frame stands for.
#[derive(Clone, Debug)]
pub enum FrameKind {
    /// The play.
    Play,
    /// A role as it is run in one place.
    Role(Arc<Role>),
    /// A block.
    Block,
    /// A task.
    Task,
    /// `import_tasks`, `import_role`: everything on it is inherited, and its variables are include parameters.
    Import,
    /// `include_tasks`, `include_role`: only its variables are inherited, as include parameters.
    Include,
}

/// One level of inheritance.
#[derive(Clone, Debug)]
pub struct Frame {
    /// The level around it.
    pub parent: Option<Arc<Frame>>,
    /// What it stands for.
    pub kind: FrameKind,
    /// `name:` as written.
    pub name: Option<Value>,
    /// Keywords that are inherited as they are (`become`, `no_log`, ...).
    pub keywords: BTreeMap<&'static str, Said>,
    /// `vars:`.
    pub vars: Arc<Map>,
    /// `when:`.
    pub when: Vec<Said>,
    /// `tags:`.
    pub tags: Vec<Value>,
    /// `environment:`.
    pub environment: Vec<Said>,
    /// `module_defaults:`.
    pub module_defaults: Vec<Said>,
    /// `notify:` of a task or a block.
    pub notify: Option<Vec<Said>>,
    /// What muster does not do of what is written here; it concerns every task within.
    pub refusals: Vec<Refusal>,
}

impl Frame {
    /// A level with nothing on it.
    pub fn new(parent: Option<Arc<Self>>, kind: FrameKind) -> Self {
        Self {
            parent,
            kind,
            name: None,
            keywords: BTreeMap::new(),
            vars: Arc::default(),
            when: Vec::new(),
            tags: Vec::new(),
            environment: Vec::new(),
            module_defaults: Vec::new(),
            notify: None,
            refusals: Vec::new(),
        }
    }

    /// This level and those around it, innermost first.
    pub fn chain(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |frame| frame.parent.as_deref())
    }

    /// The innermost value of an inherited keyword.
    pub fn keyword(&self, name: &str) -> Option<&Said> {
        self.chain().find_map(|frame| frame.keywords.get(name))
    }

    /// Every condition, outermost first.
    pub fn conditions(&self) -> Vec<&Said> {
        self.outermost(|frame| &frame.when)
    }

    /// Every `environment`, outermost first.
    pub fn environments(&self) -> Vec<&Said> {
        self.outermost(|frame| &frame.environment)
    }

    /// Every `module_defaults`, outermost first.
    pub fn defaults(&self) -> Vec<&Said> {
        self.outermost(|frame| &frame.module_defaults)
    }

    fn outermost<'a>(&'a self, pick: impl Fn(&'a Self) -> &'a Vec<Said>) -> Vec<&'a Said> {
        let levels: Vec<&'a Self> = self.chain().collect();
        levels.into_iter().rev().flat_map(pick).collect()
    }

    /// Every tag as written, of this level and those around it.
    pub fn all_tags(&self) -> Vec<&Value> {
        self.chain().flat_map(|frame| &frame.tags).collect()
    }

    /// What is notified: the innermost `notify`.
    pub fn notified(&self) -> &[Said] {
        self.chain().find_map(|frame| frame.notify.as_deref()).unwrap_or_default()
    }

    /// The roles around it, innermost first.
    pub fn roles(&self) -> impl Iterator<Item = &Arc<Role>> {
        self.chain().filter_map(|frame| match &frame.kind {
            FrameKind::Role(role) => Some(role),
            _ => None,
        })
    }

    /// The roles that include or import the one that it belongs to, innermost first: not those that depend on it.
    pub fn including_roles(&self) -> Vec<&Arc<Role>> {
        let (mut out, mut inside, mut included) = (Vec::new(), false, false);
        for frame in self.chain() {
            match &frame.kind {
                FrameKind::Role(role) => {
                    if inside && included {
                        out.push(role);
                    }
                    (inside, included) = (true, false);
                }
                FrameKind::Import | FrameKind::Include => included = true,
                _ => {}
            }
        }
        out
    }

    /// The role that it belongs to.
    pub fn role(&self) -> Option<&Arc<Role>> {
        self.roles().next()
    }
}
