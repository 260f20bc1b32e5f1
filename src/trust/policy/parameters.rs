//! A build's external parameters: each is one that the policy knows, or the build is refused (SLSA 1.2, *Verifying
//! artifacts*, "unexpected externalParameters"); and one whose value the policy writes is there.

use super::objection::Objection;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What the policy writes for a parameter that may be anything.
pub(super) const ANY: &str = "*";
/// How deep parameters are looked into.
const DEPTH: usize = 8;

/// Judges parameters against what is known, by dotted path (`workflow.ref`). A path that is known covers all beneath it.
pub(super) fn object(parameters: &Value, known: &BTreeMap<String, Value>) -> Result<(), Objection> {
    let mut seen = BTreeSet::new();
    match parameters {
        Value::Null => {}
        Value::Object(_) => walk(parameters, "", known, DEPTH, &mut seen)?,
        _ => return Err(Objection::Malformed("external parameters are no object".into())),
    }
    // A default that nobody wrote down is no value that the policy names.
    match known.iter().find(|(name, wanted)| !is_any(wanted) && !seen.contains(*name)) {
        None => Ok(()),
        Some((name, wanted)) => {
            let (name, have, want) = (name.clone(), "absent".to_owned(), wanted.to_string());
            Err(Objection::Parameter { name, have, want })
        }
    }
}

fn is_any(wanted: &Value) -> bool {
    matches!(wanted, Value::String(any) if any == ANY)
}

/// What is written beneath another path, which covers it: it would never be looked at.
pub(super) fn covered(known: &BTreeMap<String, Value>) -> Option<(&str, &str)> {
    let beneath = |path: &str, one: &str| one.strip_prefix(path).is_some_and(|rest| rest.starts_with('.'));
    known.keys().find_map(|path| known.keys().find(|one| beneath(path, one)).map(|one| (one.as_str(), path.as_str())))
}

fn walk(
    value: &Value,
    path: &str,
    known: &BTreeMap<String, Value>,
    depth: usize,
    seen: &mut BTreeSet<String>,
) -> Result<(), Objection> {
    match known.get(path) {
        Some(wanted) if is_any(wanted) || wanted == value => {
            seen.insert(path.to_owned());
            return Ok(());
        }
        Some(wanted) => {
            let (name, have, want) = (path.to_owned(), value.to_string(), wanted.to_string());
            return Err(Objection::Parameter { name, have, want });
        }
        None => {}
    }
    let Value::Object(members) = value else { return Err(Objection::UnknownParameter(path.to_owned())) };
    let Some(depth) = depth.checked_sub(1) else { return Err(Objection::UnknownParameter(path.to_owned())) };
    for (name, member) in members {
        // A name with a dot could pass for a path.
        if name.contains('.') && !known.contains_key(name) {
            return Err(Objection::UnknownParameter(format!("{path}{name}")));
        }
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        walk(member, &path, known, depth, seen)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_the_policy_does_not_know_is_refused() {
        let known = BTreeMap::from([
            ("workflow.ref".to_owned(), json!("*")),
            ("workflow.path".to_owned(), json!(".github/workflows/release.yml")),
        ]);
        let good =
            json!({"workflow": {"ref": "refs/heads/main", "path": ".github/workflows/release.yml"}, "inputs": {}});
        assert_eq!(object(&good, &known), Ok(()));
        let more = json!({"workflow": {"ref": "x"}, "inputs": {"debug": true}});
        assert_eq!(object(&more, &known), Err(Objection::UnknownParameter("inputs.debug".into())));
        let other = json!({"workflow": {"path": "evil.yml"}});
        assert!(matches!(object(&other, &known), Err(Objection::Parameter { .. })));
        let dotted = json!({"workflow.ref": {"x": 1}, "a.b": 1});
        assert_eq!(object(&dotted, &known), Err(Objection::UnknownParameter("a.b".into())));
        assert!(matches!(object(&json!([1]), &known), Err(Objection::Malformed(_))));
    }

    #[test]
    fn a_value_that_the_policy_writes_is_there() {
        let known = BTreeMap::from([("inputs.mode".to_owned(), json!("release")), ("workflow".to_owned(), json!("*"))]);
        assert_eq!(object(&json!({"inputs": {"mode": "release"}}), &known), Ok(()));
        for lacking in [json!({"workflow": {}}), json!({"inputs": {}}), json!({}), Value::Null] {
            let absent =
                Objection::Parameter { name: "inputs.mode".into(), have: "absent".into(), want: "\"release\"".into() };
            assert_eq!(object(&lacking, &known), Err(absent), "{lacking}");
        }
        let any = BTreeMap::from([("workflow".to_owned(), json!("*"))]);
        assert_eq!(object(&Value::Null, &any), Ok(()));
    }

    #[test]
    fn a_path_beneath_another_is_found() {
        let known = |paths: &[&str]| paths.iter().map(|path| ((*path).to_owned(), json!("*"))).collect();
        assert_eq!(covered(&known(&["a", "ab", "a-b.c"])), None);
        assert_eq!(covered(&known(&["a-b", "workflow", "workflow.ref"])), Some(("workflow.ref", "workflow")));
    }
}
