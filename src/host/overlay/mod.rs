//! A machine with changes laid over it that it does not have: check mode, plans and tests.

mod accounts;
mod apply;
mod tree;

use super::{
    Change, Command, Digest, Effect, Granted, GroupEntry, Hasher, Host, HostError, Kind, Observe, Output, Stat,
    UserEntry,
};
use accounts::Accounts;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use tree::{Found, Tree};

/// Remembers changes over a machine that is only looked at.
///
/// Files, links, attributes and accounts are seen as changed. Programs, packages and units are recorded and not run:
/// their [`Effect`] has no output, and what they would have changed is not known.
#[derive(Debug)]
pub struct Overlay<O> {
    lower: O,
    tree: Tree,
    accounts: Accounts,
    not_run: Vec<String>,
    inodes: u64,
}

impl<O: Observe> Overlay<O> {
    /// No changes yet.
    pub fn new(lower: O) -> Self {
        Self { lower, tree: Tree::default(), accounts: Accounts::default(), not_run: Vec::new(), inodes: 1 << 48 }
    }

    /// Programs, packages and units that changes asked for, in order, as printed.
    pub fn not_run(&self) -> &[String] {
        &self.not_run
    }

    /// A path without any symbolic link, as this machine would have it.
    pub fn canonical(&self, path: &Path) -> io::Result<PathBuf> {
        self.tree.resolve(&self.lower, path, true)
    }
}

impl<O: Observe> Observe for Overlay<O> {
    fn stat(&self, path: &Path, follow: bool) -> io::Result<Option<Stat>> {
        if self.tree.is_empty() {
            return self.lower.stat(path, follow);
        }
        match self.tree.resolve(&self.lower, path, follow) {
            Ok(path) => self.tree.stat(&self.lower, &path),
            Err(error) if follow && error.raw_os_error() == Some(nix::libc::ELOOP) => Ok(None),
            Err(error) => Err(error),
        }
    }
    fn read(&self, path: &Path) -> io::Result<Option<Vec<u8>>> {
        self.tree.read(&self.lower, &self.canonical(path)?)
    }
    fn digest(&self, path: &Path, algorithm: Digest) -> io::Result<Option<String>> {
        let path = self.canonical(path)?;
        match self.tree.find(&path) {
            Found::Lower => self.lower.digest(&path, algorithm),
            Found::Hidden => Ok(None),
            Found::Node(node) => match &node.body {
                tree::Body::Lower(path) => self.lower.digest(path, algorithm),
                tree::Body::Written(content) => Hasher::of_reader(algorithm, content.reader()).map(Some),
                _ => Err(io::Error::new(io::ErrorKind::InvalidInput, "is not a regular file")),
            },
        }
    }
    fn list(&self, path: &Path) -> io::Result<Option<Vec<OsString>>> {
        self.tree.list(&self.lower, &self.canonical(path)?)
    }
    fn read_link(&self, path: &Path) -> io::Result<Option<PathBuf>> {
        let path = self.tree.resolve(&self.lower, path, false)?;
        match self.tree.find(&path) {
            Found::Lower => self.lower.read_link(&path),
            Found::Hidden => Ok(None),
            Found::Node(node) => match &node.body {
                tree::Body::Link(target) => Ok(Some(target.clone())),
                _ => Ok(None),
            },
        }
    }
    fn granted(&self, path: &Path) -> io::Result<Vec<Granted>> {
        let path = self.tree.resolve(&self.lower, path, true)?;
        match self.tree.find(&path) {
            Found::Lower => self.lower.granted(&path),
            Found::Hidden | Found::Node(_) => Ok(Vec::new()),
        }
    }
    fn label(&self, path: &Path, follow: bool) -> io::Result<Option<String>> {
        let path = self.tree.resolve(&self.lower, path, follow)?;
        let node = match self.tree.find(&path) {
            Found::Lower => return self.lower.label(&path, false),
            Found::Hidden => return Ok(None),
            Found::Node(node) => node,
        };
        if node.label.is_some() {
            return Ok(node.label.clone());
        }
        let before = if let tree::Body::Lower(from) = &node.body { from } else { &path };
        // What replaces a file keeps its label; what is new gets the policy's.
        match self.lower.stat(before, false)? {
            Some(_) => self.lower.label(before, false),
            None => self.lower.policy_label(&path, node.stat.kind),
        }
    }
    fn policy_label(&self, path: &Path, kind: Kind) -> io::Result<Option<String>> {
        self.lower.policy_label(path, kind)
    }
    fn user(&self, name: &str) -> io::Result<Option<UserEntry>> {
        self.accounts.user(&self.lower, name)
    }
    fn group(&self, name: &str) -> io::Result<Option<GroupEntry>> {
        self.accounts.group(&self.lower, name)
    }
    fn users(&self) -> io::Result<Vec<UserEntry>> {
        self.accounts.users(&self.lower)
    }
    fn groups(&self) -> io::Result<Vec<GroupEntry>> {
        self.accounts.groups(&self.lower)
    }
    fn query(&self, command: &Command) -> io::Result<Output> {
        let output = self.lower.query(command)?;
        Ok(self.accounts.listed(command, output))
    }
    fn find_program(&self, name: &str) -> io::Result<Option<PathBuf>> {
        self.lower.find_program(name)
    }
    fn connect(&self, to: std::net::SocketAddr, patience: std::time::Duration) -> io::Result<Box<dyn io::Read>> {
        self.lower.connect(to, patience)
    }
    fn now(&self) -> SystemTime {
        self.lower.now()
    }
    fn umask(&self) -> u32 {
        self.lower.umask()
    }
    fn identity(&self) -> (u32, u32) {
        self.lower.identity()
    }
}

impl<O: Observe> Host for Overlay<O> {
    fn apply(&mut self, change: &Change) -> Result<Effect, HostError> {
        self.remember(change)
    }
    fn observe(&self) -> &dyn Observe {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::{Attributes, FileWrite, Void};

    fn machine() -> Overlay<Overlay<Void>> {
        let mut lower = Overlay::new(Void::new());
        for path in ["/etc", "/etc/app", "/var"] {
            let change = Change::MakeDirectory { path: path.into(), attributes: Attributes::default() };
            lower.apply(&change).expect("directory");
        }
        lower.apply(&Change::Write(FileWrite::new("/etc/app/conf", "lower"))).expect("file");
        lower.apply(&Change::Symlink { path: "/etc/link".into(), target: "app".into() }).expect("link");
        Overlay::new(lower)
    }

    #[test]
    fn changes_are_seen_and_the_lower_machine_stays() {
        let mut machine = machine();
        let path = Path::new("/etc/link/conf");
        machine.apply(&Change::Write(FileWrite::new(path, "upper"))).expect("write");
        assert_eq!(machine.read(Path::new("/etc/app/conf")).expect("read").as_deref(), Some(&b"upper"[..]));
        assert_eq!(machine.lower.read(path).expect("read").as_deref(), Some(&b"lower"[..]));
        machine.apply(&Change::Remove { path: "/etc/app".into() }).expect("remove");
        assert_eq!(machine.stat(path, true).expect("stat"), None);
        assert_eq!(machine.list(Path::new("/etc")).expect("list").expect("there"), ["link"]);
        let make = Change::MakeDirectory { path: "/etc/app".into(), attributes: Attributes::default() };
        machine.apply(&make).expect("again");
        assert_eq!(machine.list(Path::new("/etc/link")).expect("list").expect("there").len(), 0);
    }

    #[test]
    fn renames_links_and_attributes() {
        let mut machine = machine();
        machine.apply(&Change::Rename { from: "/etc/app".into(), to: "/var/app".into() }).expect("rename");
        let moved = Path::new("/var/app/conf");
        assert_eq!(machine.read(moved).expect("read").as_deref(), Some(&b"lower"[..]));
        assert_eq!(machine.stat(Path::new("/etc/app"), false).expect("stat"), None);
        machine.apply(&Change::HardLink { path: "/var/same".into(), target: moved.into() }).expect("link");
        let attributes = Attributes { mode: Some(0o600), ..Attributes::default() };
        machine.apply(&Change::SetAttributes { path: moved.into(), attributes, follow: false }).expect("mode");
        let same = machine.stat(Path::new("/var/same"), false).expect("stat").expect("there");
        assert_eq!((same.mode, same.links, same.kind), (0o600, 2, Kind::File));
    }

    #[test]
    fn accounts_are_seen_and_programs_are_not_run() {
        let mut machine = machine();
        let tool = Command::new(["useradd", "-u", "950", "-g", "root", "-s", "/bin/false", "app"]);
        machine.apply(&Change::Account(crate::host::Account::Tool(tool))).expect("useradd");
        assert_eq!(machine.user("app").expect("user").map(|user| (user.uid, user.gid)), Some((950, 0)));
        let effect = machine.apply(&Change::Run(Command::new(["true"]))).expect("recorded");
        assert!(effect.output.is_none());
        assert_eq!(machine.not_run(), ["true"]);
    }
}
