//! Parameters as roles see them: by full name, as a tree, and as plain variables where settings say so.

use crate::cloud::Parameter;
use crate::roles::value::{Key, Map, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

/// `muster.parameters['/a/b']`, `muster.params.a.b`, the plain variables of `prefix`, and `muster.instance`,
/// `muster.placement` and `muster.tags`.
pub(super) fn variables(
    parameters: &[Parameter],
    prefixes: &BTreeMap<String, String>,
    facts: &serde_json::Value,
) -> Map {
    let mut by_name = Map::new();
    let mut tree = Map::new();
    let mut plain = Map::new();
    for parameter in parameters {
        let value = value(parameter);
        by_name.insert(Key::from(parameter.name.as_str()), value.clone());
        let path: Vec<&str> = parameter.name.split('/').filter(|part| !part.is_empty()).collect();
        grow(&mut tree, &path, &value);
        for (path, prefix) in prefixes {
            let Some(rest) = parameter.name.strip_prefix(path.trim_end_matches('/')) else { continue };
            if let Some(rest) = rest.strip_prefix('/') {
                let name = format!("{prefix}{}", rest.replace(['/', '-', '.'], "_"));
                plain.insert(Key::from(name.as_str()), value.clone());
            }
        }
    }
    let parameters = [("parameters", Value::Map(Arc::new(by_name))), ("params", Value::Map(Arc::new(tree)))];
    let facts = facts.as_object().into_iter().flatten().map(|(name, value)| (name.as_str(), Value::from_json(value)));
    plain.insert(Key::from("muster"), Value::map(parameters.into_iter().chain(facts)));
    plain
}

/// Never a template: what a parameter holds is data.
fn value(parameter: &Parameter) -> Value {
    let text = parameter.value.expose().as_str();
    match (parameter.secure, parameter.kind.as_str()) {
        (true, _) => Value::secret(text),
        (false, "StringList") => Value::list(text.split(',').map(Value::str)),
        (false, _) => Value::str(text),
    }
}

/// A parameter may stand where others stand below it (`/a` beside `/a/b`); it is then found by its full name alone.
fn grow(tree: &mut Map, path: &[&str], value: &Value) {
    let Some((first, rest)) = path.split_first() else { return };
    let key = Key::from(*first);
    if rest.is_empty() {
        tree.entry(key).or_insert_with(|| value.clone());
        return;
    }
    let below = tree.entry(key).or_insert_with(|| Value::Map(Arc::default()));
    if !matches!(below, Value::Map(_)) {
        *below = Value::Map(Arc::default());
    }
    if let Value::Map(map) = below {
        grow(Arc::make_mut(map), rest, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_is_found_by_name_in_the_tree_and_by_its_prefix() {
        let parameters = [
            Parameter::made("/app/db/host", "db1", false),
            Parameter::made("/app/db", "shadowed", false),
            Parameter::made("/app/db/password", "hunter2", true),
        ];
        let facts = serde_json::json!({"tags": {"role": "web"}});
        let found = variables(&parameters, &[("/app".to_owned(), "app_".to_owned())].into(), &facts);
        let get = |path: &[&str]| {
            let first = found.get(&Key::from(path[0])).cloned();
            path[1..].iter().fold(first, |value, key| value?.get(key).cloned())
        };
        assert_eq!(get(&["muster", "parameters", "/app/db/host"]), Some("db1".into()));
        assert_eq!(get(&["muster", "params", "app", "db", "host"]), Some("db1".into()));
        assert_eq!(get(&["app_db_host"]), Some("db1".into()));
        assert_eq!(get(&["muster", "tags", "role"]), Some("web".into()));
        assert_eq!(get(&["muster", "parameters", "/app/db"]), Some("shadowed".into()));
        assert!(get(&["app_db_password"]).expect("there").has_secret());
    }
}
