//! `add_host` and `group_by`.

use super::arguments::plain;
use super::end::End;
use super::result::put;
use super::run::Run;
use crate::roles::modules::{Args, Failed};
use crate::roles::value::{Key, Map, Value};
use std::sync::Arc;

impl Run<'_> {
    pub(super) fn add_host(&mut self, given: Map) -> Result<End, Failed> {
        let mut vars = given;
        let mut take = |names: [&str; 3]| names.iter().find_map(|name| vars.shift_remove(&Key::from(*name)));
        let name = take(["name", "host", "hostname"]).map(|name| plain(&name)).filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| Failed::new("name, host or hostname needs to be provided"))?;
        let groups: Vec<String> = match take(["groups", "group", "groupname"]) {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::List(items)) => items.iter().map(plain).collect(),
            Some(other) => plain(&other).split(',').map(|group| group.trim().to_owned()).collect(),
        };
        // `name:port` names a port too.
        let name = match name.rsplit_once(':') {
            Some((host, port)) if !host.contains(':') && port.parse::<u16>().is_ok() => {
                vars.insert(Key::from("ansible_ssh_port"), port.parse::<i64>().unwrap_or(0).into());
                host.to_owned()
            }
            _ => name,
        };
        let changed = self.inventory.add_host(&name, &groups, &vars);
        self.variables.others = Arc::clone(self.inventory.others());
        self.know_groups();
        let added = Value::map([
            ("host_name", Value::str(name)),
            ("groups", Value::list(groups.into_iter().map(Value::from))),
            ("host_vars", Value::Map(Arc::new(vars))),
        ]);
        let mut result = Map::new();
        put(&mut result, "add_host", added);
        put(&mut result, "changed", changed);
        Ok(End::new(result))
    }

    pub(super) fn group_by(&mut self, args: &Args) -> Result<End, Failed> {
        let clean = |name: &str| name.replace(' ', "-");
        let group = clean(&args.text("key").unwrap_or_default());
        let parents: Vec<String> = args.texts("parents").iter().map(|name| clean(name)).collect();
        let changed = self.inventory.group_by(&group, &parents);
        self.know_groups();
        let directory = self.scene.directory.join("group_vars");
        let vars = self.loader.vars_named(&directory, &group, false);
        if let Some(vars) = vars.map_err(|error| super::builtin::load_failed(&error))? {
            Arc::make_mut(&mut self.variables.inventory).extend(vars);
        }
        let mut result = Map::new();
        put(&mut result, "add_group", group);
        put(&mut result, "parent_groups", Value::list(parents.into_iter().map(Value::from)));
        put(&mut result, "changed", changed);
        Ok(End::new(result))
    }

    /// Tells the play which groups there are now.
    fn know_groups(&mut self) {
        let magic = Arc::make_mut(&mut self.scene.magic);
        magic.insert(Key::from("groups"), self.inventory.groups());
        let own = Value::list(self.inventory.group_names().into_iter().map(Value::from));
        magic.insert(Key::from("group_names"), own);
    }
}
