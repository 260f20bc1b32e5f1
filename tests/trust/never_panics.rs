//! Parsers of outside bytes never panic: on random bytes, and on valid documents with something changed.

use crate::attacks::{Scene, by_key, ci};
use crate::instance::{Key, Log, Recipe};
use muster::trust::sigstore::{Proof, Signer, Subject, documents};
use muster::trust::strict::strict;
use muster::trust::{TrustRoot, Untrusted, manifest};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::sync::LazyLock;

/// Bundles of each kind, as text, with an instance that believes them.
static VALID: LazyLock<(Scene, Key, Vec<String>)> = LazyLock::new(|| {
    let (scene, key) = (Scene::new(), Key::new());
    let statement = json!({
        "_type": "https://in-toto.io/Statement/v1", "predicateType": "https://example.test/p", "predicate": {"a": [1]},
        "subject": [{"name": "release", "digest": {"sha256": sigstore_crypto::sha256(b"release").to_hex()}}],
    });
    let bundles = [
        Recipe::default(),
        Recipe { log: Log::Two, stamped: Some(0), ..Recipe::default() },
        Recipe { statement: Some(statement), ..Recipe::default() },
        Recipe { key: Some(&key), log: Log::None, ..Recipe::default() },
    ];
    let bundles = bundles.iter().map(|recipe| scene.ours.bundle(recipe).to_string()).collect();
    (scene, key, bundles)
});

/// Every value of a document, by its pointer.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(name, member)| places(member, &format!("{at}/{name}"), found))
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| places(item, &format!("{at}/{index}"), found));
        }
        _ => {}
    }
}

fn strange() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<i64>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        "[A-Za-z0-9+/=]{0,80}".prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
        Just(json!([])),
        Just(json!({})),
    ]
}

/// What is altered must not verify as it did, unless what was altered is not signed; either way nothing panics.
fn judged(bytes: &[u8]) {
    let (scene, key, _) = &*VALID;
    let bare = Signer { proof: Proof::None, ..by_key(key) };
    for signer in [ci(), Signer { proof: Proof::Timestamp, ..ci() }, bare] {
        let _ = scene.bytes(bytes, b"release", &signer);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..2048)) {
        let _ = documents(&Untrusted::new(bytes.clone()));
        let _ = strict(&bytes, 4096);
        let _ = manifest::subject(Untrusted::new(bytes.clone()));
        let _ = Subject::bytes(Untrusted::new(bytes));
    }

    #[test]
    fn bundles_with_changed_bytes(which in 0_usize..4, changes in proptest::collection::vec((any::<usize>(), any::<u8>()), 1..6)) {
        let mut bytes = VALID.2[which].clone().into_bytes();
        for (at, byte) in changes {
            let at = at % bytes.len();
            bytes[at] = byte;
        }
        judged(&bytes);
    }

    #[test]
    fn bundles_with_changed_values(which in 0_usize..4, at in any::<usize>(), value in strange()) {
        let mut bundle: Value = serde_json::from_str(&VALID.2[which]).expect("JSON");
        let mut all = Vec::new();
        places(&bundle, "", &mut all);
        *bundle.pointer_mut(&all[at % all.len()]).expect("a place") = value;
        judged(bundle.to_string().as_bytes());
    }

    #[test]
    fn bundles_with_changed_bits_inside(which in 0_usize..4, at in any::<usize>(), bit in any::<usize>()) {
        use base64::Engine;
        use base64::engine::general_purpose::STANDARD;
        let mut bundle: Value = serde_json::from_str(&VALID.2[which]).expect("JSON");
        let mut all = Vec::new();
        places(&bundle, "", &mut all);
        // Certificates, timestamps, entries and signatures are base64: their own bits are changed.
        let inner = |place: &&String| {
            let text = bundle.pointer(place).and_then(Value::as_str);
            text.filter(|text| text.len() > 40).is_some_and(|text| STANDARD.decode(text).is_ok())
        };
        let inner: Vec<&String> = all.iter().filter(inner).collect();
        let place = inner[at % inner.len()];
        let mut bytes = STANDARD.decode(bundle.pointer(place).and_then(Value::as_str).expect("text")).expect("base64");
        let bit = bit % (bytes.len() * 8);
        bytes[bit / 8] ^= 1 << (bit % 8);
        *bundle.pointer_mut(place).expect("a place") = STANDARD.encode(bytes).into();
        judged(bundle.to_string().as_bytes());
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "tests set the stage")]
    fn files_of_a_realm(name in prop_oneof![
        Just("policy.yaml"), Just("allowed_signers"), Just("revoked_keys"), Just("known_hosts"), Just("trusted_root.json"),
        Just("keys/a.pem"), Just("root.json"),
    ], text in prop_oneof![
        ".{0,200}",
        "(signers|rules|all|any|threshold|of|key|identity|[a-z]{1,4}|[:{}\\[\\],\"'&*! \n-]|[0-9]){0,60}",
    ]) {
        let scratch = tempfile::tempdir().expect("scratch");
        let path = scratch.path().join("prod").join(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        std::fs::write(path, text).expect("a file");
        let _ = TrustRoot::read(scratch.path());
    }
}
