//! The hosts and groups that the run knows: its own host, and what `add_host` and `group_by` add.

use super::input::Input;
use crate::roles::load::is_local;
use crate::roles::value::{Key, Map, Value};
use indexmap::IndexMap;
use std::sync::Arc;

/// Hosts and groups. muster runs on its own host only; of others it knows the variables.
#[derive(Clone, Default)]
pub(super) struct Inventory {
    own: String,
    /// Members by group, in the order in which groups came.
    groups: IndexMap<String, Vec<String>>,
    /// Other hosts' variables.
    others: Arc<Map>,
}

impl Inventory {
    pub(super) fn new(input: &Input) -> Self {
        let own = || vec![input.hostname.clone()];
        let mut groups = IndexMap::from([("all".to_owned(), own()), ("ungrouped".to_owned(), Vec::new())]);
        if input.groups.is_empty() {
            groups.insert("ungrouped".into(), own());
        }
        groups.extend(input.groups.iter().map(|group| (group.clone(), own())));
        Self { own: input.hostname.clone(), groups, others: Arc::default() }
    }

    /// `groups`.
    pub(super) fn groups(&self) -> Value {
        let hosts = |hosts: &[String]| Value::list(hosts.iter().map(|host| Value::str(host.as_str())));
        Value::map(self.groups.iter().map(|(group, members)| (group.as_str(), hosts(members))))
    }

    /// `group_names`: this host's groups, and of the two that every inventory has `ungrouped` where there is no other.
    pub(super) fn group_names(&self) -> Vec<String> {
        let own = self.own_groups();
        if own.is_empty() { vec!["ungrouped".into()] } else { own }
    }

    /// This host's groups but `all` and `ungrouped`.
    pub(super) fn own_groups(&self) -> Vec<String> {
        let special = |group: &str| matches!(group, "all" | "ungrouped");
        let own = self.groups.iter().filter(|(group, members)| !special(group) && members.contains(&self.own));
        own.map(|(group, _)| group.clone()).collect()
    }

    /// The variables of other hosts, for `hostvars`.
    pub(super) fn others(&self) -> &Arc<Map> {
        &self.others
    }

    /// Whether what is delegated to a host runs here.
    pub(super) fn is_here(&self, host: &str) -> bool {
        let local = |vars: &Value| {
            matches!(vars.get("ansible_connection").and_then(Value::as_str), Some("local" | "ansible.builtin.local"))
        };
        host.is_empty() || host == self.own || is_local(host) || self.others.get(&Key::from(host)).is_some_and(local)
    }

    /// Whether a name means this host, and no other that works here too.
    pub(super) fn is_own(&self, host: &str) -> bool {
        host.is_empty() || host == self.own || is_local(host) && is_local(&self.own)
    }

    /// Another host's facts, as `delegate_facts` has them: variables, and where they were gathered, `ansible_facts`.
    pub(super) fn learn(&mut self, host: &str, facts: &Map, gathered: bool) {
        let mut vars = self.others.get(&Key::from(host)).and_then(Value::as_map).cloned().unwrap_or_default();
        vars.entry(Key::from("inventory_hostname")).or_insert_with(|| Value::str(host));
        if gathered {
            let key = Key::from("ansible_facts");
            let mut all = vars.get(&key).and_then(Value::as_map).cloned().unwrap_or_default();
            all.extend(facts.iter().map(|(name, fact)| {
                let name = name.to_string();
                (Key::from(name.strip_prefix("ansible_").unwrap_or(&name)), fact.clone())
            }));
            vars.insert(key, Value::Map(Arc::new(all)));
        }
        vars.extend(facts.iter().map(|(name, fact)| (name.clone(), fact.clone())));
        Arc::make_mut(&mut self.others).insert(Key::from(host), Value::Map(Arc::new(vars)));
    }

    fn join(&mut self, group: &str, host: &str) -> bool {
        let members = self.groups.entry(group.to_owned()).or_default();
        let new = !members.iter().any(|have| have == host);
        if new {
            members.push(host.to_owned());
        }
        new
    }

    /// Adds a host; whether that changed anything.
    pub(super) fn add_host(&mut self, host: &str, groups: &[String], vars: &Map) -> bool {
        let mut changed = self.join("all", host);
        for group in groups {
            changed |= self.join(group, host);
        }
        if host == self.own {
            return changed;
        }
        let known = self.others.get(&Key::from(host)).and_then(Value::as_map).cloned().unwrap_or_default();
        let mut after = known.clone();
        after.extend(vars.iter().map(|(key, value)| (key.clone(), value.clone())));
        after.entry(Key::from("inventory_hostname")).or_insert_with(|| Value::str(host));
        changed |= after != known;
        Arc::make_mut(&mut self.others).insert(Key::from(host), Value::Map(Arc::new(after)));
        changed
    }

    /// Puts this host into a group and its parents; whether that changed anything.
    pub(super) fn group_by(&mut self, group: &str, parents: &[String]) -> bool {
        let own = self.own.clone();
        if let Some(members) = self.groups.get_mut("ungrouped") {
            members.retain(|have| *have != own);
        }
        let mut changed = self.join(group, &own);
        for parent in parents {
            changed |= self.join(parent, &own);
        }
        changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_groups_are_added_once() {
        let mut inventory = Inventory::new(&Input::default());
        let vars = Map::from_iter([(Key::from("foo"), Value::str("bar"))]);
        let groups = ["g1".to_owned(), "g2".to_owned()];
        assert!(inventory.add_host("new1", &groups, &vars));
        assert!(!inventory.add_host("new1", &groups, &vars));
        assert!(inventory.group_by("os_x", &["par".into()]));
        assert!(!inventory.group_by("os_x", &["par".into()]));
        assert_eq!(inventory.own_groups(), ["os_x", "par"]);
        assert_eq!(
            inventory.groups().to_json().to_string(),
            r#"{"all":["localhost","new1"],"ungrouped":[],"g1":["new1"],"g2":["new1"],"os_x":["localhost"],"par":["localhost"]}"#
        );
        assert!(inventory.is_here("localhost") && !inventory.is_here("new1"));
        let local = Map::from_iter([(Key::from("ansible_connection"), Value::str("local"))]);
        inventory.add_host("new1", &[], &local);
        assert!(inventory.is_here("new1"));
    }
}
