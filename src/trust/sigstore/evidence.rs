//! What a bundle proved: who signed, when, and what vouches for it.

use super::statement::Statement;
use jiff::Timestamp;
use sigstore_crypto::x509::FulcioCiClaims;

/// Who signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// A key of the realm.
    Key {
        /// Its name.
        name: String,
        /// SHA-256 of its SubjectPublicKeyInfo, in hexadecimal.
        fingerprint: String,
    },
    /// An identity of a certificate.
    Identity {
        /// The subject alternative name.
        identity: String,
        /// The OIDC issuer.
        issuer: String,
    },
}

impl std::fmt::Display for Who {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Key { name, fingerprint } => write!(f, "key {name} (sha256 {fingerprint})"),
            Self::Identity { identity, issuer } => write!(f, "{identity} (issuer {issuer})"),
        }
    }
}

/// What a bundle proved. Made only once everything in it was verified.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// The signer's name in the policy.
    pub signer: String,
    /// Who signed.
    pub who: Who,
    /// The earliest proven time; by it the signature was there.
    pub signed_at: Option<Timestamp>,
    /// The transparency logs whose proof of inclusion was verified: log id in hexadecimal, and index.
    pub logs: Vec<(String, u64)>,
    /// How many RFC 3161 timestamps were verified.
    pub timestamps: usize,
    /// What the certificate claims of the workflow.
    pub claims: FulcioCiClaims,
    /// What was said, where it is an attestation.
    pub statement: Option<Statement>,
    /// SHA-256 of the bundle, in hexadecimal.
    pub bundle: String,
    /// From what is embedded to the subject, a line a link.
    pub chain: Vec<String>,
}

impl Evidence {
    /// Which thing signed, whatever it is called: a key in two files is one key.
    pub fn actor(&self) -> String {
        match &self.who {
            Who::Key { fingerprint, .. } => fingerprint.clone(),
            Who::Identity { .. } => self.who.to_string(),
        }
    }
}
