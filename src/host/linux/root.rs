//! The one descriptor beneath which every path is opened.

use super::labels::Labels;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, OpenHow, ResolveFlag, openat, openat2, readlinkat};
use nix::sys::stat::{FileStat, Mode, fstat, fstatat};
use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

/// As many symbolic links as the kernel follows.
const MOST_LINKS: usize = 40;

/// A directory that stands for a machine's `/`.
#[derive(Debug)]
pub struct Root {
    /// Where it is, in the running system.
    pub path: PathBuf,
    /// Whether its own programs may run.
    pub chroot: bool,
    /// SELinux's policy, as last read.
    pub labels: Labels,
    directory: OwnedFd,
    confined: bool,
}

impl Root {
    /// Opens a directory as a root.
    pub fn open(path: &Path) -> io::Result<Self> {
        let path = std::path::absolute(path)?;
        let directory = nix::fcntl::open(&path, OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty())?;
        let confined = path != Path::new("/");
        Ok(Self { path, chroot: false, labels: Labels::default(), directory, confined })
    }

    /// Whether it is a directory of the running system and not the system itself.
    pub fn confined(&self) -> bool {
        self.confined
    }

    /// Whether programs may run in it.
    pub fn may_run(&self) -> bool {
        !self.confined || self.chroot
    }

    /// Opens a path. Under a root of its own, links and `..` never leave it.
    pub fn open_path(&self, path: &Path, flags: OFlag) -> io::Result<OwnedFd> {
        if !path.is_absolute() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the path is not absolute"));
        }
        // openat2(2) takes few flags beside O_PATH.
        let own = if flags.contains(OFlag::O_PATH) { OFlag::empty() } else { OFlag::O_NOCTTY };
        let flags = flags | own | OFlag::O_CLOEXEC;
        if !self.confined {
            return Ok(openat(&self.directory, path, flags, Mode::empty())?);
        }
        let how = OpenHow::new().flags(flags).resolve(ResolveFlag::RESOLVE_IN_ROOT);
        loop {
            match openat2(&self.directory, path, how) {
                // A rename elsewhere raced with a `..` (openat2(2)).
                Err(Errno::EAGAIN | Errno::EINTR) => {}
                other => return Ok(other?),
            }
        }
    }

    /// What a path is, without opening it.
    pub fn stat(&self, path: &Path, follow: bool) -> io::Result<FileStat> {
        let flags = if follow { OFlag::O_PATH } else { OFlag::O_PATH | OFlag::O_NOFOLLOW };
        Ok(fstat(self.open_path(path, flags)?)?)
    }

    /// The directory that holds a path's last name, and that name.
    pub fn parent(&self, path: &Path) -> io::Result<(OwnedFd, OsString)> {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the path has no last name"));
        };
        Ok((self.open_path(parent, OFlag::O_RDONLY | OFlag::O_DIRECTORY)?, name.to_owned()))
    }

    /// The path that is reached once final symbolic links are followed; the last one may lead to nothing.
    pub fn resolve(&self, path: &Path) -> io::Result<PathBuf> {
        let mut path = path.to_owned();
        for _ in 0..MOST_LINKS {
            let (directory, name) = match self.parent(&path) {
                Err(error) if error.kind() == io::ErrorKind::InvalidInput => return Ok(path),
                other => other?,
            };
            match readlinkat(&directory, name.as_os_str()) {
                Ok(target) => path = path.parent().unwrap_or(Path::new("/")).join(target),
                Err(Errno::EINVAL | Errno::ENOENT) => return Ok(path),
                Err(error) => return Err(error.into()),
            }
        }
        Err(Errno::ELOOP.into())
    }
}

/// What a name in an open directory is, links not followed.
pub fn stat_name(directory: impl AsFd, name: &OsString) -> io::Result<Option<FileStat>> {
    match fstatat(directory, name.as_os_str(), AtFlags::AT_SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Some(stat)),
        Err(Errno::ENOENT) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
