//! Filters with regular expressions, by Python's rules.

use super::Filter;
use crate::roles::pattern::{self, Flags, Pattern, Replacement};
use crate::roles::template::args::Args;
use crate::roles::template::python;
use crate::roles::value::Value;

type Outcome = Result<Value, String>;

pub(super) static FILTERS: &[Filter] = &[
    Filter::values(
        "regex_replace",
        &["pattern", "replacement", "ignorecase", "multiline", "count", "mandatory_count"],
        replace,
    ),
    Filter::values("regex_search", &["regex", "*", "**"], search),
    Filter::values("regex_findall", &["regex", "multiline", "ignorecase"], findall),
    Filter::values("regex_escape", &["re_type"], |v, args| match args.text_or(0, "python").as_str() {
        "python" => Ok(Value::str(pattern::escape(&python::text(v)))),
        "posix_basic" => {
            let mut out = String::new();
            for c in python::text(v).chars() {
                if "].[^$*\\".contains(c) {
                    out.push('\\');
                }
                out.push(c);
            }
            Ok(Value::str(out))
        }
        other @ "posix_extended" => Err(format!("Regex type ({other}) not yet implemented")),
        other => Err(format!("Invalid regex type ({other})")),
    }),
];

fn compile(text: &str, ignore_case: bool, multi_line: bool) -> Result<Pattern, String> {
    Pattern::new(text, Flags { ignore_case, multi_line, dot_all: false }).map_err(|error| error.to_string())
}

fn replace(value: &Value, args: &Args) -> Outcome {
    let pattern = compile(&args.text_or(0, ""), args.flag(2, false), args.flag(3, false))?;
    let by = Replacement::new(&args.text_or(1, "")).map_err(|error| error.to_string())?;
    let limit = usize::try_from(args.int(4)?.unwrap_or(0)).unwrap_or(0);
    let (text, count) = pattern.replace(&python::text(value), &by, limit).map_err(|error| error.to_string())?;
    match args.int(5)?.and_then(|wanted| usize::try_from(wanted).ok()) {
        Some(wanted) if wanted != 0 && wanted != count => {
            Err(format!("'{}' should match {wanted} times, but matches {count} times", pattern.as_str()))
        }
        _ => Ok(Value::str(text)),
    }
}

fn search(value: &Value, args: &Args) -> Outcome {
    let flag = |name: &str| args.named.iter().any(|(have, v)| &**have == name && python::truth(v));
    if let Some((name, _)) = args.named.iter().find(|(name, _)| !matches!(&**name, "ignorecase" | "multiline")) {
        return Err(format!("has no argument `{name}`"));
    }
    let pattern = compile(&python::text(args.need(0)?), flag("ignorecase"), flag("multiline"))?;
    let text = python::text(value);
    // `\g<name>` or `\1`; anything else is an error even where nothing matches.
    let mut names = Vec::new();
    for wanted in &args.rest {
        let wanted = python::text(wanted);
        let named = wanted.strip_prefix("\\g<").and_then(|rest| rest.strip_suffix('>'));
        let digits = |text: &&str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let name = named.or_else(|| wanted.strip_prefix('\\').filter(digits)).ok_or("Unknown argument")?;
        names.push(name.to_owned());
    }
    let Some(found) = pattern.captures(&text).map_err(|error| error.to_string())? else { return Ok(Value::Null) };
    let group = |at: usize| found.get(at).map_or(Value::Null, |m| Value::str(m.as_str()));
    if args.rest.is_empty() {
        return Ok(group(0));
    }
    let mut out = Vec::new();
    for name in &names {
        out.push(match name.parse::<usize>() {
            Ok(at) if at < found.len() => group(at),
            Err(_) if pattern.groups().iter().flatten().any(|have| have == name.as_str()) => {
                found.name(name).map_or(Value::Null, |m| Value::str(m.as_str()))
            }
            _ => return Err(format!("no such group: {name}")),
        });
    }
    Ok(Value::list(out))
}

fn findall(value: &Value, args: &Args) -> Outcome {
    let pattern = compile(&python::text(args.need(0)?), args.flag(2, false), args.flag(1, false))?;
    let text = python::text(value);
    let mut out = Vec::new();
    for found in pattern.captures_all(&text).map_err(|error| error.to_string())? {
        let group = |at: usize| Value::str(found.get(at).map_or("", |m| m.as_str()));
        out.push(match found.len() {
            1 => group(0),
            2 => group(1),
            groups => Value::tuple((1..groups).map(group)),
        });
    }
    Ok(Value::list(out))
}
