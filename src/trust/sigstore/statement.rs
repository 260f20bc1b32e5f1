//! An in-toto statement (in-toto attestation framework, `spec/v1/statement.md`), read strictly.

use crate::trust::strict::strict;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// The payload type of in-toto statements in DSSE envelopes.
const PAYLOAD: &str = "application/vnd.in-toto+json";
/// An SBOM of a large image is a few megabytes.
const LIMIT: usize = 16 << 20;
/// `_type`: cosign writes the first, everybody else the second.
const TYPES: [&str; 2] = ["https://in-toto.io/Statement/v0.1", "https://in-toto.io/Statement/v1"];
/// The most subjects: a release of many files is attested at once.
const SUBJECTS: usize = 1024;

/// A statement: something about subjects.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    #[serde(rename = "_type")]
    kind: String,
    subject: Vec<Named>,
    /// What kind of thing is said.
    #[serde(rename = "predicateType")]
    pub predicate_type: String,
    /// What is said.
    #[serde(default)]
    pub predicate: Value,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    #[serde(default)]
    #[expect(dead_code, reason = "a name decides nothing: subjects are matched by digest alone")]
    name: String,
    digest: BTreeMap<String, String>,
    // The other members of a ResourceDescriptor, which decide nothing either.
    #[serde(default, rename = "uri")]
    _uri: Value,
    #[serde(default, rename = "content")]
    _content: Value,
    #[serde(default, rename = "downloadLocation")]
    _location: Value,
    #[serde(default, rename = "mediaType")]
    _media: Value,
    #[serde(default, rename = "annotations")]
    _annotations: Value,
}

impl Statement {
    /// The payload type of its envelope.
    pub const PAYLOAD: &str = PAYLOAD;

    /// Reads an envelope's payload.
    pub(super) fn read(payload_type: &str, payload: &[u8]) -> Result<Self, String> {
        if payload_type != PAYLOAD {
            return Err(format!("its payload is of type `{}`, not `{PAYLOAD}`", payload_type.escape_default()));
        }
        strict(payload, LIMIT).map_err(|error| error.to_string())?;
        let statement: Self = serde_json::from_slice(payload).map_err(|error| error.to_string())?;
        if !TYPES.contains(&statement.kind.as_str()) {
            return Err(format!("its `_type` is `{}`, which is not known", statement.kind.escape_default()));
        }
        if statement.subject.is_empty() || statement.subject.len() > SUBJECTS {
            return Err(format!("it has {} subjects; 1 to {SUBJECTS} are taken", statement.subject.len()));
        }
        if statement.predicate_type.is_empty() {
            return Err("its `predicateType` is empty".into());
        }
        if !matches!(statement.predicate, Value::Object(_) | Value::Null) {
            return Err("its `predicate` is no object".into());
        }
        Ok(statement)
    }

    /// Whether one of its subjects has this SHA-256; other digests of a subject decide nothing.
    pub fn is_about(&self, sha256: &[u8; 32]) -> bool {
        let hex = hex::encode(sha256);
        self.subject.iter().any(|subject| subject.digest.get("sha256") == Some(&hex))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Statement, String> {
        Statement::read(PAYLOAD, text.as_bytes())
    }

    #[test]
    fn a_statement_is_about_its_subjects_by_sha256_alone() {
        let (a, b) = ("aa".repeat(32), "bb".repeat(32));
        let text = format!(
            r#"{{"_type":"https://in-toto.io/Statement/v0.1","subject":[{{"name":"x","digest":{{"sha256":"{a}","sha1":"{b}"}}}}],"predicateType":"p","predicate":{{}}}}"#
        );
        let statement = read(&text).expect("reads");
        assert!(statement.is_about(&[0xaa; 32]));
        assert!(!statement.is_about(&[0xbb; 32]));
    }

    #[test]
    fn what_is_not_a_statement_is_refused_by_what_is_wrong() {
        let subject = r#""subject":[{"digest":{"sha256":"aa"}}]"#;
        for (text, why) in [
            (format!(r#"{{"_type":"https://in-toto.io/Statement/v2",{subject},"predicateType":"p"}}"#), "`_type`"),
            (r#"{"_type":"https://in-toto.io/Statement/v1","subject":[],"predicateType":"p"}"#.into(), "0 subjects"),
            (
                format!(
                    r#"{{"_type":"https://in-toto.io/Statement/v1",{subject},"predicateType":"p","predicateType":"q"}}"#
                ),
                "twice",
            ),
            (
                format!(r#"{{"_type":"https://in-toto.io/Statement/v1",{subject},"predicateType":"p","x":1}}"#),
                "unknown",
            ),
            (
                format!(
                    r#"{{"_type":"https://in-toto.io/Statement/v1",{subject},"predicateType":"p","predicate":[]}}"#
                ),
                "no object",
            ),
            ("not json".into(), "expected"),
        ] {
            let error = read(&text).expect_err(&text);
            assert!(error.contains(why), "{text}: {error}");
        }
        assert!(Statement::read("text/plain", b"{}").is_err());
    }
}
