//! A report as OSCAL assessment results 1.1.2 (NIST), in JSON.

use super::terminal::sentence;
use crate::validate::report::{Judgement, Report};
use crate::validate::verdict::Verdict;
use serde_json::{Value, json};

/// What custom properties belong to, as OSCAL asks of them.
const NAMESPACE: &str = "urn:muster:validation";

/// Writes it.
pub fn write(report: &Report) -> String {
    let plan = uuid();
    let observed: Vec<(String, &Judgement)> = report.results.iter().map(|result| (uuid(), result)).collect();
    let observations: Vec<Value> = observed.iter().map(|(id, result)| observation(report, id, result)).collect();
    let findings: Vec<Value> = observed.iter().filter_map(|(id, result)| finding(id, result)).collect();
    let controls: Vec<Value> = report.results.iter().map(|result| json!({"control-id": token(&result.id)})).collect();
    let time = report.started.to_string();
    let mut result = json!({
        "uuid": uuid(),
        "title": report.title,
        "description": format!("{} of {}", report.profile, report.subject.system.name),
        "start": time,
        "reviewed-controls": {"control-selections": [{"include-controls": controls}]},
        "observations": observations,
    });
    // A list may be missing and may not be empty.
    if !findings.is_empty() {
        result["findings"] = Value::Array(findings);
    }
    let document = json!({"assessment-results": {
        "uuid": uuid(),
        "metadata": {
            "title": report.title,
            "last-modified": time,
            "version": report.muster,
            "oscal-version": "1.1.2",
        },
        "import-ap": {"href": format!("#{plan}")},
        "results": [result],
        "back-matter": {"resources": [{"uuid": plan, "title": format!("The profile {}", report.profile)}]},
    }});
    format!("{document:#}\n")
}

fn property(name: &str, value: &str) -> Value {
    json!({"name": name, "ns": NAMESPACE, "value": value})
}

fn observation(report: &Report, id: &str, result: &Judgement) -> Value {
    let mut properties = vec![property("control", &result.id), property("verdict", result.standing())];
    if let Some(waiver) = &result.waiver {
        properties.push(property("waiver-owner", &waiver.owner));
        properties.push(property("waiver-expires", &waiver.expires.to_string()));
    }
    let mut document = json!({
        "uuid": id,
        "title": result.title,
        "description": result.verdict.reason().unwrap_or(&result.title),
        "props": properties,
        "methods": ["TEST"],
        "collected": report.started.to_string(),
    });
    let evidence: Vec<Value> = result.evidence.iter().map(|one| json!({"description": sentence(one)})).collect();
    if !evidence.is_empty() {
        document["relevant-evidence"] = Value::Array(evidence);
    }
    document
}

/// What does not apply is observed, and is no finding.
fn finding(observation: &str, result: &Judgement) -> Option<Value> {
    let (state, reason) = match result.verdict {
        Verdict::Pass => ("satisfied", "pass"),
        Verdict::Fail => ("not-satisfied", "fail"),
        Verdict::CouldNotLook { .. } => ("not-satisfied", "other"),
        Verdict::NotApplicable { .. } => return None,
    };
    let mut status = json!({"state": state, "reason": reason});
    if let Some(waiver) = &result.waiver {
        let expired = if waiver.expired { "was waived" } else { "waived" };
        status["remarks"] = json!(format!("{expired} until {} by {}: {}", waiver.expires, waiver.owner, waiver.reason));
    } else if let Some(reason) = result.verdict.reason() {
        status["remarks"] = json!(reason);
    }
    Some(json!({
        "uuid": uuid(),
        "title": result.title,
        "description": result.title,
        "target": {"type": "objective-id", "target-id": token(&result.id), "status": status},
        "related-observations": [{"observation-uuid": observation}],
    }))
}

/// An id that begins with a letter, as OSCAL's tokens do.
fn token(id: &str) -> String {
    let plain = |letter: char| if letter.is_alphanumeric() || ".-_".contains(letter) { letter } else { '_' };
    format!("c-{}", id.chars().map(plain).collect::<String>())
}

/// A random UUID (RFC 9562, version 4).
fn uuid() -> String {
    let mut bytes = fastrand::u128(..).to_be_bytes();
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let text = hex::encode(bytes);
    format!("{}-{}-{}-{}-{}", &text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..])
}
