//! A verified commit's files, as roles read them: from git's objects, under the path where programs find them.

use crate::fetch::{FetchError, Kind, Tree};
use crate::roles::load::Source;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The files of a commit, and a directory beside them that the image holds.
pub(super) struct CommitTree {
    /// libgit2's handles are for one thread at a time.
    tree: Mutex<Tree>,
    /// Where the same files were written for programs; nothing is read from there.
    root: PathBuf,
    /// The directory within the repository that holds `roles/` and playbooks.
    below: String,
    /// Roles that the image brings.
    image: PathBuf,
}

impl CommitTree {
    /// With the place where the files were written, and the directory within the repository that counts.
    pub(super) fn new(tree: Tree, root: &Path, below: Option<&str>, image: &Path) -> Self {
        let below = below.unwrap_or_default().trim_matches('/').to_owned();
        let root = if below.is_empty() { root.to_owned() } else { root.join(&below) };
        Self { tree: Mutex::new(tree), root, below, image: image.to_owned() }
    }

    fn tree(&self) -> MutexGuard<'_, Tree> {
        self.tree.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A path within the repository; `None` for one of the image's.
    fn within(&self, path: &Path) -> io::Result<Option<String>> {
        if path.starts_with(&self.image) {
            return Ok(None);
        }
        let outside = || io::Error::new(io::ErrorKind::PermissionDenied, "it is outside of the config repository");
        let relative = path.strip_prefix(&self.root).map_err(|_| outside())?;
        let relative = relative.to_str().ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(Some(if self.below.is_empty() { relative.to_owned() } else { format!("{}/{relative}", self.below) }))
    }

    fn kind(&self, path: &Path) -> Option<Kind> {
        let path = self.within(path).ok()??;
        let tree = self.tree();
        match tree.kind(path.trim_end_matches('/')).ok()?? {
            // A link is what it leads to.
            Kind::Link if tree.list(&path).is_ok() => Some(Kind::Directory),
            Kind::Link => tree.read(&path).ok().map(|_| Kind::File),
            kind => Some(kind),
        }
    }
}

fn other(error: FetchError) -> io::Error {
    io::Error::other(error)
}

impl Source for CommitTree {
    fn root(&self) -> &Path {
        &self.root
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        match self.within(path)? {
            None => std::fs::read(path),
            Some(inner) if self.kind(path).is_none() => {
                Err(io::Error::new(io::ErrorKind::NotFound, format!("{inner} is not in the config repository")))
            }
            Some(inner) => self.tree().read(&inner).map_err(other),
        }
    }

    fn list(&self, path: &Path) -> io::Result<Vec<(String, bool)>> {
        match self.within(path)? {
            None => {
                let mut names = Vec::new();
                for entry in std::fs::read_dir(path)? {
                    let entry = entry?;
                    names.push((entry.file_name().to_string_lossy().into_owned(), entry.path().is_dir()));
                }
                names.sort();
                Ok(names)
            }
            Some(inner) => {
                let entries = self.tree().list(&inner).map_err(other)?;
                let is_directory = |name: &str| self.is_directory(&path.join(name));
                Ok(entries.into_iter().map(|(name, _)| (name.clone(), is_directory(&name))).collect())
            }
        }
    }

    fn is_file(&self, path: &Path) -> bool {
        if path.starts_with(&self.image) {
            return path.is_file();
        }
        matches!(self.kind(path), Some(Kind::File | Kind::Executable))
    }

    fn is_directory(&self, path: &Path) -> bool {
        if path.starts_with(&self.image) {
            return path.is_dir();
        }
        path == self.root || matches!(self.kind(path), Some(Kind::Directory))
    }

    fn mode(&self, path: &Path) -> io::Result<u32> {
        use std::os::unix::fs::PermissionsExt;
        match self.within(path)? {
            None => Ok(std::fs::metadata(path)?.permissions().mode() & 0o7777),
            Some(inner) => Ok(if self.tree().executable(&inner).map_err(other)? { 0o755 } else { 0o644 }),
        }
    }
}
