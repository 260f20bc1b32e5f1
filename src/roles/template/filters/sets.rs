//! Filters that treat lists as sets.
//!
//! Ansible's go through Python's `set`, whose order is arbitrary; these keep the order of the first list, which is what
//! Ansible does too where an item cannot be hashed.

use super::Filter;
use super::lists::{attribute, items};
use crate::roles::template::args::Args;
use crate::roles::value::Value;

type Outcome = Result<Value, String>;

pub(super) static FILTERS: &[Filter] = &[
    Filter::values("unique", &["case_sensitive", "attribute"], unique),
    Filter::values("union", &["b"], |v, args| {
        let mut both = items(v)?;
        both.extend(items(args.need(0)?)?);
        Ok(Value::list(distinct(both)))
    }),
    Filter::values("intersect", &["b"], |v, args| those(v, args, true)),
    Filter::values("difference", &["b"], |v, args| those(v, args, false)),
    Filter::values("symmetric_difference", &["b"], |v, args| {
        let (one, other) = (items(v)?, items(args.need(0)?)?);
        let mut out: Vec<Value> = one.iter().filter(|item| !other.contains(item)).cloned().collect();
        out.extend(other.into_iter().filter(|item| !one.contains(item)));
        Ok(Value::list(distinct(out)))
    }),
];

/// The items that another list has, or that it lacks. Where there are none, the other one is not looked at, as in Python.
fn those(value: &Value, args: &Args, shared: bool) -> Outcome {
    let own = items(value)?;
    let other = if own.is_empty() { Vec::new() } else { items(args.need(0)?)? };
    Ok(Value::list(distinct(own.into_iter().filter(|item| other.contains(item) == shared).collect())))
}

fn distinct(list: Vec<Value>) -> Vec<Value> {
    // Texts are the rule and are many; everything else is compared one by one.
    let mut seen = std::collections::HashSet::new();
    let mut out: Vec<Value> = Vec::new();
    for item in list {
        let new = match &item {
            Value::Str(text) => seen.insert(text.expose().to_owned()),
            other => !out.iter().any(|have| !matches!(have, Value::Str(_)) && have == other),
        };
        if new {
            out.push(item);
        }
    }
    out
}

fn unique(value: &Value, args: &Args) -> Outcome {
    let (case, path) = (args.flag(0, false), args.text(1));
    let mut keys: Vec<Value> = Vec::new();
    let mut out = Vec::new();
    for item in items(value)? {
        let key = match &path {
            Some(path) => attribute(&item, path).ok_or_else(|| format!("an item has no attribute '{path}'"))?,
            None => item.clone(),
        };
        let key = match &key {
            Value::Str(text) if !case => Value::str(text.expose().to_lowercase()),
            _ => key,
        };
        if !keys.contains(&key) {
            keys.push(key);
            out.push(item);
        }
    }
    Ok(Value::list(out))
}
