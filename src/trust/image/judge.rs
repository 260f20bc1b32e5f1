//! The judgement: which signed statements about an image count, and whether a scan is within the budget.

use super::{ImageError, ImageFacts, ImageName, ImageRule, Images, RunReport, ValidationReport};
use crate::trust::bundle::BundlePolicy;
use crate::trust::pattern;
use crate::trust::policy::{fresh, scanned, within};
use crate::trust::sealed::{Untrusted, Verified};
use crate::trust::sigstore::{Document, Evidence, Judge, Subject, documents};
use crate::trust::strict::strict;
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use std::time::Duration;

/// A scan of a whole system.
const SCAN: usize = 256 << 20;

/// A statement that counts, and what it rests on.
#[derive(Debug)]
pub struct Said<T> {
    /// What was said.
    pub predicate: T,
    /// Who signed it, and what that proves.
    pub evidence: Evidence,
}

/// A predicate about an image.
pub trait About: DeserializeOwned {
    /// Its type.
    const TYPE: &'static str;
    /// The rule that demands it.
    const RULE: &'static str;
    /// What it is called.
    const NAME: &'static str;
    /// About which image.
    fn image(&self) -> ImageName;
    /// When it was said.
    fn attested(&self) -> Timestamp;
    /// Who may say it, and how long ago.
    fn demands(rule: &ImageRule) -> Option<(&[String], Duration)>;
}

impl About for ValidationReport {
    const TYPE: &'static str = Self::TYPE;
    const RULE: &'static str = "image/validation";
    const NAME: &'static str = "validation report";

    fn image(&self) -> ImageName {
        self.image.name()
    }
    fn attested(&self) -> Timestamp {
        self.attested
    }
    fn demands(rule: &ImageRule) -> Option<(&[String], Duration)> {
        Some((&rule.validation.signers, rule.validation.max_age))
    }
}

impl About for RunReport {
    const TYPE: &'static str = Self::TYPE;
    const RULE: &'static str = "image/run";
    const NAME: &'static str = "run report";

    fn image(&self) -> ImageName {
        self.image.clone()
    }
    fn attested(&self) -> Timestamp {
        self.attested
    }
    fn demands(rule: &ImageRule) -> Option<(&[String], Duration)> {
        rule.run.as_ref().map(|run| (&run.signers[..], run.max_age))
    }
}

/// The newest statement of a kind about an image, by one of the rule's signers; `None` where the rule demands none.
pub fn judge<T: About>(
    image: &ImageName,
    bundles: &[Untrusted<Vec<u8>>],
    policy: &BundlePolicy,
    rule: &ImageRule,
    now: Timestamp,
) -> Result<Option<Verified<Said<T>>>, ImageError> {
    let Some((signers, max_age)) = T::demands(rule) else { return Ok(None) };
    let refuse = |why: String| ImageError::new(T::RULE, image, why);
    let mut all = Vec::new();
    for bundle in bundles {
        all.extend(documents(bundle).map_err(|error| refuse(error.to_string()))?);
    }
    let of_kind = |document: &&Document| document.predicate_type() == Some(T::TYPE);
    let (found, tried) = by(&policy.images, &policy.judge(now), signers, image, all.iter().filter(of_kind));
    let mut newest: Option<Said<T>> = None;
    for evidence in found {
        let said = evidence.statement.as_ref().map(|said| said.predicate.clone()).unwrap_or_default();
        let predicate: T = serde_json::from_value(said).map_err(|error| refuse(format!("its predicate: {error}")))?;
        if predicate.image() != *image {
            return Err(refuse(format!("the signed {} is about {} inside", T::NAME, predicate.image())));
        }
        if newest.as_ref().is_none_or(|best| predicate.attested() > best.predicate.attested()) {
            newest = Some(Said { predicate, evidence });
        }
    }
    let Some(said) = newest else {
        let who = signers.join(" or ");
        let tried = if tried.is_empty() { "there is none about it".into() } else { tried.join("; ") };
        return Err(refuse(format!("there must be a {} signed by {who}: {tried}", T::NAME))
            .hint("sign one with `muster image attest`, and name its bundle with --bundle"));
    };
    fresh(said.predicate.attested(), max_age, now)
        .map_err(|objection| refuse(format!("the {}: {objection}", T::NAME)))?;
    Ok(Some(Verified::seal(said)))
}

/// Everything that verifies as signed by one of these, and why the rest does not.
fn by<'a>(
    images: &Images,
    judge: &Judge<'_>,
    signers: &[String],
    image: &ImageName,
    documents: impl Iterator<Item = &'a Document> + Clone,
) -> (Vec<Evidence>, Vec<String>) {
    let (mut found, mut tried) = (Vec::new(), Vec::new());
    let subject = Subject::digest(image.sha256());
    let about = |document: &&Document| document.statement().is_some_and(|said| said.is_about(&image.sha256()));
    for name in signers {
        // A policy is read only where every name is a signer's.
        let Some(signer) = images.signers.get(name) else { continue };
        for document in documents.clone().filter(about) {
            match judge.judge(document, &subject, signer) {
                Ok(evidence) => found.push(evidence),
                Err(error) => tried.push(format!("{name}: {error}")),
            }
        }
    }
    (found, tried)
}

/// Judges Trivy's or Grype's reports on an image: every one that is about it must be recent and within the budget, and
/// there must be one. What is told is the scanner and how much it found.
pub fn judge_scans(
    image: &ImageFacts,
    reports: &[Untrusted<Vec<u8>>],
    rule: &ImageRule,
    now: Timestamp,
) -> Result<Option<String>, ImageError> {
    let Some(wanted) = &rule.vulnerabilities else { return Ok(None) };
    let refuse = |why: String| ImageError::new("image/vulnerabilities", image.name(), why);
    let ids = || std::iter::once(&image.ami).chain(&image.snapshots);
    let (mut told, mut others) = (None, Vec::new());
    for report in reports {
        let bytes = report.inspect();
        strict(bytes, SCAN).map_err(|error| refuse(format!("the report: {error}")))?;
        let value: serde_json::Value = serde_json::from_slice(bytes).map_err(|error| refuse(error.to_string()))?;
        let objected = |objection| refuse(format!("the report: {objection}"));
        let scanned = scanned(&value).map_err(objected)?;
        if !scanned.about.iter().any(|text| ids().any(|id| names(text, id))) {
            others.push(scanned.about.join(", "));
            continue;
        }
        let scan = scanned.scan;
        if !wanted.scanners.iter().any(|glob| pattern::matches(glob, &scan.scanner, false)) {
            return Err(refuse(format!("scanner `{}` is not one of the rule's", scan.scanner)));
        }
        fresh(scan.finished, wanted.max_age, now).map_err(objected)?;
        let found = scan.findings.len();
        within(&wanted.budget, scan.findings).map_err(objected)?;
        told = Some(format!("{found} findings of {}, within the budget", scan.scanner));
    }
    let hint = "scan it by its id, as `trivy vm ami:AMI`, or below a directory that is called so; name the report with \
                --vulnerabilities";
    match told {
        Some(told) => Ok(Some(told)),
        None if others.is_empty() => Err(refuse("there must be a report on its vulnerabilities".into()).hint(hint)),
        None => {
            let why = format!("no report names the image or a snapshot of it; they are about {}", others.join("; "));
            Err(refuse(why).hint(hint))
        }
    }
}

/// Whether a text has an id in it as a word of its own: `ami-01234567` is not in `ami-0123456789abcdef0`.
fn names(text: &str, id: &str) -> bool {
    let edge = |letter: Option<char>| letter.is_none_or(|letter| !letter.is_ascii_alphanumeric() && letter != '-');
    text.match_indices(id)
        .any(|(at, _)| edge(text[..at].chars().next_back()) && edge(text[at + id.len()..].chars().next()))
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
