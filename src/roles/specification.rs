//! Argument specifications of roles, checked as ansible-core checks them (`module_utils/common/arg_spec.py`).

use super::template::python_repr;
use super::value::{Key, Map, Value};
use std::sync::Arc;

/// What is wrong with values by a specification; nothing where all is well.
pub fn validate(spec: &Map, given: &Map) -> Vec<String> {
    let mut check = Check::default();
    check.level(spec, given.clone(), &[]);
    if !check.unknown.is_empty() {
        check.unknown.sort();
        let mut supported = check.supported.clone();
        supported.dedup();
        let supported = if supported.is_empty() { String::new() } else { supported.join(" ") };
        check.errors.push(format!("{}. {supported}", check.unknown.join(", ")));
    }
    check.errors
}

#[derive(Default)]
struct Check {
    errors: Vec<String>,
    /// Options that no specification has, by their whole path.
    unknown: Vec<String>,
    /// What could stand there.
    supported: Vec<String>,
}

impl Check {
    /// One level: required ones, types, choices, what excludes or needs one another, then what lies below.
    fn level(&mut self, spec: &Map, mut given: Map, path: &[String]) {
        for (key, option) in spec {
            for alias in texts(option.get("aliases")) {
                if let Some(value) = given.shift_remove(&Key::from(alias.as_str())) {
                    given.entry(key.clone()).or_insert(value);
                }
            }
        }
        if !path.is_empty() {
            self.known(spec, &given, path);
        }
        let missing: Vec<String> = spec
            .iter()
            .filter(|(key, option)| flag(option.get("required")) && !given.contains_key(*key))
            .map(|(key, _)| key.to_string())
            .collect();
        if !missing.is_empty() {
            self.errors.push(format!("missing required arguments: {}{}", missing.join(", "), found(path)));
        }
        for (key, option) in spec {
            if let Some(value) = given.get(key).filter(|value| !matches!(value, Value::Null)) {
                match self.typed(&key.to_string(), value, option, path) {
                    Some(converted) => given.insert(key.clone(), converted),
                    None => given.shift_remove(key),
                };
            }
        }
        for (key, option) in spec {
            if let Some(value) = given.get(key) {
                self.chosen(&key.to_string(), value, option, path);
            }
        }
        for (key, option) in spec {
            let Some(Value::Map(below)) = option.get("options") else { continue };
            let Some(value) = given.get(key) else { continue };
            let path: Vec<String> = path.iter().cloned().chain([key.to_string()]).collect();
            let items = match value {
                Value::Map(_) => vec![value.clone()],
                Value::List(items) => items.to_vec(),
                _ => Vec::new(),
            };
            for item in items {
                if let Value::Map(map) = item {
                    self.relations(option, &map, &path);
                    self.level(below, (*map).clone(), &path);
                }
            }
        }
    }

    /// Options that are not in the specification.
    fn known(&mut self, spec: &Map, given: &Map, path: &[String]) {
        let strange: Vec<String> = given
            .keys()
            .filter(|key| !spec.contains_key(*key))
            .map(|key| format!("{}.{key}", path.join(".")))
            .collect();
        if !strange.is_empty() {
            self.unknown.extend(strange);
            let mut names: Vec<String> = spec.keys().map(ToString::to_string).collect();
            names.sort();
            self.supported.push(format!("Supported parameters include: {}.", names.join(", ")));
        }
    }

    /// `mutually_exclusive`, `required_together`, `required_one_of` of an option's own options.
    fn relations(&mut self, option: &Value, given: &Map, path: &[String]) {
        let has = |name: &String| given.contains_key(&Key::from(name.as_str()));
        let sets = |name: &str| -> Vec<Vec<String>> {
            let all = option.get(name).and_then(Value::as_list).unwrap_or_default();
            if all.iter().all(|set| matches!(set, Value::List(_))) {
                all.iter().map(|set| texts(Some(set))).collect()
            } else {
                vec![texts(option.get(name))]
            }
        };
        for set in sets("mutually_exclusive") {
            if set.iter().filter(|name| has(name)).count() > 1 {
                self.errors.push(format!("parameters are mutually exclusive: {}{}", set.join("|"), found(path)));
            }
        }
        for set in sets("required_together") {
            let count = set.iter().filter(|name| has(name)).count();
            if count > 0 && count < set.len() {
                self.errors.push(format!("parameters are required together: {}{}", set.join(", "), found(path)));
            }
        }
        for set in sets("required_one_of") {
            if !set.is_empty() && !set.iter().any(has) {
                self.errors.push(format!("one of the following is required: {}{}", set.join(", "), found(path)));
            }
        }
    }

    /// A value as its type, and its elements as theirs; `None` where it is neither.
    fn typed(&mut self, name: &str, value: &Value, option: &Value, path: &[String]) -> Option<Value> {
        let kind = option.get("type").and_then(Value::as_str).unwrap_or("str");
        let converted = match convert(kind, value) {
            Ok(converted) => converted,
            Err(problem) => {
                let place = if path.is_empty() { String::new() } else { format!(" found in '{}'", path.join(" -> ")) };
                self.errors.push(format!(
                    "argument '{name}'{place} is of type {} and we were unable to convert to {kind}: {problem}",
                    value.type_name()
                ));
                return None;
            }
        };
        let (Some(element), Value::List(items)) = (option.get("elements").and_then(Value::as_str), &converted) else {
            return Some(converted);
        };
        let mut out = Vec::with_capacity(items.len());
        for item in items.iter() {
            match convert(element, item) {
                Ok(item) => out.push(item),
                Err(problem) => {
                    let place =
                        if path.is_empty() { String::new() } else { format!(" found in '{}'", path.join(" -> ")) };
                    self.errors.push(format!(
                        "Elements value for option '{name}'{place} is of type {} and we were unable to convert to {element}: {problem}",
                        item.type_name()
                    ));
                }
            }
        }
        Some(Value::list(out))
    }

    fn chosen(&mut self, name: &str, value: &Value, option: &Value, path: &[String]) {
        let Some(choices) = option.get("choices").and_then(Value::as_list).filter(|choices| !choices.is_empty()) else {
            return;
        };
        let one = |value: &Value| choices.iter().any(|choice| choice == value || shown(choice) == shown(value));
        let all = choices.iter().map(shown).collect::<Vec<_>>().join(", ");
        match value {
            Value::List(items) => {
                let strange: Vec<String> = items.iter().filter(|item| !one(item)).map(shown).collect();
                if !strange.is_empty() {
                    let strange = strange.join(", ");
                    self.errors.push(format!(
                        "value of {name} must be one or more of: {all}. Got no match for: {strange}{}",
                        found(path)
                    ));
                }
            }
            Value::Null => {}
            other if !one(other) => {
                self.errors.push(format!(
                    "value of {name} must be one of: {all}, got: {}{}",
                    shown(other),
                    found(path)
                ));
            }
            _ => {}
        }
    }
}

fn found(path: &[String]) -> String {
    if path.is_empty() { String::new() } else { format!(" found in {}", path.join(" -> ")) }
}

fn flag(value: Option<&Value>) -> bool {
    matches!(value, Some(Value::Bool(true)))
}

fn texts(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::List(items)) => items.iter().map(shown).collect(),
        Some(Value::Str(text)) => vec![text.expose().to_owned()],
        _ => Vec::new(),
    }
}

/// A value in a message.
fn shown(value: &Value) -> String {
    if value.has_secret() {
        return crate::secret::REDACTED.into();
    }
    value.as_str().map_or_else(|| python_repr(value), str::to_owned)
}

/// A value as a type, as `check_type_*` convert it.
fn convert(kind: &str, value: &Value) -> Result<Value, String> {
    let class = || format!("<class '{}'> cannot be converted to a {kind}", value.type_name());
    match (kind, value) {
        ("bool", Value::Bool(_)) | ("int", Value::Int(_) | Value::Bool(_)) | ("float", Value::Float(_)) => {
            Ok(value.clone())
        }
        ("list" | "dict", Value::List(_) | Value::Map(_)) => match (kind, value) {
            ("list", Value::List(_)) | ("dict", Value::Map(_)) => Ok(value.clone()),
            _ => Err(class()),
        },
        ("bool", Value::Str(_) | Value::Int(_) | Value::Float(_)) => {
            let word = value.as_str().map_or_else(|| python_repr(value), str::to_owned).to_lowercase();
            match word.as_str() {
                "yes" | "on" | "1" | "true" | "t" | "y" | "1.0" => Ok(Value::Bool(true)),
                "no" | "off" | "0" | "false" | "f" | "n" | "0.0" => Ok(Value::Bool(false)),
                _ => Err(format!(
                    "The value '{}' is not a valid boolean. Valid booleans include: 0, 1, '0', '1', 'f', 'false', 'n', 'no', 'off', 'on', 't', 'true', 'y', 'yes'",
                    shown(value)
                )),
            }
        }
        ("int", _) => {
            let whole = match value {
                Value::Str(text) => text.expose().trim().parse().ok(),
                #[expect(clippy::cast_possible_truncation, reason = "it has no fraction")]
                Value::Float(float) if float.fract() == 0.0 => Some(*float as i64),
                _ => None,
            };
            whole.map(Value::Int).ok_or_else(|| {
                let text = if value.has_secret() { crate::secret::REDACTED.into() } else { python_repr(value) };
                format!("\"{text}\" cannot be converted to an int")
            })
        }
        ("float", Value::Int(number)) =>
        {
            #[expect(clippy::cast_precision_loss, reason = "as Python's float()")]
            Ok(Value::Float(*number as f64))
        }
        ("float", Value::Str(text)) => text.expose().trim().parse().map(Value::Float).map_err(|_| class()),
        ("list", Value::Str(text)) => Ok(Value::list(text.expose().split(',').map(Value::str))),
        ("list", Value::Int(_) | Value::Float(_)) => Ok(Value::list([Value::str(shown(value))])),
        ("dict", Value::Str(text)) => dict(text.expose()),
        ("bool" | "float" | "list" | "dict", _) => Err(class()),
        ("bytes" | "bits", Value::Map(_) | Value::List(_)) => Err(class()),
        _ => Ok(value.clone()),
    }
}

/// A text as a mapping: JSON, or `key=value` pairs.
fn dict(text: &str) -> Result<Value, String> {
    if text.trim_start().starts_with('{') {
        let json: Result<serde_json::Value, _> = serde_json::from_str(text);
        return json.map(|json| Value::from_json(&json)).map_err(|_| "unable to evaluate string as dictionary".into());
    }
    if !text.contains('=') {
        return Err("dictionary requested, could not parse JSON or key=value".into());
    }
    let fields = text.split([',', ' ']).map(str::trim).filter(|field| !field.is_empty());
    let pairs = fields.map(|field| {
        let (key, value) = field.split_once('=')?;
        Some((Key::from(key), Value::str(value.trim_matches(['"', '\'']))))
    });
    let map: Option<Map> = pairs.collect();
    map.map(|map| Value::Map(Arc::new(map)))
        .ok_or_else(|| "dictionary requested, could not parse JSON or key=value".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(text: &str) -> Map {
        crate::roles::yaml::read("t", text).expect("yaml").root.map()
    }

    const SPEC: &str = "need: {type: str, required: true}\nnum: {type: int, default: 3}\nflag: {type: bool}\nch: {type: str, choices: [a, b]}\nlst: {type: list, elements: int}\np: {type: path}\nd:\n  type: dict\n  options:\n    x: {type: int, required: true}\n    y: {type: list, elements: dict, options: {z: {type: str, required: true}}}\n";

    /// ansible-core's own words for the same values, but for the order of its set of booleans.
    #[test]
    fn errors_are_those_of_ansible() {
        assert_eq!(validate(&map(SPEC), &Map::new()), ["missing required arguments: need"]);
        let given = "need: [1]\nnum: abc\nflag: maybe\nch: z\nlst: [1, q]\nd: {y: [{}], w: 1}\n";
        let errors = validate(&map(SPEC), &map(given));
        assert_eq!(
            errors[0],
            "argument 'num' is of type str and we were unable to convert to int: \"'abc'\" cannot be converted to an int"
        );
        assert!(errors[1].starts_with("argument 'flag' is of type str and we were unable to convert to bool: The value 'maybe' is not a valid boolean."));
        assert_eq!(
            errors[2..],
            [
                "Elements value for option 'lst' is of type str and we were unable to convert to int: \"'q'\" cannot be converted to an int",
                "value of ch must be one of: a, b, got: z",
                "missing required arguments: x found in d",
                "missing required arguments: z found in d -> y",
                "d.w. Supported parameters include: x, y.",
            ]
        );
    }

    #[test]
    fn values_are_converted_before_they_are_judged() {
        let given = "need: 1\nnum: '4'\nflag: 'yes'\nch: a\nlst: '1,2'\nd: x=1\n";
        assert!(validate(&map(SPEC), &map(given)).is_empty());
    }
}
