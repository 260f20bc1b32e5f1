//! Signatures with neither log entry nor timestamp, which `sigstore-verify` always refuses for want of a signing time.

use super::SigstoreError;
use super::document::Document;
use super::signatory::ReleaseKey;
use super::subject::{Content, IN_MEMORY, Subject};
use sigstore_crypto::SigningScheme::{RsaPkcs1Sha256, RsaPssSha256};
use sigstore_crypto::VerificationKey;
use sigstore_types::bundle::SignatureContent;
use std::io::{Read, Seek, SeekFrom};

/// Verifies the signature alone: over the subject, or over an envelope whose statement is about it.
pub(super) fn verify(document: &Document, subject: &Subject, key: &ReleaseKey) -> Result<(), SigstoreError> {
    let refuse = |error: sigstore_crypto::Error| SigstoreError::Signature(error.to_string());
    let verifier = VerificationKey::from_spki(&key.key).map_err(refuse)?;
    if verifier.scheme() == RsaPkcs1Sha256 {
        // KMS signs with an RSA key by either scheme, and nothing in the bundle says which.
        let pss = VerificationKey::from_spki_with_scheme(&key.key, RsaPssSha256).map_err(refuse)?;
        return by(document, subject, &verifier).or_else(|_| by(document, subject, &pss));
    }
    by(document, subject, &verifier)
}

fn by(document: &Document, subject: &Subject, verifier: &VerificationKey) -> Result<(), SigstoreError> {
    let refuse = |error: sigstore_crypto::Error| SigstoreError::Signature(error.to_string());
    let signature = match &document.bundle.content {
        SignatureContent::DsseEnvelope(envelope) => {
            return verifier.verify(envelope.pae(), &envelope.signature.sig).map_err(refuse);
        }
        SignatureContent::MessageSignature(signature) => signature,
        _ => return Err(SigstoreError::Incomplete("it holds no signature that is known".into())),
    };
    let mut owned = Vec::new();
    let bytes = match &subject.content {
        Content::Bytes(bytes) => bytes.as_slice(),
        // Read once more, and held in memory, only for keys that sign more than a SHA-256.
        Content::File(file) if !is_of_digest(verifier, signature) => {
            let mut file = file;
            file.seek(SeekFrom::Start(0))?;
            file.take(IN_MEMORY + 1).read_to_end(&mut owned)?;
            file.seek(SeekFrom::Start(0))?;
            if owned.len() as u64 > IN_MEMORY {
                return prehashed(verifier, signature, subject);
            }
            &owned
        }
        Content::File(_) | Content::Digest => return prehashed(verifier, signature, subject),
    };
    if let Some(digest) = &signature.message_digest {
        use sigstore_types::HashAlgorithm::{Sha2256, Sha2384, Sha2512};
        let have = match digest.algorithm {
            Sha2256 => subject.sha256.to_vec(),
            Sha2384 => sigstore_crypto::sha384(bytes).as_bytes().to_vec(),
            Sha2512 => sigstore_crypto::sha512(bytes).as_bytes().to_vec(),
            _ => return Err(SigstoreError::Incomplete("the bundle's digest is of an unknown algorithm".into())),
        };
        if have != digest.digest.as_bytes() {
            return Err(SigstoreError::Artifact("the bundle's digest is another artifact's".into()));
        }
    }
    verifier.verify(bytes, &signature.signature).map_err(refuse)
}

/// Whether the subject's SHA-256 is all that the signature, and the digest beside it, are over.
fn is_of_digest(verifier: &VerificationKey, signature: &sigstore_types::bundle::MessageSignature) -> bool {
    use sigstore_types::HashAlgorithm::Sha2256;
    let written = signature.message_digest.as_ref();
    verifier.scheme().hash_algorithm() == Some(Sha2256) && written.is_none_or(|digest| digest.algorithm == Sha2256)
}

/// The same where only the digest is at hand: for keys that sign SHA-256.
fn prehashed(
    verifier: &VerificationKey,
    signature: &sigstore_types::bundle::MessageSignature,
    subject: &Subject,
) -> Result<(), SigstoreError> {
    use sigstore_types::HashAlgorithm::Sha2256;
    if let Some(digest) = &signature.message_digest
        && (digest.algorithm != Sha2256 || digest.digest.as_bytes() != subject.sha256)
    {
        return Err(SigstoreError::Artifact("the bundle's digest is another artifact's".into()));
    }
    if verifier.scheme().hash_algorithm() != Some(Sha2256) {
        return Err(SigstoreError::Incomplete(
            "this key signs more than a SHA-256: the artifact itself is needed".into(),
        ));
    }
    let refuse = |error: sigstore_crypto::Error| SigstoreError::Signature(error.to_string());
    verifier.verify_prehashed(&subject.sha256, &signature.signature).map_err(refuse)
}
