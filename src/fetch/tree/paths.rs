//! Paths within a tree, and links that stay in it.

use super::{ABSENT, Kind, LINK_LIMIT, Tree};
use crate::fetch::FetchError;
use git2::Oid;

impl Tree {
    /// Follows links on the way and at the end: the object, what it is, and its path without links.
    pub(in crate::fetch) fn resolve(&self, path: &str) -> Result<(Oid, Kind, String), FetchError> {
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
    pub(super) fn find(&self, path: &str) -> Result<Option<(Oid, Kind)>, FetchError> {
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
}

/// A name that git itself would put into a tree.
pub(super) fn sound(name: &str) -> bool {
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

pub(in crate::fetch) fn bad(path: &str, problem: String) -> FetchError {
    let path = if path.is_empty() { "the top directory".to_owned() } else { path.escape_default().to_string() };
    FetchError::Path { path, problem }
}
