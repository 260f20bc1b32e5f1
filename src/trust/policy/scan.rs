//! What scanners report, in the forms that are signed: in-toto's own, and cosign's with Trivy's or Grype's inside.

use super::objection::Objection;
use super::vulnerabilities::Severity;
use jiff::Timestamp;
use serde_json::Value;

pub(super) const COSIGN: &str = "https://cosign.sigstore.dev/attestation/vuln/v1";
pub(super) const INTOTO: [&str; 2] =
    ["https://in-toto.io/attestation/vulns/v0.1", "https://in-toto.io/attestation/vulns/v0.2"];

/// A scan.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::trust) struct Scan {
    pub(in crate::trust) scanner: String,
    pub(in crate::trust) finished: Timestamp,
    pub(in crate::trust) findings: Vec<(String, Severity)>,
}

/// A scanner's own report, and the names that it has for what it looked at.
#[derive(Debug)]
pub(in crate::trust) struct Scanned {
    pub(in crate::trust) scan: Scan,
    pub(in crate::trust) about: Vec<String>,
}

fn at<'a>(value: &'a Value, path: &str) -> Result<&'a Value, Objection> {
    value.pointer(path).ok_or_else(|| Objection::Malformed(format!("it has no `{path}`")))
}

fn text(value: &Value, path: &str) -> Result<String, Objection> {
    let text = at(value, path)?.as_str().ok_or_else(|| Objection::Malformed(format!("`{path}` is no text")))?;
    Ok(text.to_owned())
}

fn items<'a>(value: &'a Value, path: &str) -> Result<&'a [Value], Objection> {
    let items = at(value, path)?.as_array().ok_or_else(|| Objection::Malformed(format!("`{path}` is no list")))?;
    Ok(items)
}

/// When a scan was finished, for choosing the newest.
pub(super) fn finished(predicate: &Value) -> Result<Timestamp, Objection> {
    let finished = text(predicate, "/metadata/scanFinishedOn")?;
    finished.parse().map_err(|_| Objection::Malformed(format!("`{finished}` is no time")))
}

/// Reads a scan's predicate.
pub(super) fn read(kind: &str, predicate: &Value) -> Result<Scan, Objection> {
    let result = at(predicate, "/scanner/result")?;
    let findings = match kind {
        COSIGN if result.get("matches").is_some() => grype(result)?,
        COSIGN if result.get("ArtifactType").is_some() || result.get("Results").is_some() => trivy(result)?,
        COSIGN => return Err(Objection::Unsupported("the report inside (Trivy's and Grype's JSON are)".into())),
        _ => intoto(predicate)?,
    };
    Ok(Scan { scanner: text(predicate, "/scanner/uri")?, finished: finished(predicate)?, findings })
}

/// Reads Trivy's or Grype's JSON as the scanner wrote it.
pub(in crate::trust) fn scanned(report: &Value) -> Result<Scanned, Objection> {
    let (scanner, findings, time, places) = if report.get("matches").is_some() {
        let places = &["/source/target", "/source/target/userInput", "/source/name"][..];
        ("grype", grype(report)?, "/descriptor/timestamp", places)
    } else if report.get("SchemaVersion").is_some() && report.get("ArtifactName").is_some() {
        ("trivy", trivy(report)?, "/CreatedAt", &["/ArtifactName"][..])
    } else {
        return Err(Objection::Unsupported("this form of report (Trivy's and Grype's JSON are)".into()));
    };
    let finished = text(report, time)?;
    let finished = finished.parse().map_err(|_| Objection::Malformed(format!("`{finished}` is no time")))?;
    let about = places.iter().filter_map(|place| report.pointer(place)?.as_str().map(str::to_owned)).collect();
    Ok(Scanned { scan: Scan { scanner: scanner.into(), finished, findings }, about })
}

fn intoto(predicate: &Value) -> Result<Vec<(String, Severity)>, Objection> {
    let one = |finding: &Value| {
        let scores = finding.get("severity").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let score = |entry: &Value| match entry.get("score") {
            Some(Value::String(text)) => Severity::read(text),
            Some(Value::Number(number)) => Severity::read(&number.to_string()),
            _ => Severity::Unknown,
        };
        // Of several methods the worst counts, and one that cannot be read is worst.
        Ok((text(finding, "/id")?, scores.iter().map(score).max().unwrap_or(Severity::Unknown)))
    };
    items(predicate, "/scanner/result")?.iter().map(one).collect()
}

fn trivy<'r>(report: &'r Value) -> Result<Vec<(String, Severity)>, Objection> {
    // A report without findings has no `Results`, and a result without any has no `Vulnerabilities`, or null.
    let listed = |value: &'r Value, name: &str| match value.get(name) {
        None | Some(Value::Null) => Ok(&[][..]),
        Some(Value::Array(items)) => Ok(items.as_slice()),
        Some(_) => Err(Objection::Malformed(format!("`{name}` is no list"))),
    };
    let mut found = Vec::new();
    for result in listed(report, "Results")? {
        for one in listed(result, "Vulnerabilities")? {
            found.push((text(one, "/VulnerabilityID")?, Severity::read(&text(one, "/Severity")?)));
        }
    }
    Ok(found)
}

fn grype(report: &Value) -> Result<Vec<(String, Severity)>, Objection> {
    let one = |found: &Value| {
        Ok((text(found, "/vulnerability/id")?, Severity::read(&text(found, "/vulnerability/severity")?)))
    };
    items(report, "/matches")?.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn scan(kind: &str, result: Value) -> Result<Scan, Objection> {
        let metadata = json!({"scanFinishedOn": "2026-06-01T00:00:00Z"});
        read(kind, &json!({"scanner": {"uri": "https://scanner", "result": result}, "metadata": metadata}))
    }

    #[test]
    fn each_form_gives_its_findings() {
        let id = |id: &str, severity| (id.to_owned(), severity);
        let intoto = scan(
            INTOTO[0],
            json!([{"id": "CVE-1", "severity": [
            {"method": "nvd", "score": "5.0"}, {"method": "vendor", "score": "HIGH"}]}, {"id": "CVE-2"}]),
        );
        assert_eq!(intoto.expect("reads").findings, [id("CVE-1", Severity::High), id("CVE-2", Severity::Unknown)]);
        let trivy =
            json!({"Results": [{"Vulnerabilities": [{"VulnerabilityID": "CVE-3", "Severity": "CRITICAL"}]}, {}]});
        assert_eq!(scan(COSIGN, trivy).expect("reads").findings, [id("CVE-3", Severity::Critical)]);
        let grype = json!({"matches": [{"vulnerability": {"id": "CVE-4", "severity": "Negligible"}}]});
        assert_eq!(scan(COSIGN, grype).expect("reads").findings, [id("CVE-4", Severity::Low)]);
        for malformed in [json!({"Results": {}}), json!({"Results": [{"Vulnerabilities": {"CVE-3": 1}}]})] {
            assert!(matches!(scan(COSIGN, malformed), Err(Objection::Malformed(_))));
        }
        assert!(matches!(scan(COSIGN, json!({"runs": []})), Err(Objection::Unsupported(_))));
        assert!(matches!(scan(INTOTO[1], json!({})), Err(Objection::Malformed(_))));
    }
}
