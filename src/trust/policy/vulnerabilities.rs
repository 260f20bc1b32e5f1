//! Vulnerability scans: by a known scanner, not too old, within a budget once VEX has excused what does not concern it.

use super::objection::Objection;
use super::{scan, vex, vsa};
use crate::trust::pattern;
use crate::trust::sigstore::{Evidence, Subject};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How many identifiers a message names.
const NAMED: usize = 5;

/// How bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Below CVSS 4.
    Low,
    /// From 4.
    Medium,
    /// From 7.
    High,
    /// From 9.
    Critical,
    /// The scanner does not say, or not so that it can be read.
    Unknown,
}

impl Severity {
    /// Reads a word or a CVSS score.
    pub(super) fn read(text: &str) -> Self {
        if let Ok(score) = text.trim().parse::<f64>() {
            return match score {
                9.0..=10.0 => Self::Critical,
                7.0..9.0 => Self::High,
                4.0..7.0 => Self::Medium,
                0.0..4.0 => Self::Low,
                _ => Self::Unknown,
            };
        }
        match text.trim().to_ascii_lowercase().as_str() {
            "critical" => Self::Critical,
            "high" | "important" => Self::High,
            "medium" | "moderate" => Self::Medium,
            "low" | "negligible" | "none" => Self::Low,
            _ => Self::Unknown,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
            Self::Unknown => "unknown",
        }
    }
}

/// What a scan must be.
#[derive(Clone, Debug)]
pub struct Vulnerabilities {
    /// Whose counts.
    pub signers: Vec<String>,
    /// Scanners, by their URI or simple globs.
    pub scanners: Vec<String>,
    /// How long ago it may have been finished.
    pub max_age: Duration,
    /// How many of each severity are accepted; none where nothing is said, any where it is `None`.
    pub budget: BTreeMap<Severity, Option<usize>>,
    /// Whose VEX statements count.
    pub vex: Vec<String>,
}

/// Whether a predicate is a scan.
pub(super) fn takes(kind: &str) -> bool {
    kind == scan::COSIGN || scan::INTOTO.contains(&kind)
}

/// The scan that was finished last: an older one that says less is still there for whoever wants to show it.
pub(super) fn newest(all: Vec<Evidence>) -> Result<Evidence, (String, Objection)> {
    let mut best: Option<(Timestamp, Evidence)> = None;
    for one in all {
        let predicate = one.statement.as_ref().map(|said| &said.predicate);
        let at = scan::finished(predicate.unwrap_or(&serde_json::Value::Null));
        let at = at.map_err(|objection| (one.bundle.clone(), objection))?;
        if best.as_ref().is_none_or(|(newest, _)| at > *newest) {
            best = Some((at, one));
        }
    }
    best.map(|(_, one)| one).ok_or_else(|| (String::new(), Objection::Malformed("there is none".into())))
}

/// Judges a verified scan.
pub(super) fn object(
    wanted: &Vulnerabilities,
    evidence: &Evidence,
    vex: &[Evidence],
    subject: &Subject,
    now: Timestamp,
) -> Result<(), Objection> {
    let statement = evidence.statement.as_ref().ok_or_else(|| Objection::Malformed("there is no statement".into()))?;
    let scan = scan::read(&statement.predicate_type, &statement.predicate)?;
    if !wanted.scanners.iter().any(|glob| pattern::matches(glob, &scan.scanner, false)) {
        return Err(Objection::Scanner(scan.scanner));
    }
    vsa::fresh(scan.finished, wanted.max_age, now)?;
    let excused = vex::excused(vex, &subject.hex());
    within(&wanted.budget, scan.findings.into_iter().filter(|(id, _)| !excused.contains(id)))
}

/// Whether there are no more findings of each severity than the budget has; none where it says nothing.
pub(in crate::trust) fn within(
    budget: &BTreeMap<Severity, Option<usize>>,
    findings: impl IntoIterator<Item = (String, Severity)>,
) -> Result<(), Objection> {
    let mut open: BTreeMap<Severity, BTreeSet<String>> = BTreeMap::new();
    for (id, severity) in findings {
        open.entry(severity).or_default().insert(id);
    }
    for (severity, ids) in open.into_iter().rev() {
        let Some(allowed) = budget.get(&severity).copied().unwrap_or(Some(0)) else { continue };
        if ids.len() > allowed {
            let (have, ids) = (ids.len(), ids.into_iter().take(NAMED).collect());
            return Err(Objection::Severity { severity: severity.name().into(), have, allowed, ids });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_scores_have_severities() {
        for (text, is) in [
            ("9.8", Severity::Critical),
            ("7", Severity::High),
            ("6.9", Severity::Medium),
            ("0", Severity::Low),
            ("11", Severity::Unknown),
            ("NaN", Severity::Unknown),
            ("Important", Severity::High),
            ("CVSS:3.1/AV:N", Severity::Unknown),
        ] {
            assert_eq!(Severity::read(text), is, "{text}");
        }
    }
}
