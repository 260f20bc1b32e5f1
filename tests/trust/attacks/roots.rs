//! Trusted roots: none, another's, one that says two things.

use super::{Scene, ci};
use crate::instance::Recipe;
use muster::trust::Untrusted;
use muster::trust::sigstore::{Judge, Signer, SigstoreError, Subject, TrustedRoot, documents};
use std::collections::BTreeMap;

fn judge(
    scene: &Scene,
    root: Option<&TrustedRoot>,
    roots: &BTreeMap<String, TrustedRoot>,
    signer: &Signer,
) -> Result<(), SigstoreError> {
    let bundle = scene.ours.bundle(&Recipe::default()).to_string().into_bytes();
    let documents = documents(&Untrusted::new(bundle))?;
    let subject = Subject::bytes(Untrusted::new(b"release".to_vec()));
    Judge { root, roots, now: jiff::Timestamp::now() }.judge(&documents[0], &subject, signer).map(|_| ())
}

#[test]
fn no_trusted_root() {
    let scene = Scene::new();
    judge(&scene, Some(&scene.root), &BTreeMap::new(), &ci()).expect("the benign twin");
    let refusal = judge(&scene, None, &BTreeMap::new(), &ci()).expect_err("refused");
    assert!(matches!(refusal, SigstoreError::NoTrustedRoot(_)), "{refusal:?}");
}

#[test]
fn a_trusted_root_that_the_realm_has_not() {
    let scene = Scene::new();
    let named = |name: &str| Signer { trusted_root: Some(name.into()), ..ci() };
    let roots = BTreeMap::from([("own".to_owned(), scene.ours.root())]);
    judge(&scene, None, &roots, &named("own")).expect("the benign twin");
    let refusal = judge(&scene, Some(&scene.root), &roots, &named("other")).expect_err("refused");
    assert!(matches!(refusal, SigstoreError::NoTrustedRoot(_)), "{refusal:?}");
}

#[test]
fn our_bundle_against_the_public_instance() {
    let scene = Scene::new();
    judge(&scene, Some(&scene.root), &BTreeMap::new(), &ci()).expect("the benign twin");
    let public = Signer { trusted_root: Some("public-good".into()), ..ci() };
    let refusal = judge(&scene, Some(&scene.root), &BTreeMap::new(), &public).expect_err("refused");
    assert!(matches!(refusal, SigstoreError::Log(_)), "{refusal:?}");
}
