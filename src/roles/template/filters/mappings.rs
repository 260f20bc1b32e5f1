//! Filters on mappings.

use super::Filter;
use super::lists::items;
use crate::roles::template::args::Args;
use crate::roles::template::python;
use crate::roles::value::{Key, Map, Value};
use std::sync::Arc;

type Outcome = Result<Value, String>;

pub(super) static FILTERS: &[Filter] = &[
    Filter::values("combine", &["*", "**"], combine),
    Filter::values("dict2items", &["key_name", "value_name"], |v, args| {
        let map = mapping(v, "dict2items requires a dictionary")?;
        let (key, value) = (args.text_or(0, "key"), args.text_or(1, "value"));
        Ok(Value::list(
            map.iter().map(|(k, member)| {
                Value::map([(key.as_str(), python::key_value(k)), (value.as_str(), member.clone())])
            }),
        ))
    }),
    Filter::values("items2dict", &["key_name", "value_name"], |v, args| {
        let (key, value) = (args.text_or(0, "key"), args.text_or(1, "value"));
        let mut out = Map::new();
        for item in v.as_list().ok_or_else(|| format!("items2dict requires a list, got {}", v.type_name()))? {
            if item.as_map().is_none() {
                return Err(format!("items2dict requires a list of dictionaries, got a {} instead.", item.type_name()));
            }
            let (Some(key), Some(value)) = (item.get(&key), item.get(&value)) else {
                let keys = format!("contain the keys '{key}' and '{value}'");
                return Err(format!("items2dict requires each dictionary in the list to {keys}"));
            };
            out.insert(python::value_key(key).ok_or("a key is no scalar")?, value.clone());
        }
        Ok(Value::Map(Arc::new(out)))
    }),
    Filter::values("dictsort", &["case_sensitive", "by", "reverse"], dictsort),
    Filter::values("items", &[], |v, _| {
        let map = mapping(v, "items requires a mapping")?;
        Ok(Value::list(map.iter().map(|(k, member)| Value::tuple([python::key_value(k), member.clone()]))))
    }),
    Filter::values("rekey_on_member", &["key", "duplicates"], rekey),
    Filter::values("subelements", &["subelements", "skip_missing"], |v, args| {
        let path = args.need(0)?;
        subelements(v, path, args.flag(1, false)).map(Value::list)
    }),
    Filter::values("community.general.dict_kv", &["key"], |v, args| {
        Ok(Value::map([(python::text(args.need(0)?), v.clone())]))
    }),
    Filter::values("community.general.dict", &[], |v, _| {
        let mut out = Map::new();
        for pair in items(v)? {
            let [key, value] = pair.as_list().unwrap_or_default() else { return Err("takes a list of pairs".into()) };
            out.insert(python::value_key(key).ok_or("a key is no scalar")?, value.clone());
        }
        Ok(Value::Map(Arc::new(out)))
    }),
];

fn mapping<'v>(value: &'v Value, what: &str) -> Result<&'v Map, String> {
    value.as_map().ok_or_else(|| format!("{what}, got {} instead.", value.type_name()))
}

/// How `combine` joins lists.
#[derive(Clone, Copy)]
enum ListMerge {
    Replace,
    Keep,
    Append,
    Prepend,
    AppendRp,
    PrependRp,
}

fn combine(value: &Value, args: &Args) -> Outcome {
    let (mut recursive, mut lists) = (false, ListMerge::Replace);
    for (name, given) in &args.named {
        match &**name {
            "recursive" => recursive = python::truth(given),
            "list_merge" => {
                lists = match python::text(given).as_str() {
                    "replace" => ListMerge::Replace,
                    "keep" => ListMerge::Keep,
                    "append" => ListMerge::Append,
                    "prepend" => ListMerge::Prepend,
                    "append_rp" => ListMerge::AppendRp,
                    "prepend_rp" => ListMerge::PrependRp,
                    other => return Err(format!("list_merge cannot be '{other}'")),
                }
            }
            _ => return Err("'recursive' and 'list_merge' are the only valid keyword arguments".into()),
        }
    }
    let mut maps = Vec::new();
    for one in std::iter::once(value).chain(&args.rest) {
        match one {
            Value::List(several) => maps.extend(several.iter().filter(|one| !is_null(one)).cloned()),
            other if is_null(other) => {}
            other => maps.push(other.clone()),
        }
    }
    // From the right, so that lists are joined in Ansible's order.
    let Some(mut out) = maps.pop() else { return Ok(Value::Map(Arc::default())) };
    for left in maps.into_iter().rev() {
        let (Some(map), Some(right)) = (left.as_map(), out.as_map()) else {
            let (left, right) = (left.type_name(), out.type_name());
            return Err(format!("failed to combine variables, expected dicts but got a '{left}' and a '{right}'."));
        };
        out = Value::Map(Arc::new(merge(map.clone(), right.clone(), recursive, lists)));
    }
    Ok(out)
}

/// What `flatten` leaves out.
fn is_null(value: &Value) -> bool {
    matches!(value, Value::Null) || matches!(value.as_str(), Some("None" | "null"))
}

/// `merge_hash` of Ansible: the right one wins.
fn merge(mut left: Map, right: Map, recursive: bool, lists: ListMerge) -> Map {
    for (key, new) in right {
        let merged = match (left.get(&key), &new) {
            (Some(Value::Map(old)), Value::Map(new)) if recursive => {
                Value::Map(Arc::new(merge((**old).clone(), (**new).clone(), recursive, lists)))
            }
            (Some(Value::List(old)), Value::List(added)) => {
                let without =
                    |a: &[Value], b: &[Value]| a.iter().filter(|i| !b.contains(i)).cloned().collect::<Vec<_>>();
                match lists {
                    ListMerge::Replace => new,
                    ListMerge::Keep => Value::List(old.clone()),
                    ListMerge::Append => Value::list(old.iter().chain(added.iter()).cloned()),
                    ListMerge::Prepend => Value::list(added.iter().chain(old.iter()).cloned()),
                    ListMerge::AppendRp => Value::list(without(old, added).into_iter().chain(added.iter().cloned())),
                    ListMerge::PrependRp => Value::list(added.iter().cloned().chain(without(old, added))),
                }
            }
            _ => new,
        };
        left.insert(key, merged);
    }
    left
}

fn dictsort(value: &Value, args: &Args) -> Outcome {
    let map = mapping(value, "dictsort requires a mapping")?;
    let (case, by, reverse) = (args.flag(0, false), args.text_or(1, "key"), args.flag(2, false));
    let fold = |value: Value| match &value {
        Value::Str(text) if !case => Value::str(text.expose().to_lowercase()),
        _ => value,
    };
    let mut pairs: Vec<(Value, Value)> = map.iter().map(|(k, v)| (python::key_value(k), v.clone())).collect();
    let mut problem = None;
    pairs.sort_by(|a, b| {
        let pick = |pair: &(Value, Value)| fold(if by == "value" { pair.1.clone() } else { pair.0.clone() });
        let (a, b) = (pick(a), pick(b));
        let order = python::compare(&a, &b).unwrap_or_else(|| {
            let (a, b) = (a.type_name(), b.type_name());
            problem = Some(format!("'<' not supported between instances of '{a}' and '{b}'"));
            std::cmp::Ordering::Equal
        });
        if reverse { order.reverse() } else { order }
    });
    if let Some(problem) = problem {
        return Err(problem);
    }
    Ok(Value::list(pairs.into_iter().map(|(key, value)| Value::tuple([key, value]))))
}

fn rekey(value: &Value, args: &Args) -> Outcome {
    let key = args.text(0).ok_or("needs a key")?;
    let overwrite = match args.text_or(1, "error").as_str() {
        "error" => false,
        "overwrite" => true,
        other => return Err(format!("duplicates parameter has unknown value '{other}'")),
    };
    let list = match value {
        Value::Map(map) => map.values().cloned().collect(),
        other => items(other)?,
    };
    let mut out = Map::new();
    for item in list {
        let member = mapping(&item, "List item is not a valid dict")?
            .get(&Key::from(key.as_str()))
            .ok_or_else(|| format!("Key '{key}' was not found."))?;
        let name = python::value_key(member).ok_or("a key is no scalar")?;
        if out.contains_key(&name) && !overwrite {
            return Err(format!("Key '{name}' is not unique, cannot convert to dict."));
        }
        out.insert(name, item);
    }
    Ok(Value::Map(Arc::new(out)))
}

/// Each element with each item of a list within it; the filter's and the lookup's.
pub(in crate::roles::template) fn subelements(
    value: &Value,
    path: &Value,
    skip_missing: bool,
) -> Result<Vec<Value>, String> {
    let elements = match value {
        Value::Map(map) => map.values().cloned().collect::<Vec<_>>(),
        Value::List(list) => list.to_vec(),
        _ => return Err("obj must be a list of dicts or a nested dict".into()),
    };
    let path: Vec<String> = match path {
        Value::List(parts) => parts.iter().map(python::text).collect(),
        other if other.as_str().is_none() => return Err("subelements must be a list or a string".into()),
        other => python::text(other).split('.').map(str::to_owned).collect(),
    };
    let mut out = Vec::new();
    'elements: for element in elements {
        if element.as_map().is_none() {
            return Err(format!("subelements lookup expects a dictionary, got '{}'", python::text(&element)));
        }
        let mut current = element.clone();
        let mut parts = path.iter().peekable();
        while let Some(part) = parts.next() {
            let last = parts.peek().is_none();
            let problem = match current.get(part).cloned() {
                None => format!("could not find '{part}' key in iterated item '{}'", python::text(&current)),
                Some(inner) if last && inner.as_list().is_none() => {
                    return Err(format!("the key {part} should point to a list, got '{}'", python::text(&inner)));
                }
                Some(inner) if !last && inner.as_map().is_none() => {
                    format!("the key {part} should point to a dictionary, got '{}'", python::text(&inner))
                }
                Some(inner) => {
                    current = inner;
                    continue;
                }
            };
            if skip_missing {
                continue 'elements;
            }
            return Err(problem);
        }
        let found = current.as_list().unwrap_or_default();
        out.extend(found.iter().map(|item| Value::tuple([element.clone(), item.clone()])));
    }
    Ok(out)
}
