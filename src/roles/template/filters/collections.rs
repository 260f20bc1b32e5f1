//! Filters of `community.general` and `ansible.utils` on lists and mappings.

use super::Filter;
use super::lists::items;
use crate::roles::pattern::{Flags, Pattern};
use crate::roles::template::args::Args;
use crate::roles::template::python;
use crate::roles::template::tests::loose_version;
use crate::roles::value::{Key, Map, Value};
use std::sync::Arc;

type Outcome = Result<Value, String>;

pub(super) static FILTERS: &[Filter] = &[
    Filter::values("community.general.json_query", &["expr"], json_query),
    Filter::values("community.general.version_sort", &["reverse"], |v, args| {
        let mut list = items(v)?;
        list.sort_by(|a, b| loose_version(&python::text(a), &python::text(b)));
        if args.flag(0, false) {
            list.reverse();
        }
        Ok(Value::list(list))
    }),
    Filter::values("community.general.counter", &[], |v, _| {
        let mut counts = Map::new();
        for item in items(v)? {
            let key = python::value_key(&item).ok_or("an item is no scalar")?;
            let seen = counts.get(&key).and_then(|n: &Value| python::to_int(n, 10)).unwrap_or(0);
            counts.insert(key, Value::Int(seen + 1));
        }
        Ok(Value::Map(Arc::new(counts)))
    }),
    Filter::values("community.general.groupby_as_dict", &["attribute"], |v, args| {
        let name = args.text_or(0, "");
        let mut out = Map::new();
        for item in items(v)? {
            let member = item.get(&name).ok_or_else(|| format!("an item has no attribute '{name}'"))?;
            let key = python::value_key(member).ok_or("the attribute is no scalar")?;
            if out.insert(key.clone(), item.clone()).is_some() {
                return Err(format!("Multiple sequence entries have attribute value '{key}'"));
            }
        }
        Ok(Value::Map(Arc::new(out)))
    }),
    Filter::values("community.general.lists_union", &["*", "**"], |v, args| lists(v, args, |all| all.concat())),
    Filter::values("community.general.lists_intersect", &["*", "**"], |v, args| {
        lists(v, args, |all| {
            let (first, rest) = (all[0].clone(), &all[1..]);
            first.into_iter().filter(|item| rest.iter().all(|list| list.contains(item))).collect()
        })
    }),
    Filter::values("community.general.lists_difference", &["*", "**"], |v, args| {
        lists(v, args, |all| {
            let (first, rest) = (all[0].clone(), &all[1..]);
            first.into_iter().filter(|item| !rest.iter().any(|list| list.contains(item))).collect()
        })
    }),
    Filter::values("community.general.keep_keys", &["target", "matching_parameter"], |v, args| keys(v, args, true)),
    Filter::values("community.general.remove_keys", &["target", "matching_parameter"], |v, args| keys(v, args, false)),
    Filter::values("community.general.replace_keys", &["target", "matching_parameter"], replace_keys),
    Filter::values("ansible.utils.get_path", &["path"], |v, args| {
        let path = args.text_or(0, "");
        at_path(v, &path).cloned().ok_or_else(|| format!("there is nothing at `{path}`"))
    }),
    Filter::values("ansible.utils.to_paths", &["prepend"], |v, args| {
        let mut out = Map::new();
        paths(v, &args.text(0).unwrap_or_default(), &mut out);
        Ok(Value::Map(Arc::new(out)))
    }),
];

/// JMESPath. Numbers and mappings go through JSON; a secret among them makes the result one.
fn json_query(value: &Value, args: &Args) -> Outcome {
    let expression = jmespath::compile(&args.text_or(0, "")).map_err(|error| format!("JMESPathError: {error}"))?;
    let found = expression.search(open(value)).map_err(|error| format!("JMESPathError: {error}"))?;
    let json = serde_json::to_value(&*found).map_err(|error| error.to_string())?;
    Ok(Value::from_json(&json))
}

/// As JSON with secrets in it: the caller marks what comes of it.
fn open(value: &Value) -> serde_json::Value {
    use serde_json::Value as Json;
    match value {
        Value::Str(text) => Json::from(text.expose()),
        Value::List(list) => list.iter().map(open).collect(),
        Value::Map(map) => Json::Object(map.iter().map(|(k, v)| (k.to_string(), open(v))).collect()),
        other => other.to_json(),
    }
}

/// Several lists made one, each item once; `flatten` takes one list of lists.
fn lists(value: &Value, args: &Args, work: fn(&[Vec<Value>]) -> Vec<Value>) -> Outcome {
    let flat = args.named.iter().any(|(name, flag)| &**name == "flatten" && python::truth(flag));
    let mut all: Vec<Vec<Value>> = Vec::new();
    for list in std::iter::once(value).chain(&args.rest) {
        let list = items(list)?;
        if flat && list.iter().all(|item| matches!(item, Value::List(_))) {
            all.extend(list.iter().map(items).collect::<Result<Vec<_>, _>>()?);
        } else {
            all.push(list);
        }
    }
    let mut once: Vec<Value> = Vec::new();
    if all.is_empty() {
        return Ok(Value::list(once));
    }
    for item in work(&all) {
        if !once.contains(&item) {
            once.push(item);
        }
    }
    Ok(Value::list(once))
}

type Matcher = Box<dyn Fn(&str) -> bool>;

/// Whether a key is one of the targets, by the way that is asked for.
fn matcher(targets: Vec<String>, how: &str) -> Result<Matcher, String> {
    Ok(match how {
        "equal" => Box::new(move |key| targets.iter().any(|target| target == key)),
        "starts_with" => Box::new(move |key| targets.iter().any(|target| key.starts_with(target.as_str()))),
        "ends_with" => Box::new(move |key| targets.iter().any(|target| key.ends_with(target.as_str()))),
        "regex" => {
            let patterns = targets
                .iter()
                .map(|target| Pattern::new(target, Flags::default()).map_err(|error| error.to_string()))
                .collect::<Result<Vec<_>, _>>()?;
            Box::new(move |key| patterns.iter().any(|pattern| pattern.is_match_at_start(key).unwrap_or(false)))
        }
        other => return Err(format!("matching_parameter cannot be {other}")),
    })
}

fn keys(value: &Value, args: &Args, keep: bool) -> Outcome {
    let targets = match args.need(0)? {
        Value::List(list) => list.iter().map(python::text).collect(),
        other => vec![python::text(other)],
    };
    let matches = matcher(targets, &args.text_or(1, "equal"))?;
    let one = |item: Value| -> Outcome {
        let map = item.as_map().ok_or("takes a list of mappings")?;
        let kept = map.iter().filter(|(key, _)| matches(&key.to_string()) == keep);
        Ok(Value::Map(Arc::new(kept.map(|(key, member)| (key.clone(), member.clone())).collect())))
    };
    Ok(Value::list(items(value)?.into_iter().map(one).collect::<Result<Vec<_>, _>>()?))
}

fn replace_keys(value: &Value, args: &Args) -> Outcome {
    let how = args.text_or(1, "equal");
    let mut rules = Vec::new();
    for target in items(args.need(0)?)? {
        let (Some(before), Some(after)) = (target.get("before"), target.get("after")) else {
            return Err("each target has `before` and `after`".into());
        };
        rules.push((matcher(vec![python::text(before)], &how)?, Key::from(python::text(after).as_str())));
    }
    let one = |item: Value| -> Outcome {
        let map = item.as_map().ok_or("takes a list of mappings")?;
        let renamed = map.iter().map(|(key, member)| {
            let rule = rules.iter().find(|(matches, _)| matches(&key.to_string()));
            (rule.map_or_else(|| key.clone(), |(_, after)| after.clone()), member.clone())
        });
        Ok(Value::Map(Arc::new(renamed.collect())))
    };
    Ok(Value::list(items(value)?.into_iter().map(one).collect::<Result<Vec<_>, _>>()?))
}

/// What a path such as `a.b[0]['c d']` leads to.
fn at_path<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    let mut at = value;
    for part in path.replace('[', ".").replace(']', "").split('.').filter(|part| !part.is_empty()) {
        let part = part.trim_matches(['\'', '"']);
        at = match at {
            Value::Map(map) => map.get(&Key::from(part)).or_else(|| map.get(&Key::Int(part.parse().ok()?)))?,
            Value::List(list) => list.get(part.parse::<usize>().ok()?)?,
            _ => return None,
        };
    }
    Some(at)
}

fn paths(value: &Value, at: &str, out: &mut Map) {
    match value {
        Value::Map(map) if !map.is_empty() => {
            for (key, member) in map.iter() {
                let name = key.to_string();
                let plain = name.chars().all(|c| c.is_alphanumeric() || c == '_');
                let below = match (at, plain) {
                    ("", true) => name,
                    (_, true) => format!("{at}.{name}"),
                    _ => format!("{at}['{name}']"),
                };
                paths(member, &below, out);
            }
        }
        Value::List(list) if !list.is_empty() => {
            list.iter().enumerate().for_each(|(index, item)| paths(item, &format!("{at}[{index}]"), out));
        }
        other => {
            out.insert(Key::from(at), other.clone());
        }
    }
}
