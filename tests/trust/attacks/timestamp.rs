//! RFC 3161 timestamps: of somebody else's authority, over something else, at another time, or one of several.

use super::{Scene, attack, by_key, ci, tamper};
use crate::instance::{Key, Log, Recipe, base64};
use muster::trust::sigstore::{Proof, Signer, SigstoreError, TrustedRoot};
use serde_json::json;
use sigstore_verify::TimestampError as Bad;

fn two() -> Recipe<'static> {
    Recipe { log: Log::Two, stamped: Some(0), ..Recipe::default() }
}

// TOB-SIGSTORE-11, CVE-2026-39984: an authority is its certificate, not any that chains.
attack!(
    an_authority_that_is_not_ours,
    ci(),
    two(),
    |recipe, scene| {
        recipe.tsa = Some(&scene.evil);
    },
    SigstoreError::Timestamp(Bad::Invalid(_))
);

attack!(
    a_stamp_over_something_else,
    ci(),
    two(),
    |recipe, scene| {
        recipe.stamp_of = Some(b"another signature".to_vec());
    },
    SigstoreError::Timestamp(Bad::Invalid(_))
);

attack!(
    a_stamp_after_the_certificate_s_time,
    ci(),
    two(),
    |recipe, scene| {
        recipe.stamped = Some(1800);
    },
    SigstoreError::Certificate(_)
);

attack!(
    a_stamp_before_the_certificate_s_time,
    ci(),
    two(),
    |recipe, scene| {
        recipe.stamped = Some(-1800);
    },
    SigstoreError::Certificate(_)
);

attack!(
    no_stamp_where_the_log_tells_no_time,
    ci(),
    two(),
    |recipe, scene| {
        recipe.stamped = None;
    },
    SigstoreError::Timestamp(Bad::NoVerifiedTimestamp(_))
);

tamper!(
    a_stamp_that_is_none,
    ci(),
    two(),
    |bundle, scene| {
        bundle["verificationMaterial"]["timestampVerificationData"]["rfc3161Timestamps"][0]["signedTimestamp"] =
            "MAA=".into();
    },
    SigstoreError::Timestamp(Bad::Invalid(_))
);

tamper!(
    a_stamp_with_a_flipped_bit,
    ci(),
    two(),
    |bundle, scene| {
        let signature = bundle["messageSignature"]["signature"].as_str().expect("text").to_owned();
        let mut stamp = scene.ours.stamp(
            &sigstore_types::SignatureBytes::from_base64(&signature).expect("bytes").into_bytes(),
            scene.ours.now,
        );
        *stamp.last_mut().expect("bytes") ^= 1;
        bundle["verificationMaterial"]["timestampVerificationData"]["rfc3161Timestamps"][0]["signedTimestamp"] =
            base64(&stamp).into();
    },
    SigstoreError::Timestamp(Bad::Invalid(_))
);

// TOB-SIGSTORE: only the first timestamp was judged.
tamper!(
    a_good_stamp_and_a_bad_one,
    ci(),
    two(),
    |bundle, scene| {
        let stamps = &mut bundle["verificationMaterial"]["timestampVerificationData"]["rfc3161Timestamps"];
        let bad = json!({"signedTimestamp": base64(&scene.evil.stamp(b"x", scene.ours.now))});
        stamps.as_array_mut().expect("stamps").push(bad);
    },
    SigstoreError::Timestamp(Bad::Invalid(_))
);

tamper!(
    a_good_stamp_and_one_of_another_time,
    ci(),
    two(),
    |bundle, scene| {
        let signature = bundle["messageSignature"]["signature"].as_str().expect("text").to_owned();
        let signature = sigstore_types::SignatureBytes::from_base64(&signature).expect("bytes").into_bytes();
        let late = json!({"signedTimestamp": base64(&scene.ours.stamp(&signature, scene.ours.now + 1800))});
        let stamps = &mut bundle["verificationMaterial"]["timestampVerificationData"]["rfc3161Timestamps"];
        stamps.as_array_mut().expect("stamps").push(late);
    },
    SigstoreError::Certificate(_)
);

#[test]
fn an_authority_whose_time_was_over() {
    let mut scene = Scene::new();
    scene.recipe(&two(), &ci()).expect("the benign twin");
    let mut document = scene.ours.document();
    document["timestampAuthorities"][0]["validFor"]["end"] = "2021-01-01T00:00:00Z".into();
    scene.root = TrustedRoot::from_json(&document.to_string()).expect("a trusted root");
    let refusal = scene.recipe(&two(), &ci()).expect_err("refused");
    assert!(matches!(refusal, SigstoreError::Timestamp(Bad::OutsideAuthorityValidity { .. })), "{refusal:?}");
}

#[test]
fn no_authority_in_the_trusted_root() {
    let mut scene = Scene::new();
    scene.recipe(&two(), &ci()).expect("the benign twin");
    let mut document = scene.ours.document();
    document["timestampAuthorities"] = json!([]);
    scene.root = TrustedRoot::from_json(&document.to_string()).expect("a trusted root");
    let refusal = scene.recipe(&two(), &ci()).expect_err("refused");
    assert!(matches!(refusal, SigstoreError::Timestamp(Bad::Invalid(_))), "{refusal:?}");
}

#[test]
fn a_key_with_a_stamp_by_nobody() {
    let (scene, key) = (Scene::new(), Key::new());
    let signer = Signer { proof: Proof::Timestamp, ..by_key(&key) };
    let mut recipe = Recipe { key: Some(&key), log: Log::None, stamped: Some(0), ..Recipe::default() };
    scene.recipe(&recipe, &signer).expect("the benign twin");
    recipe.tsa = Some(&scene.evil);
    let refusal = scene.recipe(&recipe, &signer).expect_err("refused");
    assert!(matches!(refusal, SigstoreError::Timestamp(Bad::Invalid(_))), "{refusal:?}");
}
