//! Bundles made here without a log, and the conformance suite's with one.

use super::*;
use sigstore_crypto::KeyPair;

fn keypair() -> (KeyPair, ReleaseKey) {
    let pair = KeyPair::generate_ecdsa_p256().expect("key");
    let pem = pair.public_key_der().expect("public").to_pem();
    (pair, ReleaseKey::from_pem("kms", &pem).expect("accepted"))
}

fn sign(pair: &KeyPair, artifact: &[u8]) -> Vec<u8> {
    let signature = pair.sign(artifact).expect("signature").to_base64();
    let digest = sigstore_crypto::sha256(artifact).to_base64();
    serde_json::json!({
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": {"publicKey": {"hint": ""}},
        "messageSignature": {
            "messageDigest": {"algorithm": "SHA2_256", "digest": digest},
            "signature": signature,
        },
    })
    .to_string()
    .into_bytes()
}

fn judge(artifact: &[u8], bundle: &[u8], policy: &BundlePolicy) -> Result<Verified<Signed>, BundleError> {
    verify_bundle(Untrusted::new(artifact.to_vec()), &Untrusted::new(bundle.to_vec()), policy)
}

#[test]
fn an_unlogged_bundle_passes_only_for_a_key_that_may_go_without() {
    let (pair, key) = keypair();
    let bundle = sign(&pair, b"release");
    let open = BundlePolicy { keys: vec![key.clone()], unlogged: vec!["kms".into()], ..BundlePolicy::default() };
    let signed = judge(b"release", &bundle, &open).expect("verified").into_inner();
    assert_eq!((signed.bytes.as_slice(), signed.key.as_str(), signed.logged), (&b"release"[..], "kms", false));
    let closed = BundlePolicy { unlogged: Vec::new(), ..open };
    assert!(matches!(judge(b"release", &bundle, &closed), Err(BundleError::Unlogged)));
}

#[test]
fn another_artifact_another_key_and_a_changed_byte_are_refused() {
    let (pair, key) = keypair();
    let (_, other) = keypair();
    let bundle = sign(&pair, b"release");
    let policy =
        |key: ReleaseKey| BundlePolicy { keys: vec![key], unlogged: vec!["kms".into()], ..BundlePolicy::default() };
    for (artifact, key) in [(&b"releasE"[..], key.clone()), (&b"release"[..], other)] {
        let error = judge(artifact, &bundle, &policy(key)).expect_err("refused");
        assert!(matches!(error, BundleError::NoMatch { .. }), "{error}");
    }
    let twice = String::from_utf8(bundle.clone()).expect("text").replacen('{', r#"{"mediaType":"x","#, 1);
    assert!(matches!(
        judge(b"release", twice.as_bytes(), &policy(key)),
        Err(BundleError::Sigstore(SigstoreError::Json(_)))
    ));
}

#[test]
fn an_rsa_key_is_no_release_key() {
    let error = ReleaseKey::from_pem("old", "-----BEGIN PUBLIC KEY-----\nMAA=\n-----END PUBLIC KEY-----\n");
    assert!(error.expect_err("refused").to_string().starts_with("old is no public key"));
}

/// The managed-key cases of sigstore-conformance, with the public good instance's root or the case's own.
#[test]
fn the_conformance_suite_s_managed_key_cases() {
    let suite = support::source().join("../shared/data/sigstore-conformance/bundle-verify");
    if !suite.is_dir() {
        println!("SKIPPED conformance vectors: {} is not here", suite.display());
        return;
    }
    let mut judged = 0;
    for entry in std::fs::read_dir(&suite).expect("suite").flatten() {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        let read = |file: &str| std::fs::read(path.join(file)).ok();
        let (Some(pem), Some(bundle)) = (read("key.pub"), read("bundle.sigstore.json")) else { continue };
        let artifact = read("artifact").unwrap_or_else(|| std::fs::read(suite.join("a.txt")).expect("a.txt"));
        let root = read("trusted_root.json").map_or_else(
            || sigstore_verify::trust_root::SIGSTORE_PRODUCTION_TRUSTED_ROOT.to_owned(),
            |bytes| String::from_utf8(bytes).expect("text"),
        );
        // A key that cannot be read is refused before any bundle: that too is a refusal, and one case is just that.
        let key = ReleaseKey::from_pem("case", &String::from_utf8_lossy(&pem));
        let accepted = key.map(|key| BundlePolicy {
            keys: vec![key],
            trusted_root: Some(TrustedRoot::from_json(&root).expect("root")),
            ..BundlePolicy::default()
        });
        let accepted = accepted.is_ok_and(|policy| judge(&artifact, &bundle, &policy).is_ok());
        assert_eq!(accepted, !name.ends_with("_fail"), "{name}");
        judged += 1;
    }
    assert!(judged >= 3, "{judged} managed-key cases");
}
