//! Filters on lists.

use super::Filter;
use crate::roles::items::Form;
use crate::roles::template::args::Args;
use crate::roles::template::python;
use crate::roles::value::{Key, Value};
use std::cmp::Ordering;

type Outcome = Result<Value, String>;

pub(super) static FILTERS: &[Filter] = &[
    Filter::values("join", &["d", "attribute"], join),
    Filter::values("sort", &["reverse", "case_sensitive", "attribute"], sort),
    Filter::values("reverse", &[], |v, _| match v {
        Value::Str(text) => Ok(Value::str(text.expose().chars().rev().collect::<String>())),
        other => Ok(Value::list(items(other)?.into_iter().rev())),
    }),
    Filter::values("sum", &["attribute", "start"], sum),
    Filter::values("min", &["case_sensitive", "attribute"], |v, args| extreme(v, args, Ordering::Less)),
    Filter::values("max", &["case_sensitive", "attribute"], |v, args| extreme(v, args, Ordering::Greater)),
    Filter::values("flatten", &["levels", "skip_nulls"], |v, args| {
        let mut out = Vec::new();
        flatten(&items(v)?, args.int(0)?, args.flag(1, true), &mut out);
        Ok(Value::list(out))
    }),
    Filter::values("batch", &["linecount", "fill_with"], batch),
    Filter::values("slice", &["slices", "fill_with"], slices),
    Filter::values("groupby", &["attribute", "default", "case_sensitive"], groupby),
    Filter::values("zip", &["*"], |v, args| {
        let lists = all(v, args)?;
        let length = lists.iter().map(Vec::len).min().unwrap_or(0);
        Ok(Value::list((0..length).map(|at| Value::tuple(lists.iter().map(|list| list[at].clone())))))
    }),
    Filter::values("zip_longest", &["*", "**"], |v, args| {
        let fill = args.named.iter().find(|(name, _)| &**name == "fillvalue").map_or(Value::Null, |(_, v)| v.clone());
        let lists = all(v, args)?;
        let length = lists.iter().map(Vec::len).max().unwrap_or(0);
        let row = |at: usize| Value::tuple(lists.iter().map(|list| list.get(at).unwrap_or(&fill).clone()));
        Ok(Value::list((0..length).map(row)))
    }),
    Filter::values("product", &["*", "**"], product),
    Filter::values("permutations", &["r"], |v, args| {
        let list = items(v)?;
        let size = args.int(0)?.map_or(list.len(), |r| usize::try_from(r).unwrap_or(0));
        let mut out = Vec::new();
        arrangements(&list, size, false, &mut Vec::new(), &mut out)?;
        Ok(Value::list(out))
    }),
    Filter::values("combinations", &["r"], |v, args| {
        let list = items(v)?;
        let size = usize::try_from(args.int(0)?.ok_or("needs a size")?).unwrap_or(0);
        let mut out = Vec::new();
        arrangements(&list, size, true, &mut Vec::new(), &mut out)?;
        Ok(Value::list(out))
    }),
];

/// More items than these are not made by combining lists.
const MOST: usize = 1 << 20;

/// What can be gone through, gone through.
pub(super) fn items(value: &Value) -> Result<Vec<Value>, String> {
    python::items(value).ok_or_else(|| format!("'{}' object is not iterable", value.type_name()))
}

/// A member by a dotted path, numbers being positions.
pub(in crate::roles::template) fn attribute(value: &Value, path: &str) -> Option<Value> {
    let mut current = value.clone();
    for part in path.split('.') {
        current = match &current {
            Value::Map(map) => map.get(&Key::from(part)).or_else(|| map.get(&Key::Int(part.parse().ok()?)))?.clone(),
            Value::List(list) => match list.member(part) {
                Some(member) => member.clone(),
                None => list.get(part.parse::<usize>().ok()?)?.clone(),
            },
            _ => return None,
        };
    }
    Some(current)
}

fn by_attribute(value: &Value, path: Option<&String>) -> Outcome {
    match path {
        None => Ok(value.clone()),
        Some(path) => attribute(value, path)
            .ok_or_else(|| format!("object of type '{}' has no attribute '{path}'", value.type_name())),
    }
}

/// Without regard to case, unless that is asked for.
fn folded(value: Value, case_sensitive: bool) -> Value {
    match &value {
        Value::Str(text) if !case_sensitive => Value::str(text.expose().to_lowercase()),
        _ => value,
    }
}

fn join(value: &Value, args: &Args) -> Outcome {
    let (by, path) = (args.text_or(0, ""), args.text(1));
    let mut out = Vec::new();
    for item in items(value)? {
        out.push(python::text(&by_attribute(&item, path.as_ref())?));
    }
    Ok(Value::str(out.join(&by)))
}

fn sort(value: &Value, args: &Args) -> Outcome {
    let case = args.flag(1, false);
    // Several attributes are separated by commas, the first one deciding first.
    let paths: Option<Vec<String>> = args
        .get(2)
        .filter(|v| !matches!(v, Value::Null))
        .map(|path| python::text(path).split(',').map(|part| part.trim().to_owned()).collect());
    let mut keyed = Vec::new();
    for item in items(value)? {
        let key = match &paths {
            None => folded(item.clone(), case),
            Some(paths) => {
                let parts = paths.iter().map(|path| by_attribute(&item, Some(path)).map(|v| folded(v, case)));
                Value::list(parts.collect::<Result<Vec<_>, _>>()?)
            }
        };
        keyed.push((key, item));
    }
    let mut problem = None;
    keyed.sort_by(|(a, _), (b, _)| {
        python::compare(a, b).unwrap_or_else(|| {
            problem =
                Some(format!("'<' not supported between instances of '{}' and '{}'", a.type_name(), b.type_name()));
            Ordering::Equal
        })
    });
    if let Some(problem) = problem {
        return Err(problem);
    }
    if args.flag(0, false) {
        // Python keeps equal items in order when it sorts in reverse.
        keyed.reverse();
        let mut start = 0;
        while start < keyed.len() {
            let end = (start..keyed.len()).find(|at| keyed[*at].0 != keyed[start].0).unwrap_or(keyed.len());
            keyed[start..end].reverse();
            start = end;
        }
    }
    Ok(Value::list(keyed.into_iter().map(|(_, item)| item)))
}

fn sum(value: &Value, args: &Args) -> Outcome {
    let path = args.text(0);
    let mut total = args.get(1).cloned().unwrap_or(Value::Int(0));
    for item in items(value)? {
        let item = by_attribute(&item, path.as_ref())?;
        total =
            crate::roles::template::operators::binary(crate::roles::template::syntax::BinaryOp::Add, &total, &item)?;
    }
    Ok(total)
}

fn extreme(value: &Value, args: &Args, wanted: Ordering) -> Outcome {
    let (case, path) = (args.flag(0, false), args.text(1));
    let mut best: Option<(Value, Value)> = None;
    for item in items(value)? {
        let key = folded(by_attribute(&item, path.as_ref())?, case);
        let better = match &best {
            None => true,
            Some((have, _)) => {
                python::compare(&key, have).ok_or("the items cannot be compared with each other")? == wanted
            }
        };
        if better {
            best = Some((key, item));
        }
    }
    best.map(|(_, item)| item).ok_or_else(|| "No aggregated item, sequence was empty.".into())
}

fn flatten(list: &[Value], levels: Option<i64>, skip_nulls: bool, out: &mut Vec<Value>) {
    for item in list {
        match item {
            Value::Null if skip_nulls => {}
            Value::Str(text) if skip_nulls && matches!(text.expose(), "None" | "null") => {}
            Value::List(inner) if levels.is_none_or(|levels| levels >= 1) => {
                flatten(inner, levels.map(|levels| levels - 1), skip_nulls, out);
            }
            other => out.push(other.clone()),
        }
    }
}

fn batch(value: &Value, args: &Args) -> Outcome {
    let count = usize::try_from(args.int(0)?.ok_or("needs a count")?).unwrap_or(0).clamp(1, MOST);
    let mut rows: Vec<Vec<Value>> = items(value)?.chunks(count).map(<[Value]>::to_vec).collect();
    if let (Some(fill), Some(last)) = (args.get(1).filter(|v| !matches!(v, Value::Null)), rows.last_mut()) {
        last.resize(count, fill.clone());
    }
    Ok(Value::list(rows.into_iter().map(Value::list)))
}

fn slices(value: &Value, args: &Args) -> Outcome {
    let list = items(value)?;
    let count = usize::try_from(args.int(0)?.ok_or("needs a count")?).unwrap_or(0).clamp(1, MOST);
    let (each, extra) = (list.len() / count, list.len() % count);
    let mut rest = list.into_iter();
    let mut rows = Vec::new();
    for index in 0..count {
        let mut row: Vec<Value> = rest.by_ref().take(each + usize::from(index < extra)).collect();
        if let Some(fill) = args.get(1).filter(|v| index >= extra && extra > 0 && !matches!(v, Value::Null)) {
            row.push(fill.clone());
        }
        rows.push(Value::list(row));
    }
    Ok(Value::list(rows))
}

fn groupby(value: &Value, args: &Args) -> Outcome {
    let path = args.text(0).ok_or("needs an attribute")?;
    let case = args.flag(2, false);
    let mut keyed = Vec::new();
    for item in items(value)? {
        let key = match (attribute(&item, &path), args.get(1)) {
            (Some(key), _) => key,
            (None, Some(default)) => default.clone(),
            (None, None) => return Err(format!("an item has no attribute '{path}'")),
        };
        keyed.push((folded(key.clone(), case), key, item));
    }
    keyed.sort_by(|(a, ..), (b, ..)| python::compare(a, b).unwrap_or(Ordering::Equal));
    let mut groups: Vec<(Value, Value, Vec<Value>)> = Vec::new();
    for (fold, key, item) in keyed {
        match groups.last_mut() {
            Some((have, _, members)) if *have == fold => members.push(item),
            _ => groups.push((fold, key, vec![item])),
        }
    }
    let group = |key, members| Value::formed(vec![key, Value::list(members)], Form::Group);
    Ok(Value::list(groups.into_iter().map(|(_, key, members)| group(key, members))))
}

fn all(value: &Value, args: &Args) -> Result<Vec<Vec<Value>>, String> {
    std::iter::once(value).chain(&args.rest).map(items).collect()
}

fn product(value: &Value, args: &Args) -> Outcome {
    let mut lists = all(value, args)?;
    if let Some((_, times)) = args.named.iter().find(|(name, _)| &**name == "repeat") {
        let times = usize::try_from(python::to_int(times, 10).unwrap_or(1)).unwrap_or(1).min(16);
        let once = lists.clone();
        lists = std::iter::repeat_n(once, times).flatten().collect();
    }
    let mut rows: Vec<Vec<Value>> = vec![Vec::new()];
    for list in &lists {
        if rows.len().saturating_mul(list.len()) > MOST {
            return Err("the product is too large".into());
        }
        rows = rows
            .iter()
            .flat_map(|row| {
                list.iter().map(|item| {
                    let mut row = row.clone();
                    row.push(item.clone());
                    row
                })
            })
            .collect();
    }
    Ok(Value::list(rows.into_iter().map(Value::tuple)))
}

/// Every choice of `size` positions, in the order of `itertools`.
fn arrangements(
    list: &[Value],
    size: usize,
    ordered: bool,
    taken: &mut Vec<usize>,
    out: &mut Vec<Value>,
) -> Result<(), String> {
    if taken.len() == size {
        if out.len() >= MOST {
            return Err("there are too many arrangements".into());
        }
        out.push(Value::tuple(taken.iter().map(|at| list[*at].clone())));
        return Ok(());
    }
    let first = if ordered { taken.last().map_or(0, |last| last + 1) } else { 0 };
    for at in first..list.len() {
        if !taken.contains(&at) {
            taken.push(at);
            arrangements(list, size, ordered, taken, out)?;
            taken.pop();
        }
    }
    Ok(())
}
