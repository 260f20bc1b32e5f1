//! Looking at files.

use super::root::Root;
use crate::host::digest::Hasher;
use crate::host::{Digest, Kind, Stat};
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::stat::{FileStat, SFlag};
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

/// As much of a large file as is held at once.
const BUFFER: usize = 64 << 10;

/// What is not there is `None`; a name below something that is no directory is not there either.
fn absent<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) => match error.raw_os_error().map(Errno::from_raw) {
            Some(Errno::ENOENT | Errno::ENOTDIR) => Ok(None),
            _ => Err(error),
        },
    }
}

pub fn stat(root: &Root, path: &Path, follow: bool) -> io::Result<Option<Stat>> {
    match absent(root.stat(path, follow)) {
        // A link that leads to itself leads nowhere.
        Err(error) if follow && error.raw_os_error() == Some(Errno::ELOOP as i32) => Ok(None),
        other => Ok(other?.map(|stat| from_kernel(&stat))),
    }
}

/// The kernel's answer in our words.
#[expect(clippy::cast_sign_loss, reason = "sizes are never negative")]
pub fn from_kernel(stat: &FileStat) -> Stat {
    #[expect(clippy::cast_precision_loss, reason = "as Python gives times: a double")]
    let time = |seconds: i64, nanos: i64| seconds as f64 + 1e-9 * nanos as f64;
    let kind = match SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT {
        SFlag::S_IFDIR => Kind::Directory,
        SFlag::S_IFLNK => Kind::Link,
        SFlag::S_IFIFO => Kind::Fifo,
        SFlag::S_IFSOCK => Kind::Socket,
        SFlag::S_IFCHR => Kind::Character,
        SFlag::S_IFBLK => Kind::Block,
        _ => Kind::File,
    };
    Stat {
        kind,
        mode: stat.st_mode & 0o7777,
        uid: stat.st_uid,
        gid: stat.st_gid,
        size: stat.st_size as u64,
        inode: stat.st_ino,
        device: stat.st_dev,
        links: wide(stat.st_nlink),
        blocks: stat.st_blocks as u64,
        block_size: stat.st_blksize as u64,
        device_type: stat.st_rdev,
        atime: time(stat.st_atime, stat.st_atime_nsec),
        mtime: time(stat.st_mtime, stat.st_mtime_nsec),
        ctime: time(stat.st_ctime, stat.st_ctime_nsec),
    }
}

/// Architectures differ in the width.
fn wide(count: impl Into<u64>) -> u64 {
    count.into()
}

/// Opens a regular file. Never waits on a pipe's other end.
fn open_file(root: &Root, path: &Path) -> io::Result<Option<File>> {
    let Some(descriptor) = absent(root.open_path(path, OFlag::O_RDONLY | OFlag::O_NONBLOCK))? else { return Ok(None) };
    let file = File::from(descriptor);
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "is not a regular file"));
    }
    Ok(Some(file))
}

pub fn read(root: &Root, path: &Path) -> io::Result<Option<Vec<u8>>> {
    let Some(mut file) = open_file(root, path)? else { return Ok(None) };
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

pub fn lines(root: &Root, path: &Path, each: &mut dyn FnMut(&[u8])) -> io::Result<bool> {
    let Some(file) = open_file(root, path)? else { return Ok(false) };
    let mut file = BufReader::with_capacity(BUFFER, file);
    let mut line = Vec::new();
    while file.read_until(b'\n', &mut line)? > 0 {
        each(line.strip_suffix(b"\n").unwrap_or(&line));
        line.clear();
    }
    Ok(true)
}

pub fn digest(root: &Root, path: &Path, algorithm: Digest) -> io::Result<Option<String>> {
    let Some(file) = open_file(root, path)? else { return Ok(None) };
    Hasher::of_reader(algorithm, file).map(Some)
}

pub fn list(root: &Root, path: &Path) -> io::Result<Option<Vec<OsString>>> {
    let Some(descriptor) = absent(root.open_path(path, OFlag::O_RDONLY | OFlag::O_DIRECTORY))? else {
        return Ok(None);
    };
    names(descriptor).map(Some)
}

/// The names in an open directory, sorted, without `.` and `..`.
pub fn names(directory: std::os::fd::OwnedFd) -> io::Result<Vec<OsString>> {
    let mut names = Vec::new();
    for entry in nix::dir::Dir::from_fd(directory)? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." {
            names.push(OsString::from_vec(name.to_vec()));
        }
    }
    names.sort();
    Ok(names)
}

pub fn read_link(root: &Root, path: &Path) -> io::Result<Option<PathBuf>> {
    let Some(link) = absent(root.open_path(path, OFlag::O_PATH | OFlag::O_NOFOLLOW))? else { return Ok(None) };
    match nix::fcntl::readlinkat(link, "") {
        Ok(target) => Ok(Some(target.into())),
        // An O_PATH descriptor of something else answers ENOENT.
        Err(Errno::EINVAL | Errno::ENOENT) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Where Ansible's `get_bin_path` looks beside PATH.
const SYSTEM_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

pub fn find_program(root: &Root, name: &str) -> io::Result<Option<PathBuf>> {
    if name.contains('/') {
        return Ok(executable(root, Path::new(name))?.then(|| name.into()));
    }
    let own = if root.confined() { String::new() } else { std::env::var("PATH").unwrap_or_default() };
    for directory in own.split(':').chain(SYSTEM_PATH.split(':')).filter(|dir| dir.starts_with('/')) {
        let path = Path::new(directory).join(name);
        if executable(root, &path)? {
            return Ok(Some(path));
        }
    }
    Ok(None)
}

fn executable(root: &Root, path: &Path) -> io::Result<bool> {
    Ok(stat(root, path, true)?.is_some_and(|stat| stat.kind == Kind::File && stat.mode & 0o111 != 0))
}
