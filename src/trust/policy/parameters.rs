//! A build's external parameters: each is one that the policy knows, or the build is refused (SLSA 1.2, *Verifying
//! artifacts*, "unexpected externalParameters").

use super::objection::Objection;
use serde_json::Value;
use std::collections::BTreeMap;

/// What the policy writes for a parameter that may be anything.
pub(super) const ANY: &str = "*";
/// How deep parameters are looked into.
const DEPTH: usize = 8;

/// Judges parameters against what is known, by dotted path (`workflow.ref`). A path that is known covers all beneath it.
pub(super) fn object(parameters: &Value, known: &BTreeMap<String, Value>) -> Result<(), Objection> {
    match parameters {
        Value::Null => Ok(()),
        Value::Object(_) => walk(parameters, "", known, DEPTH),
        _ => Err(Objection::Malformed("external parameters are no object".into())),
    }
}

fn walk(value: &Value, path: &str, known: &BTreeMap<String, Value>, depth: usize) -> Result<(), Objection> {
    match known.get(path) {
        Some(Value::String(any)) if any == ANY => return Ok(()),
        Some(wanted) if wanted == value => return Ok(()),
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
        walk(member, &path, known, depth)?;
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
        assert_eq!(object(&Value::Null, &known), Ok(()));
        let more = json!({"workflow": {"ref": "x"}, "inputs": {"debug": true}});
        assert_eq!(object(&more, &known), Err(Objection::UnknownParameter("inputs.debug".into())));
        let other = json!({"workflow": {"path": "evil.yml"}});
        assert!(matches!(object(&other, &known), Err(Objection::Parameter { .. })));
        let dotted = json!({"workflow.ref": {"x": 1}, "a.b": 1});
        assert_eq!(object(&dotted, &known), Err(Objection::UnknownParameter("a.b".into())));
        assert!(matches!(object(&json!([1]), &known), Err(Objection::Malformed(_))));
    }
}
