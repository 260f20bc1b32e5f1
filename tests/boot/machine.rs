//! A machine around the real one: counts its changes, and lets a test decide what becomes of each.

use muster::boot::Machine;
use muster::host::{
    Change, Command, Digest, Effect, GroupEntry, Host, HostError, Linux, Observe, Output, Stat, UserEntry,
};
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Given the number of a change, from 0, and the change: what becomes of it; `None` leaves it to the real machine.
pub type Fate = dyn Fn(u64, &Change) -> Option<Result<Effect, HostError>> + Send + Sync;

struct Watched {
    inner: Linux,
    count: u64,
    fate: Arc<Fate>,
}

/// The real machine, but for what `fate` decides.
pub fn machine(fate: impl Fn(u64, &Change) -> Option<Result<Effect, HostError>> + Send + Sync + 'static) -> Machine {
    let fate: Arc<Fate> = Arc::new(fate);
    Machine::new(move |inner| Box::new(Watched { inner, count: 0, fate: Arc::clone(&fate) }))
}

impl Host for Watched {
    fn apply(&mut self, change: &Change) -> Result<Effect, HostError> {
        let number = self.count;
        self.count += 1;
        (self.fate)(number, change).unwrap_or_else(|| self.inner.apply(change))
    }
    fn observe(&self) -> &dyn Observe {
        self
    }
}

impl Observe for Watched {
    fn stat(&self, path: &Path, follow: bool) -> io::Result<Option<Stat>> {
        self.inner.stat(path, follow)
    }
    fn read(&self, path: &Path) -> io::Result<Option<Vec<u8>>> {
        self.inner.read(path)
    }
    fn digest(&self, path: &Path, algorithm: Digest) -> io::Result<Option<String>> {
        self.inner.digest(path, algorithm)
    }
    fn list(&self, path: &Path) -> io::Result<Option<Vec<OsString>>> {
        self.inner.list(path)
    }
    fn read_link(&self, path: &Path) -> io::Result<Option<PathBuf>> {
        self.inner.read_link(path)
    }
    fn user(&self, name: &str) -> io::Result<Option<UserEntry>> {
        self.inner.user(name)
    }
    fn group(&self, name: &str) -> io::Result<Option<GroupEntry>> {
        self.inner.group(name)
    }
    fn users(&self) -> io::Result<Vec<UserEntry>> {
        self.inner.users()
    }
    fn groups(&self) -> io::Result<Vec<GroupEntry>> {
        self.inner.groups()
    }
    fn query(&self, command: &Command) -> io::Result<Output> {
        self.inner.query(command)
    }
    fn find_program(&self, name: &str) -> io::Result<Option<PathBuf>> {
        self.inner.find_program(name)
    }
    fn umask(&self) -> u32 {
        self.inner.umask()
    }
    fn identity(&self) -> (u32, u32) {
        self.inner.identity()
    }
}
