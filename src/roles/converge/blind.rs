//! A machine that shows nothing, and remembers that it was looked at.

use crate::host::{Command, Digest, GroupEntry, Observe, Output, Stat, UserEntry};
use std::cell::Cell;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

/// It stands in for the machine where an answer must not depend on it.
#[derive(Default)]
pub(super) struct Blind {
    asked: Cell<bool>,
}

impl Blind {
    /// Whether anything was asked of it.
    pub(super) fn was_asked(&self) -> bool {
        self.asked.get()
    }

    fn nothing<T>(&self) -> io::Result<T> {
        self.asked.set(true);
        Err(io::ErrorKind::Unsupported.into())
    }
}

impl Observe for Blind {
    fn stat(&self, _: &Path, _: bool) -> io::Result<Option<Stat>> {
        self.nothing()
    }
    fn read(&self, _: &Path) -> io::Result<Option<Vec<u8>>> {
        self.nothing()
    }
    fn digest(&self, _: &Path, _: Digest) -> io::Result<Option<String>> {
        self.nothing()
    }
    fn list(&self, _: &Path) -> io::Result<Option<Vec<OsString>>> {
        self.nothing()
    }
    fn read_link(&self, _: &Path) -> io::Result<Option<PathBuf>> {
        self.nothing()
    }
    fn user(&self, _: &str) -> io::Result<Option<UserEntry>> {
        self.nothing()
    }
    fn group(&self, _: &str) -> io::Result<Option<GroupEntry>> {
        self.nothing()
    }
    fn users(&self) -> io::Result<Vec<UserEntry>> {
        self.nothing()
    }
    fn groups(&self) -> io::Result<Vec<GroupEntry>> {
        self.nothing()
    }
    fn query(&self, _: &Command) -> io::Result<Output> {
        self.nothing()
    }
    fn find_program(&self, _: &str) -> io::Result<Option<PathBuf>> {
        self.nothing()
    }
}
