//! Values of inherited keywords that muster does not do and that are seen when the tree is read.

use super::error::Refusal;
use super::groups;
use crate::roles::yaml::{Content, Node};

/// What of a keyword's value is not done.
pub(super) fn of(name: &str, node: &Node) -> Option<Refusal> {
    // A template's value shows when the task runs.
    let text = node.text().filter(|_| !matches!(node.content, Content::Template(_)))?;
    let short = text.strip_prefix("ansible.builtin.").unwrap_or(text);
    let (allowed, why): (&[&str], _) = match name {
        "connection" => (&["local", "smart", "ssh"], "muster works on its own host only"),
        "become_method" => (&["sudo", "su"], "muster changes users itself"),
        "strategy" => (&["linear", "free", "host_pinned"], "tasks run in their order, and there is no debugger"),
        "debugger" => (&["never", "on_skipped"], "there is no interactive debugger"),
        _ => return None,
    };
    if allowed.contains(&short) {
        return None;
    }
    Some(Refusal::new(format!("`{name}: {text}` is not supported: {why}"), node.place()))
}

/// Action groups in `module_defaults` that nobody knows.
pub(super) fn groups(node: &Node) -> Vec<Refusal> {
    let pairs = node.pairs().into_iter().flatten();
    let named = pairs.filter_map(|(key, _)| Some((key.text()?.to_owned(), key.place())));
    named
        .filter_map(|(name, place)| {
            let group = name.strip_prefix("group/")?;
            if groups::is_known(group) {
                return None;
            }
            let message = format!("`module_defaults: {name}` is not supported: muster knows no such action group");
            Some(Refusal::new(message, place).hint("write the defaults under each module's name"))
        })
        .collect()
}
