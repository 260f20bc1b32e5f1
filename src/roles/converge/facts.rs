//! The facts of a run: gathered when first read, and what modules add.

use crate::host::Observe;
use crate::roles::facts::Wanted;
use crate::roles::value::{Key, Map, Value};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

/// Who knows the host's facts.
pub trait Gather {
    /// One fact, by its name without `ansible_`.
    fn fact(&self, host: &dyn Observe, name: &str) -> Option<Value>;
    /// Every fact, without `ansible_`.
    fn all(&self, host: &dyn Observe) -> Map;
    /// What `setup` returns, gathered anew: names with `ansible_`; or what is wrong with the question.
    fn gather(&self, host: &dyn Observe, wanted: &Wanted) -> Result<Map, String>;
}

/// Facts. Clones share one store.
#[derive(Clone, Default)]
pub struct Facts {
    source: Option<Rc<dyn Gather>>,
    store: Rc<RefCell<Store>>,
}

#[derive(Default)]
struct Store {
    /// Whether plays may read facts that no module has brought.
    open: bool,
    /// What modules brought, under the names that they gave.
    brought: Arc<Map>,
    /// Gathered facts that were read, without `ansible_`.
    used: BTreeSet<String>,
}

/// Facts that move by themselves: where all facts are read at once, nobody meant these.
const VOLATILE: [&str; 8] =
    ["date_time", "env", "loadavg", "memfree_mb", "memory_mb", "mounts", "swapfree_mb", "uptime_seconds"];

/// The fact whose prefix stays in `ansible_facts`.
const KEPT: &str = "ansible_local";

impl Facts {
    /// Facts from who knows them.
    pub fn new(source: impl Gather + 'static) -> Self {
        Self { source: Some(Rc::new(source)), store: Rc::default() }
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
        let all = Arc::make_mut(&mut store.brought);
        all.extend(facts.iter().map(|(key, value)| (key.clone(), value.clone())));
    }

    /// `setup`.
    pub(super) fn gather(&self, host: &dyn Observe, wanted: &Wanted) -> Result<Map, String> {
        self.source.as_ref().map_or_else(|| Ok(Map::new()), |source| source.gather(host, wanted))
    }

    /// The same source, of which nothing has been read yet.
    #[must_use]
    pub fn fresh(&self) -> Self {
        Self { source: self.source.clone(), store: Rc::default() }
    }

    /// The gathered facts that were read.
    pub fn used(&self, host: &dyn Observe) -> Map {
        let names = self.store.borrow().used.clone();
        let found = names.into_iter().filter_map(|name| {
            let value = self.source.as_ref()?.fact(host, &name)?;
            Some((Key::from(name.as_str()), value))
        });
        found.collect()
    }

    fn source(&self) -> Option<&dyn Gather> {
        self.source.as_deref().filter(|_| self.store.borrow().open)
    }

    /// Every fact as a variable of its own.
    pub(super) fn all(&self, host: &dyn Observe) -> Map {
        let mut all = Map::new();
        if let Some(source) = self.source() {
            let gathered = source.all(host).into_iter();
            all.extend(gathered.map(|(key, value)| (Key::from(format!("ansible_{key}").as_str()), value)));
        }
        // What a module brought since is newer.
        all.extend(self.store.borrow().brought.iter().map(|(key, value)| (key.clone(), value.clone())));
        all
    }

    /// A fact as a variable of its own.
    pub(super) fn variable(&self, name: &str, host: &dyn Observe) -> Option<Value> {
        if let Some(value) = self.store.borrow().brought.get(&Key::from(name)) {
            return Some(value.clone());
        }
        let name = name.strip_prefix("ansible_")?;
        let value = self.source()?.fact(host, name)?;
        self.store.borrow_mut().used.insert(name.to_owned());
        Some(value)
    }

    /// One member of `ansible_facts`; `None` where only the whole can tell.
    pub(super) fn member(&self, key: &str, host: &dyn Observe) -> Option<Value> {
        // A module may have brought it under this very name.
        if key != KEPT && self.store.borrow().brought.contains_key(&Key::from(key)) {
            return None;
        }
        match key {
            KEPT => self.variable(KEPT, host),
            _ if format!("ansible_{key}") == KEPT => None,
            _ => self.variable(&format!("ansible_{key}"), host),
        }
    }

    /// `ansible_facts`: names without their prefix.
    pub(super) fn namespace(&self, host: &dyn Observe) -> Value {
        let short = self.all(host).into_iter().map(|(key, value)| {
            let name = key.to_string();
            let mut store = self.store.borrow_mut();
            match name.strip_prefix("ansible_") {
                Some(short) if !store.brought.contains_key(&key) && !VOLATILE.contains(&short) => {
                    store.used.insert(short.to_owned());
                }
                _ => {}
            }
            drop(store);
            match name.strip_prefix("ansible_") {
                Some(short) if name != KEPT => (Key::from(short), value),
                _ => (key, value),
            }
        });
        Value::Map(Arc::new(short.collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Linux;

    struct One;

    impl Gather for One {
        fn fact(&self, _: &dyn Observe, name: &str) -> Option<Value> {
            (name == "system").then(|| "Linux".into())
        }
        fn all(&self, _: &dyn Observe) -> Map {
            Map::from_iter([(Key::from("system"), "Linux".into())])
        }
        fn gather(&self, host: &dyn Observe, _: &Wanted) -> Result<Map, String> {
            Ok(self.all(host))
        }
    }

    #[test]
    fn facts_are_there_once_a_play_gathers_and_modules_add_to_them() {
        let root = tempfile::tempdir().expect("a root");
        let host = Linux::new(root.path()).expect("a host");
        let facts = Facts::new(One);
        assert!(facts.variable("ansible_system", &host).is_none());
        facts.open();
        assert_eq!(facts.variable("ansible_system", &host), Some("Linux".into()));
        facts.add(&Map::from_iter([(Key::from("packages"), Value::list([]))]));
        assert_eq!(facts.member("system", &host), Some("Linux".into()));
        assert_eq!(facts.member("packages", &host), None, "the whole has it");
        let names = facts.namespace(&host);
        assert!(names.get("system").is_some() && names.get("packages").is_some());
        facts.clear();
        assert!(facts.variable("packages", &host).is_none());
    }
}
