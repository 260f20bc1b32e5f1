//! Where a tree's files come from: a directory, or the objects of a verified commit.

use std::io;
use std::path::{Component, Path, PathBuf};

/// A tree of files. Paths are absolute, below [`Source::root`] or another place that the source serves.
pub trait Source: Send + Sync {
    /// The tree's top, as roles see it in `playbook_dir` and `role_path`.
    fn root(&self) -> &Path;
    /// A file's bytes.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;
    /// The names in a directory, sorted, with whether each is a directory.
    fn list(&self, path: &Path) -> io::Result<Vec<(String, bool)>>;
    /// Whether it is a file, links followed.
    fn is_file(&self, path: &Path) -> bool;
    /// Whether it is a directory, links followed.
    fn is_directory(&self, path: &Path) -> bool;
    /// A file's permission bits.
    fn mode(&self, path: &Path) -> io::Result<u32>;
}

/// A directory on disk.
#[derive(Debug)]
pub struct Directory {
    root: PathBuf,
    /// Other directories that may be read: `/usr/share/muster/roles`.
    beside: Vec<PathBuf>,
}

/// Bytes of one file of a tree that is read whole.
const LARGEST: u64 = 1 << 30;

impl Directory {
    /// A directory as a tree, made absolute.
    pub fn new(root: &Path) -> io::Result<Self> {
        Ok(Self { root: root.canonicalize()?, beside: Vec::new() })
    }

    /// With another directory that may be read.
    #[must_use]
    pub fn beside(mut self, path: impl Into<PathBuf>) -> Self {
        self.beside.push(path.into());
        self
    }

    /// A path within the tree, or an error: what a role names must not lead out of the tree.
    fn within(&self, path: &Path) -> io::Result<PathBuf> {
        let real = path.canonicalize()?;
        let mut allowed = std::iter::once(&self.root).chain(&self.beside);
        if allowed.any(|root| real.starts_with(root)) {
            Ok(real)
        } else {
            Err(io::Error::new(io::ErrorKind::PermissionDenied, "it lies outside the tree"))
        }
    }
}

impl Source for Directory {
    fn root(&self) -> &Path {
        &self.root
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let real = self.within(path)?;
        let meta = std::fs::metadata(&real)?;
        if !meta.is_file() || meta.len() > LARGEST {
            return Err(io::Error::other("it is not a regular file of at most 1 GiB"));
        }
        std::fs::read(real)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<(String, bool)>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(self.within(path)?)? {
            let entry = entry?;
            if let Ok(name) = entry.file_name().into_string() {
                names.push((name, self.is_directory(&entry.path())));
            }
        }
        names.sort();
        Ok(names)
    }

    fn is_file(&self, path: &Path) -> bool {
        self.within(path).is_ok_and(|path| path.is_file())
    }

    fn is_directory(&self, path: &Path) -> bool {
        self.within(path).is_ok_and(|path| path.is_dir())
    }

    fn mode(&self, path: &Path) -> io::Result<u32> {
        use std::os::unix::fs::MetadataExt;
        Ok(std::fs::metadata(self.within(path)?)?.mode() & 0o7777)
    }
}

/// A path without `.` and `..`, by its text alone.
pub(in crate::roles) fn tidy(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                out.pop();
            }
            other => out.push(other),
        }
    }
    out
}
