//! Image manifests that are two things at once, or none: judged before their digest counts.

use muster::trust::Untrusted;
use muster::trust::manifest::{ManifestError, subject};
use serde_json::{Value, json};

const IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

fn image() -> Value {
    json!({"schemaVersion": 2, "mediaType": IMAGE, "config": {}, "layers": []})
}

fn index() -> Value {
    json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": []})
}

/// Takes the benign twin, and gives what is wrong with the other.
fn refused(benign: &Value, altered: &str) -> ManifestError {
    let judge = |text: &str| subject(Untrusted::new(text.as_bytes().to_vec()));
    judge(&benign.to_string()).expect("the benign twin");
    judge(altered).expect_err("refused")
}

fn altered(mut manifest: Value, name: &str, value: Value) -> String {
    manifest[name] = value;
    manifest.to_string()
}

// CVE-2021-41190: one digest, two readings.
#[test]
fn an_image_that_is_an_index_too() {
    let refusal = refused(&image(), &altered(image(), "manifests", json!([])));
    assert!(matches!(refusal, ManifestError::Ambiguous { is: "image", .. }), "{refusal:?}");
}

#[test]
fn an_index_that_is_an_image_too() {
    let refusal = refused(&index(), &altered(index(), "layers", json!([])));
    assert!(matches!(refusal, ManifestError::Ambiguous { is: "index", .. }), "{refusal:?}");
}

#[test]
fn an_index_called_an_image() {
    let refusal = refused(&index(), &altered(index(), "mediaType", json!(IMAGE)));
    assert!(matches!(refusal, ManifestError::Ambiguous { .. }), "{refusal:?}");
}

#[test]
fn a_manifest_of_another_media_type() {
    let refusal = refused(&image(), &altered(image(), "mediaType", json!("application/json")));
    assert!(matches!(refusal, ManifestError::MediaType(_)), "{refusal:?}");
}

#[test]
fn a_manifest_of_no_media_type() {
    let refusal = refused(&image(), &altered(image(), "mediaType", Value::Null));
    assert!(matches!(refusal, ManifestError::MediaType(_)), "{refusal:?}");
}

#[test]
fn a_manifest_with_a_member_twice() {
    let refusal = refused(&image(), &image().to_string().replacen('{', r#"{"layers":[{}],"#, 1));
    assert!(matches!(refusal, ManifestError::Json(_)), "{refusal:?}");
}

#[test]
fn a_manifest_that_ends_early() {
    let text = image().to_string();
    let refusal = refused(&image(), &text[..text.len() - 1]);
    assert!(matches!(refusal, ManifestError::Json(_)), "{refusal:?}");
}
