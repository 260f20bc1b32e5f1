//! git's objects, each of which is looked at before it is believed: names, modes, sizes, depth.

use super::paths::{bad, sound};
use super::{DEPTH_LIMIT, ENTRY_LIMIT, FILE_LIMIT, Kind, Tree};
use crate::fetch::FetchError;
use git2::{ObjectType, Oid};
use std::collections::HashSet;

impl Tree {
    pub(super) fn complete(&self) -> Result<(), FetchError> {
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

    pub(super) fn entries(&self, id: Oid, path: &str) -> Result<Vec<(String, Oid, Kind)>, FetchError> {
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

    pub(super) fn walk_into(
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

    pub(super) fn blob(&self, id: Oid, path: &str) -> Result<Vec<u8>, FetchError> {
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

    pub(super) fn target(&self, id: Oid, path: &str) -> Result<String, FetchError> {
        let target = String::from_utf8(self.blob(id, path)?).ok();
        let sound = |target: &String| !target.is_empty() && target.len() <= 4096 && !target.contains('\0');
        target.filter(sound).ok_or_else(|| bad(path, "its target is no path".into()))
    }
}

/// Another opening of the same repository.
pub(super) fn reopened(git: &git2::Repository) -> Result<git2::Repository, FetchError> {
    git2::Repository::open_bare(git.path()).map_err(|error| FetchError::Git {
        attempt: "opening",
        what: git.path().display().to_string(),
        problem: error.message().to_owned(),
    })
}

pub(super) fn lacks(object: &str, commit: &str) -> FetchError {
    FetchError::Incomplete { object: object.to_owned(), commit: commit.to_owned() }
}
