//! The facts of a run: gathered when first read, and what modules add.

use crate::host::Observe;
use crate::roles::value::{Key, Map, Value};
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

/// How facts are gathered: every one under its `ansible_` name.
pub type Gather = dyn Fn(&dyn Observe) -> Map;

/// Facts. Clones share one store.
#[derive(Clone, Default)]
pub struct Facts {
    gather: Option<Rc<Gather>>,
    store: Rc<RefCell<Store>>,
}

#[derive(Default)]
struct Store {
    /// Whether plays may read facts that no module has brought.
    open: bool,
    gathered: bool,
    facts: Arc<Map>,
}

/// Names without the prefix that are not shortened in `ansible_facts`.
const KEPT: [&str; 1] = ["ansible_local"];

impl Facts {
    /// Facts by a way of gathering them.
    pub fn new(gather: impl Fn(&dyn Observe) -> Map + 'static) -> Self {
        Self { gather: Some(Rc::new(gather)), store: Rc::default() }
    }

    /// A play says that facts are gathered.
    pub(super) fn open(&self) {
        self.store.borrow_mut().open = true;
    }

    /// `meta: clear_facts`.
    pub(super) fn clear(&self) {
        // The next play that gathers facts gathers them anew.
        *self.store.borrow_mut() = Store::default();
    }

    /// A module brought facts.
    pub(super) fn add(&self, facts: &Map) {
        let mut store = self.store.borrow_mut();
        let all = Arc::make_mut(&mut store.facts);
        all.extend(facts.iter().map(|(key, value)| (key.clone(), value.clone())));
    }

    /// Every fact under its own name, gathered now where it has not been.
    pub(super) fn all(&self, host: &dyn Observe) -> Arc<Map> {
        let wanted = {
            let store = self.store.borrow();
            store.open && !store.gathered
        };
        if let (true, Some(gather)) = (wanted, &self.gather) {
            self.store.borrow_mut().gathered = true;
            let mut facts = gather(host);
            let mut store = self.store.borrow_mut();
            // What a module brought since is newer.
            facts.extend(store.facts.iter().map(|(key, value)| (key.clone(), value.clone())));
            store.facts = Arc::new(facts);
        }
        Arc::clone(&self.store.borrow().facts)
    }

    /// A fact as a variable of its own; only names that facts can have cause them to be gathered.
    pub(super) fn variable(&self, name: &str, host: &dyn Observe) -> Option<Value> {
        if let Some(value) = self.store.borrow().facts.get(&Key::from(name)) {
            return Some(value.clone());
        }
        name.starts_with("ansible_").then(|| self.all(host).get(&Key::from(name)).cloned()).flatten()
    }

    /// `ansible_facts`: names without their prefix.
    pub(super) fn namespace(&self, host: &dyn Observe) -> Value {
        let facts = self.all(host);
        let short = facts.iter().map(|(key, value)| {
            let name = key.to_string();
            match name.strip_prefix("ansible_") {
                Some(short) if !KEPT.contains(&name.as_str()) => (Key::from(short), value.clone()),
                _ => (key.clone(), value.clone()),
            }
        });
        Value::Map(Arc::new(short.collect()))
    }
}
