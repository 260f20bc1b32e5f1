//! Why a bundle is not believed: which rule, and what it found.

use super::signatory::Proof;
use crate::failure::Explain;
use crate::trust::strict::StrictError;
use jiff::Timestamp;
use sigstore_verify::{CertificateError, TimestampError, TransparencyLogError};

/// Why a bundle is not believed.
#[derive(Debug, thiserror::Error)]
pub enum SigstoreError {
    /// It is not one JSON document with one meaning.
    #[error("reading the bundle: {0}")]
    Json(#[from] StrictError),
    /// It is no Sigstore bundle.
    #[error("reading the bundle: {0}")]
    Shape(#[from] sigstore_types::Error),
    /// It could be taken in more than one way.
    #[error("reading the bundle: {0}")]
    Ambiguous(String),
    /// Its envelope holds no statement.
    #[error("reading the bundle's in-toto statement: {0}")]
    Statement(String),
    /// It is well formed and lacks what its version must have, or has what cannot be verified.
    #[error("the bundle is incomplete: {0}")]
    Incomplete(String),
    /// A key was asked for, and it is signed by a certificate, or the other way round.
    #[error("the bundle is signed {is}, and the signer is known {wanted}")]
    Kind {
        /// What it is.
        is: &'static str,
        /// What was asked for.
        wanted: &'static str,
    },
    /// There is nothing to judge it by.
    #[error("there is no trusted root {0} to judge the bundle's log entry, timestamp or certificate by")]
    NoTrustedRoot(String),
    /// The trusted root cannot be used.
    #[error("the trusted root cannot be used: {0}")]
    TrustedRoot(String),
    /// The certificate is not to be believed.
    #[error("the signing certificate: {0}")]
    Certificate(CertificateError),
    /// The log entry is not to be believed.
    #[error("the transparency log entry: {0}")]
    Log(TransparencyLogError),
    /// The timestamp is not to be believed.
    #[error("the timestamp: {0}")]
    Timestamp(TimestampError),
    /// The signature is not of this key over these bytes.
    #[error("the signature: {0}")]
    Signature(String),
    /// The key was withdrawn.
    #[error("the key {name} (sha256 {fingerprint}) was withdrawn: revoked_keys has it")]
    Revoked {
        /// Its name.
        name: String,
        /// SHA-256 of its SubjectPublicKeyInfo.
        fingerprint: String,
    },
    /// It is about something else.
    #[error("the bundle is about another artifact: {0}")]
    Artifact(String),
    /// The artifact is an envelope's signed bytes: a signature over it says nothing of the artifact.
    #[error("the artifact begins as the signed bytes of a DSSE envelope do (`DSSEv1 `)")]
    CrossUse,
    /// Somebody else signed.
    #[error("the certificate's identity is {actual}, and {expected} is wanted")]
    Identity {
        /// Who must have signed.
        expected: String,
        /// Who did.
        actual: String,
    },
    /// Another issuer vouched.
    #[error("the certificate's issuer is {actual}, and {expected} is wanted")]
    Issuer {
        /// Who must have vouched.
        expected: String,
        /// Who did.
        actual: String,
    },
    /// The certificate claims something else.
    #[error("the certificate's claim {name} is {actual}, and {expected} is wanted")]
    Claim {
        /// Which.
        name: &'static str,
        /// What it must be.
        expected: String,
        /// What it is.
        actual: String,
    },
    /// What must prove the signature's time is not there.
    #[error("the bundle has no {}, which the signer must show", lacking(*.0))]
    Unproven(Proof),
    /// The bundle carries a proof that is none.
    #[error("log entry {0} of the bundle has neither a proof nor a promise of inclusion")]
    BareEntry(usize),
    /// The signature is in fewer logs than it must be.
    #[error("the signature is in {have} transparency logs, and {want} are wanted")]
    Logs {
        /// Different logs.
        have: usize,
        /// How many there must be.
        want: usize,
    },
    /// It was signed too long ago.
    #[error("it was signed at {at}, more than {limit} ago")]
    TooOld {
        /// When.
        at: Timestamp,
        /// How long ago it may be.
        limit: String,
    },
    /// It was signed in the future.
    #[error("it was signed at {at}, which is later than this host's clock ({now})")]
    Future {
        /// When.
        at: Timestamp,
        /// This host's time.
        now: Timestamp,
    },
    /// An image's manifest that is none, or two.
    #[error("reading the manifest: {0}")]
    Manifest(#[from] crate::trust::manifest::ManifestError),
    /// The file could not be read.
    #[error("reading the artifact: {0}")]
    Io(#[from] std::io::Error),
}

fn lacking(proof: Proof) -> &'static str {
    match proof {
        Proof::Log => "transparency log entry",
        Proof::Timestamp | Proof::None => "log entry and no RFC 3161 timestamp",
    }
}

impl From<sigstore_verify::Error> for SigstoreError {
    fn from(error: sigstore_verify::Error) -> Self {
        use sigstore_verify::Error as E;
        match error {
            E::Certificate(error) => Self::Certificate(error),
            E::TransparencyLog(error) => Self::Log(error),
            E::Timestamp(error) => Self::Timestamp(error),
            E::SignatureInvalid(why) => Self::Signature(why),
            E::ArtifactMismatch(why) => Self::Artifact(why),
            E::InvalidTrustRoot(why) => Self::TrustedRoot(why),
            E::TrustRoot(error) => Self::TrustedRoot(error.to_string()),
            E::TrustedCertificate(error) => Self::TrustedRoot(error.to_string()),
            E::Crypto(error) => Self::Signature(error.to_string()),
            E::ArtifactRead(error) => Self::Io(error),
            other => Self::Incomplete(other.to_string()),
        }
    }
}

impl Explain for SigstoreError {
    fn hint(&self) -> Option<String> {
        let text = match self {
            Self::NoTrustedRoot(_) => "put Sigstore's trusted root into the realm and embed the trust directory",
            Self::TrustedRoot(_) => "mend the realm's trusted root and embed the trust directory again",
            Self::Unproven(Proof::Log) => {
                "sign with a transparency log, or say `proof: timestamp` or `proof: none` of this signer in policy.yaml"
            }
            Self::Unproven(_) => {
                "sign with a log or a timestamp authority, or say `proof: none` of this key in policy.yaml"
            }
            Self::Identity { .. } | Self::Issuer { .. } | Self::Claim { .. } => {
                "sign from the workflow that policy.yaml names, or name this one there"
            }
            Self::Revoked { .. } => "sign again with the key that took its place",
            Self::TooOld { .. } => "sign again, or raise the signer's `max_age` in policy.yaml",
            Self::Future { .. } => "set this host's clock",
            Self::Signature(_) | Self::Artifact(_) => {
                "fetch artifact and bundle again, and compare with the signer's copy"
            }
            Self::Kind { .. } => "policy.yaml knows a signer by `key` or by `identity` and `issuer`",
            Self::Json(_) | Self::Shape(_) | Self::Ambiguous(_) | Self::Statement(_) | Self::Incomplete(_) => {
                "fetch the bundle again; if it is the one that was published, sign again with `cosign ... --bundle FILE`"
            }
            Self::Certificate(_) => {
                "sign again; the authority of an instance of one's own stands in the signer's trusted root"
            }
            Self::Log(_) | Self::BareEntry(_) => {
                "fetch the bundle again, or sign again; a log of one's own stands in the signer's trusted root"
            }
            Self::Timestamp(_) => "sign again; a timestamp authority of one's own stands in the signer's trusted root",
            Self::Logs { .. } => "sign into more logs, or lower the signer's `logs` in policy.yaml",
            Self::CrossUse => "name the artifact itself: an envelope's signature is judged as an attestation",
            Self::Manifest(_) => "fetch the manifest as the registry serves it, unaltered",
            Self::Io(_) => "is it there, and may this user read it?",
        };
        Some(text.to_owned())
    }
}
