//! rsyslog's configuration: statements of its main file and of what that includes, each with where it stands.
//!
//! `$IncludeConfig PATTERN` and `include(file="PATTERN")`; objects as `module(...)` may go over lines; a comment starts
//! with a number sign (rsyslog.conf(5)).

use crate::fnmatch::fits;
use crate::validate::machine::{Machine, Reader};
use crate::validate::text::At;
use crate::validate::verdict::Unseen;

pub const MAIN: &str = "/etc/rsyslog.conf";
const DEEPEST: usize = 16;

/// Statements in their order.
#[derive(Debug)]
pub struct Rsyslog(pub Vec<(At, String)>);

impl Reader for Rsyslog {
    fn read(machine: &Machine<'_>) -> Result<Self, Unseen> {
        let mut all = Vec::new();
        gather(machine, MAIN, 0, &mut all)?;
        Ok(Self(all))
    }
}

fn gather(machine: &Machine<'_>, file: &str, depth: usize, all: &mut Vec<(At, String)>) -> Result<(), Unseen> {
    if depth > DEEPEST {
        return Err(Unseen::new(file, "is included too deep"));
    }
    let Some(text) = machine.text(file)? else { return Ok(()) };
    let mut open: Option<(At, String)> = None;
    for (at, line) in text.joined(false) {
        let line = line.split(" #").next().unwrap_or_default().trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (at, whole) = match open.take() {
            Some((at, before)) => (at, format!("{before} {line}")),
            None => (at, line.to_owned()),
        };
        if whole.matches('(').count() > whole.matches(')').count() {
            open = Some((at, whole));
            continue;
        }
        let lower = whole.to_ascii_lowercase();
        let included = if lower.starts_with("$includeconfig") {
            whole.split_whitespace().nth(1).map(str::to_owned)
        } else if lower.starts_with("include(") {
            parameter(&whole, "file")
        } else {
            all.push((at, whole));
            continue;
        };
        let pattern = included.unwrap_or_default();
        let Some((directory, glob)) = pattern.rsplit_once('/') else { continue };
        let glob = if glob.is_empty() { "*" } else { glob };
        for name in machine.names(directory)?.into_iter().filter(|name| fits(glob, name) && !name.starts_with('.')) {
            gather(machine, &format!("{directory}/{name}"), depth + 1, all)?;
        }
    }
    all.extend(open);
    Ok(())
}

/// A parameter of an object, in either case: `FileCreateMode="0640"`.
pub fn parameter(statement: &str, name: &str) -> Option<String> {
    let lower = statement.to_ascii_lowercase();
    let name = name.to_ascii_lowercase();
    let at = lower.match_indices(&name).map(|(at, _)| at).find(|at| {
        let before = lower[..*at].chars().next_back();
        !before.is_some_and(char::is_alphanumeric) && lower[at + name.len()..].trim_start().starts_with('=')
    })?;
    let rest = statement[at + name.len()..].trim_start().trim_start_matches('=').trim_start();
    Some(rest.trim_start_matches('"').split(['"', ' ', ')']).next().unwrap_or_default().to_owned())
}
