//! Random arguments of modules whose work a program does: [`super::programs`] has these programs.

use super::random::{Case, Given, STATES, arguments, nothing, one, perhaps};
use proptest::prelude::*;
use serde_json::json;

pub const CASES: &[Case] = &[
    Case { module: "modprobe", given: modprobe, before: nothing },
    Case { module: "sysctl", given: sysctl, before: nothing },
    Case { module: "timezone", given: timezone, before: nothing },
    Case { module: "hostname", given: hostname, before: nothing },
    Case { module: "dpkg_selections", given: dpkg_selections, before: nothing },
    Case { module: "locale_gen", given: locale_gen, before: nothing },
    Case { module: "capabilities", given: capabilities, before: nothing },
    Case { module: "apt", given: apt, before: nothing },
    Case { module: "package", given: package, before: nothing },
    Case { module: "systemd_service", given: systemd, before: nothing },
    Case { module: "service", given: service, before: nothing },
    Case { module: "iptables", given: iptables, before: nothing },
    Case { module: "debconf", given: debconf, before: nothing },
];

fn modprobe() -> Given {
    (one(&["dummy", "br_netfilter", "ext4"]), one(STATES), perhaps(&["numdummies=2"]))
        .prop_map(|(name, state, params)| {
            arguments([("name", Some(name)), ("state", Some(state)), ("params", params)], json!({}))
        })
        .boxed()
}

fn sysctl() -> Given {
    (one(&["vm.swappiness", "net.ipv4.ip_forward", "kernel.new"]), one(&["0", "1", "10 20"]), one(STATES), any::<[bool; 2]>())
        .prop_map(|(name, value, state, [set, reload])| {
            json!({"name": name, "value": value, "state": state, "sysctl_set": set, "reload": reload})
        })
        .boxed()
}

fn timezone() -> Given {
    (perhaps(&["UTC", "Europe/Berlin"]), one(&["local", "UTC"]))
        .prop_map(|(name, hwclock)| arguments([("name", name), ("hwclock", Some(hwclock))], json!({})))
        .boxed()
}

fn hostname() -> Given {
    one(&["old", "web01", "web01.example.com"]).prop_map(|name| json!({"name": name, "use": "systemd"})).boxed()
}

fn dpkg_selections() -> Given {
    (one(&["nginx", "curl"]), one(&["install", "hold"]))
        .prop_map(|(name, selection)| json!({"name": name, "selection": selection}))
        .boxed()
}

fn locale_gen() -> Given {
    (one(&["en_US.UTF-8", "de_CH.UTF-8"]), one(STATES))
        .prop_map(|(name, state)| json!({"name": name, "state": state}))
        .boxed()
}

fn capabilities() -> Given {
    let capability = one(&["cap_net_raw+ep", "cap_chown=i", "cap_net_admin+p"]);
    (one(&["/bin/a", "/bin/b"]), capability, one(STATES))
        .prop_map(|(path, capability, state)| json!({"path": path, "capability": capability, "state": state}))
        .boxed()
}

fn apt() -> Given {
    (one(&["nginx", "curl", "new", "new=2.0"]), one(STATES), any::<[bool; 2]>())
        .prop_map(|(name, state, [purge, recommends])| {
            json!({"name": name, "state": state, "purge": purge && state == "absent", "install_recommends": recommends})
        })
        .boxed()
}

fn package() -> Given {
    (one(&["nginx", "new"]), one(STATES))
        .prop_map(|(name, state)| json!({"name": name, "state": state, "use": "apt"}))
        .boxed()
}

fn systemd() -> Given {
    (one(&["web", "old.service"]), perhaps(&["started", "stopped"]), prop::option::of(any::<bool>()), any::<bool>())
        .prop_map(|(name, state, enabled, masked)| {
            let mut more = json!({"name": name});
            // A unit that is masked can neither be enabled nor started.
            if masked && state.is_none() {
                more["masked"] = json!(true);
            } else if let Some(enabled) = enabled {
                more["enabled"] = json!(enabled);
            }
            arguments([("state", state)], more)
        })
        .boxed()
}

fn service() -> Given {
    (one(&["web", "old"]), one(&["started", "stopped"]), any::<bool>())
        .prop_map(|(name, state, enabled)| json!({"name": name, "state": state, "enabled": enabled}))
        .boxed()
}

fn iptables() -> Given {
    let rule = (
        one(&["INPUT", "FORWARD"]),
        one(STATES),
        one(&["append", "insert"]),
        perhaps(&["tcp", "udp"]),
        perhaps(&["22", "80:90"]),
    );
    let rules = rule.prop_map(|(chain, state, action, protocol, port)| {
        let port = port.filter(|_| protocol.is_some());
        let given = [
            ("chain", Some(chain)),
            ("state", Some(state)),
            ("action", Some(action)),
            ("protocol", protocol),
            ("destination_port", port),
        ];
        arguments(given, json!({"jump": "ACCEPT"}))
    });
    let policies = one(&["ACCEPT", "DROP"]).prop_map(|policy| json!({"chain": "INPUT", "policy": policy}));
    prop_oneof![3 => rules, 1 => policies].boxed()
}

fn debconf() -> Given {
    let answers = prop_oneof![
        one(&["a", "b c"]).prop_map(|value| ("pkg/text", "string", json!(value))),
        any::<bool>().prop_map(|value| ("pkg/yes", "boolean", json!(value))),
        one(&["x", "y"]).prop_map(|value| ("pkg/one", "select", json!(value))),
    ];
    answers
        .prop_map(|(question, kind, value)| json!({"name": "pkg", "question": question, "vtype": kind, "value": value}))
        .boxed()
}
