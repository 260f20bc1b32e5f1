//! Releases and other subjects judged by the realm's policy, or by its keys alone where it has none.

use super::bundle::{BundleError, BundlePolicy, Signed, by_key};
use super::policy::{Approved, Asked, PolicyError};
use super::sealed::{Untrusted, Verified};
use super::sigstore::{Document, Evidence, Subject, documents};
use jiff::Timestamp;

/// Believes a release's descriptor when whoever must have signed it has. Each of `bundles` is one, or one a line.
pub fn verify_release(
    descriptor: Untrusted<Vec<u8>>,
    bundles: &[Untrusted<Vec<u8>>],
    policy: &BundlePolicy,
    asked: &Asked<'_>,
    now: Timestamp,
) -> Result<Verified<Signed>, BundleError> {
    let (documents, subject) = (all(bundles)?, Subject::bytes(descriptor));
    let signatures = match &policy.policy {
        None => vec![by_key(&documents, &subject, policy, now)?],
        Some(rules) => rules.signed(&policy.judge(now), &documents, &subject, asked)?,
    };
    let bytes = subject.into_bytes().ok_or(BundleError::Attestation)?;
    Ok(Verified::seal(Signed::new(bytes, signatures)))
}

/// Whether what the policy wants attested of an artifact is there, about exactly this digest, in the same bundles.
pub fn attested(
    sha256: [u8; 32],
    bundles: &[Untrusted<Vec<u8>>],
    policy: &BundlePolicy,
    asked: &Asked<'_>,
    now: Timestamp,
) -> Result<Vec<(&'static str, Evidence)>, BundleError> {
    let Some(rules) = &policy.policy else { return Ok(Vec::new()) };
    Ok(rules.attested(&policy.judge(now), &all(bundles)?, &Subject::digest(sha256), asked)?)
}

/// Judges one subject against everything that the policy demands of it, signatures and attestations alike.
pub fn approve(
    subject: Subject,
    bundles: &[Untrusted<Vec<u8>>],
    policy: &BundlePolicy,
    asked: &Asked<'_>,
    now: Timestamp,
) -> Result<Verified<Approved>, BundleError> {
    let Some(rules) = &policy.policy else {
        return Err(PolicyError::NoRule { application: asked.application.into(), channel: asked.channel.into() }.into());
    };
    Ok(Verified::seal(rules.approve(&policy.judge(now), &all(bundles)?, &subject, asked)?))
}

fn all(bundles: &[Untrusted<Vec<u8>>]) -> Result<Vec<Document>, BundleError> {
    let mut found = Vec::new();
    for bundle in bundles {
        found.extend(documents(bundle)?);
    }
    Ok(found)
}
