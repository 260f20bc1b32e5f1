//! What an attestation says, by the short names that cosign has for it.

use crate::trust::sigstore::Document;

/// cosign's names (`cosign verify-blob-attestation --help`), and the predicate types that they stand for.
const KINDS: [(&str, &str); 10] = [
    ("custom", "https://cosign.sigstore.dev/attestation/v1"),
    ("slsaprovenance", "https://slsa.dev/provenance/v0.2"),
    ("slsaprovenance02", "https://slsa.dev/provenance/v0.2"),
    ("slsaprovenance1", "https://slsa.dev/provenance/v1"),
    ("link", "https://in-toto.io/Link/v1"),
    ("spdx", "https://spdx.dev/Document"),
    ("spdxjson", "https://spdx.dev/Document"),
    ("cyclonedx", "https://cyclonedx.org/bom"),
    ("vuln", "https://cosign.sigstore.dev/attestation/vuln/v1"),
    ("openvex", "https://openvex.dev/ns"),
];
/// A signature that is written as a statement.
const SIGN: &str = "https://sigstore.dev/cosign/sign/v1";

/// Whether a bundle is a signature, and not an attestation that happens to be about the same file.
pub(super) fn is_signature(document: &Document) -> Result<(), String> {
    match document.predicate_type() {
        None | Some(SIGN) => Ok(()),
        Some(kind) => Err(format!(
            "the bundle is an attestation of type `{}`: use verify-blob-attestation",
            kind.escape_default()
        )),
    }
}

/// Whether a bundle is an attestation of a type.
pub(super) fn is_of(document: &Document, name: &str) -> Result<(), String> {
    let known = KINDS.iter().find(|(short, _)| *short == name).map(|(_, kind)| *kind);
    let wanted = match known {
        Some(kind) => kind,
        None if name.contains(':') => name,
        None => return Err(format!("--type {}: it is neither a known name nor a URI", name.escape_default())),
    };
    match document.predicate_type() {
        Some(kind) if kind == wanted => Ok(()),
        Some(kind) => Err(format!("the attestation is of type `{}`, and {wanted} is wanted", kind.escape_default())),
        None => Err("the bundle is a signature, and no attestation".into()),
    }
}
