//! A verified commit's files, read from git's objects. Every object's hash is computed again on reading, so nothing that
//! changed on disk since can get in.

use super::FetchError;
use crate::trust::{Commit, Verified};
use git2::{ObjectType, Oid};
use std::collections::HashSet;

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

    fn complete(&self) -> Result<(), FetchError> {
        let odb = self.git.odb().map_err(|_| lacks("its objects", &self.commit))?;
        let mut missing = None;
        self.walk_into(self.root, "", 0, &mut |path, object, kind| {
            let ours = matches!(kind, Kind::File | Kind::Executable | Kind::Link);
            if ours && missing.is_none() && !odb.exists(object) {
                missing = Some(lacks(&format!("blob {object} ({path})"), &self.commit));
            }
        })?;
        missing.map_or(Ok(()), Err)
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

    /// Follows links on the way and at the end: the object, what it is, and its path without links.
    pub(super) fn resolve(&self, path: &str) -> Result<(Oid, Kind, String), FetchError> {
        let mut left: Vec<String> = components(path, path)?.into_iter().rev().map(str::to_owned).collect();
        let mut done: Vec<(String, Oid)> = Vec::new();
        let mut links = 0;
        let mut last = Kind::Directory;
        while let Some(name) = left.pop() {
            let parent = done.last().map_or(self.root, |(_, id)| *id);
            if name == ".." {
                done.pop().ok_or_else(|| bad(path, "a symbolic link leads out of the repository".into()))?;
                last = Kind::Directory;
                continue;
            }
            let here =
                || done.iter().map(|(name, _)| name.as_str()).chain([name.as_str()]).collect::<Vec<_>>().join("/");
            if last != Kind::Directory {
                return Err(bad(path, format!("a part of it is {}, not a directory", last.noun())));
            }
            let found = self.entries(parent, path)?.into_iter().find(|(have, ..)| *have == name);
            let (_, id, kind) = found.ok_or_else(|| bad(path, ABSENT.into()))?;
            match kind {
                Kind::Submodule => {
                    return Err(bad(&here(), "it is a submodule, and submodules are not supported".into()));
                }
                Kind::Link => {
                    links += 1;
                    let target = self.target(id, &here())?;
                    if links > LINK_LIMIT || target.starts_with('/') {
                        return Err(bad(
                            &here(),
                            "it is a symbolic link out of the repository, or one in a circle".into(),
                        ));
                    }
                    left.extend(components_of_link(&target).into_iter().rev());
                }
                kind => {
                    last = kind;
                    done.push((name, id));
                }
            }
        }
        let id = done.last().map_or(self.root, |(_, id)| *id);
        let kind = if done.is_empty() { Kind::Directory } else { last };
        Ok((id, kind, done.into_iter().map(|(name, _)| name).collect::<Vec<_>>().join("/")))
    }

    /// A path whose last component may be a link; the way to it is followed.
    fn find(&self, path: &str) -> Result<Option<(Oid, Kind)>, FetchError> {
        let parts = components(path, path)?;
        let Some((name, parents)) = parts.split_last() else { return Ok(Some((self.root, Kind::Directory))) };
        let parent = match self.resolve(&parents.join("/")) {
            Ok((id, Kind::Directory, _)) => id,
            Ok(_) => return Ok(None),
            Err(FetchError::Path { problem, .. }) if problem == ABSENT => return Ok(None),
            Err(error) => return Err(error),
        };
        Ok(self.entries(parent, path)?.into_iter().find(|(have, ..)| have == name).map(|(_, id, kind)| (id, kind)))
    }

    fn entries(&self, id: Oid, path: &str) -> Result<Vec<(String, Oid, Kind)>, FetchError> {
        let tree = self.git.find_tree(id).map_err(|_| lacks(&format!("tree {id} ({path})"), &self.commit))?;
        let mut names = HashSet::new();
        tree.iter()
            .map(|entry| {
                let name = entry.name().ok().filter(|name| sound(name));
                let name =
                    name.ok_or_else(|| bad(path, "it holds a file whose name is not allowed in a repository".into()))?;
                if !names.insert(name.to_owned()) {
                    return Err(bad(path, format!("it holds `{name}` twice")));
                }
                let kind = match entry.filemode() {
                    0o040000 => Kind::Directory,
                    0o100755 => Kind::Executable,
                    0o100644 | 0o100664 => Kind::File,
                    0o120000 => Kind::Link,
                    0o160000 => Kind::Submodule,
                    mode => return Err(bad(path, format!("`{name}` has mode {mode:o}, which git does not write"))),
                };
                Ok((name.to_owned(), entry.id(), kind))
            })
            .collect()
    }

    fn walk_into(
        &self,
        id: Oid,
        path: &str,
        depth: usize,
        visit: &mut dyn FnMut(&str, Oid, Kind),
    ) -> Result<usize, FetchError> {
        if depth > DEPTH_LIMIT {
            return Err(bad(path, format!("directories nest deeper than {DEPTH_LIMIT}")));
        }
        let mut count = 0;
        for (name, id, kind) in self.entries(id, path)? {
            let path = if path.is_empty() { name } else { format!("{path}/{name}") };
            visit(&path, id, kind);
            count += 1;
            if kind == Kind::Directory {
                count += self.walk_into(id, &path, depth + 1, visit)?;
            }
            if count > ENTRY_LIMIT {
                return Err(bad(&path, format!("the repository has more than {ENTRY_LIMIT} files")));
            }
        }
        Ok(count)
    }

    fn blob(&self, id: Oid, path: &str) -> Result<Vec<u8>, FetchError> {
        let missing = |_| lacks(&format!("blob {id} ({path})"), &self.commit);
        let odb = self.git.odb().map_err(missing)?;
        let (size, kind) = odb.read_header(id).map_err(missing)?;
        if kind != ObjectType::Blob || size > FILE_LIMIT {
            return Err(bad(path, format!("it has {size} bytes; {FILE_LIMIT} are allowed")));
        }
        let content = odb.read(id).map_err(missing)?.data().to_vec();
        if content.starts_with(b"version https://git-lfs.github.com/spec/") {
            return Err(bad(path, "it is a Git LFS pointer, and LFS is not supported".into()));
        }
        Ok(content)
    }

    fn target(&self, id: Oid, path: &str) -> Result<String, FetchError> {
        let target = String::from_utf8(self.blob(id, path)?).ok();
        let sound = |target: &String| !target.is_empty() && target.len() <= 4096 && !target.contains('\0');
        target.filter(sound).ok_or_else(|| bad(path, "its target is no path".into()))
    }
}

/// Another opening of the same repository.
fn reopened(git: &git2::Repository) -> Result<git2::Repository, FetchError> {
    git2::Repository::open_bare(git.path()).map_err(|error| FetchError::Git {
        attempt: "opening",
        what: git.path().display().to_string(),
        problem: error.message().to_owned(),
    })
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

/// A name that git itself would put into a tree.
fn sound(name: &str) -> bool {
    !matches!(name, "" | "." | "..") && !name.eq_ignore_ascii_case(".git") && !name.contains(['/', '\0'])
}

fn components<'p>(path: &'p str, whole: &str) -> Result<Vec<&'p str>, FetchError> {
    let parts: Vec<&str> = path.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    match path.starts_with('/') || parts.contains(&"..") {
        true => Err(bad(whole, "a path within the repository is relative and has no `..`".into())),
        false => Ok(parts),
    }
}

fn components_of_link(target: &str) -> Vec<String> {
    target.split('/').filter(|part| !matches!(*part, "" | ".")).map(str::to_owned).collect()
}

pub(super) fn bad(path: &str, problem: String) -> FetchError {
    let path = if path.is_empty() { "the top directory".to_owned() } else { path.escape_default().to_string() };
    FetchError::Path { path, problem }
}

fn lacks(object: &str, commit: &str) -> FetchError {
    FetchError::Incomplete { object: object.to_owned(), commit: commit.to_owned() }
}
