//! Random arguments of modules whose work is files of their own, and what has to be there before.

use super::lines::{FILE, arguments, mode, perhaps};
use super::town::Town;
use crate::roles::modules::files::stage::{Stage, Web};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

/// Arguments.
pub type Given = BoxedStrategy<Json>;

/// A module, its arguments, and what stands before it.
pub struct Case {
    pub module: &'static str,
    pub given: fn() -> Given,
    pub before: fn(&mut Stage<Town>),
}

fn nothing(_: &mut Stage<Town>) {}

fn one(values: &'static [&'static str]) -> impl Strategy<Value = &'static str> {
    prop::sample::select(values)
}

const STATES: &[&str] = &["present", "absent"];
const PLACES: &[&str] = &["/srv/new", FILE, "/srv/directory/new"];

pub const CASES: &[Case] = &[
    Case { module: "replace", given: replace, before: nothing },
    Case { module: "assemble", given: assemble, before: nothing },
    Case { module: "get_url", given: get_url, before: network },
    Case { module: "s3_object", given: s3_object, before: network },
    Case { module: "unarchive", given: unarchive, before: nothing },
    Case { module: "fetch", given: fetch, before: nothing },
    Case { module: "known_hosts", given: known_hosts, before: nothing },
    Case { module: "authorized_key", given: authorized_key, before: nothing },
    Case { module: "deb822_repository", given: deb822_repository, before: nothing },
    Case { module: "apt_repository", given: apt_repository, before: nothing },
    Case { module: "mount", given: mount, before: nothing },
    Case { module: "pamd", given: pamd, before: nothing },
    Case { module: "openssl_privatekey", given: privatekey, before: nothing },
    Case { module: "openssl_csr", given: csr, before: a_key },
    Case { module: "x509_certificate", given: certificate, before: a_request },
    Case { module: "openssh_keypair", given: keypair, before: nothing },
];

fn replace() -> Given {
    let pairs =
        [("^a ?=.*$", "a=3"), ("^# ?(a=1)$", r"\1"), ("^b=(x) y$", r"b=\g<1>"), ("$^nothing", "x"), ("one", "three")];
    let after = perhaps(&[r"\[one\]", "nowhere"]);
    (prop::sample::select(pairs.to_vec()), after, perhaps(&[r"\[two\]"]), mode())
        .prop_map(|((regexp, replace), after, before, mode)| {
            let given = [("after", after), ("before", before), ("mode", mode)];
            arguments(given, json!({"path": FILE, "regexp": regexp, "replace": replace}))
        })
        .boxed()
}

fn assemble() -> Given {
    (one(PLACES), perhaps(&["^[0-9]", "b$"]), perhaps(&["### next\\n"]), mode(), any::<bool>())
        .prop_map(|(dest, regexp, delimiter, mode, hidden)| {
            let given = [("dest", Some(dest)), ("regexp", regexp), ("delimiter", delimiter), ("mode", mode)];
            arguments(given, json!({"src": "/srv/parts", "ignore_hidden": hidden}))
        })
        .boxed()
}

fn network(stage: &mut Stage<Town>) {
    stage.remote = Box::new(Web::new([("https://e.example/a.txt", "one\n"), ("s3://b/k/a.txt", "two\n")]));
}

fn get_url() -> Given {
    // Of `one\n`.
    let sum = perhaps(&["sha1:c708d7ef841f7e1748436b8ef5670d0b2de1a227", "md5:5bbf5a52328e7439ae6e719dfe712200"]);
    (one(&["/srv/new", FILE, "/srv/directory"]), sum, mode(), any::<bool>())
        .prop_map(|(dest, checksum, mode, force)| {
            let given = [("dest", Some(dest)), ("checksum", checksum), ("mode", mode)];
            arguments(given, json!({"url": "https://e.example/a.txt", "force": force}))
        })
        .boxed()
}

fn s3_object() -> Given {
    (one(PLACES), perhaps(&["different", "always", "never"]))
        .prop_map(|(dest, overwrite)| {
            // What is always fetched counts as changed each time.
            let overwrite = overwrite.filter(|word| *word != "always");
            let given = [("dest", Some(dest)), ("overwrite", overwrite)];
            arguments(given, json!({"bucket": "b", "object": "k/a.txt", "mode": "get"}))
        })
        .boxed()
}

fn unarchive() -> Given {
    (one(&["/srv/directory", "/srv"]), mode(), any::<bool>())
        .prop_map(|(dest, mode, newer)| {
            let given = [("dest", Some(dest)), ("mode", mode)];
            arguments(given, json!({"src": "app.tar.gz", "keep_newer": newer}))
        })
        .boxed()
}

fn fetch() -> Given {
    (any::<bool>(), one(&["/srv/got", "/srv/directory/"]))
        .prop_map(|(flat, dest)| json!({"src": FILE, "dest": dest, "flat": flat}))
        .boxed()
}

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

fn privatekey() -> Given {
    (one(&["Ed25519", "X25519", "ECC"]), mode(), one(STATES), one(PLACES), any::<bool>())
        .prop_map(|(kind, mode, state, path, _)| {
            let curve = (kind == "ECC").then_some("secp256r1");
            let given =
                [("type", Some(kind)), ("curve", curve), ("mode", mode), ("state", Some(state)), ("path", Some(path))];
            arguments(given, json!({"force": false, "regenerate": "full_idempotence"}))
        })
        .boxed()
}

fn a_key(stage: &mut Stage<Town>) {
    stage.run("openssl_privatekey", json!({"path": "/srv/key.pem", "type": "Ed25519"})).expect("a key");
}

fn a_request(stage: &mut Stage<Town>) {
    a_key(stage);
    let given = json!({"path": "/srv/a.csr", "privatekey_path": "/srv/key.pem", "common_name": "a.example"});
    stage.run("openssl_csr", given).expect("a request");
}

fn csr() -> Given {
    let names =
        prop::option::of(prop::sample::select(vec![json!(["DNS:a.example", "IP:10.0.0.1"]), json!("DNS:b.example")]));
    (perhaps(&["a.example", "b"]), names, perhaps(&["digitalSignature"]), perhaps(&["Org & Co"]), mode(), one(STATES))
        .prop_map(|(common, names, usage, organization, mode, state)| {
            let given = [
                ("common_name", common),
                ("key_usage", usage),
                ("organization_name", organization),
                ("mode", mode),
                ("state", Some(state)),
            ];
            let mut more = json!({"path": "/srv/b.csr", "privatekey_path": "/srv/key.pem"});
            if let Some(names) = names {
                more["subject_alt_name"] = names;
            }
            arguments(given, more)
        })
        .boxed()
}

fn certificate() -> Given {
    (perhaps(&["+30d", "+3650d", "20400101000000Z"]), mode(), one(STATES), any::<bool>())
        .prop_map(|(after, mode, state, ignore)| {
            let given = [("selfsigned_not_after", after), ("mode", mode), ("state", Some(state))];
            let more = json!({
                "path": "/srv/a.crt", "provider": "selfsigned", "privatekey_path": "/srv/key.pem",
                "csr_path": "/srv/a.csr", "ignore_timestamps": ignore || after.is_none_or(|when| when.starts_with('+')),
            });
            arguments(given, more)
        })
        .boxed()
}

fn keypair() -> Given {
    (perhaps(&["me@here", ""]), mode(), one(STATES), one(PLACES))
        .prop_map(|(comment, mode, state, path)| {
            let given = [("comment", comment), ("mode", mode), ("state", Some(state)), ("path", Some(path))];
            arguments(given, json!({"type": "ed25519"}))
        })
        .boxed()
}
