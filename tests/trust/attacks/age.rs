//! Signatures of a time that is too long ago, or that has not come.

use super::{Scene, attack, by_key, ci};
use crate::instance::{Key, Log, Recipe};
use muster::trust::sigstore::{Proof, Signer, SigstoreError};
use std::time::Duration;

fn within(hours: u64) -> Signer {
    Signer { max_age: Some(Duration::from_secs(hours * 3600)), ..ci() }
}

// An hour ago is within two hours, a day before that is not.
attack!(
    a_signature_that_is_too_old,
    within(2),
    Recipe::default(),
    |recipe, scene| {
        recipe.logged = -86_400;
        recipe.valid = (-86_460, -85_860);
    },
    SigstoreError::TooOld { .. }
);

// A later stamp does not make an old signature young: the earliest proven time counts.
attack!(
    an_old_signature_with_a_young_stamp,
    within(2),
    Recipe { stamped: Some(0), ..Recipe::default() },
    |recipe, scene| {
        recipe.logged = -86_400;
        recipe.valid = (-86_460, 540);
    },
    SigstoreError::TooOld { .. }
);

#[test]
fn a_stamp_of_a_time_that_has_not_come() {
    let (scene, key) = (Scene::new(), Key::new());
    let signer = Signer { proof: Proof::Timestamp, max_age: Some(Duration::from_secs(86_400)), ..by_key(&key) };
    let mut recipe = Recipe { key: Some(&key), log: Log::None, stamped: Some(0), ..Recipe::default() };
    scene.recipe(&recipe, &signer).expect("the benign twin");
    recipe.stamped = Some(86_400);
    let refusal = scene.recipe(&recipe, &signer).expect_err("refused");
    assert!(matches!(refusal, SigstoreError::Future { .. }), "{refusal:?}");
}

#[test]
fn no_proven_time_where_an_age_is_wanted() {
    let (scene, key) = (Scene::new(), Key::new());
    let young = Some(Duration::from_secs(86_400));
    let stamped = Signer { proof: Proof::Timestamp, max_age: young, ..by_key(&key) };
    let mut recipe = Recipe { key: Some(&key), log: Log::None, stamped: Some(0), ..Recipe::default() };
    scene.recipe(&recipe, &stamped).expect("the benign twin");
    recipe.stamped = None;
    let bare = Signer { proof: Proof::None, max_age: young, ..by_key(&key) };
    let refusal = scene.recipe(&recipe, &bare).expect_err("refused");
    assert!(matches!(refusal, SigstoreError::Unproven(_)), "{refusal:?}");
}
