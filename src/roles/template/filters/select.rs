//! Filters that apply others, and those that take a part without looking at the rest: each works on lazy items.

use super::{Filter, Outcome, TABLE};
use crate::roles::template::args::Given;
use crate::roles::template::datum::Datum;
use crate::roles::template::error::TemplateError;
use crate::roles::template::eval::list_of;
use crate::roles::template::run::Run;
use crate::roles::template::{methods, python, tests};
use crate::roles::value::Value;
use std::sync::Arc;

pub(super) static FILTERS: &[Filter] = &[
    Filter::run("map", map),
    Filter::run("select", |run, input, given| select(run, input, given, true)),
    Filter::run("reject", |run, input, given| select(run, input, given, false)),
    Filter::run("selectattr", |run, input, given| select_attribute(run, input, given, true)),
    Filter::run("rejectattr", |run, input, given| select_attribute(run, input, given, false)),
    Filter::run("first", |run, input, _| {
        let items = run.items(input)?;
        Ok(items.into_iter().next().unwrap_or_else(|| Datum::missing("No first item, sequence was empty.")))
    }),
    Filter::run("last", |run, input, _| {
        let items = run.items(input)?;
        Ok(items.into_iter().next_back().unwrap_or_else(|| Datum::missing("No last item, sequence was empty.")))
    }),
    Filter::run("list", |run, input, _| {
        let list = match input {
            Datum::Value(Value::List(_)) | Datum::Mixed(_) => input,
            other => list_of(run.items(other)?),
        };
        // A list with something undefined in it is undefined as a whole once it is made one.
        Ok(match &list {
            Datum::Mixed(items) => items.iter().find(|item| matches!(item, Datum::Undefined(_))).cloned(),
            _ => None,
        }
        .unwrap_or(list))
    }),
    Filter::run("length", length),
    Filter::run("count", length),
    Filter::run("attr", |run, input, given| {
        let Some(name) = given.get(0, "name").cloned() else {
            return Err(TemplateError::failed("filter `attr`: needs a name"));
        };
        let name = run.deep(name)?;
        // Attributes alone: a mapping's members are none.
        match (&input, &name) {
            (Datum::Value(value @ Value::Map(_)), Value::Str(name)) => Ok(methods::attribute(value, name.expose())
                .unwrap_or_else(|| {
                    Datum::missing(format!(
                        "object of type '{}' has no attribute '{}'",
                        value.type_name(),
                        name.expose()
                    ))
                })),
            _ => run.member(input, &name),
        }
    }),
    Filter::run("extract", extract),
    Filter::run("ternary", ternary),
];

fn length(run: &mut Run<'_>, input: Datum, _: &Given) -> Outcome {
    if let Datum::Mixed(items) = &input {
        return Ok(Datum::Value(Value::Int(i64::try_from(items.len()).unwrap_or(i64::MAX))));
    }
    let value = run.force(input)?;
    let length = python::length(&value)
        .ok_or_else(|| TemplateError::failed(format!("object of type '{}' has no len()", value.type_name())))?;
    Ok(Datum::Value(Value::Int(i64::try_from(length).unwrap_or(i64::MAX))))
}

/// One of two or three; the others may be undefined.
fn ternary(run: &mut Run<'_>, input: Datum, given: &Given) -> Outcome {
    let value = run.force(input)?;
    let none = given.get(2, "none_val").filter(|none| !matches!(none, Datum::Value(Value::Null)));
    let chosen = match (&value, none) {
        (Value::Null, Some(none)) => Some(none),
        _ if python::truth(&value) => given.get(0, "true_val"),
        _ => given.get(1, "false_val"),
    };
    let chosen = chosen.ok_or_else(|| TemplateError::failed("filter `ternary`: needs two values"))?;
    Ok(match chosen.clone() {
        Datum::Value(chosen) if value.has_secret() => Datum::Value(chosen.into_secret()),
        other => other,
    })
}

/// A member by a path of names and positions, `None` where it is not there.
fn path_of(run: &Run<'_>, item: Datum, path: &Value) -> Outcome {
    let mut current = item;
    match path {
        Value::Str(text) => {
            for part in text.expose().split('.') {
                let key = part.parse::<i64>().map_or_else(|_| Value::str(part), Value::Int);
                let named = run.member(current.clone(), &Value::str(part))?;
                current = if matches!(named, Datum::Undefined(_)) { run.member(current, &key)? } else { named };
            }
            Ok(current)
        }
        other => run.member(current, other),
    }
}

/// The items of a list. As in Jinja2 what is false has none, whatever it is.
fn chosen_from(run: &mut Run<'_>, input: Datum) -> Result<Vec<Datum>, TemplateError> {
    match input {
        Datum::Value(Value::Null | Value::Bool(false) | Value::Int(0)) => Ok(Vec::new()),
        input => run.items(input),
    }
}

fn map(run: &mut Run<'_>, input: Datum, given: &Given) -> Outcome {
    if matches!(input, Datum::Unknown) {
        return Ok(input);
    }
    let items = chosen_from(run, input)?;
    let mut out = Vec::with_capacity(items.len());
    if let (Some(path), true) = (given.named("attribute"), given.positional.is_empty()) {
        let path = run.deep(path.clone())?;
        for item in items {
            let member = path_of(run, item, &path)?;
            out.push(match (member, given.named("default")) {
                (Datum::Undefined(_), Some(default)) => default.clone(),
                (member, _) => member,
            });
        }
        return Ok(list_of(out));
    }
    let Some(name) = given.positional.first().cloned() else {
        return Err(TemplateError::failed("filter `map`: needs a filter's name or an attribute"));
    };
    let name = python::text(&run.deep(name)?);
    let rest = Given { positional: given.positional[1..].to_vec(), named: given.named.clone() };
    for item in items {
        out.push(TABLE.apply(run, &name, item, rest.clone())?);
    }
    Ok(list_of(out))
}

/// Whether an item passes: by the test that is named, or by its truth.
fn passes(run: &mut Run<'_>, item: Datum, test: &[Datum], given: &Given) -> Result<bool, TemplateError> {
    match test.split_first() {
        None => run.truth(item),
        Some((name, rest)) => {
            let name = python::text(&run.deep(name.clone())?);
            tests::TABLE.apply(run, &name, item, Given { positional: rest.to_vec(), named: given.named.clone() })
        }
    }
}

fn select(run: &mut Run<'_>, input: Datum, given: &Given, keep: bool) -> Outcome {
    if matches!(input, Datum::Unknown) {
        return Ok(input);
    }
    let mut out = Vec::new();
    for item in chosen_from(run, input)? {
        if passes(run, item.clone(), &given.positional, given)? == keep {
            out.push(item);
        }
    }
    Ok(list_of(out))
}

fn select_attribute(run: &mut Run<'_>, input: Datum, given: &Given, keep: bool) -> Outcome {
    if matches!(input, Datum::Unknown) {
        return Ok(input);
    }
    let Some((path, test)) = given.positional.split_first() else {
        return Err(TemplateError::failed("Missing parameter for attribute name"));
    };
    let path = run.deep(path.clone())?;
    let mut out = Vec::new();
    for item in chosen_from(run, input)? {
        let member = path_of(run, item.clone(), &path)?;
        let member = match member {
            Datum::Undefined(missing) => {
                let mut missing = (*missing).clone();
                missing.hint = Some("leave items without it out first: `selectattr('...', 'defined')`".into());
                Datum::Undefined(Arc::new(missing))
            }
            member => member,
        };
        if passes(run, member, test, given)? == keep {
            out.push(item);
        }
    }
    Ok(list_of(out))
}

fn extract(run: &mut Run<'_>, input: Datum, given: &Given) -> Outcome {
    let Some(container) = given.get(0, "container").cloned() else {
        return Err(TemplateError::failed("filter `extract`: needs a container"));
    };
    let first = run.deep(input)?;
    let mut current = run.member(container, &first)?;
    if let Some(more) = given.get(1, "morekeys") {
        let keys = match run.deep(more.clone())? {
            Value::List(keys) => keys.to_vec(),
            Value::Null => Vec::new(),
            one => vec![one],
        };
        for key in keys {
            current = run.member(current, &key)?;
        }
    }
    Ok(current)
}
