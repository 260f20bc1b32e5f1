//! Lookups that turn lists and mappings into what a loop goes through.

use super::{Lookup, Options, Outcome};
use crate::roles::template::error::TemplateError;
use crate::roles::template::run::Run;
use crate::roles::template::{filters, methods, python};
use crate::roles::value::Value;

pub(super) static LOOKUPS: &[Lookup] = &[
    Lookup { name: "items", options: &[], run: |_, terms, _| Ok(flatten_once(terms)) },
    Lookup { name: "list", options: &[], run: |_, terms, _| Ok(terms) },
    Lookup {
        name: "indexed_items",
        options: &[],
        run: |_, terms, _| {
            let items = flatten_once(terms).into_iter().enumerate();
            Ok(items.map(|(at, item)| Value::list([Value::Int(i64::try_from(at).unwrap_or(0)), item])).collect())
        },
    },
    Lookup { name: "community.general.flattened", options: &[], run: |_, terms, _| Ok(flatten(terms)) },
    Lookup { name: "dict", options: &[], run: dict },
    Lookup { name: "nested", options: &[], run: nested },
    Lookup { name: "community.general.cartesian", options: &[], run: cartesian },
    Lookup { name: "together", options: &[], run: together },
    Lookup { name: "sequence", options: &["start", "end", "count", "stride", "format"], run: sequence },
    Lookup { name: "subelements", options: &[], run: subelements },
    Lookup {
        name: "random_choice",
        options: &[],
        run: |_, terms, _| {
            if terms.is_empty() {
                return Ok(terms);
            }
            Ok(vec![terms[fastrand::usize(..terms.len())].clone()])
        },
    },
];

fn flatten_once(terms: Vec<Value>) -> Vec<Value> {
    let mut out = Vec::new();
    for term in terms {
        match term {
            Value::List(items) => out.extend(items.iter().cloned()),
            other => out.push(other),
        }
    }
    out
}

fn flatten(terms: Vec<Value>) -> Vec<Value> {
    let mut out = Vec::new();
    for term in terms {
        match term {
            Value::List(items) => out.extend(flatten(items.to_vec())),
            Value::Null => {}
            other => out.push(other),
        }
    }
    out
}

fn dict(_: &mut Run<'_>, terms: Vec<Value>, _: &Options) -> Outcome {
    let mut out = Vec::new();
    for term in flatten_once(terms) {
        let Value::Map(map) = &term else {
            return Err(TemplateError::failed(format!(
                "the 'dict' lookup plugin expects a dictionary, got {}",
                term.type_name()
            )));
        };
        let pairs = map.iter();
        out.extend(pairs.map(|(k, v)| Value::map([("key", python::key_value(k)), ("value", v.clone())])));
    }
    Ok(out)
}

fn nested(_: &mut Run<'_>, terms: Vec<Value>, _: &Options) -> Outcome {
    if terms.is_empty() {
        return Err(TemplateError::failed("with_nested requires at least one element in the nested list"));
    }
    let items = |value: &Value| {
        let wrong = || TemplateError::failed(format!("'{}' object is not iterable", value.type_name()));
        python::items(value).ok_or_else(wrong)
    };
    // Each combination is flattened as it is made and once more at the end, as Ansible does.
    let mut rows = items(&terms[0])?;
    for term in &terms[1..] {
        let items = items(term)?;
        if rows.len().saturating_mul(items.len()) > 1 << 20 {
            return Err(TemplateError::failed("the nested lists are too large"));
        }
        rows = rows
            .into_iter()
            .flat_map(|row| items.iter().map(move |item| Value::list(flatten_once(vec![row.clone(), item.clone()]))))
            .collect();
    }
    rows.iter().map(|row| Ok(Value::list(flatten_once(items(row)?)))).collect()
}

fn cartesian(_: &mut Run<'_>, terms: Vec<Value>, _: &Options) -> Outcome {
    let mut rows: Vec<Vec<Value>> = vec![Vec::new()];
    for term in terms {
        let items = flatten_once(vec![term]);
        if rows.len().saturating_mul(items.len()) > 1 << 20 {
            return Err(TemplateError::failed("the lists are too large"));
        }
        let longer = |row: &Vec<Value>, item: &Value| row.iter().cloned().chain([item.clone()]).collect();
        rows = rows.iter().flat_map(|row| items.iter().map(|item| longer(row, item)).collect::<Vec<_>>()).collect();
    }
    Ok(rows.into_iter().map(|row| Value::list(flatten_once(row))).collect())
}

fn together(_: &mut Run<'_>, terms: Vec<Value>, _: &Options) -> Outcome {
    let lists: Vec<Vec<Value>> = terms.into_iter().map(|term| flatten_once(vec![term])).collect();
    if lists.is_empty() {
        return Err(TemplateError::failed("with_together requires at least one element in each list"));
    }
    let length = lists.iter().map(Vec::len).max().unwrap_or(0);
    let row = |at: usize| Value::list(lists.iter().map(|list| list.get(at).cloned().unwrap_or_default()));
    Ok((0..length).map(row).collect())
}

/// `5`, `1-5`, `2-10/2`, `4:host%02d`, `start=5 end=11 stride=2 format=0x%02x`, or options.
fn sequence(_: &mut Run<'_>, terms: Vec<Value>, options: &Options) -> Outcome {
    let terms = if terms.is_empty() && !options.is_empty() { vec![Value::str("")] } else { terms };
    let mut out = Vec::new();
    for term in &terms {
        let text = python::text(term);
        let mut from = shortcut(&text).transpose()?.unwrap_or_default();
        let pairs = text.split_whitespace().filter_map(|pair| pair.split_once('='));
        let given = ["start", "end", "count", "stride", "format"];
        let given = given.into_iter().filter_map(|name| Some((name, options.text(name)?)));
        // What the text says stands over the options.
        for (name, value) in given.chain(pairs.map(|(k, v)| (k, v.to_owned()))) {
            let number = || {
                number(&value).ok_or_else(|| TemplateError::failed(format!("{name} has an invalid value: {value:?}")))
            };
            match name {
                "start" => from.start = number()?,
                "end" => from.end = Some(number()?),
                "count" => from.count = Some(number()?),
                "stride" => from.stride = number()?,
                "format" => from.format = value.clone(),
                other => {
                    return Err(TemplateError::failed(format!("unrecognized arguments to with_sequence: {other}")));
                }
            }
        }
        out.extend(from.items()?);
    }
    Ok(out)
}

struct Sequence {
    start: i64,
    end: Option<i64>,
    count: Option<i64>,
    stride: i64,
    format: String,
}

impl Default for Sequence {
    fn default() -> Self {
        Self { start: 1, end: None, count: None, stride: 1, format: "%d".into() }
    }
}

fn number(text: &str) -> Option<i64> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let value = match (digits.strip_prefix("0x"), digits.strip_prefix('0').filter(|rest| !rest.is_empty())) {
        (Some(hex), _) => i64::from_str_radix(hex, 16),
        (None, Some(octal)) => i64::from_str_radix(octal.trim_start_matches('o'), 8),
        (None, None) => digits.parse(),
    };
    value.ok().map(|value| sign * value)
}

/// The simple form; `None` where the text is of the other.
fn shortcut(text: &str) -> Option<Result<Sequence, TemplateError>> {
    if text.trim().is_empty() || text.contains('=') {
        return None;
    }
    let (numbers, format) = text.split_once(':').unwrap_or((text, "%d"));
    let (range, stride) = numbers.split_once('/').map_or((numbers, None), |(range, stride)| (range, Some(stride)));
    let (start, end) = range.split_once('-').map_or((None, range), |(start, end)| (Some(start), end));
    let read = |name: &str, text: &str| {
        number(text).ok_or_else(|| TemplateError::failed(format!("{name} has an invalid value: {text:?}")))
    };
    let whole = || {
        Ok(Sequence {
            start: start.map_or(Ok(1), |start| read("start", start))?,
            end: Some(read("end", end)?),
            stride: stride.map_or(Ok(1), |stride| read("stride", stride))?,
            format: format.to_owned(),
            count: None,
        })
    };
    Some(whole())
}

impl Sequence {
    fn items(mut self) -> Outcome {
        let failed = |message: &str| Err(TemplateError::failed(message));
        match (self.end, self.count) {
            (None, None) => return failed("must specify count or end in with_sequence"),
            (Some(_), Some(_)) => return failed("can't specify both count and end in with_sequence"),
            (None, Some(0)) => return Ok(Vec::new()),
            (None, Some(count)) => self.end = Some(self.start + count * self.stride - 1),
            _ => {}
        }
        if self.format.matches('%').count() != 1 {
            return Err(TemplateError::failed(format!("bad formatting string: {}", self.format)));
        }
        let end = self.end.unwrap_or(self.start);
        match self.stride {
            0 => return Ok(Vec::new()),
            stride if stride > 0 && end < self.start => {
                return failed("to count backwards make stride negative");
            }
            stride if stride < 0 && end > self.start => {
                return failed("to count forward don't make stride negative");
            }
            _ => {}
        }
        let mut out = Vec::new();
        let mut at = self.start;
        while (self.stride > 0 && at <= end) || (self.stride < 0 && at >= end) {
            if out.len() > 1 << 20 {
                return failed("the sequence is too long");
            }
            let text = methods::percent(&self.format, &Value::Int(at)).map_err(|problem| {
                TemplateError::failed(format!("problem formatting {at} with {:?}: {problem}", self.format))
            })?;
            out.push(Value::str(text));
            at = at.saturating_add(self.stride);
        }
        Ok(out)
    }
}

fn subelements(_: &mut Run<'_>, terms: Vec<Value>, _: &Options) -> Outcome {
    let wrong =
        |what: &str| TemplateError::failed(format!("subelements lookup expects a list of two or three items, {what}"));
    let (elements, path, flags) = match terms.as_slice() {
        [elements, path] => (elements, path, None),
        [elements, path, flags] => (elements, path, Some(flags)),
        _ => return Err(wrong("")),
    };
    if !matches!(elements, Value::List(_) | Value::Map(_)) || path.as_str().is_none() {
        return Err(wrong("first a dict or a list, second a string pointing to the subkey"));
    }
    if flags.is_some_and(|flags| flags.as_map().is_none()) {
        return Err(wrong("the optional third item must be a dict with flags ('skip_missing',)"));
    }
    let skip = flags.and_then(|flags| flags.get("skip_missing")).is_some_and(filters::truth_word);
    let Some(elements) = unskipped(elements) else { return Ok(Vec::new()) };
    // The element comes without the list that is gone through, as Ansible pops it.
    let last = python::text(path);
    let found = filters::subelements(&elements, path, skip).map_err(TemplateError::failed)?;
    let parts: Vec<&str> = last.split('.').collect();
    Ok(found
        .into_iter()
        .map(|pair| match pair.as_list() {
            Some([element, item]) => Value::tuple([without(element, &parts), item.clone()]),
            _ => pair,
        })
        .collect())
}

/// The elements without results of skipped tasks; `None` where the whole is one.
fn unskipped(elements: &Value) -> Option<Value> {
    let skipped = |value: &Value| value.get("skipped").is_some_and(|said| *said != Value::Bool(false));
    match elements {
        Value::Map(_) if skipped(elements) => None,
        Value::Map(map) => Some(Value::list(map.values().filter(|element| !skipped(element)).cloned())),
        Value::List(items) => Some(Value::list(items.iter().filter(|element| !skipped(element)).cloned())),
        other => Some(other.clone()),
    }
}

fn without(element: &Value, path: &[&str]) -> Value {
    let (Value::Map(map), Some((first, rest))) = (element, path.split_first()) else { return element.clone() };
    let mut map = (**map).clone();
    let key = (*first).into();
    if rest.is_empty() {
        map.shift_remove(&key);
    } else if let Some(inner) = map.get(&key).map(|inner| without(inner, rest)) {
        map.insert(key, inner);
    }
    Value::Map(map.into())
}
