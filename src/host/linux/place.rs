//! Directories, links, attributes, times, renames and removals, each race-free on descriptors.

use super::labels;
use super::leftovers::temporary_name;
use super::look::names;
use super::root::{Root, stat_name};
use crate::host::{Attributes, Kind};
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat, renameat};
use nix::sys::stat::{Mode, SFlag, UtimensatFlags, fchmod, mkdirat, utimensat};
use nix::sys::time::TimeSpec;
use nix::unistd::{Gid, Uid, UnlinkatFlags, fchown, fchownat, linkat, symlinkat, unlinkat};
use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Deeper trees are refused rather than exhausting the stack and the descriptors.
const DEEPEST: usize = 500;

/// Makes a directory; one that is there keeps its content and gets the attributes.
pub fn make_directory(root: &Root, path: &Path, attributes: &Attributes) -> io::Result<()> {
    let (parent, name) = root.parent(path)?;
    // Nobody else enters before the attributes are right.
    let first = if attributes.mode.is_some() { 0o700 } else { 0o777 };
    let exists = match mkdirat(&parent, name.as_os_str(), Mode::from_bits_truncate(first)) {
        Ok(()) => false,
        Err(Errno::EEXIST) => true,
        Err(error) => return Err(error.into()),
    };
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let flags = if exists { flags } else { flags | OFlag::O_NOFOLLOW };
    let directory =
        if exists { root.open_path(path, flags)? } else { openat(&parent, name.as_os_str(), flags, Mode::empty())? };
    if !exists {
        labels::mark(root, &directory, path, Kind::Directory)?;
    }
    give(&directory, attributes)
}

/// Gives an open file or directory its owner, group and mode, in that order: a change of owner clears set-id bits.
pub fn give(file: &OwnedFd, attributes: &Attributes) -> io::Result<()> {
    if attributes.uid.is_some() || attributes.gid.is_some() {
        fchown(file, attributes.uid.map(Uid::from_raw), attributes.gid.map(Gid::from_raw))?;
    }
    if let Some(mode) = attributes.mode {
        fchmod(file, Mode::from_bits_truncate(mode))?;
    }
    Ok(())
}

pub fn set_attributes(root: &Root, path: &Path, attributes: &Attributes, follow: bool) -> io::Result<()> {
    let flags = if follow { OFlag::O_PATH } else { OFlag::O_PATH | OFlag::O_NOFOLLOW };
    let place = root.open_path(path, flags)?;
    if attributes.uid.is_some() || attributes.gid.is_some() {
        let (uid, gid) = (attributes.uid.map(Uid::from_raw), attributes.gid.map(Gid::from_raw));
        fchownat(&place, "", uid, gid, AtFlags::AT_EMPTY_PATH)?;
    }
    let Some(mode) = attributes.mode else { return Ok(()) };
    let kind = SFlag::from_bits_truncate(nix::sys::stat::fstat(&place)?.st_mode) & SFlag::S_IFMT;
    if kind == SFlag::S_IFLNK {
        return Err(io::Error::new(io::ErrorKind::Unsupported, "a symbolic link has no mode of its own"));
    }
    // fchmod(2) refuses O_PATH descriptors, and only the newest kernels have fchmodat2(2).
    let by_number = format!("/proc/self/fd/{}", place.as_raw_fd());
    match std::fs::set_permissions(by_number, std::fs::Permissions::from_mode(mode)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let file = root.open_path(path, (flags & !OFlag::O_PATH) | OFlag::O_RDONLY | OFlag::O_NONBLOCK)?;
            Ok(fchmod(file, Mode::from_bits_truncate(mode))?)
        }
        other => other,
    }
}

pub fn set_times(root: &Root, path: &Path, atime: Option<f64>, mtime: Option<f64>) -> io::Result<()> {
    // Resolved here, so that the kernel follows nothing out of the root.
    let (parent, name) = root.parent(&root.resolve(path)?)?;
    let flag = UtimensatFlags::NoFollowSymlink;
    Ok(utimensat(&parent, name.as_os_str(), &timespec(atime), &timespec(mtime), flag)?)
}

#[expect(clippy::cast_possible_truncation, reason = "floored, and in range for any time that a file can have")]
fn timespec(time: Option<f64>) -> TimeSpec {
    time.map_or(TimeSpec::UTIME_OMIT, |seconds| {
        let whole = seconds.floor();
        TimeSpec::new(whole as i64, (((seconds - whole) * 1e9).round() as i64).min(999_999_999))
    })
}

pub fn symlink(root: &Root, path: &Path, target: &Path) -> io::Result<()> {
    let (parent, name) = root.parent(path)?;
    replace_by(&parent, &name, |temporary| {
        symlinkat(target, &parent, temporary.as_os_str())?;
        labels::mark_link(root, &parent, temporary, path)
    })
}

pub fn hard_link(root: &Root, path: &Path, target: &Path) -> io::Result<()> {
    let (parent, name) = root.parent(path)?;
    let (from, source) = root.parent(target)?;
    replace_by(&parent, &name, |temporary| {
        Ok(linkat(&from, source.as_os_str(), &parent, temporary.as_os_str(), AtFlags::empty())?)
    })
}

/// Makes something under a temporary name and renames it over the target in one step.
fn replace_by(parent: &OwnedFd, name: &OsString, make: impl FnOnce(&OsString) -> io::Result<()>) -> io::Result<()> {
    let temporary = temporary_name(parent, name);
    let renamed =
        make(&temporary).and_then(|()| Ok(renameat(parent, temporary.as_os_str(), parent, name.as_os_str())?));
    // Also after a success: rename(2) leaves both names where they are links of one file.
    let _ = unlinkat(parent, temporary.as_os_str(), UnlinkatFlags::NoRemoveDir);
    renamed?;
    sync(parent)
}

pub fn rename(root: &Root, from: &Path, to: &Path) -> io::Result<()> {
    let (source, old) = root.parent(from)?;
    let (destination, new) = root.parent(to)?;
    renameat(&source, old.as_os_str(), &destination, new.as_os_str())?;
    sync(&source)?;
    sync(&destination)
}

/// Puts a directory's names on disk.
pub fn sync(directory: &OwnedFd) -> io::Result<()> {
    match nix::unistd::fsync(directory) {
        // Some filesystems cannot sync a directory.
        Ok(()) | Err(Errno::EINVAL | Errno::EROFS) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Removes whatever is at a path; that nothing is there is no error.
pub fn remove(root: &Root, path: &Path) -> io::Result<()> {
    let (parent, name) = match root.parent(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other?,
    };
    remove_name(parent.as_fd(), &name, None, 0)
}

pub fn remove_name(
    parent: std::os::fd::BorrowedFd<'_>,
    name: &OsString,
    device: Option<u64>,
    depth: usize,
) -> io::Result<()> {
    let Some(stat) = stat_name(parent, name)? else { return Ok(()) };
    if SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT != SFlag::S_IFDIR {
        return gone(unlinkat(parent, name.as_os_str(), UnlinkatFlags::NoRemoveDir));
    }
    if device.is_some_and(|device| device != stat.st_dev) {
        let message = format!("{} is a mount point", name.to_string_lossy());
        return Err(io::Error::new(io::ErrorKind::ResourceBusy, message));
    }
    if depth == DEEPEST {
        return Err(io::Error::other(format!("the tree is deeper than {DEEPEST} directories")));
    }
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let directory = openat(parent, name.as_os_str(), flags, Mode::empty())?;
    for inner in names(directory.try_clone()?)? {
        remove_name(directory.as_fd(), &inner, Some(stat.st_dev), depth + 1)?;
    }
    gone(unlinkat(parent, name.as_os_str(), UnlinkatFlags::RemoveDir))
}

fn gone(result: nix::Result<()>) -> io::Result<()> {
    match result {
        Ok(()) | Err(Errno::ENOENT) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
