//! A release judged where it lies: its descriptor's signatures, what it is of, and what is attested of its artifacts.

use super::ReleaseError;
use super::layout::{Layout, member, text};
use crate::trust::bundle::{BundleError, BundlePolicy};
use crate::trust::policy::Asked;
use crate::trust::sigstore::{Evidence, SigstoreError, Subject};
use crate::trust::strict::strict;
use crate::trust::{Untrusted, attested, verify_release};
use jiff::Timestamp;

/// What is judged, and for whom.
#[derive(Debug)]
pub struct Asking<'a> {
    /// The descriptor.
    pub descriptor: Untrusted<Vec<u8>>,
    /// The bundles beside it, each one or one a line.
    pub bundles: &'a [Untrusted<Vec<u8>>],
    /// One of its artifacts; without it attestations are looked for of every artifact.
    pub artifact: Option<&'a Subject>,
    /// Where the descriptor keeps what.
    pub layout: &'a Layout,
    /// For which application, in which channel.
    pub asked: Asked<'a>,
    /// The time that ages are counted to.
    pub now: Timestamp,
}

/// A release that would be put in place.
#[derive(Debug)]
pub struct Judged {
    /// Its version, for people.
    pub version: String,
    /// Its id.
    pub release_id: String,
    /// The SHA-256 of its artifacts, in hexadecimal: the one that was asked for, or all.
    pub artifacts: Vec<String>,
    /// The policy's rule, from 1; `None` where the realm has no policy.
    pub rule: Option<usize>,
    /// Who signed the descriptor.
    pub signatures: Vec<Evidence>,
    /// What was attested of the artifacts.
    pub attestations: Vec<(&'static str, Evidence)>,
}

/// Judges a release.
pub fn judge(asking: Asking<'_>, policy: &BundlePolicy) -> Result<Judged, ReleaseError> {
    let Asking { descriptor, bundles, artifact, layout, asked, now } = asking;
    let name = || "the descriptor".to_owned();
    let unproven = |source| ReleaseError::Bundle { descriptor: name(), bundle: "its bundles".into(), source };
    let wrong = |why: String| ReleaseError::Descriptor { descriptor: name(), why };
    let signed = verify_release(descriptor, bundles, policy, &asked, now).map_err(unproven)?.into_inner();
    strict(&signed.bytes, super::descriptor::LIMIT).map_err(|error| wrong(error.to_string()))?;
    let json: serde_json::Value = serde_json::from_slice(&signed.bytes).map_err(|error| wrong(error.to_string()))?;
    for (field, path, want) in
        [("application", &layout.app, asked.application), ("channel", &layout.channel, asked.channel)]
    {
        let have = text(&json, path).map_err(wrong)?;
        if have != want {
            return Err(ReleaseError::Mismatch { descriptor: name(), field, have, want: want.to_owned() });
        }
    }
    let listed = member(&json, &layout.artifacts).map_err(wrong)?.as_array().cloned().unwrap_or_default();
    let listed: Vec<String> =
        listed.iter().map(|item| text(item, &layout.sha256)).collect::<Result<_, _>>().map_err(wrong)?;
    let artifacts = match artifact.map(Subject::hex) {
        None => listed,
        Some(have) if listed.contains(&have) => vec![have],
        Some(have) => {
            let why = format!("the descriptor names no artifact of sha256 {have}");
            return Err(unproven(BundleError::from(SigstoreError::Artifact(why))));
        }
    };
    let mut attestations = Vec::new();
    for hex in &artifacts {
        let sha256 = <[u8; 32]>::try_from(hex::decode(hex).unwrap_or_default());
        let sha256 = sha256.map_err(|_| wrong(format!("`{}` is no SHA-256 in hexadecimal", layout.sha256)))?;
        attestations.extend(attested(sha256, bundles, policy, &asked, now).map_err(unproven)?);
    }
    let rule = policy.policy.as_ref().and_then(|rules| rules.rule(&asked).ok()).map(|(number, _)| number);
    let (version, release_id) = (&layout.version, &layout.release_id);
    Ok(Judged {
        version: text(&json, version).map_err(wrong)?,
        release_id: text(&json, release_id).map_err(wrong)?,
        artifacts,
        rule,
        signatures: signed.signatures,
        attestations,
    })
}
