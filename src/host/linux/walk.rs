//! One walk over the local file systems, by as many threads as there are processors: no link is followed, no network
//! mount is entered.

use super::look::from_kernel;
use super::root::Root;
use crate::host::{Kind, Stat, Unwalked, Visit};
use nix::fcntl::{AtFlags, OFlag};
use nix::sys::stat::fstatat;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, PoisonError};

/// File systems that hold no files of this machine's own: other machines', and the kernel's.
const FOREIGN: &[&str] = &[
    "9p",
    "afs",
    "ceph",
    "cifs",
    "coda",
    "glusterfs",
    "gfs",
    "gfs2",
    "gpfs",
    "lustre",
    "ncpfs",
    "nfs",
    "nfs4",
    "ocfs2",
    "smb3",
    "smbfs",
    "autofs",
];
const KERNEL_S: &[&str] = &[
    "binfmt_misc",
    "bpf",
    "cgroup",
    "cgroup2",
    "configfs",
    "debugfs",
    "devpts",
    "devtmpfs",
    "efivarfs",
    "fusectl",
    "hugetlbfs",
    "mqueue",
    "nsfs",
    "proc",
    "pstore",
    "rpc_pipefs",
    "securityfs",
    "selinuxfs",
    "sysfs",
    "tracefs",
];

/// Directories that wait to be read, and how many are being read.
#[derive(Default)]
struct Queue {
    waiting: Vec<PathBuf>,
    busy: usize,
}

struct Walk<'a> {
    root: &'a Root,
    visit: Visit<'a>,
    /// Mount points that are not entered, by their path in the running system.
    closed: BTreeMap<PathBuf, String>,
    queue: Mutex<Queue>,
    more: Condvar,
    unwalked: Mutex<Vec<Unwalked>>,
}

/// Walks everything below a root.
pub fn walk(root: &Root, visit: Visit<'_>) -> Vec<Unwalked> {
    let queue = Mutex::new(Queue { waiting: vec![PathBuf::from("/")], busy: 0 });
    let unwalked = Mutex::default();
    let walk = Walk { root, visit, closed: closed(), queue, more: Condvar::new(), unwalked };
    let threads = std::thread::available_parallelism().map_or(2, usize::from).min(8);
    std::thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(|| walk.work());
        }
        walk.work();
    });
    let mut unwalked = walk.unwalked.into_inner().unwrap_or_else(PoisonError::into_inner);
    unwalked.sort_by(|a, b| a.path.cmp(&b.path));
    unwalked
}

/// Every mount that is not of this machine's own files. Without /proc nothing is known to be one; file systems are then
/// told apart by asking no server: what is not to be entered has another device, and is looked at by name alone.
fn closed() -> BTreeMap<PathBuf, String> {
    let text = std::fs::read("/proc/self/mountinfo").unwrap_or_default();
    let text = String::from_utf8_lossy(&text).into_owned();
    let mount = |line: &str| {
        let (left, right) = line.split_once(" - ")?;
        let (point, kind) = (left.split(' ').nth(4)?, right.split(' ').next()?);
        let closed = FOREIGN.contains(&kind) || KERNEL_S.contains(&kind) || kind.starts_with("fuse.");
        Some((PathBuf::from(unescaped(point)), closed.then(|| kind.to_owned())))
    };
    let mut points = BTreeMap::new();
    for (point, kind) in text.lines().filter_map(mount) {
        // Of several mounts over one another the last is the one that is seen.
        match kind {
            Some(kind) => points.insert(point, kind),
            None => points.remove(&point),
        };
    }
    points
}

/// mountinfo writes blanks as `\040` (proc_pid_mountinfo(5)).
fn unescaped(point: &str) -> String {
    point.replace("\\040", " ").replace("\\011", "\t").replace("\\012", "\n").replace("\\134", "\\")
}

impl Walk<'_> {
    fn work(&self) {
        while let Some(directory) = self.take() {
            let below = self.directory(&directory);
            let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
            queue.waiting.extend(below);
            queue.busy -= 1;
            drop(queue);
            self.more.notify_all();
        }
    }

    fn take(&self) -> Option<PathBuf> {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(directory) = queue.waiting.pop() {
                queue.busy += 1;
                return Some(directory);
            }
            if queue.busy == 0 {
                self.more.notify_all();
                return None;
            }
            queue = self.more.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn refused(&self, path: &Path, why: String, skipped: bool) {
        let mut unwalked = self.unwalked.lock().unwrap_or_else(PoisonError::into_inner);
        unwalked.push(Unwalked { path: path.to_owned(), why, skipped });
    }

    /// Looks at everything in a directory, and gives the directories in it.
    fn directory(&self, path: &Path) -> Vec<PathBuf> {
        match self.entries(path) {
            Ok(below) => below,
            // What is gone since it was listed is not there to be looked at.
            Err(nix::errno::Errno::ENOENT) => Vec::new(),
            Err(error) => {
                self.refused(path, error.desc().to_owned(), false);
                Vec::new()
            }
        }
    }

    fn entries(&self, path: &Path) -> nix::Result<Vec<PathBuf>> {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
        let opened = self.root.open_path(path, flags);
        let opened =
            opened.map_err(|e| e.raw_os_error().map_or(nix::errno::Errno::EIO, nix::errno::Errno::from_raw))?;
        let mut directory = nix::dir::Dir::from_fd(opened)?;
        let names: Vec<_> = directory.iter().collect::<nix::Result<Vec<_>>>()?;
        let mut below = Vec::new();
        for name in names {
            let bytes = name.file_name().to_bytes();
            if bytes == b"." || bytes == b".." {
                continue;
            }
            let name = OsStr::from_bytes(bytes);
            let child = || path.join(name);
            if !self.closed.is_empty() && self.is_closed(&child()) {
                continue;
            }
            let flags = AtFlags::AT_SYMLINK_NOFOLLOW | AtFlags::AT_NO_AUTOMOUNT;
            match fstatat(directory.as_fd(), name, flags) {
                Ok(stat) => {
                    let stat: Stat = from_kernel(&stat);
                    (self.visit)(path, name, &stat);
                    if stat.kind == Kind::Directory {
                        below.push(child());
                    }
                }
                Err(nix::errno::Errno::ENOENT) => {}
                Err(error) => self.refused(&child(), error.desc().to_owned(), false),
            }
        }
        Ok(below)
    }

    fn is_closed(&self, path: &Path) -> bool {
        let outside = if self.root.confined() {
            self.root.path.join(path.strip_prefix("/").unwrap_or(path))
        } else {
            path.to_owned()
        };
        let Some(kind) = self.closed.get(&outside) else { return false };
        if FOREIGN.contains(&kind.as_str()) || kind.starts_with("fuse.") {
            self.refused(path, format!("is a mount of {kind}"), true);
        }
        true
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests set the stage")]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn everything_is_visited_once_and_no_link_is_followed() {
        let scratch = tempfile::tempdir().expect("scratch");
        let base = scratch.path();
        for number in 0..40 {
            std::fs::create_dir_all(base.join(format!("a/{number}/b"))).expect("directory");
            std::fs::write(base.join(format!("a/{number}/b/file")), "x").expect("file");
        }
        std::os::unix::fs::symlink("/", base.join("out")).expect("link");
        std::os::unix::fs::symlink("..", base.join("a/loop")).expect("link");
        let root = Root::open(base).expect("root");
        let seen = Mutex::new(BTreeSet::new());
        let unwalked = walk(&root, &|directory: &Path, name: &OsStr, stat: &Stat| {
            let fresh = seen.lock().expect("lock").insert((directory.join(name), stat.kind == Kind::Link));
            assert!(fresh, "{directory:?}/{name:?} twice");
        });
        let seen = seen.into_inner().expect("seen");
        assert_eq!((seen.len(), unwalked.len()), (40 * 3 + 1 + 2, 0));
        assert!(seen.contains(&(PathBuf::from("/out"), true)) && seen.contains(&(PathBuf::from("/a/loop"), true)));
    }

    #[test]
    fn blanks_in_mount_points_are_read() {
        assert_eq!(unescaped("/mnt/a\\040b\\134c"), "/mnt/a b\\c");
    }
}
