//! Judges a Sigstore bundle over an artifact by the keys that the realm holds.
//!
//! Keys held in KMS are such keys: what KMS signs is verified with its public half and never with a call. Keyless
//! bundles (a certificate in place of a key) are refused by name.

use super::sealed::{Untrusted, Verified};
use super::strict::{StrictError, strict};
use crate::failure::Explain;
use sigstore_crypto::{KeyAlgorithm, VerificationKey};
use sigstore_types::bundle::{SignatureContent, VerificationMaterialContent};
use sigstore_types::{Bundle, DerPublicKey};
use sigstore_verify::{PublicKeyVerificationPolicy, Verifier, trust_root::TrustedRoot};

/// A bundle with a log entry, its proof and a few timestamps has about 10 KB.
const BUNDLE_LIMIT: usize = 1 << 20;

/// A public key that the realm believes.
#[derive(Clone, Debug)]
pub struct ReleaseKey {
    /// Its file's name without `.pem`, as policies and messages call it.
    pub name: String,
    /// The key.
    pub key: DerPublicKey,
}

/// Why a key is no release key.
#[derive(Debug, thiserror::Error)]
#[error("{name} is no public key that can verify releases: {why}")]
pub struct KeyError {
    /// The key's name.
    pub name: String,
    /// What is wrong with it.
    pub why: String,
}

impl ReleaseKey {
    /// Reads a PEM public key: ECDSA on P-256 or P-384, or Ed25519.
    pub fn from_pem(name: &str, pem: &str) -> Result<Self, KeyError> {
        let refuse = |why: String| KeyError { name: name.to_owned(), why };
        let key = DerPublicKey::from_pem(pem).map_err(|error| refuse(error.to_string()))?;
        match KeyAlgorithm::from_spki(&key).map_err(|error| refuse(error.to_string()))? {
            KeyAlgorithm::EcdsaP256 | KeyAlgorithm::EcdsaP384 | KeyAlgorithm::Ed25519 => {
                Ok(Self { name: name.to_owned(), key })
            }
            _ => Err(refuse("only ECDSA P-256, ECDSA P-384 and Ed25519 keys are accepted".into())),
        }
    }

    /// SHA-256 of the key's SubjectPublicKeyInfo, in hexadecimal.
    pub fn fingerprint(&self) -> String {
        hex::encode(sigstore_crypto::sha256(self.key.as_bytes()).as_bytes())
    }
}

/// What bundles are judged by.
#[derive(Clone, Debug, Default)]
pub struct BundlePolicy {
    /// The keys that may have signed.
    pub keys: Vec<ReleaseKey>,
    /// The transparency logs and timestamp authorities that are believed (`trusted_root.json`).
    pub trusted_root: Option<TrustedRoot>,
    /// Names of keys whose bundles need no log entry and no timestamp (`cosign` with KMS and no log writes such).
    pub unlogged: Vec<String>,
}

/// Bytes that a release key signed.
#[derive(Debug)]
pub struct Signed {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// The key's name.
    pub key: String,
    /// Whether a transparency log's proof was verified too.
    pub logged: bool,
}

/// Why a bundle is not believed.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// It is not one JSON document with one meaning.
    #[error("reading the bundle: {0}")]
    Json(#[from] StrictError),
    /// It is no Sigstore bundle.
    #[error("reading the bundle: {0}")]
    Shape(#[from] sigstore_types::Error),
    /// It is signed by a certificate.
    #[error("the bundle is keyless (it carries a certificate): keyless bundles are not supported yet")]
    Keyless,
    /// It is an attestation.
    #[error("the bundle holds an attestation (a DSSE envelope), not a signature over the descriptor")]
    Attestation,
    /// The realm has no release key.
    #[error("the trust root holds no release key")]
    NoKeys,
    /// It has no log entry, and no key may go without.
    #[error("the bundle has no transparency log entry, and no key of the realm may sign without one")]
    Unlogged,
    /// It has a log entry and the realm has nothing to judge it by.
    #[error("the bundle has a transparency log entry, and the trust root holds no trusted_root.json to judge it by")]
    NoTrustedRoot,
    /// The embedded trusted root cannot be used.
    #[error("the embedded trusted_root.json cannot be used: {0}")]
    TrustedRoot(#[source] sigstore_verify::Error),
    /// No key verifies it.
    #[error("none of the realm's keys verifies the signature ({tried})")]
    NoMatch {
        /// Each key and why not.
        tried: String,
    },
}

impl Explain for BundleError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoKeys => "put the public key into keys/NAME.pem of the realm and embed the trust directory".into(),
            Self::Unlogged => {
                "sign with a log, or name the key under `releases: {unlogged: [...]}` in policy.yaml".into()
            }
            Self::NoTrustedRoot => {
                "put Sigstore's trusted_root.json into the realm and embed the trust directory".into()
            }
            Self::Keyless => "sign the descriptor with a key (`cosign sign-blob --key awskms:///...`)".into(),
            Self::NoMatch { .. } => "`muster trust show` prints the keys that are believed".into(),
            _ => return None,
        })
    }
}

/// Believes an artifact when its bundle is signed over exactly these bytes by a key of the policy.
pub fn verify_bundle(
    artifact: Untrusted<Vec<u8>>,
    bundle: &Untrusted<Vec<u8>>,
    policy: &BundlePolicy,
) -> Result<Verified<Signed>, BundleError> {
    let text = bundle.inspect();
    strict(text, BUNDLE_LIMIT)?;
    let bundle = Bundle::from_json(&String::from_utf8_lossy(text))?;
    let material = &bundle.verification_material;
    if !matches!(material.content, VerificationMaterialContent::PublicKey(_)) {
        return Err(BundleError::Keyless);
    }
    if !matches!(bundle.content, SignatureContent::MessageSignature(_)) {
        return Err(BundleError::Attestation);
    }
    if policy.keys.is_empty() {
        return Err(BundleError::NoKeys);
    }
    let bytes = artifact.judge();
    let logged = !material.tlog_entries.is_empty();
    let key = if logged { logged_key(&bytes, &bundle, policy)? } else { bare_key(&bytes, &bundle, policy)? };
    Ok(Verified::seal(Signed { bytes, key, logged }))
}

/// A bundle with a log entry: signature, inclusion, checkpoint and timestamps, by `sigstore-verify`.
fn logged_key(bytes: &[u8], bundle: &Bundle, policy: &BundlePolicy) -> Result<String, BundleError> {
    let root = policy.trusted_root.as_ref().ok_or(BundleError::NoTrustedRoot)?;
    let verifier = Verifier::new(root).map_err(BundleError::TrustedRoot)?;
    first_match(policy.keys.iter(), |key| {
        verifier
            .verify(bytes, bundle, &PublicKeyVerificationPolicy::new(key.key.clone()))
            .map(|_| ())
            .map_err(|error| error.to_string())
    })
}

/// A bundle with neither log entry nor timestamp, which `sigstore-verify` always refuses for want of a signing time.
fn bare_key(bytes: &[u8], bundle: &Bundle, policy: &BundlePolicy) -> Result<String, BundleError> {
    let SignatureContent::MessageSignature(signature) = &bundle.content else { return Err(BundleError::Attestation) };
    let allowed: Vec<&ReleaseKey> = policy.keys.iter().filter(|key| policy.unlogged.contains(&key.name)).collect();
    if allowed.is_empty() {
        return Err(BundleError::Unlogged);
    }
    first_match(allowed.into_iter(), |key| {
        if let Some(digest) = &signature.message_digest {
            use sigstore_types::HashAlgorithm::{Sha2256, Sha2384, Sha2512};
            let have = match digest.algorithm {
                Sha2256 => sigstore_crypto::sha256(bytes).as_bytes().to_vec(),
                Sha2384 => sigstore_crypto::sha384(bytes).as_bytes().to_vec(),
                Sha2512 => sigstore_crypto::sha512(bytes).as_bytes().to_vec(),
                _ => return Err("the bundle's digest is of an unknown algorithm".into()),
            };
            if have != digest.digest.as_bytes() {
                return Err("the bundle's digest is another artifact's".into());
            }
        }
        VerificationKey::from_spki(&key.key)
            .and_then(|verifier| verifier.verify(bytes, &signature.signature))
            .map_err(|error| error.to_string())
    })
}

fn first_match<'a>(
    keys: impl Iterator<Item = &'a ReleaseKey>,
    verify: impl Fn(&ReleaseKey) -> Result<(), String>,
) -> Result<String, BundleError> {
    let mut tried = Vec::new();
    for key in keys {
        match verify(key) {
            Ok(()) => return Ok(key.name.clone()),
            Err(why) => tried.push(format!("{}: {why}", key.name)),
        }
    }
    Err(BundleError::NoMatch { tried: tried.join("; ") })
}

#[cfg(test)]
mod tests;
