//! Making an attestation: an in-toto statement in a DSSE envelope in a Sigstore bundle, as `verify` reads them.

use super::{ImageError, ImageName};
use crate::trust::sealed::Untrusted;
use crate::trust::sigstore::{Judge, Proof, ReleaseKey, Signer, Statement, Subject, documents};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Serialize;
use serde_json::json;
use sigstore_types::DerPublicKey;
use std::collections::BTreeMap;

/// The form of bundles without certificate chains (sigstore protobuf-specs, v0.3).
const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";

/// A statement that is to be signed.
#[derive(Clone, Debug)]
pub struct Unsigned {
    image: ImageName,
    payload: Vec<u8>,
}

/// A statement about an image, and about further bytes by their names.
pub fn statement(image: &ImageName, further: &[(&str, &[u8])], kind: &str, predicate: &impl Serialize) -> Unsigned {
    let subject = |name: &str, digest: [u8; 32]| json!({"name": name, "digest": {"sha256": hex::encode(digest)}});
    let mut subjects = vec![subject(&image.arn(), image.sha256())];
    subjects.extend(further.iter().map(|(name, bytes)| subject(name, *sigstore_crypto::sha256(bytes).as_bytes())));
    let statement = json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": subjects,
        "predicateType": kind,
        "predicate": predicate,
    });
    Unsigned { image: image.clone(), payload: statement.to_string().into_bytes() }
}

impl Unsigned {
    /// What the signature is over (DSSE protocol, *PAE*).
    pub fn message(&self) -> Vec<u8> {
        sigstore_types::pae(Statement::PAYLOAD, &self.payload)
    }

    /// The bundle, as one line of JSON. A signature that the key's own public half does not verify is never given out.
    pub fn signed(&self, signature: &[u8], public: &[u8]) -> Result<String, ImageError> {
        let hint = BASE64.encode(sigstore_crypto::sha256(public).as_bytes());
        let bundle = json!({
            "mediaType": BUNDLE,
            "verificationMaterial": {"publicKey": {"hint": hint}, "tlogEntries": []},
            "dsseEnvelope": {
                "payload": BASE64.encode(&self.payload),
                "payloadType": Statement::PAYLOAD,
                "signatures": [{"sig": BASE64.encode(signature), "keyid": ""}],
            },
        });
        let line = bundle.to_string();
        let refuse = |why: String| ImageError::new("image/signature", &self.image, why);
        let key = ReleaseKey::from_pem("the key", &DerPublicKey::from_bytes(public).to_pem());
        let key = key.map_err(|error| refuse(error.to_string()))?;
        let signer = Signer { proof: Proof::None, ..Signer::key(key) };
        let judge = Judge { root: None, roots: &BTreeMap::new(), now: jiff::Timestamp::now() };
        let read = documents(&Untrusted::new(line.clone().into_bytes())).map_err(|error| refuse(error.to_string()))?;
        for document in &read {
            let judged = judge.judge(document, &Subject::digest(self.image.sha256()), &signer);
            judged.map_err(|error| refuse(format!("the signature that was made does not verify: {error}")))?;
        }
        Ok(format!("{line}\n"))
    }
}
