//! Signatures that stand beside a file, as cosign 2 writes them: a bundle that proves nothing but who.

use super::{read, refused, usage};
use crate::failure::Failure;
use crate::trust::Untrusted;
use crate::trust::sigstore::{Proof, Signatory, Signer};
use crate::trust::strict::strict;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use std::path::Path;

/// The most bytes of a signature, or of an envelope with an SBOM in it.
const LIMIT: usize = 24 << 20;
const MEDIA_TYPE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";

/// What stands beside the file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The signature itself.
    Signature,
    /// A DSSE envelope.
    Attestation,
}

/// What a certificate without a log's proof comes to. cosign asks Rekor for one; here nobody is asked.
pub(super) fn certificate() -> Failure {
    usage("--certificate: only a log entry or a timestamp proves that it was valid when it signed, and nobody is asked for one")
        .with_hint("sign with `cosign sign-blob --bundle FILE`, and verify with `--bundle FILE`")
}

/// A bundle's file. What cosign wrote before bundles were Sigstore's is named.
pub(super) fn bundle(path: &Path) -> Result<Untrusted<Vec<u8>>, Failure> {
    let bytes = read(path)?;
    let old =
        serde_json::from_slice::<serde_json::Value>(&bytes).is_ok_and(|json| json.get("base64Signature").is_some());
    match old {
        true => Err(refused(format!("{}: it is a bundle of cosign's own former format", path.display()))
            .with_hint("sign with cosign 3, or with `cosign sign-blob --new-bundle-format --bundle FILE`")),
        false => Ok(Untrusted::new(bytes)),
    }
}

/// A signature, by its file or in base64 itself, as the bundle that says the same.
pub(super) fn signature(written: &str, kind: Kind) -> Result<Untrusted<Vec<u8>>, Failure> {
    let path = Path::new(written);
    let bytes = match path.try_exists() {
        Ok(true) => read(path)?,
        _ if STANDARD.decode(written).is_ok() => written.as_bytes().to_vec(),
        _ => return Err(usage(format!("--signature: {written} is neither a file nor base64"))),
    };
    if bytes.len() > LIMIT {
        return Err(refused(format!("--signature: it is larger than {LIMIT} bytes")));
    }
    let plain = STANDARD.decode(bytes.trim_ascii()).ok();
    let material = json!({"publicKey": {"hint": ""}});
    let bundle = match kind {
        Kind::Signature => {
            let signature = STANDARD.encode(plain.as_deref().unwrap_or(&bytes));
            json!({"mediaType": MEDIA_TYPE, "verificationMaterial": material, "messageSignature": {"signature": signature}})
        }
        Kind::Attestation => {
            let envelope = plain.unwrap_or(bytes);
            strict(&envelope, LIMIT)
                .map_err(|error| refused(format!("--signature: it is no DSSE envelope: {error}")))?;
            let envelope: serde_json::Value = serde_json::from_slice(&envelope)
                .map_err(|error| refused(format!("--signature: it is no DSSE envelope: {error}")))?;
            json!({"mediaType": MEDIA_TYPE, "verificationMaterial": material, "dsseEnvelope": envelope})
        }
    };
    Ok(Untrusted::new(bundle.to_string().into_bytes()))
}

/// Whether a signature without any proof of its time is enough for these flags.
pub(super) fn believed(signer: &Signer) -> Result<(), Failure> {
    if matches!(signer.signatory, Signatory::Keyless(_)) {
        return Err(certificate());
    }
    match signer.proof {
        Proof::None => Ok(()),
        _ => {
            Err(refused("a signature beside a file has no transparency log entry, and nobody is asked for one".into())
                .with_hint(
                    "use `--bundle FILE`; or, where the key needs no log, `--insecure-ignore-tlog`, or its name under \
                 `releases: {unlogged: [NAME]}` in the realm's policy.yaml",
                ))
        }
    }
}
