//! A report as SARIF 2.1.0 (OASIS): a rule for each control, and a result with the places that its evidence names.

use super::terminal::sentence;
use crate::validate::report::{Judgement, Report};
use crate::validate::verdict::{Evidence, State, Verdict};
use serde_json::{Value, json};

/// Writes it.
pub fn write(report: &Report) -> String {
    let rules: Vec<Value> = report.results.iter().map(rule).collect();
    let results: Vec<Value> = report.results.iter().enumerate().map(|(index, one)| result(index, one)).collect();
    let document = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {"name": "muster", "version": report.muster, "rules": rules}},
            "automationDetails": {"id": format!("{}/", report.profile)},
            "originalUriBaseIds": {"ROOT": {"uri": "file:///"}},
            "invocations": [{"executionSuccessful": true, "startTimeUtc": report.started.to_string()}],
            "results": results,
        }],
    });
    format!("{document:#}\n")
}

fn rule(result: &Judgement) -> Value {
    json!({
        "id": result.id,
        "shortDescription": {"text": result.title},
        "properties": {"area": result.area, "level": result.level},
    })
}

fn result(index: usize, result: &Judgement) -> Value {
    let (kind, level) = match result.verdict {
        Verdict::Pass => ("pass", "none"),
        Verdict::Fail => ("fail", "error"),
        Verdict::NotApplicable { .. } => ("notApplicable", "none"),
        // "open": there was not enough to decide.
        Verdict::CouldNotLook { .. } => ("open", "none"),
    };
    let worth = |one: &&Evidence| matches!(one.state, State::Broken | State::NotLooked);
    let lines: Vec<String> = result.evidence.iter().filter(worth).map(sentence).collect();
    let reason = result.verdict.reason().map(str::to_owned);
    let text = if lines.is_empty() { reason.unwrap_or_else(|| result.title.clone()) } else { lines.join("\n") };
    let places = result.evidence.iter().filter(|one| result.verdict != Verdict::Fail || one.state == State::Broken);
    let mut document = json!({
        "ruleId": result.id,
        "ruleIndex": index,
        "kind": kind,
        "level": level,
        "message": {"text": text},
        "locations": places.filter_map(location).collect::<Vec<_>>(),
    });
    if let Some(waiver) = &result.waiver {
        let status = if waiver.expired { "rejected" } else { "accepted" };
        let justification = format!("{}: {} (until {})", waiver.owner, waiver.reason, waiver.expires);
        document["suppressions"] = json!([{"kind": "external", "status": status, "justification": justification}]);
    }
    document
}

fn location(evidence: &Evidence) -> Option<Value> {
    let path = evidence.read.strip_prefix('/')?;
    let mut place = json!({"artifactLocation": {"uri": encoded(path), "uriBaseId": "ROOT"}});
    if let Some(line) = evidence.line {
        place["region"] = json!({"startLine": line});
    }
    Some(json!({"physicalLocation": place}))
}

/// A path as a relative reference (RFC 3986).
fn encoded(path: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    path.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}
