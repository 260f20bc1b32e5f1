//! A commit of a repository that is here already, as it was stored, to be judged.

use super::error::clean;
use super::{FetchError, Tree};
use crate::trust::{Candidate, Commit, Tag, Untrusted, Verified};
use git2::ObjectType;
use std::path::Path;

/// The commit that a revision names, with the annotated tag on the way. The repository's own configuration is not asked.
pub fn candidate(directory: &Path, revision: &str) -> Result<Untrusted<Candidate>, FetchError> {
    let fail = |error: git2::Error| FetchError::Git {
        attempt: "reading",
        what: format!("{revision} of {}", directory.display()),
        problem: clean(error.message().as_bytes()),
    };
    let git = git2::Repository::open(directory).map_err(fail)?;
    let (object, reference) = git.revparse_ext(revision).map_err(fail)?;
    let commit = object.peel_to_commit().map_err(fail)?.id();
    let raw = |id| -> Result<Vec<u8>, git2::Error> { Ok(git.odb()?.read(id)?.data().to_vec()) };
    let tag = match object.kind() {
        Some(ObjectType::Tag) => {
            let full = reference.as_ref().and_then(|reference| reference.name().ok());
            let name = full.and_then(|name| name.strip_prefix("refs/tags/")).unwrap_or(revision);
            let bytes = raw(object.id()).map_err(fail)?;
            Some(Tag { name: name.to_owned(), id: object.id().to_string(), bytes })
        }
        _ => None,
    };
    let bytes = raw(commit).map_err(fail)?;
    Ok(Untrusted::new(Candidate { id: commit.to_string(), bytes, tag }))
}

/// The files of a verified commit of a repository that is here already. Nothing of the repository is altered.
pub fn files(directory: &Path, commit: &Verified<Commit>) -> Result<Tree, FetchError> {
    let git = git2::Repository::open(directory).map_err(|error| FetchError::Git {
        attempt: "reading",
        what: directory.display().to_string(),
        problem: clean(error.message().as_bytes()),
    })?;
    Tree::open(&git, commit)
}
