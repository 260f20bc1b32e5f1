//! Keys that KMS holds and that are not on a curve, and keys that were withdrawn.
#![expect(clippy::disallowed_methods, reason = "tests set the stage")]

use super::{Scene, by_key};
use crate::instance::{Key, Log, Recipe, base64};
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding};
use muster::trust::TrustRoot;
use muster::trust::sigstore::{Proof, ReleaseKey, Signer, SigstoreError};
use serde_json::{Value, json};

fn rsa(size: KeySize) -> (KeyPair, String) {
    let pair = KeyPair::generate(size).expect("a key");
    let der = pair.public_key().as_der().expect("its public half").as_ref().to_vec();
    (pair, sigstore_types::DerPublicKey::new(der).to_pem())
}

fn bundle(pair: &KeyPair, scheme: &'static dyn RsaEncoding, artifact: &[u8]) -> Value {
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(scheme, &SystemRandom::new(), artifact, &mut signature).expect("a signature");
    json!({
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": {"publicKey": {"hint": ""}},
        "messageSignature": {"signature": base64(&signature)},
    })
}

#[test]
fn an_rsa_signature_over_something_else() {
    let scene = Scene::new();
    let (pair, pem) = rsa(KeySize::Rsa3072);
    let signer = Signer { proof: Proof::None, ..Signer::key(ReleaseKey::from_pem("kms", &pem).expect("a key")) };
    for scheme in [&RSA_PKCS1_SHA256 as &'static dyn RsaEncoding, &RSA_PSS_SHA256] {
        let bundle = bundle(&pair, scheme, b"release");
        scene.judge(&bundle, b"release", &signer).expect("the benign twin");
        let refusal = scene.judge(&bundle, b"releasf", &signer).expect_err("refused");
        assert!(matches!(refusal, SigstoreError::Signature(_)), "{refusal:?}");
    }
    let (other, _) = rsa(KeySize::Rsa3072);
    let refusal =
        scene.judge(&bundle(&other, &RSA_PKCS1_SHA256, b"release"), b"release", &signer).expect_err("refused");
    assert!(matches!(refusal, SigstoreError::Signature(_)), "{refusal:?}");
}

/// In a realm: what a key that was withdrawn has signed is not believed, with or without a policy's rules.
#[test]
fn a_key_that_was_withdrawn() {
    let scratch = tempfile::tempdir().expect("scratch");
    let write = |name: &str, text: &str| {
        let path = scratch.path().join("prod").join(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        std::fs::write(path, text).expect("a file");
    };
    let (scene, kms, other) = (Scene::new(), Key::new(), Key::new());
    write("keys/kms.pem", &kms.pem());
    write("keys/other.pem", &other.pem());
    let bundle = |key: &Key| scene.ours.bundle(&Recipe { key: Some(key), log: Log::None, ..Recipe::default() });
    let judge = |key: &Key| {
        let root = TrustRoot::read(scratch.path()).expect("a trust root");
        let found = root.realms[0].releases.keys.iter().find(|one| one.fingerprint() == by_fingerprint(key));
        let signer = Signer { proof: Proof::None, ..Signer::key(found.expect("the key").clone()) };
        scene.judge(&bundle(key), b"release", &signer)
    };
    judge(&kms).expect("the benign twin");
    for line in
        [format!("sha256:{}\n", by_fingerprint(&kms)), format!("SHA256:{}\n", base64(&kms.id()).trim_end_matches('='))]
    {
        write("revoked_keys", &line);
        let refusal = judge(&kms).expect_err("refused");
        assert!(matches!(&refusal, SigstoreError::Revoked { name, .. } if name == "kms"), "{refusal:?}");
        judge(&other).expect("another key is no worse for it");
    }
    write("revoked_keys", "sha256:00\n");
    assert!(TrustRoot::read(scratch.path()).is_err(), "a fingerprint that is none");
    assert!(by_key(&kms).name == "kms");
}

fn by_fingerprint(key: &Key) -> String {
    hex::encode(key.id())
}
