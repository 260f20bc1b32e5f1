//! A Sigstore bundle as one document with one meaning: one signature, of one kind, by one signer.

use super::SigstoreError;
use super::statement::Statement;
use crate::trust::sealed::Untrusted;
use crate::trust::strict::strict;
use sigstore_types::Bundle;
use sigstore_types::bundle::{SignatureContent, VerificationMaterialContent};

/// The most bytes of one bundle. One with an SBOM is a few megabytes.
const LIMIT: usize = 24 << 20;
/// The most bundles that are judged together.
const COUNT: usize = 64;
/// The most log entries, timestamps or certificates of one bundle.
const PROOFS: usize = 16;
/// What holds a signature, and what holds its signer; there must be one of each.
const CONTENTS: [&str; 2] = ["messageSignature", "dsseEnvelope"];
const MATERIALS: [&str; 3] = ["certificate", "x509CertificateChain", "publicKey"];

/// A bundle as read; nothing of it was verified.
#[derive(Debug)]
pub struct Document {
    pub(super) bundle: Bundle,
    pub(super) statement: Option<Statement>,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
}

/// Reads a file of bundles: one JSON document, or one a line, as `gh attestation download` writes them.
pub fn documents(bytes: &Untrusted<Vec<u8>>) -> Result<Vec<Document>, SigstoreError> {
    let bytes = bytes.inspect();
    if bytes.len() > LIMIT {
        return Err(crate::trust::strict::StrictError::TooLarge { size: bytes.len(), limit: LIMIT }.into());
    }
    let lines: Vec<&[u8]> = bytes.split(|&byte| byte == b'\n').filter(|line| !line.trim_ascii().is_empty()).collect();
    let whole = |line: &&[u8]| line.trim_ascii().starts_with(b"{") && line.trim_ascii().ends_with(b"}");
    if lines.len() < 2 || !lines.iter().all(whole) {
        return Ok(vec![Document::read(bytes)?]);
    }
    if lines.len() > COUNT {
        return Err(SigstoreError::Ambiguous(format!("there are {} bundles; {COUNT} are judged at most", lines.len())));
    }
    lines.into_iter().map(Document::read).collect()
}

impl Document {
    pub(super) fn read(bytes: &[u8]) -> Result<Self, SigstoreError> {
        strict(bytes, LIMIT)?;
        let refuse = |why: String| Err(SigstoreError::Ambiguous(why));
        let outline: serde_json::Value = serde_json::from_slice(bytes).map_err(sigstore_types::Error::Json)?;
        let one = |members: Option<&serde_json::Value>, kinds: &[&str]| {
            kinds.iter().filter(|kind| members.is_some_and(|members| members.get(**kind).is_some())).count()
        };
        if one(Some(&outline), &CONTENTS) != 1 {
            return refuse(format!("it must hold exactly one of {}", CONTENTS.join(", ")));
        }
        if one(outline.get("verificationMaterial"), &MATERIALS) != 1 {
            return refuse(format!("its verificationMaterial must hold exactly one of {}", MATERIALS.join(", ")));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| SigstoreError::Ambiguous("it is not UTF-8".into()))?;
        let bundle = Bundle::from_json(text)?;
        let material = &bundle.verification_material;
        let proofs = material.tlog_entries.len().max(material.timestamp_verification_data.rfc3161_timestamps.len());
        if proofs > PROOFS {
            return refuse(format!("it has {proofs} log entries or timestamps; {PROOFS} are judged at most"));
        }
        let statement = match &bundle.content {
            SignatureContent::DsseEnvelope(envelope) => Some(
                Statement::read(&envelope.payload_type, envelope.payload.as_bytes())
                    .map_err(SigstoreError::Statement)?,
            ),
            _ => None,
        };
        Ok(Self { bundle, statement, sha256: hex::encode(sigstore_crypto::sha256(bytes).as_bytes()) })
    }

    /// Whether it is signed by a key, and not by a certificate.
    pub fn is_by_key(&self) -> bool {
        matches!(self.bundle.verification_material.content, VerificationMaterialContent::PublicKey(_))
    }

    /// What kind of thing it says, where it is an attestation. Not verified.
    pub fn predicate_type(&self) -> Option<&str> {
        self.statement.as_ref().map(|statement| statement.predicate_type.as_str())
    }

    /// Whether it carries a log entry. Not verified.
    pub fn is_logged(&self) -> bool {
        !self.bundle.verification_material.tlog_entries.is_empty()
    }

    /// What it says, where it is an attestation. Not verified.
    pub(in crate::trust) fn statement(&self) -> Option<&Statement> {
        self.statement.as_ref()
    }
}
