//! A TUF repository in a directory: of an image that is built without network, or mounted.

use super::place::plain;
use crate::trust::Untrusted;
use crate::trust::tuf::{Refusal, Remote};
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

/// Metadata here, targets there.
pub(super) struct Directory {
    pub(super) metadata: PathBuf,
    pub(super) targets: PathBuf,
}

fn open(directory: &Path, name: &str, limit: u64) -> Result<Option<File>, Refusal> {
    plain(name)?;
    let path = directory.join(name);
    let failed = |error: std::io::Error| Refusal::new(format!("reading {}: {error}", path.display()));
    // Where the directory itself is gone nothing is missing from it.
    if !directory.is_dir() {
        return Err(Refusal::new(format!("{} is no directory", directory.display())));
    }
    let file = match File::open(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        result => result.map_err(failed)?,
    };
    let about = file.metadata().map_err(failed)?;
    match () {
        () if !about.is_file() => Err(Refusal::new(format!("{} is no file", path.display()))),
        () if about.len() > limit => Err(Refusal::TooLarge),
        () => Ok(Some(file)),
    }
}

impl Remote for Directory {
    fn metadata(&self, name: &str, limit: u64) -> Result<Option<Untrusted<Vec<u8>>>, Refusal> {
        let Some(file) = open(&self.metadata, name, limit)? else { return Ok(None) };
        let mut bytes = Vec::new();
        let read = file.take(limit + 1).read_to_end(&mut bytes);
        read.map_err(|error| Refusal::new(format!("reading {name}: {error}")))?;
        Ok(Some(Untrusted::new(bytes)))
    }

    fn target(&self, path: &str, limit: u64) -> Result<Option<Untrusted<File>>, Refusal> {
        Ok(open(&self.targets, path, limit)?.map(Untrusted::new))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "tests set the stage")]
    fn a_directory_is_read_and_not_left() {
        let scratch = tempfile::tempdir().expect("scratch");
        let metadata = scratch.path().join("metadata");
        std::fs::create_dir_all(&metadata).expect("directory");
        std::fs::write(metadata.join("1.root.json"), "{}").expect("file");
        std::fs::write(scratch.path().join("secret"), "x").expect("file");
        let there = Directory { metadata: metadata.clone(), targets: metadata.clone() };
        assert!(there.metadata("1.root.json", 10).expect("read").is_some());
        assert!(there.metadata("2.root.json", 10).expect("looked").is_none());
        assert_eq!(there.metadata("1.root.json", 1).expect_err("large"), Refusal::TooLarge);
        for name in ["../secret", "/etc/passwd", "", "a//b", "."] {
            assert!(matches!(there.target(name, 10), Err(Refusal::Failed { .. })), "{name}");
        }
        // A disk that is gone has no end of a chain on it.
        let gone = Directory { metadata: scratch.path().join("gone"), targets: metadata };
        assert!(gone.metadata("2.root.json", 10).is_err());
    }
}
