//! Signatures: over other bytes, by another key, of another kind, or used for what they were not made for.

use super::{Scene, attack, by_key, ci, tamper};
use crate::instance::{Key, Log, Recipe, base64};
use muster::trust::sigstore::{Proof, Signer, SigstoreError};
use serde_json::{Value, json};

fn statement(artifact: &[u8]) -> Value {
    json!({
        "_type": "https://in-toto.io/Statement/v1", "predicateType": "https://example.test/p", "predicate": {},
        "subject": [{"name": "release", "digest": {"sha256": sigstore_crypto::sha256(artifact).to_hex()}}],
    })
}

fn attestation() -> Recipe<'static> {
    Recipe { statement: Some(statement(b"release")), ..Recipe::default() }
}

#[test]
fn an_artifact_with_a_changed_byte() {
    let scene = Scene::new();
    let bundle = scene.ours.bundle(&Recipe::default());
    scene.judge(&bundle, b"release", &ci()).expect("the benign twin");
    let refusal = scene.judge(&bundle, b"releasE", &ci()).expect_err("refused");
    assert!(matches!(refusal, SigstoreError::Artifact(_)), "{refusal:?}");
}

#[test]
fn an_artifact_that_goes_on() {
    let scene = Scene::new();
    let bundle = scene.ours.bundle(&Recipe::default());
    scene.judge(&bundle, b"release", &ci()).expect("the benign twin");
    let refusal = scene.judge(&bundle, b"release\n", &ci()).expect_err("refused");
    assert!(matches!(refusal, SigstoreError::Artifact(_)), "{refusal:?}");
}

tamper!(
    a_digest_of_another_artifact,
    ci(),
    Recipe::default(),
    |bundle, scene| {
        bundle["messageSignature"]["messageDigest"]["digest"] = sigstore_crypto::sha256(b"another").to_base64().into();
    },
    SigstoreError::Artifact(_)
);

tamper!(
    a_signature_of_another_bundle,
    ci(),
    Recipe::default(),
    |bundle, scene| {
        let other = scene.ours.bundle(&Recipe::default());
        bundle["messageSignature"]["signature"] = other["messageSignature"]["signature"].clone();
    },
    SigstoreError::Signature(_)
);

tamper!(
    a_signature_that_is_empty,
    ci(),
    Recipe::default(),
    |bundle, scene| {
        bundle["messageSignature"]["signature"] = "".into();
    },
    SigstoreError::Signature(_)
);

tamper!(
    a_signature_that_is_not_base64,
    ci(),
    Recipe::default(),
    |bundle, scene| {
        bundle["messageSignature"]["signature"] = "!!!".into();
    },
    SigstoreError::Shape(_)
);

tamper!(
    an_envelope_whose_payload_was_altered,
    ci(),
    attestation(),
    |bundle, scene| {
        let mut said = statement(b"release");
        said["predicate"] = json!({"ok": true});
        bundle["dsseEnvelope"]["payload"] = base64(said.to_string().as_bytes()).into();
    },
    SigstoreError::Signature(_)
);

// TOB-SIGSTORE: of several signatures one was judged.
tamper!(
    an_envelope_of_two_signatures,
    ci(),
    attestation(),
    |bundle, scene| {
        let signatures = bundle["dsseEnvelope"]["signatures"].as_array_mut().expect("signatures");
        signatures.push(signatures[0].clone());
    },
    SigstoreError::Shape(_)
);

tamper!(
    an_envelope_of_no_signature,
    ci(),
    attestation(),
    |bundle, scene| {
        bundle["dsseEnvelope"]["signatures"] = json!([]);
    },
    SigstoreError::Shape(_)
);

tamper!(
    an_envelope_relabelled,
    ci(),
    attestation(),
    |bundle, scene| {
        bundle["dsseEnvelope"]["payloadType"] = "text/plain".into();
    },
    SigstoreError::Statement(_)
);

attack!(
    an_envelope_of_another_type,
    ci(),
    attestation(),
    |recipe, scene| {
        recipe.payload_type = "application/vnd.in-toto.provenance+json";
    },
    SigstoreError::Statement(_)
);

attack!(
    a_statement_about_another_artifact,
    ci(),
    attestation(),
    |recipe, scene| {
        recipe.statement = Some(statement(b"another"));
    },
    SigstoreError::Artifact(_)
);

/// A key signs artifacts and attestations alike: the signed bytes of an attestation are no artifact.
#[test]
fn an_attestation_s_signature_shown_as_an_artifact_s() {
    let (scene, key) = (Scene::new(), Key::new());
    let signer = Signer { proof: Proof::None, ..by_key(&key) };
    let pae = sigstore_types::pae("application/vnd.in-toto+json", statement(b"release").to_string().as_bytes());
    let recipe =
        |artifact: &[u8]| Recipe { key: Some(&key), log: Log::None, artifact: artifact.to_vec(), ..Recipe::default() };
    scene.recipe(&recipe(b"release"), &signer).expect("the benign twin");
    let refusal = scene.recipe(&recipe(&pae), &signer).expect_err("refused");
    assert!(matches!(refusal, SigstoreError::CrossUse), "{refusal:?}");
}

#[test]
fn a_key_that_is_not_ours() {
    let (scene, key, other) = (Scene::new(), Key::new(), Key::new());
    let recipe = Recipe { key: Some(&key), ..Recipe::default() };
    scene.recipe(&recipe, &by_key(&key)).expect("the benign twin");
    let refusal = scene.recipe(&recipe, &by_key(&other)).expect_err("refused");
    assert!(matches!(refusal, SigstoreError::Signature(_)), "{refusal:?}");
}

#[test]
fn a_bare_key_that_is_not_ours() {
    let (scene, key, other) = (Scene::new(), Key::new(), Key::new());
    let recipe = Recipe { key: Some(&key), log: Log::None, ..Recipe::default() };
    let bare = |key: &Key| Signer { proof: Proof::None, ..by_key(key) };
    scene.recipe(&recipe, &bare(&key)).expect("the benign twin");
    let refusal = scene.recipe(&recipe, &bare(&other)).expect_err("refused");
    assert!(matches!(refusal, SigstoreError::Signature(_)), "{refusal:?}");
}

#[test]
fn a_bare_key_where_a_log_is_wanted() {
    let (scene, key) = (Scene::new(), Key::new());
    let recipe = Recipe { key: Some(&key), log: Log::None, ..Recipe::default() };
    scene.recipe(&recipe, &Signer { proof: Proof::None, ..by_key(&key) }).expect("the benign twin");
    let refusal = scene.recipe(&recipe, &by_key(&key)).expect_err("refused");
    assert!(matches!(refusal, SigstoreError::Unproven(Proof::Log)), "{refusal:?}");
}

#[test]
fn a_stamp_where_a_log_is_wanted() {
    let (scene, key) = (Scene::new(), Key::new());
    let recipe = Recipe { key: Some(&key), log: Log::None, stamped: Some(0), ..Recipe::default() };
    scene.recipe(&recipe, &Signer { proof: Proof::Timestamp, ..by_key(&key) }).expect("the benign twin");
    let refusal = scene.recipe(&recipe, &by_key(&key)).expect_err("refused");
    assert!(matches!(refusal, SigstoreError::Unproven(Proof::Log)), "{refusal:?}");
}

#[test]
fn a_certificate_where_a_key_is_wanted() {
    let (scene, key) = (Scene::new(), Key::new());
    scene.recipe(&Recipe { key: Some(&key), ..Recipe::default() }, &by_key(&key)).expect("the benign twin");
    let refusal = scene.recipe(&Recipe::default(), &by_key(&key)).expect_err("refused");
    assert!(matches!(refusal, SigstoreError::Kind { .. }), "{refusal:?}");
}

#[test]
fn a_key_where_a_certificate_is_wanted() {
    let (scene, key) = (Scene::new(), Key::new());
    scene.recipe(&Recipe::default(), &ci()).expect("the benign twin");
    let refusal = scene.recipe(&Recipe { key: Some(&key), ..Recipe::default() }, &ci()).expect_err("refused");
    assert!(matches!(refusal, SigstoreError::Kind { .. }), "{refusal:?}");
}

#[test]
fn a_bare_attestation_with_a_changed_payload() {
    let (scene, key) = (Scene::new(), Key::new());
    let signer = Signer { proof: Proof::None, ..by_key(&key) };
    let recipe = Recipe { key: Some(&key), log: Log::None, ..attestation() };
    let mut bundle = scene.ours.bundle(&recipe);
    scene.judge(&bundle, b"release", &signer).expect("the benign twin");
    let mut said = statement(b"release");
    said["predicateType"] = "https://slsa.dev/provenance/v1".into();
    bundle["dsseEnvelope"]["payload"] = base64(said.to_string().as_bytes()).into();
    let refusal = scene.judge(&bundle, b"release", &signer).expect_err("refused");
    assert!(matches!(refusal, SigstoreError::Signature(_)), "{refusal:?}");
}
