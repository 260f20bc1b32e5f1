//! Who must have signed: all, any, so many, each once, for this application in this channel.

use super::{Realm, statement};
use crate::instance::{Key, Log, Recipe};
use muster::trust::policy::PolicyError;
use muster::trust::sigstore::SigstoreError;
use serde_json::json;

/// The sample: production wants both, canaries one.
const BOTH: &str = r#"
rules:
  - {applications: [shop], channels: [stable], signatures: {all: [kms, ci]}}
  - {applications: [shop], channels: [canary], signatures: {any: [kms, ci, security]}}
"#;

#[test]
fn one_signature_of_two() {
    let realm = Realm::new(BOTH);
    let (kms, ci) = (realm.by_kms(b"release"), realm.by_ci(b"release"));
    let approved = realm.approve(&[kms.clone(), ci.clone()]).expect("the benign twin");
    assert_eq!((approved.rule, approved.signatures.len()), (1, 2));
    for alone in [kms, ci] {
        let refusal = realm.approve(&[alone]).expect_err("refused");
        assert!(matches!(refusal, PolicyError::Quorum { .. }), "{refusal:?}");
    }
}

#[test]
fn one_signature_twice() {
    let realm = Realm::new(BOTH);
    realm.approve(&[realm.by_kms(b"release"), realm.by_ci(b"release")]).expect("the benign twin");
    let refusal = realm.approve(&[realm.by_ci(b"release"), realm.by_ci(b"release")]).expect_err("refused");
    assert!(matches!(refusal, PolicyError::Quorum { .. }), "{refusal:?}");
}

#[test]
fn a_signature_of_another_artifact_beside_a_good_one() {
    let realm = Realm::new(BOTH);
    realm.approve(&[realm.by_kms(b"release"), realm.by_ci(b"release")]).expect("the benign twin");
    let refusal = realm.approve(&[realm.by_kms(b"release"), realm.by_ci(b"another")]).expect_err("refused");
    let tried = refusal.attempts().iter().map(|attempt| &attempt.error);
    assert!(tried.into_iter().any(|error| matches!(error, SigstoreError::Artifact(_))), "{refusal:?}");
}

#[test]
fn a_good_signature_by_the_wrong_identity() {
    let realm = Realm::new(BOTH);
    realm.approve(&[realm.by_kms(b"release"), realm.by_ci(b"release")]).expect("the benign twin");
    let fork = Recipe {
        identities: vec!["https://github.com/evil/shop/.github/workflows/release.yml@refs/heads/main".into()],
        ..Recipe::default()
    };
    let refusal = realm.approve(&[realm.by_kms(b"release"), realm.scene.ours.bundle(&fork)]).expect_err("refused");
    let tried = refusal.attempts().iter().map(|attempt| &attempt.error);
    assert!(tried.into_iter().any(|error| matches!(error, SigstoreError::Identity { .. })), "{refusal:?}");
}

#[test]
fn a_canary_s_signature_for_production() {
    let realm = Realm::new(BOTH);
    let one = [realm.by_kms(b"release")];
    realm.approve_as("shop", "canary", &one).expect("the benign twin");
    let refusal = realm.approve_as("shop", "stable", &one).expect_err("refused");
    assert!(matches!(refusal, PolicyError::Quorum { rule: 1, .. }), "{refusal:?}");
}

#[test]
fn an_application_without_a_rule() {
    let realm = Realm::new(BOTH);
    let both = [realm.by_kms(b"release"), realm.by_ci(b"release")];
    realm.approve(&both).expect("the benign twin");
    let refusal = realm.approve_as("billing", "stable", &both).expect_err("refused");
    assert!(matches!(refusal, PolicyError::NoRule { .. }), "{refusal:?}");
}

#[test]
fn a_channel_without_a_rule() {
    let realm = Realm::new(BOTH);
    let both = [realm.by_kms(b"release"), realm.by_ci(b"release")];
    realm.approve(&both).expect("the benign twin");
    let refusal = realm.approve_as("shop", "stable2", &both).expect_err("refused");
    assert!(matches!(refusal, PolicyError::NoRule { .. }), "{refusal:?}");
}

#[test]
fn no_bundle_at_all() {
    let realm = Realm::new(BOTH);
    realm.approve(&[realm.by_kms(b"release"), realm.by_ci(b"release")]).expect("the benign twin");
    let refusal = realm.approve(&[]).expect_err("refused");
    assert!(matches!(refusal, PolicyError::Quorum { .. }), "{refusal:?}");
}

/// cosign's own statement is a signature; any other statement is not, whoever signed it.
#[test]
fn an_attestation_in_place_of_a_signature() {
    let realm = Realm::new(BOTH);
    let kms = realm.by_kms(b"release");
    let image = realm.said("https://sigstore.dev/cosign/sign/v1", json!({}));
    realm.approve(&[kms.clone(), image]).expect("the benign twin");
    let refusal = realm.approve(&[kms, realm.said("https://spdx.dev/Document", json!({}))]).expect_err("refused");
    assert!(matches!(refusal, PolicyError::Quorum { .. }), "{refusal:?}");
}

#[test]
fn another_key_in_the_key_s_place() {
    let realm = Realm::new(BOTH);
    let ci = realm.by_ci(b"release");
    realm.approve(&[realm.by_kms(b"release"), ci.clone()]).expect("the benign twin");
    let stranger = Key::new();
    let forged = Recipe { key: Some(&stranger), log: Log::None, ..Recipe::default() };
    let refusal = realm.approve(&[realm.scene.ours.bundle(&forged), ci]).expect_err("refused");
    let tried = refusal.attempts().iter().map(|attempt| &attempt.error);
    assert!(tried.into_iter().any(|error| matches!(error, SigstoreError::Signature(_))), "{refusal:?}");
}

const THRESHOLD: &str = r#"
rules:
  - {applications: [shop], channels: [stable], signatures: {threshold: 2, of: [kms, ci, security]}}
"#;

#[test]
fn fewer_than_the_threshold() {
    let realm = Realm::new(THRESHOLD);
    let security = Recipe {
        identities: vec!["security@acme.test".into()],
        issuer: "https://accounts.acme.test".into(),
        ..Recipe::default()
    };
    let security = realm.scene.ours.bundle(&security);
    realm.approve(&[realm.by_kms(b"release"), security.clone()]).expect("the benign twin");
    let refusal = realm.approve(&[security.clone(), security]).expect_err("refused");
    assert!(matches!(refusal, PolicyError::Quorum { .. }), "{refusal:?}");
}

#[test]
fn a_statement_about_something_else_as_a_signature() {
    let realm = Realm::new(BOTH);
    let kms = realm.by_kms(b"release");
    let said = |digest: &str| {
        let mut said = statement("https://sigstore.dev/cosign/sign/v1", json!({}));
        said["subject"][0]["digest"]["sha256"] = digest.into();
        realm.scene.ours.bundle(&Recipe { statement: Some(said), ..Recipe::default() })
    };
    realm.approve(&[kms.clone(), said(&sigstore_crypto::sha256(b"release").to_hex())]).expect("the benign twin");
    let refusal = realm.approve(&[kms, said(&sigstore_crypto::sha256(b"another").to_hex())]).expect_err("refused");
    let tried = refusal.attempts().iter().map(|attempt| &attempt.error);
    assert!(tried.into_iter().any(|error| matches!(error, SigstoreError::Artifact(_))), "{refusal:?}");
}
