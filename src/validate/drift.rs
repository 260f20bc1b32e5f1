//! Drift: what became of each control since another report.

use super::error::ValidateError;
use super::input;
use super::report::{Judgement, Report, SCHEMA};
use super::verdict::Verdict;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

const LARGEST: u64 = 64 << 20;

/// What became of controls, by id.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drift {
    /// When the other report was made.
    pub since: jiff::Timestamp,
    /// Right then, and not now.
    pub regressed: Vec<String>,
    /// Not right then, and right now.
    pub fixed: Vec<String>,
    /// Not in the other report.
    pub new: Vec<String>,
    /// In the other report alone.
    pub gone: Vec<String>,
}

/// Whether a control is as it should be, or has nothing to say.
fn right(result: &Judgement) -> bool {
    matches!(result.verdict, Verdict::Pass | Verdict::NotApplicable { .. })
}

/// Reads another report.
pub fn read(path: &Path) -> Result<Report, ValidateError> {
    parse(&path.display().to_string(), &input::read(path, LARGEST, "a report")?)
}

/// A report that was read elsewhere.
pub fn parse(what: &str, text: &[u8]) -> Result<Report, ValidateError> {
    let fault = |message: String| ValidateError::Document { what: what.to_owned(), message, place: None };
    let report: Report = serde_json::from_slice(text).map_err(|error| fault(format!("is no report: {error}")))?;
    if report.schema != SCHEMA {
        return Err(fault(format!("has the schema {}, and not {SCHEMA}", report.schema)));
    }
    Ok(report)
}

/// Compares two reports of the same profile.
pub fn compare(now: &Report, then: &Report) -> Result<Drift, ValidateError> {
    if now.profile != then.profile {
        let message = format!("is of the profile {}, and not of {}", then.profile, now.profile);
        return Err(ValidateError::Document { what: "the other report".into(), message, place: None });
    }
    let before: BTreeMap<&str, &Judgement> = then.results.iter().map(|result| (result.id.as_str(), result)).collect();
    let mut drift = Drift { since: then.started, ..Drift::default() };
    for result in &now.results {
        let list = match before.get(result.id.as_str()) {
            None => &mut drift.new,
            Some(old) if right(old) && !right(result) => &mut drift.regressed,
            Some(old) if !right(old) && right(result) => &mut drift.fixed,
            Some(_) => continue,
        };
        list.push(result.id.clone());
    }
    let gone = then.results.iter().filter(|old| !now.results.iter().any(|result| result.id == old.id));
    drift.gone = gone.map(|old| old.id.clone()).collect();
    Ok(drift)
}
