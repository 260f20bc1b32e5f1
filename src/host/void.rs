//! An empty machine: a root directory, a fixed clock, root and a few others, and answers that a test gave it.

use super::{Command, Digest, GroupEntry, Kind, Observe, Output, Stat, UserEntry};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// When it is always: 2026-01-01T00:00:00Z.
pub const CLOCK: Duration = Duration::from_secs(1_767_225_600);

/// A machine with nothing on it.
#[derive(Clone, Debug, Default)]
pub struct Void {
    answers: BTreeMap<String, Output>,
    programs: BTreeMap<String, PathBuf>,
}

impl Void {
    /// Nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// A program is installed.
    #[must_use]
    pub fn with_program(mut self, path: &str) -> Self {
        let name = path.rsplit('/').next().unwrap_or(path).to_owned();
        self.programs.insert(name, path.into());
        self
    }

    /// A query, its arguments joined by blanks, is answered so.
    #[must_use]
    pub fn answering(mut self, query: &str, code: i32, stdout: &str) -> Self {
        let output = Output { code, stdout: stdout.as_bytes().to_vec(), ..Output::default() };
        self.answers.insert(query.to_owned(), output);
        self
    }
}

impl Observe for Void {
    fn stat(&self, path: &Path, _: bool) -> io::Result<Option<Stat>> {
        let now = CLOCK.as_secs_f64();
        let stat = Stat::unmade(Kind::Directory, 0o755, (0, 0));
        Ok((path == Path::new("/")).then_some(Stat { inode: 2, links: 2, atime: now, mtime: now, ctime: now, ..stat }))
    }
    fn read(&self, _: &Path) -> io::Result<Option<Vec<u8>>> {
        Ok(None)
    }
    fn digest(&self, _: &Path, _: Digest) -> io::Result<Option<String>> {
        Ok(None)
    }
    fn list(&self, path: &Path) -> io::Result<Option<Vec<OsString>>> {
        Ok((path == Path::new("/")).then(Vec::new))
    }
    fn read_link(&self, _: &Path) -> io::Result<Option<PathBuf>> {
        Ok(None)
    }
    fn user(&self, name: &str) -> io::Result<Option<UserEntry>> {
        Ok(self.users()?.into_iter().find(|user| user.name == name || user.uid.to_string() == name))
    }
    fn group(&self, name: &str) -> io::Result<Option<GroupEntry>> {
        Ok(self.groups()?.into_iter().find(|group| group.name == name || group.gid.to_string() == name))
    }
    fn users(&self) -> io::Result<Vec<UserEntry>> {
        let user = |name: &str, uid: u32, home: &str| UserEntry {
            name: name.into(),
            uid,
            gid: uid,
            home: home.into(),
            shell: "/bin/sh".into(),
            ..UserEntry::default()
        };
        Ok(vec![user("root", 0, "/root"), user("daemon", 1, "/usr/sbin"), user("bin", 2, "/bin")])
    }
    fn groups(&self) -> io::Result<Vec<GroupEntry>> {
        let group = |name: &str, gid: u32| GroupEntry { name: name.into(), gid, members: Vec::new() };
        Ok(vec![group("root", 0), group("daemon", 1), group("bin", 2)])
    }
    fn query(&self, command: &Command) -> io::Result<Output> {
        let asked = command.argv.join(" ");
        let missing = || io::Error::new(io::ErrorKind::NotFound, format!("`{asked}`: nothing is installed"));
        self.answers.get(&asked).cloned().ok_or_else(missing)
    }
    fn find_program(&self, name: &str) -> io::Result<Option<PathBuf>> {
        Ok(self.programs.get(name).cloned())
    }
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + CLOCK
    }
}
