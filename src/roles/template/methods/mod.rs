//! Methods of Python's built-in types.

mod format;
mod names;
mod text;

pub(super) use format::percent;
pub(super) use names::{attribute, has};
pub(super) use text::{capitalize, center, lines, split, strip};

use super::python;
use crate::roles::value::{Key, Map, Value};
use std::sync::Arc;

type Outcome = Result<Value, String>;
type Named = [(Arc<str>, Value)];

/// A method that alters what it is called on: its result, and the altered value. `None` for all others.
pub(super) fn alter(value: &Value, method: &str, args: &[Value], named: &Named) -> Option<(Outcome, Value)> {
    match value {
        Value::List(items) if !items.is_tuple() => {
            let mut items = items.to_vec();
            let result = alter_list(&mut items, method, args)?;
            Some((result, Value::list(items)))
        }
        Value::Map(map) => {
            let mut map = (**map).clone();
            let result = alter_map(&mut map, method, args, named)?;
            Some((result, Value::Map(Arc::new(map))))
        }
        _ => None,
    }
}

fn alter_list(items: &mut Vec<Value>, method: &str, args: &[Value]) -> Option<Outcome> {
    let first = || args.first().cloned().ok_or_else(|| format!("{method}() takes an argument"));
    let at = |items: &[Value], value: &Value| items.iter().position(|item| item == value);
    Some(match method {
        "append" => first().map(|item| {
            items.push(item);
            Value::Null
        }),
        "extend" => first().and_then(|more| {
            items.extend(python::items(&more).ok_or("extend() takes a list")?);
            Ok(Value::Null)
        }),
        "insert" => match args {
            [index, item] => {
                let length = i64::try_from(items.len()).unwrap_or(i64::MAX);
                let index = python::to_int(index, 10).unwrap_or(0);
                let index = if index < 0 { index + length } else { index }.clamp(0, length);
                items.insert(usize::try_from(index).unwrap_or(0), item.clone());
                Ok(Value::Null)
            }
            _ => Err("insert() takes an index and an item".into()),
        },
        "pop" => {
            let index = args.first().and_then(|i| python::to_int(i, 10)).unwrap_or(-1);
            match super::operators::index(index, items.len()) {
                Some(index) => Ok(items.remove(index)),
                None => Err("pop index out of range".into()),
            }
        }
        "remove" => first().and_then(|item| match at(items, &item) {
            Some(index) => {
                items.remove(index);
                Ok(Value::Null)
            }
            None => Err("list.remove(x): x not in list".into()),
        }),
        "clear" => {
            items.clear();
            Ok(Value::Null)
        }
        "reverse" => {
            items.reverse();
            Ok(Value::Null)
        }
        "sort" => {
            items.sort_by(|a, b| python::compare(a, b).unwrap_or(std::cmp::Ordering::Equal));
            Ok(Value::Null)
        }
        _ => return None,
    })
}

fn alter_map(map: &mut Map, method: &str, args: &[Value], named: &Named) -> Option<Outcome> {
    let key = || {
        let key = args.first().ok_or_else(|| format!("{method}() takes a key"))?;
        python::value_key(key).ok_or_else(|| format!("unhashable type: '{}'", key.type_name()))
    };
    Some(match method {
        "update" => {
            match args.first() {
                Some(Value::Map(more)) => map.extend(more.iter().map(|(k, v)| (k.clone(), v.clone()))),
                Some(Value::List(pairs)) => {
                    for pair in pairs.iter() {
                        if let Some([key, value]) = pair.as_list() {
                            map.extend(python::value_key(key).map(|key| (key, value.clone())));
                        }
                    }
                }
                _ => {}
            }
            map.extend(named.iter().map(|(name, value)| (Key::Str(name.clone()), value.clone())));
            Ok(Value::Null)
        }
        "pop" => key().and_then(|key| match (map.shift_remove(&key), args.get(1)) {
            (Some(value), _) => Ok(value),
            (None, Some(default)) => Ok(default.clone()),
            (None, None) => Err(format!("KeyError: {}", python::repr(&python::key_value(&key)))),
        }),
        "setdefault" => key().map(|key| {
            let default = args.get(1).cloned().unwrap_or_default();
            map.entry(key).or_insert(default).clone()
        }),
        "popitem" => match map.pop() {
            Some((key, value)) => Ok(Value::tuple([python::key_value(&key), value])),
            None => Err("popitem(): dictionary is empty".into()),
        },
        "clear" => {
            map.clear();
            Ok(Value::Null)
        }
        _ => return None,
    })
}

/// A method that only reads.
pub(super) fn call(value: &Value, method: &str, args: &[Value], named: &Named) -> Outcome {
    let none = || format!("'{}' object has no attribute '{method}'", value.type_name());
    match value {
        Value::Str(it) if !it.is_moment() => {
            text::call(it.expose(), method, args, named).unwrap_or_else(|| Err(none()))
        }
        Value::Map(map) => match method {
            "keys" => Ok(Value::list(map.keys().map(python::key_value))),
            "values" => Ok(Value::list(map.values().cloned())),
            "items" | "iteritems" => {
                Ok(Value::list(map.iter().map(|(k, v)| Value::tuple([python::key_value(k), v.clone()]))))
            }
            "copy" => Ok(value.clone()),
            "has_key" => {
                Ok(Value::Bool(args.first().and_then(python::value_key).is_some_and(|k| map.contains_key(&k))))
            }
            _ => Err(none()),
        },
        Value::List(items) => {
            let wanted = args.first();
            match method {
                "index" => items
                    .iter()
                    .position(|item| Some(item) == wanted)
                    .map(|at| Value::Int(i64::try_from(at).unwrap_or(i64::MAX)))
                    .ok_or_else(|| format!("{} is not in list", wanted.map(python::repr).unwrap_or_default())),
                "count" => {
                    let count = items.iter().filter(|item| Some(*item) == wanted).count();
                    Ok(Value::Int(i64::try_from(count).unwrap_or(i64::MAX)))
                }
                "copy" => Ok(value.clone()),
                _ => Err(none()),
            }
        }
        Value::Int(int) => match method {
            "bit_length" => Ok(Value::Int(i64::from(64 - int.unsigned_abs().leading_zeros()))),
            _ => Err(none()),
        },
        Value::Float(float) if method == "is_integer" => Ok(Value::Bool(float.fract() == 0.0)),
        _ => Err(none()),
    }
}
