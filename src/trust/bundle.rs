//! Judges the bundle beside a release by the keys that the realm holds, where no policy says more.
//!
//! Keys held in KMS are such keys: what KMS signs is verified with its public half and never with a call. Keyless
//! bundles (a certificate in place of a key) are believed only by a policy, which names whom.

use super::image::Images;
use super::policy::{Policy, PolicyError};
use super::sealed::{Untrusted, Verified};
use super::sigstore::{Document, Evidence, Judge, Proof, Signatory, Signer, SigstoreError, Subject, documents};
use crate::failure::Explain;
use sigstore_verify::trust_root::TrustedRoot;
use std::collections::BTreeMap;

pub use super::sigstore::{KeyError, ReleaseKey};

/// What bundles are judged by.
#[derive(Clone, Debug, Default)]
pub struct BundlePolicy {
    /// The keys that may have signed.
    pub keys: Vec<ReleaseKey>,
    /// The transparency logs and timestamp authorities that are believed (`trusted_root.json`).
    pub trusted_root: Option<TrustedRoot>,
    /// Further ones, by name (`trusted_roots/NAME.json`).
    pub trusted_roots: BTreeMap<String, TrustedRoot>,
    /// Names of keys whose bundles need no log entry and no timestamp (`cosign` with KMS and no log writes such).
    pub unlogged: Vec<String>,
    /// Keys by the ARNs that KMS has for them: ARN to the key's name (`kms` in `policy.yaml`).
    pub kms: BTreeMap<String, String>,
    /// What `policy.yaml` demands, by application and channel; without it any of the keys may sign anything.
    pub policy: Option<Policy>,
    /// What it demands of images before they are promoted.
    pub images: Images,
}

impl BundlePolicy {
    /// The key that KMS has by an ARN.
    pub fn kms_key(&self, arn: &str) -> Option<&ReleaseKey> {
        let name = self.kms.get(arn)?;
        self.keys.iter().find(|key| key.name == *name)
    }

    /// Whether a key's signatures need no proof of their time.
    pub fn takes_unlogged(&self, key: &ReleaseKey) -> bool {
        let same = |one: &ReleaseKey| one.fingerprint() == key.fingerprint();
        let by_rule = |signer: &Signer| match &signer.signatory {
            Signatory::Key(one) => signer.proof == Proof::None && same(one),
            Signatory::Keyless(_) => false,
        };
        self.keys.iter().any(|one| same(one) && self.unlogged.contains(&one.name))
            || self.policy.iter().flat_map(|policy| policy.signers.values()).any(by_rule)
    }

    /// What bundles are judged with, at a time.
    pub(super) fn judge(&self, now: jiff::Timestamp) -> Judge<'_> {
        Judge { root: self.trusted_root.as_ref(), roots: &self.trusted_roots, now }
    }
}

/// Bytes that a release key signed.
#[derive(Debug)]
pub struct Signed {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// The key's name; under a policy, its signers'.
    pub key: String,
    /// Whether a transparency log's proof was verified too.
    pub logged: bool,
    /// What each signature proved.
    pub signatures: Vec<Evidence>,
}

impl Signed {
    pub(super) fn new(bytes: Vec<u8>, signatures: Vec<Evidence>) -> Self {
        let names: Vec<&str> = signatures.iter().map(|one| one.signer.as_str()).collect();
        let (key, logged) = (names.join(" and "), signatures.iter().all(|one| !one.logs.is_empty()));
        Self { bytes, key, logged, signatures }
    }
}

/// Why a bundle is not believed.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// It cannot be read, or not in one way.
    #[error(transparent)]
    Sigstore(#[from] SigstoreError),
    /// The policy is not met.
    #[error(transparent)]
    Policy(#[from] Box<PolicyError>),
    /// It is signed by a certificate.
    #[error("the bundle is keyless (it carries a certificate), and no policy of the realm says whom to believe")]
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
    /// No key verifies it.
    #[error("none of the realm's keys verifies the signature ({tried})")]
    NoMatch {
        /// Each key and why not.
        tried: String,
    },
}

impl From<PolicyError> for BundleError {
    fn from(error: PolicyError) -> Self {
        Self::Policy(Box::new(error))
    }
}

impl Explain for BundleError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Sigstore(error) => return error.hint(),
            Self::Policy(error) => return error.hint(),
            Self::NoKeys => "put the public key into keys/NAME.pem of the realm and embed the trust directory".into(),
            Self::Unlogged => {
                "sign with a log, or name the key under `releases: {unlogged: [...]}` in policy.yaml".into()
            }
            Self::NoTrustedRoot => {
                "put Sigstore's trusted_root.json into the realm and embed the trust directory".into()
            }
            Self::Keyless => {
                "name identity and issuer under `signers:` and a rule under `rules:` in policy.yaml".into()
            }
            Self::NoMatch { .. } => "`muster trust show` prints the keys that are believed".into(),
            Self::Attestation => "sign the descriptor itself; what is attested of the release lies beside that".into(),
        })
    }
}

/// Believes an artifact when its bundle is signed over exactly these bytes by a key of the policy.
pub fn verify_bundle(
    artifact: Untrusted<Vec<u8>>,
    bundle: &Untrusted<Vec<u8>>,
    policy: &BundlePolicy,
) -> Result<Verified<Signed>, BundleError> {
    let subject = Subject::bytes(artifact);
    let evidence = by_key(&documents(bundle)?, &subject, policy, jiff::Timestamp::now())?;
    let bytes = subject.into_bytes().ok_or(BundleError::Attestation)?;
    Ok(Verified::seal(Signed::new(bytes, vec![evidence])))
}

/// What the one bundle proved, by the one key that signed it.
pub(super) fn by_key(
    documents: &[Document],
    subject: &Subject,
    policy: &BundlePolicy,
    now: jiff::Timestamp,
) -> Result<Evidence, BundleError> {
    let [document] = documents else {
        let why = format!("there are {} bundles, and one is judged where no policy says more", documents.len());
        return Err(SigstoreError::Ambiguous(why).into());
    };
    if !document.is_by_key() {
        return Err(BundleError::Keyless);
    }
    if document.statement().is_some() {
        return Err(BundleError::Attestation);
    }
    if policy.keys.is_empty() {
        return Err(BundleError::NoKeys);
    }
    let logged = document.is_logged();
    let allowed = |key: &&ReleaseKey| logged || policy.unlogged.contains(&key.name);
    let keys: Vec<&ReleaseKey> = policy.keys.iter().filter(allowed).collect();
    if keys.is_empty() {
        return Err(BundleError::Unlogged);
    }
    if logged && policy.trusted_root.is_none() {
        return Err(BundleError::NoTrustedRoot);
    }
    let judge = policy.judge(now);
    let mut tried = Vec::new();
    for key in keys {
        let signer = Signer { proof: if logged { Proof::Log } else { Proof::None }, ..Signer::key(key.clone()) };
        match judge.judge(document, subject, &signer) {
            Ok(evidence) => return Ok(evidence),
            Err(why) => tried.push(format!("{}: {why}", key.name)),
        }
    }
    Err(BundleError::NoMatch { tried: tried.join("; ") })
}

#[cfg(test)]
mod tests;
