//! The variables of a run by precedence, lowest to highest: role defaults, inventory, parameters, facts, play,
//! `vars_files`, role vars, block and task vars, `include_vars`, `set_fact` and results, role parameters, include
//! parameters, extra variables (ansible-core `vars/manager.py`).

use super::facts::Facts;
use super::layers::Layer;
use crate::roles::load::{Frame, FrameKind, Role};
use crate::roles::value::{Key, Map, Value};
use std::collections::BTreeSet;
use std::sync::Arc;

/// What is known at some point of a run.
#[derive(Clone, Default)]
pub struct Variables {
    /// `-e`.
    pub extra: Arc<Map>,
    /// Group and host variables.
    pub inventory: Arc<Map>,
    /// What a connection to this host is called, where nobody says otherwise: below everything.
    pub implied: Arc<Map>,
    /// Parameters.
    pub parameters: Arc<Map>,
    /// `include_vars`.
    pub included: Arc<Map>,
    /// `set_fact` and registered results.
    pub set: Arc<Map>,
    /// The play's `vars_files`, in order.
    pub files: Vec<Arc<Map>>,
    /// Roles whose variables the whole play sees.
    pub public: Vec<Arc<Role>>,
    /// Facts.
    pub facts: Facts,
    /// Other hosts' variables.
    pub others: Arc<Map>,
    /// Names that will be set while the play runs: asked for beforehand they are unknown.
    pub unknown: Arc<BTreeSet<String>>,
}

impl Variables {
    /// Sets a variable as `set_fact` and `register` do.
    pub(super) fn set(&mut self, name: &str, value: Value) {
        Arc::make_mut(&mut self.set).insert(Key::from(name), value);
    }

    /// The layers that something with this frame sees, highest first.
    pub(super) fn layers(&self, frame: &Frame, is_include: bool) -> Vec<Layer> {
        let mut out = Stack(Vec::new());
        out.put(&self.extra);
        if is_include {
            out.put(&frame.vars);
        }
        for outer in frame.chain().filter(|outer| matches!(outer.kind, FrameKind::Import | FrameKind::Include)) {
            out.put(&outer.vars);
        }
        frame.roles().for_each(|role| out.put(&role.params));
        if !self.unknown.is_empty() {
            out.0.push(Layer::Unknown(Arc::clone(&self.unknown)));
        }
        out.put(&self.set);
        out.put(&self.included);
        for outer in frame.chain().filter(|outer| !matches!(outer.kind, FrameKind::Role(_) | FrameKind::Play)) {
            out.put(&outer.vars);
        }
        if let Some(role) = frame.role() {
            out.put(&role.vars_given);
            exported(role, &mut out, 0);
            for parent in frame.roles().skip(1) {
                out.put(&parent.vars);
                out.put(&parent.vars_given);
            }
        }
        self.public.iter().rev().for_each(|role| exported(role, &mut out, 0));
        self.files.iter().rev().for_each(|file| out.put(file));
        if let Some(play) = frame.chain().find(|outer| matches!(outer.kind, FrameKind::Play)) {
            out.put(&play.vars);
        }
        out.0.push(Layer::Facts);
        out.put(&self.parameters);
        out.put(&self.inventory);
        frame.roles().for_each(|role| out.put(&role.defaults));
        if let Some(role) = frame.role() {
            role.dependencies.iter().rev().for_each(|role| defaults(role, &mut out, 0));
        }
        self.public.iter().rev().for_each(|role| defaults(role, &mut out, 0));
        out.put(&self.implied);
        out.0
    }

    /// The layers of the host alone, as `hostvars` has them.
    pub(super) fn host_layers(&self) -> Vec<Layer> {
        let mut out = Stack(Vec::new());
        out.put(&self.extra);
        out.put(&self.set);
        out.put(&self.included);
        out.0.push(Layer::Facts);
        out.put(&self.parameters);
        out.put(&self.inventory);
        if !self.others.is_empty() {
            out.0.push(Layer::Hosts(Arc::clone(&self.others)));
        }
        out.0
    }
}

struct Stack(Vec<Layer>);

impl Stack {
    fn put(&mut self, map: &Arc<Map>) {
        if !map.is_empty() {
            self.0.push(Layer::Map(Arc::clone(map)));
        }
    }
}

/// A role's `vars`, over those of the roles that it depends on.
fn exported(role: &Role, out: &mut Stack, depth: usize) {
    out.put(&role.vars);
    if depth < 20 {
        role.dependencies.iter().rev().for_each(|role| exported(role, out, depth + 1));
    }
}

/// A role's defaults, over those of the roles that it depends on.
fn defaults(role: &Role, out: &mut Stack, depth: usize) {
    out.put(&role.defaults);
    if depth < 20 {
        role.dependencies.iter().rev().for_each(|role| defaults(role, out, depth + 1));
    }
}
