//! A verified commit's files, read from git's objects. Every object's hash is computed again on reading, so nothing that
//! changed on disk since can get in.

mod objects;
mod paths;

use super::FetchError;
use crate::trust::{Commit, Verified};
use git2::Oid;
use objects::{lacks, reopened};
pub(super) use paths::bad;

/// The most bytes of one file.
const FILE_LIMIT: usize = 64 << 20;
/// The most entries of a tree, all levels together.
const ENTRY_LIMIT: usize = 100_000;
const DEPTH_LIMIT: usize = 64;
/// As many as Linux follows.
const LINK_LIMIT: usize = 40;
/// What is said of a path that is not there.
pub(super) const ABSENT: &str = "it does not exist";

/// What an entry of a tree is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A regular file with the executable bit.
    Executable,
    /// A symbolic link.
    Link,
    /// A directory.
    Directory,
    /// Another repository's commit; what is in it cannot be had.
    Submodule,
}

/// The files of a verified commit.
pub struct Tree {
    git: git2::Repository,
    root: Oid,
    commit: String,
}

impl std::fmt::Debug for Tree {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Tree({})", self.root)
    }
}

impl Tree {
    /// Opens the tree that a verified commit names, once all of its objects are here: a fetch that was cut off is not
    /// taken for a whole one.
    pub(super) fn open(git: &git2::Repository, commit: &Verified<Commit>) -> Result<Self, FetchError> {
        let commit = commit.get();
        let root = Oid::from_str(&commit.tree).map_err(|_| lacks("its tree", &commit.id))?;
        let tree = Self { git: reopened(git)?, root, commit: commit.id.clone() };
        tree.complete()?;
        Ok(tree)
    }

    /// The tree of a commit that was verified when it was fetched, to see whether it is still whole.
    pub(super) fn still_whole(git: &git2::Repository, commit: Oid) -> bool {
        let tree = git.find_commit(commit).map(|found| found.tree_id());
        let tree = tree.ok().zip(reopened(git).ok()).map(|(root, git)| Self { git, root, commit: commit.to_string() });
        tree.is_some_and(|tree| tree.complete().is_ok())
    }

    /// What a path is; the last component's link is not followed. `None` when there is no such path.
    pub fn kind(&self, path: &str) -> Result<Option<Kind>, FetchError> {
        Ok(self.find(path)?.map(|(_, kind)| kind))
    }

    /// What a path is once links are followed. `None` when there is no such path, as for a link that points nowhere.
    pub fn follow(&self, path: &str) -> Result<Option<Kind>, FetchError> {
        match self.resolve(path) {
            Ok((_, kind, _)) => Ok(Some(kind)),
            Err(FetchError::Path { problem, .. }) if problem == ABSENT => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The entries of a directory, sorted; links on the way to it are followed.
    pub fn list(&self, path: &str) -> Result<Vec<(String, Kind)>, FetchError> {
        match self.resolve(path)? {
            (id, Kind::Directory, _) => {
                Ok(self.entries(id, path)?.into_iter().map(|(name, _, kind)| (name, kind)).collect())
            }
            (_, kind, _) => Err(bad(path, format!("it is {}, not a directory", kind.noun()))),
        }
    }

    /// A file's content; links are followed, as long as they stay within the tree.
    pub fn read(&self, path: &str) -> Result<Vec<u8>, FetchError> {
        match self.resolve(path)? {
            (id, Kind::File | Kind::Executable, path) => self.blob(id, &path),
            (_, kind, _) => Err(bad(path, format!("it is {}, not a file", kind.noun()))),
        }
    }

    /// Whether a file may be executed; links are followed.
    pub fn executable(&self, path: &str) -> Result<bool, FetchError> {
        Ok(self.resolve(path)?.1 == Kind::Executable)
    }

    /// Where a symbolic link points, as written.
    pub fn read_link(&self, path: &str) -> Result<String, FetchError> {
        match self.find(path)? {
            Some((id, Kind::Link)) => self.target(id, path),
            _ => Err(bad(path, "it is no symbolic link".into())),
        }
    }

    /// Every entry below a directory with its path within the tree, parents before children; links are not followed.
    pub fn walk(&self, path: &str) -> Result<Vec<(String, Kind)>, FetchError> {
        let (root, kind, path) = self.resolve(path)?;
        if kind != Kind::Directory {
            return Err(bad(&path, format!("it is {}, not a directory", kind.noun())));
        }
        let mut all = Vec::new();
        self.walk_into(root, &path, 0, &mut |path, _, kind| all.push((path.to_owned(), kind)))?;
        Ok(all)
    }
}

impl Kind {
    pub(super) fn noun(self) -> &'static str {
        match self {
            Self::File | Self::Executable => "a file",
            Self::Link => "a symbolic link",
            Self::Directory => "a directory",
            Self::Submodule => "a submodule",
        }
    }
}
