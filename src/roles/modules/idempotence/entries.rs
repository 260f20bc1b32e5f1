//! Random arguments of modules whose work is an entry in a file that they know.

use super::random::{Case, Given, STATES, arguments, mode, nothing, one, perhaps};
use proptest::prelude::*;
use serde_json::json;

pub const CASES: &[Case] = &[
    Case { module: "known_hosts", given: known_hosts, before: nothing },
    Case { module: "authorized_key", given: authorized_key, before: nothing },
    Case { module: "deb822_repository", given: deb822_repository, before: nothing },
    Case { module: "apt_repository", given: apt_repository, before: nothing },
    Case { module: "mount", given: mount, before: nothing },
    Case { module: "pamd", given: pamd, before: nothing },
];

fn known_hosts() -> Given {
    let key = one(&["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA==", "ssh-rsa AAAAB3NzaC1yc2E="]);
    (one(&["a.example", "[b.example]:2222"]), key, one(STATES), one(&["/root/.ssh/known_hosts", "/srv/hosts"]))
        .prop_map(|(name, key, state, path)| {
            json!({"name": name, "key": format!("{name} {key}"), "state": state, "path": path})
        })
        .boxed()
}

fn authorized_key() -> Given {
    let key = one(&[
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA== me",
        "ssh-rsa AAAAB3NzaC1yc2E=\nssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB== two words",
        "from=\"10.0.0.1\" ssh-rsa AAAAB3NzaC1yc2E= opt",
    ]);
    (key, one(STATES), any::<bool>(), perhaps(&["no-pty,command=\"/bin/a b\""]), perhaps(&["a comment"]))
        .prop_map(|(key, state, exclusive, options, comment)| {
            let given = [("key", Some(key)), ("state", Some(state)), ("key_options", options), ("comment", comment)];
            arguments(given, json!({"user": "root", "path": "/srv/keys", "manage_dir": false, "exclusive": exclusive}))
        })
        .boxed()
}

fn deb822_repository() -> Given {
    (one(STATES), perhaps(&["amd64", "arm64"]), any::<[bool; 2]>(), mode())
        .prop_map(|(state, architecture, [enabled, both], mode)| {
            let suites = if both { json!(["stable", "testing"]) } else { json!("stable") };
            let given = [("state", Some(state)), ("architectures", architecture), ("mode", mode)];
            let more = json!({
                "name": "r", "types": "deb", "uris": "https://e.example/debian", "suites": suites,
                "components": "main", "enabled": enabled,
            });
            arguments(given, more)
        })
        .boxed()
}

fn apt_repository() -> Given {
    let repo = one(&[
        "deb http://e.example/debian stable main",
        "deb [arch=amd64 signed-by=/k.gpg] https://e.example/x ./",
        "deb-src http://e.example/debian stable main contrib",
    ]);
    (repo, one(STATES), perhaps(&["mine", "other"]), perhaps(&["0644", "0600"]))
        .prop_map(|(repo, state, filename, mode)| {
            let given = [("repo", Some(repo)), ("state", Some(state)), ("filename", filename), ("mode", mode)];
            arguments(given, json!({"update_cache": false}))
        })
        .boxed()
}

fn mount() -> Given {
    let opts = perhaps(&["ro,noatime", "defaults"]);
    (one(&["present", "absent_from_fstab"]), one(&["/srv", "/mnt/a b"]), opts, any::<bool>(), perhaps(&["1", "2"]))
        .prop_map(|(state, path, opts, boot, passno)| {
            let given = [("state", Some(state)), ("path", Some(path)), ("opts", opts), ("passno", passno)];
            arguments(given, json!({"src": "LABEL=data", "fstype": "ext4", "boot": boot}))
        })
        .boxed()
}

fn pamd() -> Given {
    let state = one(&["updated", "absent", "args_present", "args_absent", "before", "after"]);
    let rule = prop::sample::select(vec![
        ("auth", "required", "pam_env.so"),
        ("auth", "[success=1 default=ignore]", "pam_unix.so"),
        ("session", "optional", "pam_umask.so"),
    ]);
    (state, rule, perhaps(&["sufficient", "requisite"]), perhaps(&["debug", "umask=0077"]))
        .prop_map(|(state, (kind, control, module), new, argument)| {
            let beside = matches!(state, "before" | "after");
            let given = [
                ("state", Some(state)),
                ("type", Some(kind)),
                ("control", Some(control)),
                ("module_path", Some(module)),
                ("module_arguments", argument),
                ("new_type", beside.then_some("auth")),
                ("new_module_path", beside.then_some("pam_faillock.so")),
                // A rule whose control is another one is not found again.
                ("new_control", if beside { new.or(Some("required")) } else { None }),
            ];
            arguments(given, json!({"name": "common"}))
        })
        .boxed()
}
