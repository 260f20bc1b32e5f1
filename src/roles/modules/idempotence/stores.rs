//! Random arguments of modules whose program has a store of its own: [`super::tools`] has these.

use super::machine::Machine;
use super::random::{Case, FILE, Given, STATES, arguments, nothing, one, perhaps};
use crate::roles::modules::files::stage::Stage;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

pub const CASES: &[Case] = &[
    Case { module: "alternatives", given: alternatives, before: nothing },
    Case { module: "dpkg_divert", given: divert, before: nothing },
    Case { module: "firewalld", given: firewalld, before: nothing },
    Case { module: "seboolean", given: boolean, before: nothing },
    Case { module: "seport", given: ports, before: nothing },
    Case { module: "sefcontext", given: context, before: nothing },
    Case { module: "snap", given: snap, before: nothing },
    Case { module: "rhsm_repository", given: subscription, before: nothing },
    Case { module: "pip", given: pip, before: nothing },
    Case { module: "lvg", given: group, before: nothing },
    Case { module: "lvol", given: volume, before: nothing },
    Case { module: "filesystem", given: filesystem, before: without_the_file_s_text },
];

fn either(values: Vec<Json>) -> impl Strategy<Value = Json> {
    prop::sample::select(values)
}

fn alternatives() -> Given {
    let state = one(&["present", "absent", "selected", "auto"]);
    let priority = prop::option::of(prop::sample::select(vec![10, 60]));
    (one(&["/srv/target", FILE]), state, priority, any::<bool>())
        .prop_map(|(path, state, priority, follows)| {
            let mut more = json!({"name": "editor", "path": path, "state": state, "link": "/usr/bin/editor"});
            if let Some(priority) = priority {
                more["priority"] = priority.into();
            }
            if follows {
                more["subcommands"] = json!([{"name": "view", "path": "/srv/view", "link": "/usr/bin/view"}]);
            }
            more
        })
        .boxed()
}

fn divert() -> Given {
    (one(STATES), perhaps(&["LOCAL", "mine"]), perhaps(&["/srv/target.real"]), any::<bool>())
        .prop_map(|(state, holder, divert, force)| {
            let given = [("state", Some(state)), ("holder", holder), ("divert", divert)];
            arguments(given, json!({"path": "/srv/target", "rename": false, "force": force}))
        })
        .boxed()
}

fn firewalld() -> Given {
    let subject = either(vec![
        json!({"service": "http"}),
        json!({"port": "8080/tcp"}),
        json!({"source": "10.0.0.0/8"}),
        json!({"masquerade": true}),
        json!({"icmp_block": "echo-request"}),
        json!({"icmp_block_inversion": false}),
        json!({"rich_rule": "rule family=ipv4 accept"}),
        json!({"interface": "eth1", "zone": "dmz"}),
        json!({"port_forward": [{"port": 80, "proto": "tcp", "toport": 8080}]}),
    ]);
    (subject, one(&["enabled", "disabled"]), perhaps(&["dmz"]), any::<[bool; 2]>())
        .prop_map(|(subject, state, zone, [permanent, immediate])| {
            let mut more = arguments([("state", Some(state)), ("zone", zone)], subject);
            more["permanent"] = permanent.into();
            more["immediate"] = immediate.into();
            more
        })
        .boxed()
}

fn boolean() -> Given {
    (one(&["httpd_can_network_connect", "virt_use_nfs"]), any::<bool>())
        .prop_map(
            |(name, state)| json!({"name": name, "state": state, "persistent": true, "ignore_selinux_state": true}),
        )
        .boxed()
}

fn ports() -> Given {
    let ports = either(vec![json!("8080"), json!(["8080", "9000-9100"]), json!("80")]);
    (ports, one(&["http_port_t", "ssh_port_t"]), one(STATES), any::<[bool; 2]>())
        .prop_map(|(ports, kind, state, [reload, local])| {
            json!({
                "ports": ports, "proto": "tcp", "setype": kind, "state": state, "reload": reload, "local": local,
                "ignore_selinux_state": true,
            })
        })
        .boxed()
}

fn context() -> Given {
    let what = either(vec![
        json!({"setype": "httpd_sys_content_t"}),
        json!({"setype": "httpd_sys_content_t", "ftype": "d"}),
        json!({"setype": "var_log_t", "seuser": "staff_u", "selevel": "s0:c1"}),
        json!({"substitute": "/var/www"}),
    ]);
    (what, one(&["/srv/www(/.*)?", "/srv/log"]), one(STATES), any::<bool>())
        .prop_map(|(what, target, state, reload)| {
            let given = [("target", Some(target)), ("state", Some(state))];
            let mut more = arguments(given, what);
            more["reload"] = reload.into();
            more["ignore_selinux_state"] = true.into();
            more
        })
        .boxed()
}

fn snap() -> Given {
    let names = either(vec![json!("lxd"), json!("hello"), json!(["lxd", "hello"])]);
    let state = one(&["present", "absent", "enabled", "disabled"]);
    (names, state, perhaps(&["edge", "stable", "latest/candidate"]), any::<[bool; 2]>())
        .prop_map(|(names, state, channel, [classic, set])| {
            // Settings of a snap that was not there are set by the next run, in the original too.
            let set = (set && names == "lxd" && state == "present").then_some("daemon.debug=yes");
            let given = [("state", Some(state)), ("channel", channel), ("options", set)];
            arguments(given, json!({"name": names, "classic": classic}))
        })
        .boxed()
}

fn subscription() -> Given {
    let names =
        either(vec![json!("codeready"), json!("rhel-9-*"), json!(["codeready", "rhel-9-baseos"]), json!("none")]);
    (names, one(&["enabled", "disabled"]), any::<bool>())
        // With a pattern, what it has just enabled is purged again, in the original too.
        .prop_map(|(names, state, purge)| json!({"purge": purge && names != "rhel-9-*", "name": names, "state": state}))
        .boxed()
}

// With `latest` pip itself is asked each time, and its words tell whether it did anything.
fn pip() -> Given {
    (one(&["bottle", "six", "six==1.15", "six>=1.10,<2", "bottle|six"]), one(STATES))
        .prop_map(|(names, state)| json!({"name": names.split('|').collect::<Vec<_>>(), "state": state}))
        .boxed()
}

fn group() -> Given {
    let devices = either(vec![json!("/srv/target"), json!([FILE]), json!(["/srv/target", FILE])]);
    (one(&["old", "new"]), devices, one(STATES), any::<[bool; 3]>())
        .prop_map(|(name, devices, state, [force, exact, grow])| {
            let more = json!({"pvs": devices, "force": force, "remove_extra_pvs": exact, "pvresize": grow});
            arguments([("vg", Some(name)), ("state", Some(state))], more)
        })
        .boxed()
}

fn volume() -> Given {
    let size = perhaps(&["300m", "100", "2g", "50%VG", "25%VG"]);
    (one(&["root", "data"]), size, one(STATES), any::<[bool; 3]>())
        .prop_map(|(name, size, state, [force, shrink, active])| {
            // What is new is active, whatever is asked: the next run sees to that, in the original too.
            let active = active || name == "data";
            let given = [("lv", Some(name)), ("size", size), ("state", Some(state))];
            arguments(given, json!({"vg": "old", "force": force, "shrink": shrink, "active": active}))
        })
        .boxed()
}

fn without_the_file_s_text(stage: &mut Stage<Machine>) {
    stage.run("copy", json!({"dest": FILE, "content": "a device"})).expect("a device");
}

fn filesystem() -> Given {
    let kind = one(&["ext4", "xfs", "swap", "vfat"]);
    (one(&[FILE, "/srv/target"]), kind, one(STATES), any::<bool>())
        .prop_map(|(device, kind, state, resize)| {
            let resize = resize && kind == "ext4";
            let given =
                [("dev", Some(device)), ("state", Some(state)), ("fstype", (state == "present").then_some(kind))];
            arguments(given, json!({"resizefs": resize && state == "present"}))
        })
        .boxed()
}
