//! Waivers: a control excused, by whom, why, for what, and until when. Whatever is waived is never shown as a pass.

use super::error::ValidateError;
use super::input;
use super::report::{Report, Subject, Waived};
use super::verdict::Verdict;
use crate::fnmatch::fits;
use serde::Deserialize;
use std::path::Path;

const LARGEST: u64 = 1 << 20;

/// A waiver as it is written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Waiver {
    /// The control's id.
    pub control: String,
    /// Who answers for it.
    pub owner: String,
    /// Why.
    pub reason: String,
    /// What it is for.
    pub scope: Scope,
    /// The last day on which it holds, by UTC.
    pub expires: jiff::civil::Date,
}

/// What a waiver is for: each list of patterns that is given has to fit.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Scope {
    /// Names of profiles.
    pub profiles: Vec<String>,
    /// Systems, as `ubuntu 24.04`.
    pub systems: Vec<String>,
    /// Roots: `/` is the running system.
    pub roots: Vec<String>,
}

impl Scope {
    fn fits(&self, profile: &str, subject: &Subject) -> bool {
        let system = format!("{} {}", subject.system.id, subject.system.version);
        let fit =
            |patterns: &[String], name: &str| patterns.is_empty() || patterns.iter().any(|pattern| fits(pattern, name));
        fit(&self.profiles, profile) && fit(&self.systems, &system) && fit(&self.roots, &subject.root)
    }

    fn is_empty(&self) -> bool {
        self.profiles.is_empty() && self.systems.is_empty() && self.roots.is_empty()
    }
}

/// Reads a file of waivers: a list.
pub fn read(path: &Path) -> Result<Vec<Waiver>, ValidateError> {
    let bytes = input::read(path, LARGEST, "a list of waivers")?;
    let what = path.display().to_string();
    let text = String::from_utf8(bytes).map_err(|_| fault(&what, "is not UTF-8".into()))?;
    parse(&what, &text)
}

fn fault(what: &str, message: String) -> ValidateError {
    ValidateError::Document { what: what.to_owned(), message, place: None }
}

fn parse(what: &str, text: &str) -> Result<Vec<Waiver>, ValidateError> {
    let waivers: Vec<Waiver> = serde_yaml::from_str(text).map_err(|error| ValidateError::yaml(what, text, &error))?;
    for waiver in &waivers {
        let missing = [("owner", waiver.owner.trim().is_empty()), ("reason", waiver.reason.trim().is_empty())];
        let missing = missing.into_iter().chain([("scope", waiver.scope.is_empty())]).find(|(_, empty)| *empty);
        if let Some((key, _)) = missing {
            return Err(fault(what, format!("the waiver of {} has an empty {key}", waiver.control)));
        }
    }
    Ok(waivers)
}

/// Excuses what is waived, and gives warnings about waivers that excuse nothing.
pub fn apply(report: &mut Report, waivers: &[Waiver], today: jiff::civil::Date) -> Vec<String> {
    let mut warnings = Vec::new();
    for waiver in waivers {
        let unused = |why: &str| format!("the waiver of {} ({}) is not used: {why}", waiver.control, waiver.owner);
        if !waiver.scope.fits(&report.profile, &report.subject) {
            warnings.push(unused("its scope is another"));
            continue;
        }
        let Some(result) = report.results.iter_mut().find(|result| result.id == waiver.control) else {
            warnings.push(unused("the profile has no such control"));
            continue;
        };
        if !matches!(result.verdict, Verdict::Fail | Verdict::CouldNotLook { .. }) {
            warnings.push(unused(&format!("the control comes to {}", result.verdict.name())));
            continue;
        }
        let expired = waiver.expires < today;
        // A waiver that holds is not undone by an older one of the same control.
        if result.waiver.as_ref().is_some_and(|known| !known.expired) {
            warnings.push(unused("another one holds"));
            continue;
        }
        result.waiver = Some(Waived {
            owner: waiver.owner.clone(),
            reason: waiver.reason.clone(),
            expires: waiver.expires,
            expired,
        });
    }
    report.count();
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_waiver_says_everything_or_is_refused() {
        let whole = "- {control: 1.1, owner: o, reason: r, scope: {systems: [ubuntu*]}, expires: 2026-12-31}\n";
        assert_eq!(parse("w.yaml", whole).expect("read").len(), 1);
        for (from, to, want) in [
            (", expires: 2026-12-31", "", "expires"),
            ("2026-12-31", "2026-13-31", "line 1"),
            ("2026-12-31", "never", "line 1"),
            ("owner: o", "owner: ''", "owner"),
            (", scope: {systems: [ubuntu*]}", "", "scope"),
            ("{systems: [ubuntu*]}", "{}", "scope"),
            ("reason", "because", "because"),
        ] {
            let Err(error) = parse("w.yaml", &whole.replace(from, to)) else { panic!("{from} -> {to} was read") };
            assert!(error.to_string().contains(want), "{from} -> {to}: {error}");
        }
    }
}
