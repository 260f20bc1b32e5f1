//! Filters on paths, as `os.path` has them.

use super::{Filter, Outcome};
use crate::roles::glob;
use crate::roles::template::args::Given;
use crate::roles::template::datum::Datum;
use crate::roles::template::error::TemplateError;
use crate::roles::template::python;
use crate::roles::template::run::Run;
use crate::roles::value::Value;
use std::path::Path;

pub(super) static FILTERS: &[Filter] = &[
    Filter::values("basename", &[], |v, _| Ok(Value::str(split(&python::path(v)?).1))),
    Filter::values("dirname", &[], |v, _| Ok(Value::str(split(&python::path(v)?).0))),
    Filter::values("splitext", &[], |v, _| {
        let text = python::path(v)?;
        let name = text.rfind('/').map_or(0, |at| at + 1);
        // Leading dots belong to the name.
        let lead = name + text[name..].len() - text[name..].trim_start_matches('.').len();
        let at = text[lead..].rfind('.').map_or(text.len(), |at| lead + at);
        Ok(Value::tuple([Value::str(&text[..at]), Value::str(&text[at..])]))
    }),
    Filter::values("normpath", &[], |v, _| Ok(Value::str(normal(&python::path(v)?)))),
    Filter::values("relpath", &["start"], |v, args| {
        let start = args.text_or(0, "/");
        relative(&python::path(v)?, &start).map(Value::str)
    }),
    Filter::values("path_join", &[], |v, _| {
        let parts = match v {
            Value::List(parts) => parts.iter().map(python::path).collect::<Result<_, _>>()?,
            Value::Str(_) => vec![python::text(v)],
            other => return Err(format!("|path_join expects string or sequence, got {} instead.", other.type_name())),
        };
        Ok(Value::str(join(&parts)))
    }),
    Filter::values("commonpath", &[], |v, _| {
        let paths: Vec<String> =
            v.as_list().ok_or("|commonpath expects a sequence")?.iter().map(python::path).collect::<Result<_, _>>()?;
        let mut parts: Vec<Vec<&str>> =
            paths.iter().map(|p| p.split('/').filter(|part| !part.is_empty() && *part != ".").collect()).collect();
        let Some(mut common) = parts.pop() else { return Err("commonpath() arg is an empty sequence".into()) };
        for other in &parts {
            let same = common.iter().zip(other).take_while(|(a, b)| a == b).count();
            common.truncate(same);
        }
        let lead = if paths.iter().all(|p| p.starts_with('/')) { "/" } else { "" };
        Ok(Value::str(format!("{lead}{}", common.join("/"))))
    }),
    Filter::run("expanduser", |run, input, _| text_filter(run, input, |run, text| Ok(expand_user(run, text)))),
    Filter::run("expandvars", |run, input, _| {
        text_filter(run, input, |run, text| {
            let mut out = text.to_owned();
            for (name, value) in run.services.environment {
                out = out.replace(&format!("${{{name}}}"), value);
            }
            Ok(expand_bare(&out, run.services.environment))
        })
    }),
    Filter::run("realpath", |run, input, _| text_filter(run, input, real)),
    Filter::run("fileglob", fileglob),
    Filter::values("win_basename", &[], |v, _| {
        let text = python::path(v)?;
        Ok(Value::str(text.rsplit(['/', '\\']).next().unwrap_or_default()))
    }),
    Filter::values("win_dirname", &[], |v, _| {
        let text = python::path(v)?;
        let head = text.rfind(['/', '\\']).map_or("", |at| &text[..at]);
        // Every separator at the end goes, unless nothing else is left.
        let bare = head.trim_end_matches(['/', '\\']);
        Ok(Value::str(if bare.is_empty() || bare.ends_with(':') { format!("{bare}\\") } else { bare.to_owned() }))
    }),
    Filter::values("win_splitdrive", &[], |v, _| {
        let text = python::path(v)?;
        let at = if text.get(1..2) == Some(":") { 2 } else { 0 };
        Ok(Value::tuple([Value::str(&text[..at]), Value::str(&text[at..])]))
    }),
];

/// `os.path.split`.
fn split(path: &str) -> (String, String) {
    let at = path.rfind('/').map_or(0, |at| at + 1);
    let (head, tail) = path.split_at(at);
    let trimmed = head.trim_end_matches('/');
    (if trimmed.is_empty() { head } else { trimmed }.to_owned(), tail.to_owned())
}

/// `os.path.join`.
fn join(parts: &[String]) -> String {
    let mut out = String::new();
    for (index, part) in parts.iter().enumerate() {
        if index == 0 || part.starts_with('/') {
            out.clone_from(part);
        } else {
            if !out.is_empty() && !out.ends_with('/') {
                out.push('/');
            }
            out.push_str(part);
        }
    }
    out
}

/// `os.path.normpath`.
pub(in crate::roles::template) fn normal(path: &str) -> String {
    let absolute = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if absolute => {}
            part => parts.push(part),
        }
    }
    let joined = parts.join("/");
    match (absolute, joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".to_owned(),
        (false, false) => joined,
    }
}

/// `os.path.relpath`: relative paths are below the root, since muster has no working directory of its own.
fn relative(path: &str, start: &str) -> Result<String, String> {
    if path.is_empty() {
        return Err("no path specified".into());
    }
    let whole = |p: &str| normal(&join(&["/".to_owned(), p.to_owned()]));
    let (path, start) = (whole(path), whole(start));
    let parts = |p: &str| p.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect::<Vec<_>>();
    let (path, start) = (parts(&path), parts(&start));
    let same = path.iter().zip(&start).take_while(|(a, b)| a == b).count();
    let mut out = vec!["..".to_owned(); start.len() - same];
    out.extend(path[same..].iter().cloned());
    Ok(if out.is_empty() { ".".into() } else { out.join("/") })
}

fn text_filter(
    run: &mut Run<'_>,
    input: Datum,
    apply: impl Fn(&Run<'_>, &str) -> Result<String, TemplateError>,
) -> Outcome {
    let value = run.deep(input)?;
    let out = Value::str(apply(run, &python::path(&value).map_err(TemplateError::failed)?)?);
    Ok(Datum::Value(if value.has_secret() { out.into_secret() } else { out }))
}

/// `~` and `~user` at the start.
pub(in crate::roles::template) fn expand_user(run: &Run<'_>, path: &str) -> String {
    let Some(rest) = path.strip_prefix('~') else { return path.to_owned() };
    let (user, rest) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let home = if user.is_empty() {
        let home = run.services.environment.iter().find(|(name, _)| name == "HOME").map(|(_, home)| home.clone());
        home.or_else(|| run.services.host.user("0").ok().flatten().map(|user| user.home))
    } else {
        run.services.host.user(user).ok().flatten().map(|user| user.home)
    };
    home.map_or_else(|| path.to_owned(), |home| format!("{}{rest}", home.trim_end_matches('/')))
}

fn expand_bare(text: &str, environment: &[(String, String)]) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
        match environment.iter().find(|(name, _)| end > 0 && *name == rest[..end]) {
            Some((_, value)) => {
                out.push_str(value);
                rest = &rest[end..];
            }
            None => out.push('$'),
        }
    }
    out + rest
}

/// `os.path.realpath`: links are followed as far as there are any.
fn real(run: &Run<'_>, path: &str) -> Result<String, TemplateError> {
    let mut todo: Vec<String> = normal(&join(&["/".to_owned(), path.to_owned()]))
        .split('/')
        .filter(|part| !part.is_empty())
        .rev()
        .map(str::to_owned)
        .collect();
    let (mut out, mut links) = (String::new(), 0);
    while let Some(part) = todo.pop() {
        if part == ".." {
            out.truncate(out.rfind('/').unwrap_or(0));
            continue;
        }
        let next = format!("{out}/{part}");
        let target = run
            .services
            .host
            .read_link(Path::new(&next))
            .map_err(|error| TemplateError::failed(format!("read link {next}: {error}")))?;
        match target {
            Some(target) if links < 40 => {
                links += 1;
                let target = target.to_string_lossy().into_owned();
                if target.starts_with('/') {
                    out.clear();
                }
                todo.extend(target.split('/').filter(|p| !p.is_empty() && *p != ".").rev().map(str::to_owned));
            }
            _ => out = next,
        }
    }
    Ok(if out.is_empty() { "/".into() } else { out })
}

fn fileglob(run: &mut Run<'_>, input: Datum, _: &Given) -> Outcome {
    let pattern = python::text(&run.deep(input)?);
    let found = glob::files(run.services.host, &pattern)
        .map_err(|error| TemplateError::failed(format!("list files that match {pattern}: {error}")))?;
    Ok(Datum::Value(Value::list(found.into_iter().map(Value::str))))
}
