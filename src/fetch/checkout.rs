//! A verified tree written out as files, for programs that need real ones (hooks). Everything else reads from objects.

use super::tree::{ABSENT, bad};
use super::{FetchError, Kind, Tree};
use crate::host::durable;
use std::fs::{OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, symlink};
use std::path::Path;

impl Tree {
    /// Writes all files below a directory that is empty or not there yet.
    pub fn check_out(&self, directory: &Path) -> Result<(), FetchError> {
        let io = |attempt, path: &Path, source| FetchError::Io { attempt, path: path.to_owned(), source };
        durable::make_directory(directory, 0o755).map_err(|error| io("make", directory, error))?;
        for (path, kind) in self.walk("")? {
            let to = directory.join(&path);
            match kind {
                Kind::Directory => durable::make_directory(&to, 0o755).map_err(|error| io("make", &to, error))?,
                Kind::Link => {
                    self.stays_inside(&path)?;
                    symlink(self.read_link(&path)?, &to).map_err(|error| io("link", &to, error))?;
                }
                Kind::Submodule => {
                    return Err(bad(&path, "it is a submodule, and submodules are not supported".into()));
                }
                Kind::File => write(&to, &self.read(&path)?, 0o644).map_err(|error| io("write", &to, error))?,
                Kind::Executable => write(&to, &self.read(&path)?, 0o755).map_err(|error| io("write", &to, error))?,
            }
        }
        Ok(())
    }

    /// A link that points nowhere is harmless; one that leaves the tree is refused, as it is when read.
    fn stays_inside(&self, path: &str) -> Result<(), FetchError> {
        match self.resolve(path) {
            Err(FetchError::Path { problem, .. }) if problem == ABSENT => Ok(()),
            result => result.map(|_| ()),
        }
    }
}

/// A new file; the mode is set whatever the umask.
fn write(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    file.write_all(content)?;
    file.set_permissions(Permissions::from_mode(mode))
}
