//! The config repository never goes back: how a fetched commit stands to the one that ran last.

use super::{FetchError, Reference};
use git2::{Oid, Repository};

/// How a fetched commit stands to the commit that ran last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Movement {
    /// Nothing ran before.
    First,
    /// It is the same.
    Same,
    /// It has it among its ancestors.
    Forward,
    /// It is among its ancestors.
    Behind,
    /// Neither is among the other's ancestors: history was rewritten, or an old branch is served.
    Aside,
    /// The history that could be had does not tell.
    Unknown,
    /// A tag or a commit was asked for by name: there is no branch to move.
    Pinned,
}

impl Movement {
    /// Judges by the history that is here. A shallow history that ends before an answer gives [`Movement::Unknown`].
    ///
    /// Ancestry is a chain of hashes, so a server can withhold history and cannot invent it.
    pub(super) fn of(git: &Repository, last: Option<Oid>, found: Oid) -> Self {
        let Some(last) = last else { return Self::First };
        if last == found {
            return Self::Same;
        }
        let descends =
            |young, old| git.find_commit(old).is_ok() && git.graph_descendant_of(young, old).unwrap_or(false);
        if descends(found, last) {
            Self::Forward
        } else if descends(last, found) {
            Self::Behind
        } else if git.is_shallow() || git.find_commit(last).is_err() {
            Self::Unknown
        } else {
            Self::Aside
        }
    }

    /// Whether this movement may run; `allowed` is the commit that `--allow-rollback` names.
    pub(super) fn permit(
        self,
        reference: &Reference,
        last: Option<Oid>,
        found: &str,
        allowed: Option<&str>,
    ) -> Result<(), FetchError> {
        let movement = match self {
            Self::First | Self::Same | Self::Forward | Self::Pinned => return Ok(()),
            Self::Behind => "back behind",
            Self::Aside => "aside from",
            Self::Unknown => "in a way that its history does not show, from",
        };
        // Named in full or as git shortens it: seven digits at least.
        if allowed.is_some_and(|allowed| allowed.len() >= 7 && found.starts_with(allowed)) {
            return Ok(());
        }
        let last = last.map(|last| last.to_string()).unwrap_or_default();
        Err(FetchError::Rollback { reference: reference.to_string(), movement, last, found: found.to_owned() })
    }
}
