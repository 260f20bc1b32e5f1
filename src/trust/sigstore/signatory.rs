//! Who may have signed: a key that the realm holds, or an identity that a certificate authority vouches for.

use super::{Claim, Text};
use sigstore_crypto::KeyAlgorithm;
use sigstore_types::DerPublicKey;
use std::time::Duration;

/// A public key that the realm believes.
#[derive(Clone, Debug)]
pub struct ReleaseKey {
    /// Its file's name without `.pem`, as policies and messages call it.
    pub name: String,
    /// The key.
    pub key: DerPublicKey,
    /// Whether it was withdrawn (`revoked_keys`): what it signed is then believed no longer.
    pub revoked: bool,
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
    /// Reads a PEM public key: ECDSA on P-256 or P-384, Ed25519, or RSA of 2048 bits and more.
    pub fn from_pem(name: &str, pem: &str) -> Result<Self, KeyError> {
        let refuse = |why: String| KeyError { name: name.to_owned(), why };
        let key = DerPublicKey::from_pem(pem).map_err(|error| refuse(error.to_string()))?;
        match KeyAlgorithm::from_spki(&key).map_err(|error| refuse(error.to_string()))? {
            KeyAlgorithm::EcdsaP256 | KeyAlgorithm::EcdsaP384 | KeyAlgorithm::Ed25519 | KeyAlgorithm::Rsa => {
                // A key that can never verify anything is refused here, and not with the first release.
                sigstore_crypto::VerificationKey::from_spki(&key).map_err(|error| refuse(error.to_string()))?;
                Ok(Self { name: name.to_owned(), key, revoked: false })
            }
            _ => Err(refuse("only ECDSA P-256, ECDSA P-384, Ed25519 and RSA keys are accepted".into())),
        }
    }

    /// SHA-256 of the key's SubjectPublicKeyInfo, in hexadecimal.
    pub fn fingerprint(&self) -> String {
        hex::encode(sigstore_crypto::sha256(self.key.as_bytes()).as_bytes())
    }
}

/// The least that must prove when a signature was made, and that it was made in the open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Proof {
    /// An entry in a transparency log.
    #[default]
    Log,
    /// A log entry or an RFC 3161 timestamp.
    Timestamp,
    /// Nothing: what `cosign` writes for a KMS key without a log. For keys only.
    None,
}

/// An identity that a certificate authority vouches for.
#[derive(Clone, Debug)]
pub struct Keyless {
    /// The certificate's one subject alternative name.
    pub identity: Text,
    /// The OIDC issuer that the authority asked.
    pub issuer: Text,
    /// What else the certificate must claim.
    pub claims: Vec<(Claim, Text)>,
    /// Whether the certificate needs no proof of a certificate transparency log (authorities without one).
    pub without_sct: bool,
}

/// How a signer is known.
#[derive(Clone, Debug)]
pub enum Signatory {
    /// By a key.
    Key(ReleaseKey),
    /// By a certificate.
    Keyless(Keyless),
}

/// Who may have signed, and what must prove it.
#[derive(Clone, Debug)]
pub struct Signer {
    /// As the policy calls it.
    pub name: String,
    /// Key or identity.
    pub signatory: Signatory,
    /// Which trusted root judges certificates, logs and timestamps: a name of `trusted_roots/NAME.json`, or `None` for
    /// the realm's `trusted_root.json`.
    pub trusted_root: Option<String>,
    /// What must prove the time.
    pub proof: Proof,
    /// In how many different logs the signature must be.
    pub logs: usize,
    /// How long ago the signature may have been made.
    pub max_age: Option<Duration>,
}

impl Signer {
    /// A signer by key, with a log entry.
    pub fn key(key: ReleaseKey) -> Self {
        Self::new(key.name.clone(), Signatory::Key(key))
    }

    /// A signer by identity, with a log entry.
    pub fn new(name: String, signatory: Signatory) -> Self {
        Self { name, signatory, trusted_root: None, proof: Proof::Log, logs: 1, max_age: None }
    }
}
