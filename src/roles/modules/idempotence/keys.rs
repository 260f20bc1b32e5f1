//! Random arguments of modules that make keys and certificates.

use super::machine::Machine;
use super::random::{Case, Given, PLACES, STATES, arguments, mode, nothing, one, perhaps};
use crate::roles::modules::files::stage::Stage;
use proptest::prelude::*;
use serde_json::json;

pub const CASES: &[Case] = &[
    Case { module: "openssl_privatekey", given: privatekey, before: nothing },
    Case { module: "openssl_csr", given: csr, before: a_key },
    Case { module: "x509_certificate", given: certificate, before: a_request },
    Case { module: "openssh_keypair", given: keypair, before: nothing },
];

fn privatekey() -> Given {
    (one(&["Ed25519", "X25519", "ECC"]), mode(), one(STATES), one(PLACES))
        .prop_map(|(kind, mode, state, path)| {
            let curve = (kind == "ECC").then_some("secp256r1");
            let given =
                [("type", Some(kind)), ("curve", curve), ("mode", mode), ("state", Some(state)), ("path", Some(path))];
            arguments(given, json!({"force": false, "regenerate": "full_idempotence"}))
        })
        .boxed()
}

fn a_key(stage: &mut Stage<Machine>) {
    stage.run("openssl_privatekey", json!({"path": "/srv/key.pem", "type": "Ed25519"})).expect("a key");
}

fn a_request(stage: &mut Stage<Machine>) {
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
