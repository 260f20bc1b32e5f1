//! One file a kind of attack, one test an attack. Each first accepts the benign twin, then alters one thing of it and
//! asserts the variant of the refusal.

mod age;
mod archive;
mod certificate;
mod document;
mod git;
mod identity;
mod log;
mod policy;
mod roots;
mod signature;
mod timestamp;

use crate::instance::{Instance, Key, Recipe};
use muster::trust::Untrusted;
use muster::trust::sigstore::{
    Evidence, Judge, Keyless, ReleaseKey, Signatory, Signer, SigstoreError, Subject, Text, TrustedRoot, documents,
};
use serde_json::Value;

/// Our instance, and somebody else's.
pub struct Scene {
    pub ours: Instance,
    pub evil: Instance,
    pub root: TrustedRoot,
}

impl Scene {
    pub fn new() -> Self {
        let ours = Instance::new();
        let root = ours.root();
        Self { ours, evil: Instance::new(), root }
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

    pub fn recipe(&self, recipe: &Recipe<'_>, signer: &Signer) -> Result<Evidence, SigstoreError> {
        self.judge(&self.ours.bundle(recipe), &recipe.artifact, signer)
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

/// An attack on what is signed or what vouches for it: the recipe is benign until it is altered.
macro_rules! attack {
    ($name:ident, $signer:expr, $recipe:expr, |$altered:ident, $scene:ident| $alter:block, $refusal:pat) => {
        #[test]
        fn $name() {
            let $scene = crate::attacks::Scene::new();
            let mut $altered = $recipe;
            let signer = $signer;
            $scene.recipe(&$altered, &signer).expect("the benign twin");
            $alter
            let refusal = $scene.recipe(&$altered, &signer).expect_err("refused");
            assert!(matches!(refusal, $refusal), "{refusal:?}");
        }
    };
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

pub(crate) use {attack, tamper};
