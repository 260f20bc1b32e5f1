//! Attacks: each directory here is one, as data (`tests/trust/cases` runs them); the files hold the stages on which they are
//! tried, and what no directory can hold. Each test first accepts the benign twin, then alters one thing of it and asserts
//! the variant of the refusal. `tests/trust/attacks.yaml` is the catalogue: kinds of attack, and published flaws.

pub mod archive;
pub mod git;
mod keys;
pub mod policy;
mod roots;
mod timestamp;

use crate::instance::{Instance, Key};
use muster::trust::Untrusted;
use muster::trust::sigstore::{
    Evidence, Judge, Keyless, ReleaseKey, Signatory, Signer, SigstoreError, Subject, Text, TrustedRoot, documents,
};
use serde_json::Value;

/// Our instance.
pub struct Scene {
    pub ours: Instance,
    pub root: TrustedRoot,
}

impl Scene {
    pub fn new() -> Self {
        let ours = Instance::new();
        let root = ours.root();
        Self { ours, root }
    }

    pub fn bytes(&self, bundle: &[u8], artifact: &[u8], signer: &Signer) -> Result<Evidence, SigstoreError> {
        let judge = Judge { root: Some(&self.root), roots: &Default::default(), now: jiff::Timestamp::now() };
        let documents = documents(&Untrusted::new(bundle.to_vec()))?;
        let subject = Subject::bytes(Untrusted::new(artifact.to_vec()));
        let mut evidence = documents.iter().map(|document| judge.judge(document, &subject, signer));
        evidence.next().expect("a bundle")
    }

    pub fn judge(&self, bundle: &Value, artifact: &[u8], signer: &Signer) -> Result<Evidence, SigstoreError> {
        self.bytes(bundle.to_string().as_bytes(), artifact, signer)
    }
}

/// The release workflow.
pub fn keyless() -> Keyless {
    Keyless {
        identity: Text::Exact(crate::instance::IDENTITY.into()),
        issuer: Text::Exact(crate::instance::ISSUER.into()),
        claims: Vec::new(),
        without_sct: false,
    }
}

pub fn ci() -> Signer {
    Signer::new("ci".into(), Signatory::Keyless(keyless()))
}

pub fn by_key(key: &Key) -> Signer {
    Signer::key(ReleaseKey::from_pem("kms", &key.pem()).expect("a release key"))
}

/// An attack on the bundle after it was signed.
macro_rules! tamper {
    ($name:ident, $signer:expr, $recipe:expr, |$altered:ident, $scene:ident| $alter:block, $refusal:pat) => {
        #[test]
        fn $name() {
            let $scene = crate::attacks::Scene::new();
            let (recipe, signer) = ($recipe, $signer);
            let mut $altered = $scene.ours.bundle(&recipe);
            $scene.judge(&$altered, &recipe.artifact, &signer).expect("the benign twin");
            $alter
            let refusal = $scene.judge(&$altered, &recipe.artifact, &signer).expect_err("refused");
            assert!(matches!(refusal, $refusal), "{refusal:?}");
        }
    };
}

pub(crate) use tamper;
