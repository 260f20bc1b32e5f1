//! dnf's cache of repositories: when the newest of them was made, as its `repomd.xml` says.

use crate::validate::machine::Machine;
use crate::validate::text::At;
use crate::validate::verdict::Unseen;

/// The newest revision, which is a time for every repository that createrepo_c made; none where there is none.
pub fn made(machine: &Machine<'_>) -> Result<Option<(jiff::Timestamp, At)>, Unseen> {
    let mut newest: Option<(jiff::Timestamp, At)> = None;
    for path in super::glob(machine, "/var/cache/dnf/*/repodata/repomd.xml")? {
        let Some(text) = machine.text(&path)? else { continue };
        let revision = text.as_str().split_once("<revision>").and_then(|(_, rest)| rest.split_once("</revision>"));
        let seconds = revision.and_then(|(revision, _)| revision.trim().parse().ok());
        let when = seconds.and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
        if let Some(when) = when.filter(|when| newest.as_ref().is_none_or(|(other, _)| when > other)) {
            newest = Some((when, text.whole()));
        }
    }
    Ok(newest)
}
