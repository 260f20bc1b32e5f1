//! Documents that mean two things, nothing, or too much.

use super::{Scene, attack, ci, tamper};
use crate::instance::Recipe;
use muster::trust::sigstore::SigstoreError;
use muster::trust::strict::StrictError;
use serde_json::{Value, json};

/// Alters the bundle's text.
fn text(alter: impl Fn(&str) -> Vec<u8>) -> SigstoreError {
    let scene = Scene::new();
    let bundle = scene.ours.bundle(&Recipe::default()).to_string();
    scene.bytes(bundle.as_bytes(), b"release", &ci()).expect("the benign twin");
    scene.bytes(&alter(&bundle), b"release", &ci()).expect_err("refused")
}

#[test]
fn a_member_that_is_there_twice() {
    let refusal = text(|bundle| bundle.replacen('{', r#"{"mediaType":"x","#, 1).into_bytes());
    assert!(matches!(refusal, SigstoreError::Json(StrictError::Malformed(_))), "{refusal:?}");
}

#[test]
fn an_inner_member_that_is_there_twice() {
    let refusal = text(|bundle| bundle.replacen(r#""signature":"#, r#""signature":"","signature":"#, 1).into_bytes());
    assert!(matches!(refusal, SigstoreError::Json(StrictError::Malformed(_))), "{refusal:?}");
}

#[test]
fn a_document_that_ends_early() {
    let refusal = text(|bundle| bundle.as_bytes()[..bundle.len() / 2].to_vec());
    assert!(matches!(refusal, SigstoreError::Json(StrictError::Malformed(_))), "{refusal:?}");
}

#[test]
fn a_document_that_goes_on() {
    let refusal = text(|bundle| format!("{bundle} x").into_bytes());
    assert!(matches!(refusal, SigstoreError::Json(StrictError::Malformed(_))), "{refusal:?}");
}

#[test]
fn a_document_that_nests_too_deep() {
    let deep = format!("{}1{}", "[".repeat(100), "]".repeat(100));
    let refusal = text(|bundle| bundle.replacen('{', &format!(r#"{{"x":{deep},"#), 1).into_bytes());
    assert!(matches!(refusal, SigstoreError::Json(StrictError::Malformed(_))), "{refusal:?}");
}

#[test]
fn a_document_without_end() {
    let refusal = text(|bundle| [bundle.as_bytes(), &vec![b' '; 25 << 20]].concat());
    assert!(matches!(refusal, SigstoreError::Json(StrictError::TooLarge { .. })), "{refusal:?}");
}

#[test]
fn a_document_that_is_no_text() {
    let refusal = text(|bundle| [b"\xff".as_slice(), bundle.as_bytes()].concat());
    assert!(matches!(refusal, SigstoreError::Json(StrictError::Malformed(_))), "{refusal:?}");
}

#[test]
fn more_bundles_than_are_judged() {
    let refusal = text(|bundle| format!("{bundle}\n").repeat(65).into_bytes());
    assert!(matches!(refusal, SigstoreError::Ambiguous(_)), "{refusal:?}");
}

#[test]
fn a_bad_bundle_among_good_ones() {
    let refusal = text(|bundle| format!("{bundle}\n{{}}\n").into_bytes());
    assert!(matches!(refusal, SigstoreError::Ambiguous(_)), "{refusal:?}");
}

tamper!(
    two_signatures_of_two_kinds,
    ci(),
    Recipe::default(),
    |bundle, scene| {
        bundle["dsseEnvelope"] =
            json!({"payloadType": "application/vnd.in-toto+json", "payload": "e30=", "signatures": [{"sig": "AA=="}]});
    },
    SigstoreError::Ambiguous(_)
);

tamper!(
    two_signers_of_two_kinds,
    ci(),
    Recipe::default(),
    |bundle, scene| {
        bundle["verificationMaterial"]["publicKey"] = json!({"hint": ""});
    },
    SigstoreError::Ambiguous(_)
);

tamper!(
    no_signature,
    ci(),
    Recipe::default(),
    |bundle, scene| {
        bundle.as_object_mut().expect("an object").remove("messageSignature");
    },
    SigstoreError::Ambiguous(_)
);

tamper!(
    no_signer,
    ci(),
    Recipe::default(),
    |bundle, scene| {
        bundle["verificationMaterial"].as_object_mut().expect("an object").remove("certificate");
    },
    SigstoreError::Ambiguous(_)
);

tamper!(
    a_version_that_is_not_known,
    ci(),
    Recipe::default(),
    |bundle, scene| {
        bundle["mediaType"] = "application/vnd.dev.sigstore.bundle.v0.4+json".into();
    },
    SigstoreError::Shape(_)
);

fn statement() -> Value {
    json!({
        "_type": "https://in-toto.io/Statement/v1", "predicateType": "https://example.test/p", "predicate": {},
        "subject": [{"name": "release", "digest": {"sha256": sigstore_crypto::sha256(b"release").to_hex()}}],
    })
}

fn attestation() -> Recipe<'static> {
    Recipe { statement: Some(statement()), ..Recipe::default() }
}

macro_rules! statement {
    ($name:ident, |$said:ident| $alter:block, $refusal:pat) => {
        attack!(
            $name,
            ci(),
            attestation(),
            |recipe, scene| {
                let $said = recipe.statement.as_mut().expect("a statement");
                $alter
            },
            $refusal
        );
    };
}

statement!(
    a_statement_of_another_type,
    |said| {
        said["_type"] = "https://in-toto.io/Statement/v2".into();
    },
    SigstoreError::Statement(_)
);

statement!(
    a_statement_about_nothing,
    |said| {
        said["subject"] = json!([]);
    },
    SigstoreError::Statement(_)
);

statement!(
    a_statement_with_a_member_more,
    |said| {
        said["extra"] = json!(1);
    },
    SigstoreError::Statement(_)
);

statement!(
    a_statement_of_no_predicate_type,
    |said| {
        said["predicateType"] = "".into();
    },
    SigstoreError::Statement(_)
);

statement!(
    a_statement_whose_predicate_is_a_list,
    |said| {
        said["predicate"] = json!([1]);
    },
    SigstoreError::Statement(_)
);

// CVE-2026-39395: a payload that cannot be read is no attestation.
statement!(
    a_payload_that_is_no_statement,
    |said| {
        *said = json!("not a statement");
    },
    SigstoreError::Statement(_)
);

// A weak digest may be forged: only SHA-256 tells a subject.
statement!(
    a_subject_by_sha1_alone,
    |said| {
        said["subject"][0]["digest"] = json!({"sha1": "0".repeat(40)});
    },
    SigstoreError::Artifact(_)
);

statement!(
    a_subject_in_capitals,
    |said| {
        let hex = said["subject"][0]["digest"]["sha256"].as_str().expect("text").to_uppercase();
        said["subject"][0]["digest"]["sha256"] = hex.into();
    },
    SigstoreError::Artifact(_)
);
