//! A validation's result, told to Systems Manager's Compliance in this instance's name.

use super::image::Way;
use crate::cloud::{ComplianceItem, put_compliance};
use crate::failure::{Failure, Stage};
use crate::settings::{self, Sources};
use crate::validate::{Report, State, Verdict};
use std::collections::BTreeMap;

/// Tells it, and says what was told. Without a type it is named after the profile.
pub fn comply(report: &Report, kind: &str, sources: &Sources) -> Result<String, Failure> {
    let kind = named(kind, &report.profile)?;
    let items = items(report);
    let way = Way::open(sources)?;
    let identity = way.identity()?;
    let session = way.session(&identity.region)?;
    let put = put_compliance(&session, &identity.instance_id, &kind, report.started, &items, way.deadline);
    way.try_ask(put).map_err(|error| Failure::new(Stage::Signal, error))?;
    let open = items.iter().filter(|item| !item.compliant).count();
    Ok(format!("compliance: {} items of {} as {kind}, {open} not compliant", items.len(), identity.instance_id))
}

/// The type under which settings want it told; none where they do not.
pub fn compliance_wanted(sources: &Sources) -> Result<Option<String>, Failure> {
    let early = settings::load(sources).and_then(|written| written.early());
    let wanted = early.map_err(|error| Failure::new(Stage::Settings, error))?.compliance;
    Ok(wanted.map(|wanted| wanted.r#type.map_or_else(String::new, |name| name.to_string())))
}

/// As the service wants it: `Custom:` and letters, digits and `_`; a `-` may come first alone.
fn named(kind: &str, profile: &str) -> Result<String, Failure> {
    let word = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '_' };
    if kind.is_empty() {
        return Ok(format!("Custom:muster_{}", profile.chars().map(word).collect::<String>()));
    }
    let name = kind.strip_prefix("Custom:").unwrap_or(kind);
    let fits =
        |(at, letter): (usize, char)| letter.is_ascii_alphanumeric() || letter == '_' || letter == '-' && at == 0;
    match (2..=90).contains(&name.len()) && name.chars().enumerate().all(fits) {
        true => Ok(format!("Custom:{name}")),
        false => {
            Err(Failure::message(Stage::Usage, format!("the compliance type `{name}` is not letters, digits and _")))
        }
    }
}

/// What passed and what did not. What does not apply is neither; what is waived does not comply, and weighs little.
fn items(report: &Report) -> Vec<ComplianceItem> {
    let judged = report.results.iter().filter(|one| !matches!(one.verdict, Verdict::NotApplicable { .. }));
    let item = |one: &crate::validate::report::Judgement| {
        let severity = match (one.standing(), one.level) {
            ("waived", _) => "INFORMATIONAL",
            (_, 1) => "HIGH",
            _ => "MEDIUM",
        };
        let mut details = BTreeMap::from([
            ("Verdict", one.standing().to_owned()),
            ("Profile", report.profile.clone()),
            ("Area", one.area.clone()),
        ]);
        if let Some(waiver) = &one.waiver {
            details.insert("Waiver", format!("{}, until {}: {}", waiver.owner, waiver.expires, waiver.reason));
        }
        if let Some(evidence) = one.evidence.iter().find(|seen| seen.state == State::Broken) {
            let line = evidence.line.map(|line| format!(":{line}")).unwrap_or_default();
            details.insert("Found", format!("{}{line}: {}", evidence.read, evidence.found));
            details.insert("Expected", evidence.expected.clone());
        } else if let Some(reason) = one.verdict.reason() {
            details.insert("Found", reason.to_owned());
        }
        details.retain(|_, text| !text.is_empty());
        let compliant = one.verdict == Verdict::Pass;
        ComplianceItem { id: one.id.clone(), title: one.title.clone(), severity, compliant, details }
    };
    judged.map(item).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_what_the_service_takes() {
        assert_eq!(named("", "ubuntu2404-cis-l2").expect("a type"), "Custom:muster_ubuntu2404_cis_l2");
        assert_eq!(named("Hardening", "p").expect("a type"), "Custom:Hardening");
        assert_eq!(named("Custom:-x", "p").expect("a type"), "Custom:-x");
        for bad in ["a-b", "x", "a b", "Custom:a:b"] {
            assert!(named(bad, "p").is_err(), "{bad}");
        }
    }
}
