//! Which transparency logs vouch for a bundle: by the key that signed, not by the id that the bundle writes beside it.

use super::document::Document;
use sigstore_crypto::{VerificationKey, compute_key_hint};
use sigstore_types::TransparencyLogEntry;
use sigstore_verify::trust_root::TrustedRoot;

/// The logs of the entries, which the library verified already: log id in hexadecimal, and index.
///
/// A checkpoint may be signed by any key of the trusted root, and the entry's own `logId` is not signed with it: two
/// entries of one log under two ids must not count as two logs.
pub(super) fn proven(document: &Document, root: &TrustedRoot) -> Vec<(String, u64)> {
    let entries = document.bundle.verification_material.tlog_entries.iter();
    entries.filter_map(|entry| Some((signer(entry, root)?, entry.log_index.get()))).collect()
}

fn signer(entry: &TransparencyLogEntry, root: &TrustedRoot) -> Option<String> {
    let Some(proof) = &entry.inclusion_proof else {
        // Without a proof there is a promise, and its key is looked up by this id.
        return Some(hex::encode(entry.log_id.key_id.as_bytes()));
    };
    let checkpoint = proof.checkpoint.checkpoint()?;
    let signed = root.tlogs.iter().find(|log| {
        let key = &log.public_key.raw_bytes;
        let hint = compute_key_hint(key);
        let fits =
            |id: &sigstore_types::KeyHint| *id == hint || log.log_id.key_id.as_bytes().starts_with(id.as_slice());
        checkpoint.signatures().iter().filter(|signature| fits(&signature.key_id)).any(|signature| {
            let verifier = VerificationKey::from_spki(key);
            verifier.is_ok_and(|verifier| verifier.verify(checkpoint.signed_data(), &signature.signature).is_ok())
        })
    });
    signed.map(|log| hex::encode(log.log_id.key_id.as_bytes()))
}
