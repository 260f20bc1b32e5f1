//! Ansible's special variables.

use super::input::Input;
use super::inventory::Inventory;
use crate::roles::load::{Frame, Play, Role};
use crate::roles::value::{Key, Map, Value};
use std::path::Path;
use std::sync::Arc;

/// The version of Ansible that roles are told: they test it.
const VERSION: (i64, i64, i64) = (2, 19, 0);

/// Those that are the same for a whole play.
pub(super) fn of_play(input: &Input, inventory: &Inventory, play: &Play, name: &str) -> Map {
    let hosts = || Value::list([Value::str(input.hostname.as_str())]);
    let texts = |all: &[String]| Value::list(all.iter().map(|text| Value::str(text.as_str())));
    let path = |path: &Path| Value::str(path.display().to_string());
    let run_tags = if input.tags.is_empty() { Value::list(["all".into()]) } else { texts(&input.tags) };
    let roles = || Value::list(play.roles.iter().map(|run| Value::str(run.role.full_name())));
    let dependencies = names(play.roles.iter().flat_map(|run| &run.dependencies).flat_map(|run| run.all_roles()));
    let every = names(play.roles.iter().flat_map(|run| run.all_roles()));
    let (major, minor, revision) = VERSION;
    let full = format!("{major}.{minor}.{revision}");
    let version = Value::map([
        ("string", Value::str(full.as_str())),
        ("full", Value::str(full.as_str())),
        ("major", major.into()),
        ("minor", minor.into()),
        ("revision", revision.into()),
    ]);
    let short = input.hostname.split('.').next().unwrap_or_default();
    let entries = [
        ("ansible_check_mode", input.check.into()),
        ("ansible_config_file", Value::Null),
        ("ansible_diff_mode", false.into()),
        ("ansible_forks", 5.into()),
        ("ansible_inventory_sources", Value::list([])),
        ("ansible_play_batch", hosts()),
        ("ansible_play_hosts", hosts()),
        ("ansible_play_hosts_all", hosts()),
        ("ansible_play_name", name.into()),
        ("ansible_play_role_names", roles()),
        ("ansible_playbook_python", "/usr/bin/python3".into()),
        ("ansible_role_names", every),
        ("ansible_dependent_role_names", dependencies),
        ("ansible_run_tags", run_tags),
        ("ansible_skip_tags", texts(&input.skip_tags)),
        ("ansible_verbosity", i64::from(input.verbosity).into()),
        ("ansible_version", version),
        ("group_names", texts(&inventory.group_names())),
        ("groups", inventory.groups()),
        ("inventory_hostname", input.hostname.as_str().into()),
        ("inventory_hostname_short", short.into()),
        ("omit", Value::Omit),
        ("play_hosts", hosts()),
        ("playbook_dir", path(&play.directory)),
        ("role_names", roles()),
    ];
    Map::from_iter(entries.map(|(key, value)| (Key::from(key), value)))
}

/// The names of roles, each once, in order.
fn names(roles: impl Iterator<Item = Arc<Role>>) -> Value {
    let mut seen = Vec::new();
    for role in roles {
        let name = role.full_name();
        if !seen.contains(&name) {
            seen.push(name);
        }
    }
    Value::list(seen.into_iter().map(Value::str))
}

/// Those that lie below everything: what the inventory of an implicit `localhost` says.
pub(super) fn of_host() -> Map {
    let entries = [
        ("ansible_connection", "local"),
        ("ansible_python_interpreter", "/usr/bin/python3"),
        ("ansible_managed", "Ansible managed"),
    ];
    Map::from_iter(entries.map(|(key, value)| (Key::from(key), value.into())))
}

/// What a task sees where the inventory does not say how its host is reached.
pub(super) fn implied(input: &Input) -> Map {
    let address = if input.hostname == "localhost" { "127.0.0.1" } else { &input.hostname };
    super::layers::one("ansible_host", Value::str(address))
}

/// Those that depend on where a task stands.
pub(super) fn of_frame(frame: &Frame, name: &str) -> Option<Value> {
    let outer = || Some(frame.including_roles()).filter(|roles| !roles.is_empty());
    Some(match name {
        "ansible_role_name" => Value::str(frame.role()?.full_name()),
        "role_name" => Value::str(frame.role()?.name.as_str()),
        "role_path" => Value::str(frame.role()?.path.display().to_string()),
        "ansible_collection_name" => Value::str(frame.role()?.collection.clone()?),
        "ansible_parent_role_names" => Value::list(outer()?.into_iter().map(|role| Value::str(role.full_name()))),
        "ansible_parent_role_paths" => {
            Value::list(outer()?.into_iter().map(|role| Value::str(role.path.display().to_string())))
        }
        "environment" => Value::list(frame.environments().iter().map(|said| said.value.clone())),
        _ => return None,
    })
}

/// The names of [`of_frame`].
pub(super) const FRAME_NAMES: [&str; 7] = [
    "ansible_role_name",
    "role_name",
    "role_path",
    "ansible_collection_name",
    "ansible_parent_role_names",
    "ansible_parent_role_paths",
    "environment",
];

/// Whether a name is Ansible's own, wherever it is read.
pub(in crate::roles) fn is_magic(name: &str) -> bool {
    const OTHERS: [&str; 18] = [
        "group_names",
        "groups",
        "hostvars",
        "inventory_dir",
        "inventory_file",
        "inventory_hostname",
        "inventory_hostname_short",
        "omit",
        "play_hosts",
        "playbook_dir",
        "role_names",
        "template_destpath",
        "template_fullpath",
        "template_host",
        "template_mtime",
        "template_path",
        "template_uid",
        "vars",
    ];
    OTHERS.contains(&name) || FRAME_NAMES.contains(&name)
}
