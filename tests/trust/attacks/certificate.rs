//! Certificates: by whom, for what, when, and whether they were made in the open.

use super::{Scene, attack, ci, keyless, tamper};
use crate::instance::{Log, Recipe};
use muster::trust::sigstore::{Keyless, Proof, Signatory, Signer, SigstoreError, TrustedRoot};
use sigstore_verify::CertificateError as Bad;

attack!(
    an_authority_that_is_not_ours,
    ci(),
    Recipe::default(),
    |recipe, scene| {
        recipe.ca = Some(&scene.evil);
    },
    SigstoreError::Certificate(Bad::ChainInvalid(_))
);

attack!(
    a_certificate_that_is_not_for_code,
    ci(),
    Recipe::default(),
    |recipe, scene| {
        recipe.code_signing = false;
    },
    SigstoreError::Certificate(Bad::ChainInvalid(_))
);

attack!(
    a_certificate_that_had_expired,
    ci(),
    Recipe::default(),
    |recipe, scene| {
        recipe.valid = (-600, -60);
    },
    SigstoreError::Certificate(Bad::ChainInvalid(_) | Bad::Expired { .. })
);

attack!(
    a_certificate_that_was_not_valid_yet,
    ci(),
    Recipe::default(),
    |recipe, scene| {
        recipe.valid = (60, 600);
    },
    SigstoreError::Certificate(Bad::ChainInvalid(_) | Bad::NotYetValid { .. })
);

/// Without a log, the stamp's time is what certificates are judged at (CVE-2026-24122).
fn stamped() -> Signer {
    Signer { proof: Proof::Timestamp, ..ci() }
}

attack!(
    an_expired_certificate_and_no_log,
    stamped(),
    Recipe { log: Log::None, stamped: Some(0), ..Recipe::default() },
    |recipe, scene| {
        recipe.valid = (-600, -60);
    },
    SigstoreError::Certificate(Bad::ChainInvalid(_) | Bad::Expired { .. })
);

attack!(
    a_certificate_of_two_names,
    ci(),
    Recipe::default(),
    |recipe, scene| {
        recipe.identities.push("https://github.com/evil/shop/.github/workflows/release.yml@refs/heads/main".into());
    },
    SigstoreError::Certificate(Bad::Malformed(_))
);

attack!(
    a_certificate_of_no_name,
    ci(),
    Recipe::default(),
    |recipe, scene| {
        recipe.identities.clear();
    },
    SigstoreError::Certificate(Bad::Malformed(_))
);

attack!(
    a_certificate_outside_every_log,
    ci(),
    Recipe::default(),
    |recipe, scene| {
        recipe.without_sct = true;
    },
    SigstoreError::Certificate(Bad::Sct(_))
);

attack!(
    a_certificate_in_somebody_s_own_log,
    ci(),
    Recipe::default(),
    |recipe, scene| {
        recipe.ct = Some(&scene.evil);
    },
    SigstoreError::Certificate(Bad::Sct(_))
);

/// An authority without a certificate log is believed only where the policy says so of this signer.
#[test]
fn no_certificate_log_where_the_policy_wants_one() {
    let scene = Scene::new();
    let recipe = Recipe { without_sct: true, ..Recipe::default() };
    let open = Signer::new("ci".into(), Signatory::Keyless(Keyless { without_sct: true, ..keyless() }));
    scene.recipe(&recipe, &open).expect("the benign twin");
    let refusal = scene.recipe(&recipe, &ci()).expect_err("refused");
    assert!(matches!(refusal, SigstoreError::Certificate(Bad::Sct(_))), "{refusal:?}");
}

#[test]
fn an_authority_whose_time_was_over() {
    let mut scene = Scene::new();
    let recipe = Recipe::default();
    scene.recipe(&recipe, &ci()).expect("the benign twin");
    let mut document = scene.ours.document();
    document["certificateAuthorities"][0]["validFor"]["end"] = "2021-01-01T00:00:00Z".into();
    scene.root = TrustedRoot::from_json(&document.to_string()).expect("a trusted root");
    let refusal = scene.recipe(&recipe, &ci()).expect_err("refused");
    assert!(matches!(refusal, SigstoreError::Certificate(Bad::NoValidAuthority { .. })), "{refusal:?}");
}

tamper!(
    a_certificate_that_is_none,
    ci(),
    Recipe::default(),
    |bundle, scene| {
        bundle["verificationMaterial"]["certificate"]["rawBytes"] = "MIIBAAAA".into();
    },
    SigstoreError::Certificate(Bad::Malformed(_))
);

tamper!(
    a_certificate_of_another_signature,
    ci(),
    Recipe::default(),
    |bundle, scene| {
        let other = scene.ours.bundle(&Recipe::default());
        bundle["verificationMaterial"]["certificate"] = other["verificationMaterial"]["certificate"].clone();
    },
    SigstoreError::Signature(_) | SigstoreError::Log(_)
);

tamper!(
    a_chain_of_no_certificates,
    ci(),
    Recipe::default(),
    |bundle, scene| {
        let material = bundle["verificationMaterial"].as_object_mut().expect("an object");
        material.remove("certificate");
        material.insert("x509CertificateChain".into(), serde_json::json!({"certificates": []}));
    },
    SigstoreError::Incomplete(_)
);
