//! Looking at a machine, which alters nothing.

use super::{Command, Digest, Effect, GroupEntry, Kind, Output, Stat, UserEntry};
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What a walk shows each entry to: its directory, its name, and what it is. Entries come in no order, from several
/// threads.
pub type Visit<'a> = &'a (dyn Fn(&Path, &std::ffi::OsStr, &Stat) + Sync);

/// A directory or entry that a walk did not look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unwalked {
    /// Where.
    pub path: PathBuf,
    /// Why not.
    pub why: String,
    /// Whether it was left out on purpose, as another machine's files, and not because it could not be read.
    pub skipped: bool,
}

/// Rights that a file's access control list gives to somebody by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Granted {
    /// Whether it is a user, and not a group.
    pub user: bool,
    /// The number.
    pub id: u32,
    /// As bits: read 4, write 2, execute 1.
    pub rights: u32,
}

/// Looks at a machine and alters nothing.
///
/// Paths are absolute, as the machine itself sees them. What does not exist is `Ok(None)`, and `Err` means that it
/// could not be looked at.
pub trait Observe {
    /// What is at a path; `follow` looks through a final symbolic link.
    fn stat(&self, path: &Path, follow: bool) -> io::Result<Option<Stat>>;
    /// A file's whole content. Modules read configuration this way, never artifacts.
    fn read(&self, path: &Path) -> io::Result<Option<Vec<u8>>>;
    /// A file's lines without their ends, one by one, so that a large file is never held whole; whether it is there.
    fn lines(&self, path: &Path, each: &mut dyn FnMut(&[u8])) -> io::Result<bool> {
        let Some(text) = self.read(path)? else { return Ok(false) };
        let text = text.strip_suffix(b"\n").unwrap_or(&text);
        text.split(|byte| *byte == b'\n').for_each(each);
        Ok(true)
    }
    /// A file's digest in lower-case hexadecimal, streamed.
    fn digest(&self, path: &Path, algorithm: Digest) -> io::Result<Option<String>>;
    /// The names in a directory, sorted.
    fn list(&self, path: &Path) -> io::Result<Option<Vec<std::ffi::OsString>>>;
    /// Where a symbolic link points, as written.
    fn read_link(&self, path: &Path) -> io::Result<Option<PathBuf>>;
    /// The SELinux label that a path has: none where SELinux does not run, or nothing is labelled.
    fn label(&self, path: &Path, follow: bool) -> io::Result<Option<String>> {
        let _ = (path, follow);
        Ok(None)
    }
    /// Whom a file's access control list gives rights beside its owner, its group and everybody; links are followed.
    fn granted(&self, path: &Path) -> io::Result<Vec<Granted>> {
        let _ = path;
        Ok(Vec::new())
    }
    /// The label that SELinux's policy has for something of that kind at a path.
    fn policy_label(&self, path: &Path, kind: Kind) -> io::Result<Option<String>> {
        let _ = (path, kind);
        Ok(None)
    }
    /// A user by name, or by number written as text: the machine's own files first, directory services after.
    fn user(&self, name: &str) -> io::Result<Option<UserEntry>>;
    /// A group by name, or by number written as text.
    fn group(&self, name: &str) -> io::Result<Option<GroupEntry>>;
    /// Every local user, in file order.
    fn users(&self) -> io::Result<Vec<UserEntry>>;
    /// Every local group, in file order.
    fn groups(&self) -> io::Result<Vec<GroupEntry>>;
    /// Runs a program that only reads (`systemctl show`, `dpkg-query`), and gives its output. A program that is not
    /// installed is `Err` of kind `NotFound`; on a root that may run nothing it is `Err` of kind `Unsupported`.
    fn query(&self, command: &Command) -> io::Result<Output>;
    /// The first executable file of that name on the machine's PATH.
    fn find_program(&self, name: &str) -> io::Result<Option<PathBuf>>;
    /// Connects to a TCP port, as the machine would, and gives what is said there. Nobody listening is `Err`; on a root
    /// that may run nothing it is `Err` of kind `Unsupported`.
    fn connect(&self, to: SocketAddr, patience: Duration) -> io::Result<Box<dyn io::Read>> {
        let _ = (to, patience);
        Err(io::ErrorKind::ConnectionRefused.into())
    }
    /// Visits every file of the local file systems below the root, following no link.
    fn walk(&self, visit: Visit<'_>) -> Vec<Unwalked> {
        let mut unwalked = Vec::new();
        let mut waiting = vec![PathBuf::from("/")];
        while let Some(directory) = waiting.pop() {
            let mut refused = |path: &Path, error: io::Error| {
                unwalked.push(Unwalked { path: path.to_owned(), why: error.to_string(), skipped: false });
            };
            let names = self.list(&directory).unwrap_or_else(|error| {
                refused(&directory, error);
                None
            });
            for name in names.unwrap_or_default() {
                let path = directory.join(&name);
                match self.stat(&path, false) {
                    Ok(Some(stat)) => {
                        visit(&directory, &name, &stat);
                        if stat.kind == Kind::Directory && path != Path::new("/proc") && path != Path::new("/sys") {
                            waiting.push(path);
                        }
                    }
                    Ok(None) => {}
                    Err(error) => refused(&path, error),
                }
            }
        }
        unwalked
    }
    /// How a program stands that [`Change::Start`] started: no such job, running, or what it did.
    fn job(&self, _: &str) -> Option<Option<Effect>> {
        None
    }
    /// The time, as modules see it.
    fn now(&self) -> std::time::SystemTime {
        std::time::SystemTime::now()
    }
    /// The mask for files that are made without a mode.
    fn umask(&self) -> u32 {
        0o022
    }
    /// Whose new files are: user and group.
    fn identity(&self) -> (u32, u32) {
        (0, 0)
    }
}

/// A machine that is looked at through another one: implement this, and it is [`Observe`] in every method.
pub trait Through {
    /// The other one.
    fn through(&self) -> &dyn Observe;
}

impl<T: Through + ?Sized> Observe for T {
    fn stat(&self, path: &Path, follow: bool) -> io::Result<Option<Stat>> {
        self.through().stat(path, follow)
    }
    fn read(&self, path: &Path) -> io::Result<Option<Vec<u8>>> {
        self.through().read(path)
    }
    fn lines(&self, path: &Path, each: &mut dyn FnMut(&[u8])) -> io::Result<bool> {
        self.through().lines(path, each)
    }
    fn digest(&self, path: &Path, algorithm: Digest) -> io::Result<Option<String>> {
        self.through().digest(path, algorithm)
    }
    fn list(&self, path: &Path) -> io::Result<Option<Vec<std::ffi::OsString>>> {
        self.through().list(path)
    }
    fn read_link(&self, path: &Path) -> io::Result<Option<PathBuf>> {
        self.through().read_link(path)
    }
    fn label(&self, path: &Path, follow: bool) -> io::Result<Option<String>> {
        self.through().label(path, follow)
    }
    fn granted(&self, path: &Path) -> io::Result<Vec<Granted>> {
        self.through().granted(path)
    }
    fn policy_label(&self, path: &Path, kind: Kind) -> io::Result<Option<String>> {
        self.through().policy_label(path, kind)
    }
    fn user(&self, name: &str) -> io::Result<Option<UserEntry>> {
        self.through().user(name)
    }
    fn group(&self, name: &str) -> io::Result<Option<GroupEntry>> {
        self.through().group(name)
    }
    fn users(&self) -> io::Result<Vec<UserEntry>> {
        self.through().users()
    }
    fn groups(&self) -> io::Result<Vec<GroupEntry>> {
        self.through().groups()
    }
    fn query(&self, command: &Command) -> io::Result<Output> {
        self.through().query(command)
    }
    fn find_program(&self, name: &str) -> io::Result<Option<PathBuf>> {
        self.through().find_program(name)
    }
    fn connect(&self, to: SocketAddr, patience: Duration) -> io::Result<Box<dyn io::Read>> {
        self.through().connect(to, patience)
    }
    fn walk(&self, visit: Visit<'_>) -> Vec<Unwalked> {
        self.through().walk(visit)
    }
    fn job(&self, name: &str) -> Option<Option<Effect>> {
        self.through().job(name)
    }
    fn now(&self) -> std::time::SystemTime {
        self.through().now()
    }
    fn umask(&self) -> u32 {
        self.through().umask()
    }
    fn identity(&self) -> (u32, u32) {
        self.through().identity()
    }
}

/// A borrowed machine is a machine.
impl<T: Observe> Through for &T {
    fn through(&self) -> &dyn Observe {
        *self
    }
}

impl Through for &dyn Observe {
    fn through(&self) -> &dyn Observe {
        *self
    }
}
