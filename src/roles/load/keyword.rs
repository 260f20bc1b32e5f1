//! Keywords of plays, roles, blocks and tasks (Ansible's "Playbook Keywords"), and how muster treats each: none is
//! passed over in silence.

use super::error::{LoadError, Refusal, nearest};
use super::frame::{Frame, Said};
use super::refusals;
use crate::roles::value::Value;
use crate::roles::yaml::{Content, Node};
use std::sync::Arc;

/// On what a keyword may stand.
pub(super) const PLAY: u8 = 1;
pub(super) const ROLE: u8 = 2;
pub(super) const BLOCK: u8 = 4;
pub(super) const TASK: u8 = 8;
pub(super) const HANDLER: u8 = 16;
const ALL: u8 = PLAY | ROLE | BLOCK | TASK | HANDLER;
const BELOW: u8 = ROLE | BLOCK | TASK | HANDLER;
const WORK: u8 = TASK | HANDLER;

/// What happens to a keyword.
#[derive(Clone, Copy, PartialEq)]
enum Treatment {
    /// Its reader takes it.
    Own,
    /// Kept on the frame, and inherited as it is.
    Inherit,
    /// Accepted: for one host it changes nothing, and why.
    Harmless(&'static str),
    /// Not done.
    Refuse(&'static str),
}

use Treatment::{Harmless, Inherit, Own, Refuse};

static KEYWORDS: &[(&str, u8, Treatment)] = &[
    ("action", WORK, Own),
    ("always", BLOCK, Own),
    ("any_errors_fatal", ALL, Harmless("a failure that nothing rescues ends the run of the only host anyway")),
    ("args", WORK, Own),
    ("async", WORK, Own),
    ("become", ALL, Inherit),
    ("become_exe", ALL, Refuse("muster changes users itself")),
    ("become_flags", ALL, Refuse("muster changes users itself")),
    ("become_method", ALL, Inherit),
    ("become_user", ALL, Inherit),
    ("block", BLOCK, Own),
    ("changed_when", WORK, Own),
    ("check_mode", ALL, Inherit),
    ("collections", ALL, Inherit),
    ("connection", ALL, Inherit),
    ("debugger", ALL, Inherit),
    ("delay", WORK, Own),
    ("delegate_facts", BELOW, Inherit),
    ("delegate_to", BELOW, Inherit),
    ("diff", ALL, Inherit),
    ("environment", ALL, Own),
    ("fact_path", PLAY, Refuse("facts.d is read from its usual place")),
    ("failed_when", WORK, Own),
    ("force_handlers", PLAY, Own),
    ("gather_facts", PLAY, Own),
    ("gather_subset", PLAY, Own),
    ("gather_timeout", PLAY, Harmless("each fact is read at once")),
    ("handlers", PLAY, Own),
    ("hosts", PLAY, Own),
    ("ignore_errors", ALL, Inherit),
    ("ignore_unreachable", ALL, Inherit),
    ("import_playbook", PLAY, Own),
    ("listen", HANDLER, Own),
    ("local_action", WORK, Own),
    ("loop", WORK, Own),
    ("loop_control", WORK, Own),
    ("max_fail_percentage", PLAY, Harmless("there is one host")),
    ("module_defaults", ALL, Own),
    ("name", ALL, Own),
    ("no_log", ALL, Inherit),
    ("notify", BLOCK | WORK, Own),
    ("order", PLAY, Harmless("there is one host")),
    ("poll", WORK, Own),
    ("port", ALL, Harmless("no connection is made")),
    ("post_tasks", PLAY, Own),
    ("pre_tasks", PLAY, Own),
    ("register", WORK, Own),
    ("remote_user", ALL, Inherit),
    ("rescue", BLOCK, Own),
    ("retries", WORK, Own),
    ("role", ROLE, Own),
    ("roles", PLAY, Own),
    ("run_once", ALL, Harmless("there is one host, and the task runs on it")),
    ("serial", PLAY, Harmless("there is one host")),
    ("strategy", PLAY, Inherit),
    ("tags", ALL, Own),
    ("tasks", PLAY, Own),
    ("throttle", ALL, Harmless("there is one host")),
    ("timeout", ALL, Inherit),
    ("until", WORK, Own),
    ("user", PLAY, Harmless("an old name of `remote_user`: no connection is made")),
    ("vars", ALL, Own),
    ("vars_files", PLAY, Own),
    ("vars_prompt", PLAY, Own),
    ("when", BELOW, Own),
];

/// Whether a word is a keyword on something.
pub(super) fn is_keyword(name: &str, on: u8) -> bool {
    row(name).is_some_and(|row| row.1 & on != 0) || on & WORK != 0 && name.starts_with("with_")
}

fn row(name: &str) -> Option<&'static (&'static str, u8, Treatment)> {
    KEYWORDS.binary_search_by(|row| row.0.cmp(name)).ok().map(|at| &KEYWORDS[at])
}

/// The keyword of that name that is inherited as it is.
pub(in crate::roles) fn inherited(name: &str) -> Option<&'static str> {
    row(name).filter(|row| row.2 == Inherit).map(|row| row.0)
}

/// The name of what keywords stand on, for messages.
pub(super) fn noun(on: u8) -> &'static str {
    match on {
        PLAY => "play",
        ROLE => "role entry",
        BLOCK => "block",
        HANDLER => "handler",
        _ => "task",
    }
}

/// An error for a word that is none.
pub(super) fn unknown(key: &Node, on: u8) -> LoadError {
    let name = key.key().to_string();
    let near = nearest(&name, KEYWORDS.iter().filter(|row| row.1 & on != 0).map(|row| row.0));
    LoadError::Keyword { name, on: noun(on), nearest: near, place: key.place() }
}

/// A value with its place.
pub(super) fn said(node: &Node) -> Said {
    Said { value: node.value(), place: node.place() }
}

/// A list, or one value as a list of one; nothing is an empty list.
pub(super) fn several(node: &Node) -> Vec<Said> {
    match &node.content {
        Content::List(items) => items.iter().map(said).collect(),
        _ if node.is_null() => Vec::new(),
        _ => vec![said(node)],
    }
}

/// Lays one common keyword onto a frame; `true` where it was one.
pub(super) fn lay(frame: &mut Frame, (key, node): (&Node, &Node), on: u8) -> Result<bool, LoadError> {
    let Some(name) = key.text() else { return Err(unknown(key, on)) };
    let Some((name, _, treatment)) = row(name).filter(|row| row.1 & on != 0) else { return Ok(false) };
    match *treatment {
        Own => match *name {
            "name" => frame.name = (!node.is_null()).then(|| node.value()),
            "vars" => frame.vars = vars(node)?,
            "when" => frame.when = several(node),
            "tags" => frame.tags = tags(node),
            "environment" => frame.environment = several(node),
            "module_defaults" => {
                frame.refusals.extend(refusals::groups(node));
                frame.module_defaults = several(node);
            }
            "notify" => frame.notify = Some(several(node)),
            _ => return Ok(false),
        },
        Inherit => {
            frame.refusals.extend(refusals::of(name, node));
            frame.keywords.insert(name, said(node));
        }
        Harmless(why) => debug_assert!(!why.is_empty()),
        Refuse(why) => {
            if !node.is_null() {
                let message = format!("the keyword `{name}` is not supported: {why}");
                frame.refusals.push(Refusal::new(message, node.place()));
            }
        }
    }
    Ok(true)
}

/// Whether a delegation stays on this host.
pub(in crate::roles) fn is_local(host: &str) -> bool {
    matches!(host, "localhost" | "127.0.0.1" | "::1")
}

/// `tags:` as a list; text is split at commas.
fn tags(node: &Node) -> Vec<Value> {
    several(node)
        .into_iter()
        .flat_map(|said| match &said.value {
            Value::Str(text) => text.expose().split(',').map(|tag| Value::str(tag.trim())).collect(),
            _ => vec![said.value],
        })
        .collect()
}

/// `vars:` as a mapping; a list of mappings is joined, as Ansible still does.
pub(super) fn vars(node: &Node) -> Result<Arc<crate::roles::value::Map>, LoadError> {
    let shape = |node: &Node| LoadError::Shape {
        what: "`vars`".into(),
        wanted: "a mapping",
        have: node.describe(),
        place: node.place(),
    };
    match &node.content {
        Content::Map(_) => Ok(Arc::new(node.map())),
        Content::List(items) => {
            let mut all = crate::roles::value::Map::new();
            for item in items.iter() {
                item.pairs().ok_or_else(|| shape(item))?;
                all.extend(item.map());
            }
            Ok(Arc::new(all))
        }
        _ if node.is_null() => Ok(Arc::default()),
        _ => Err(shape(node)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted() {
        assert!(KEYWORDS.is_sorted_by(|a, b| a.0 < b.0));
        assert!(is_keyword("with_items", TASK) && !is_keyword("with_items", PLAY) && is_keyword("hosts", PLAY));
    }
}
