//! A realm with a policy, before which attacks on policies are tried.

use super::Scene;
use crate::instance::Key;
use muster::trust::bundle::{BundleError, BundlePolicy};
use muster::trust::policy::{Approved, Asked, PolicyError};
use muster::trust::sigstore::Subject;
use muster::trust::{TrustRoot, Untrusted, approve};
use serde_json::{Value, json};

/// Every signer is named by some rule, or the policy is refused.
const REST: &str = "  - {applications: [other], channels: [other], signatures: {all: [kms, ci, security]}}\n";

/// A realm on disk with a policy, and the instance that it believes.
pub struct Realm {
    pub scene: Scene,
    pub kms: Key,
    pub policy: BundlePolicy,
}

/// KMS and the release workflow sign production; the workflow attests, and security says what does not matter.
const SIGNERS: &str = r#"
signers:
  kms: {key: release, proof: none}
  ci:
    identity: {regex: 'https://github\.com/acme/shop/\.github/workflows/release\.yml@refs/heads/main'}
    issuer: https://token.actions.githubusercontent.com
  security:
    identity: security@acme.test
    issuer: https://accounts.acme.test
"#;

impl Realm {
    #[expect(clippy::disallowed_methods, reason = "tests set the stage")]
    pub fn new(rules: &str) -> Self {
        let (scene, kms) = (Scene::new(), Key::new());
        let scratch = tempfile::tempdir().expect("scratch");
        let realm = scratch.path().join("prod");
        std::fs::create_dir_all(realm.join("keys")).expect("a directory");
        for (name, text) in [
            ("keys/release.pem", kms.pem()),
            ("trusted_root.json", scene.ours.document().to_string()),
            ("policy.yaml", format!("{SIGNERS}{rules}{REST}")),
        ] {
            std::fs::write(realm.join(name), text).expect("a file");
        }
        let root = TrustRoot::read(scratch.path()).unwrap_or_else(|error| panic!("{error}"));
        let policy = root.realm(None).expect("the realm").releases.clone();
        Self { scene, kms, policy }
    }

    pub fn approve_as(&self, application: &str, channel: &str, bundles: &[Value]) -> Result<Approved, PolicyError> {
        let bundles: Vec<_> = bundles.iter().map(|bundle| Untrusted::new(bundle.to_string().into_bytes())).collect();
        let subject = Subject::bytes(Untrusted::new(b"release".to_vec()));
        let asked = Asked { application, channel };
        match approve(subject, &bundles, &self.policy, &asked, jiff::Timestamp::now()) {
            Ok(approved) => Ok(approved.into_inner()),
            Err(BundleError::Policy(error)) => Err(*error),
            Err(other) => panic!("{other}"),
        }
    }
}

pub fn statement(kind: &str, predicate: Value) -> Value {
    json!({
        "_type": "https://in-toto.io/Statement/v1", "predicateType": kind, "predicate": predicate,
        "subject": [{"name": "release", "digest": {"sha256": sigstore_crypto::sha256(b"release").to_hex()}}],
    })
}
