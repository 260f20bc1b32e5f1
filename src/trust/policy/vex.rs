//! OpenVEX statements: which findings of a scan do not concern this artifact (openvex.dev/ns).

use crate::trust::sigstore::Evidence;
use jiff::Timestamp;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

const NAMESPACE: &str = "https://openvex.dev/ns";

/// Whether a predicate is OpenVEX.
pub(super) fn takes(kind: &str) -> bool {
    kind == NAMESPACE || kind.strip_prefix(NAMESPACE).is_some_and(|rest| rest.starts_with("/v"))
}

/// The vulnerabilities that verified statements excuse for a digest: the newest word on each counts.
pub(super) fn excused(all: &[Evidence], sha256: &str) -> BTreeSet<String> {
    let mut words: BTreeMap<String, (Timestamp, bool)> = BTreeMap::new();
    let predicates = all.iter().filter_map(|evidence| evidence.statement.as_ref()).map(|said| &said.predicate);
    for document in predicates {
        let statements = document.get("statements").and_then(Value::as_array).into_iter().flatten();
        for statement in statements.filter(|statement| concerns(statement, sha256)) {
            let time = |value: &Value| value.get("timestamp")?.as_str()?.parse::<Timestamp>().ok();
            let Some(at) = time(statement).or_else(|| time(document)) else { continue };
            let excuses = excuses(statement);
            for id in ids(statement) {
                let word = words.entry(id).or_insert((at, excuses));
                // Of two words of one time the one that excuses nothing counts.
                if at > word.0 || at == word.0 && !excuses {
                    *word = (at, excuses);
                }
            }
        }
    }
    words.into_iter().filter(|(_, (_, excuses))| *excuses).map(|(id, _)| id).collect()
}

/// `not_affected` needs its reason; `fixed` is its own.
fn excuses(statement: &Value) -> bool {
    let has = |name: &str| statement.get(name).and_then(Value::as_str).is_some_and(|text| !text.is_empty());
    match statement.get("status").and_then(Value::as_str) {
        Some("fixed") => true,
        Some("not_affected") => has("justification") || has("impact_statement"),
        _ => false,
    }
}

/// A vulnerability is a name, or a name with aliases; before v0.2.0 it was a text.
fn ids(statement: &Value) -> Vec<String> {
    let Some(vulnerability) = statement.get("vulnerability") else { return Vec::new() };
    if let Some(text) = vulnerability.as_str() {
        return vec![text.to_owned()];
    }
    let aliases = vulnerability.get("aliases").and_then(Value::as_array).into_iter().flatten();
    let name = vulnerability.get("name").into_iter();
    name.chain(aliases).filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Without products the statement is about the subject that was attested; with them this digest must be one.
fn concerns(statement: &Value, sha256: &str) -> bool {
    let Some(products) = statement.get("products").and_then(Value::as_array).filter(|products| !products.is_empty())
    else {
        return statement.get("products").is_none_or(Value::is_array);
    };
    products.iter().any(|product| {
        let named = product.as_str().or_else(|| product.get("@id")?.as_str()).unwrap_or_default();
        let hash = product.pointer("/hashes/sha-256").and_then(Value::as_str);
        hash == Some(sha256)
            || [format!("sha256:{sha256}"), format!("sha256%3A{sha256}"), format!("sha256%3a{sha256}")]
                .iter()
                .any(|digest| named.contains(digest.as_str()))
    })
}
