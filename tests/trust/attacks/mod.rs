//! One file a kind of attack, one test an attack. Each first accepts the benign twin, then alters one thing of it and
//! asserts the variant of the refusal.
//!
//! Published flaws, and the test that would see them again:
//!
//! | flaw | here |
//! |---|---|
//! | CVE-2022-23649 (cosign) | `log::a_second_entry_that_proves_nothing` |
//! | CVE-2022-36056, CVE-2026-22703 (cosign) | `log::an_entry_of_another_artifact`, `log::an_entry_of_another_signature` |
//! | CVE-2022-35929 (cosign) | `policy::attestations::another_attestation_in_its_place` |
//! | CVE-2023-46737, CVE-2024-29902, CVE-2024-29903 (cosign), CVE-2023-30551, CVE-2023-33199, CVE-2026-23831, CVE-2026-48702 (rekor) | `document::a_document_without_end` |
//! | CVE-2026-24122 (cosign) | `certificate::an_expired_certificate_and_no_log` |
//! | CVE-2026-39395 (cosign) | `document::a_payload_that_is_no_statement` |
//! | CVE-2024-45395 (sigstore-go) | `log::more_entries_than_are_judged`, `document::more_bundles_than_are_judged` |
//! | CVE-2026-49834, CVE-2026-54787 (sigstore-go) | `log::one_log_under_two_names`, `log::a_log_whose_time_was_over` |
//! | CVE-2026-39984 (timestamp-authority), TOB-SIGSTORE-11 | `timestamp::an_authority_that_is_not_ours` |
//! | TOB-SIGSTORE (sigstore-rust) | `log::a_time_that_the_log_did_not_promise`, `timestamp::a_good_stamp_and_a_bad_one`, `signature::an_envelope_of_two_signatures` |
//! | CVE-2026-44309 (gitsign), CVE-2026-45022 (go-git) | `git::a_commit_of_two_trees` |
//! | CVE-2026-44310 (gitsign) | `never_panics`; a panic ends the release binary |
//! | GHSA-r2xv-vpr2-42m9 (slsa-verifier) | `policy::attestations::provenance_with_a_parameter_that_nobody_knows` |
//! | CVE-2021-41190 (OCI) | `image::an_image_that_is_an_index_too` |
//! | CVE-2025-62518 (tokio-tar), CVE-2026-33055 (tar) | `archive::two_sizes_of_one_file` |
//! | CVE-2021-38511, CVE-2026-33056 (tar) | `archive::a_file_through_a_link`, `archive::a_directory_in_a_link_s_place` |

//! CVE-2025-62375 (go-witness) is of a signed identity document, which nothing here is judged by.

mod age;
mod archive;
mod certificate;
mod document;
mod git;
mod identity;
mod image;
mod keys;
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
