//! The real host: every path is opened beneath one root.

pub mod access;
mod accounts;
mod capture;
mod child;
pub mod clock;
mod dialog;
mod family;
mod identity;
mod jobs;
mod labels;
mod leftovers;
mod look;
mod names;
pub mod packages;
mod place;
pub mod program;
mod root;
pub mod units;
mod unpack;
mod walk;
mod write;

use super::{
    Change, Command, Digest, Effect, Granted, GroupEntry, Host, HostError, Kind, Observe, Output, Stat, Unwalked,
    UserEntry, Visit,
};
use root::Root;
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

/// A machine's directory tree, and its programs where it may run them.
#[derive(Debug)]
pub struct Linux {
    root: Root,
    umask: u32,
    jobs: jobs::Jobs,
}

impl Linux {
    /// The machine itself for `/`. Any other directory is a root of its own: symbolic links resolve inside it, and no
    /// program runs.
    pub fn new(root: &Path) -> io::Result<Self> {
        Ok(Self { root: Root::open(root)?, umask: current_umask(), jobs: jobs::Jobs::default() })
    }

    /// Lets a root's own programs run, inside it.
    #[must_use]
    pub fn allow_chroot(mut self) -> Self {
        self.root.chroot = true;
        self
    }

    /// The directory that is this machine's `/`.
    pub fn root(&self) -> &Path {
        &self.root.path
    }

    fn may_run(&self, command: &Command) -> Result<(), HostError> {
        if self.root.may_run() {
            return Ok(());
        }
        Err(HostError::Unsupported {
            what: format!("running `{}`", command.shown()),
            why: format!("{} is a root directory; --chroot lets its programs run", self.root.path.display()),
        })
    }

    fn run(&self, command: &Command) -> Result<Output, HostError> {
        self.may_run(command)?;
        let program = command.argv.first().map(PathBuf::from).unwrap_or_default();
        program::attempt(&self.root.path, command).map_err(|error| HostError::io("run", &program, error))
    }
}

fn said(output: Output) -> Effect {
    Effect { output: Some(output), ..Effect::default() }
}

/// Linux shows the mask without changing it, which `umask(2)` cannot.
fn current_umask() -> u32 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("Umask:"));
    line.and_then(|text| u32::from_str_radix(text.trim(), 8).ok()).unwrap_or(0o022)
}

impl Observe for Linux {
    fn job(&self, name: &str) -> Option<Option<Effect>> {
        self.jobs.state(name)
    }
    fn stat(&self, path: &Path, follow: bool) -> io::Result<Option<Stat>> {
        look::stat(&self.root, path, follow)
    }
    fn read(&self, path: &Path) -> io::Result<Option<Vec<u8>>> {
        look::read(&self.root, path)
    }
    fn lines(&self, path: &Path, each: &mut dyn FnMut(&[u8])) -> io::Result<bool> {
        look::lines(&self.root, path, each)
    }
    fn digest(&self, path: &Path, algorithm: Digest) -> io::Result<Option<String>> {
        look::digest(&self.root, path, algorithm)
    }
    fn list(&self, path: &Path) -> io::Result<Option<Vec<std::ffi::OsString>>> {
        look::list(&self.root, path)
    }
    fn read_link(&self, path: &Path) -> io::Result<Option<PathBuf>> {
        look::read_link(&self.root, path)
    }
    fn label(&self, path: &Path, follow: bool) -> io::Result<Option<String>> {
        labels::have(&self.root, path, follow)
    }
    fn granted(&self, path: &Path) -> io::Result<Vec<Granted>> {
        access::granted(&self.root, path)
    }
    fn policy_label(&self, path: &Path, kind: Kind) -> io::Result<Option<String>> {
        labels::of_policy(&self.root, path, kind)
    }
    fn user(&self, name: &str) -> io::Result<Option<UserEntry>> {
        names::user(&self.root, name)
    }
    fn group(&self, name: &str) -> io::Result<Option<GroupEntry>> {
        names::group(&self.root, name)
    }
    fn users(&self) -> io::Result<Vec<UserEntry>> {
        names::users(&self.root)
    }
    fn groups(&self) -> io::Result<Vec<GroupEntry>> {
        names::groups(&self.root)
    }
    fn query(&self, command: &Command) -> io::Result<Output> {
        if !self.root.may_run() {
            let message = format!("`{}`: a root directory's programs run only with --chroot", command.shown());
            return Err(io::Error::new(io::ErrorKind::Unsupported, message));
        }
        program::run(&self.root.path, command)
    }
    fn find_program(&self, name: &str) -> io::Result<Option<PathBuf>> {
        look::find_program(&self.root, name)
    }
    fn connect(&self, to: SocketAddr, patience: Duration) -> io::Result<Box<dyn io::Read>> {
        if !self.root.may_run() {
            let message = format!("connecting to {to}: a root directory has no services");
            return Err(io::Error::new(io::ErrorKind::Unsupported, message));
        }
        let stream = TcpStream::connect_timeout(&to, patience.max(Duration::from_millis(1)))?;
        // Whoever reads decides how long altogether; a silence of this length lets it look at the clock.
        stream.set_read_timeout(Some(Duration::from_millis(200)))?;
        Ok(Box::new(stream))
    }
    fn walk(&self, visit: Visit<'_>) -> Vec<Unwalked> {
        walk::walk(&self.root, visit)
    }
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }
    fn umask(&self) -> u32 {
        self.umask
    }
    fn identity(&self) -> (u32, u32) {
        (nix::unistd::geteuid().as_raw(), nix::unistd::getegid().as_raw())
    }
}

impl Host for Linux {
    fn apply(&mut self, change: &Change) -> Result<Effect, HostError> {
        let started = SystemTime::now();
        let clock = Instant::now();
        let mut effect = self.carry_out(change)?;
        effect.started.get_or_insert(started);
        effect.elapsed = clock.elapsed();
        Ok(effect)
    }

    fn observe(&self) -> &dyn Observe {
        self
    }
}

impl Linux {
    fn carry_out(&self, change: &Change) -> Result<Effect, HostError> {
        let root = &self.root;
        let placed = match change {
            Change::Write(file) => return write::put(root, self.umask, file),
            Change::MakeDirectory { path, attributes } => {
                place::make_directory(root, path, attributes).map_err(|e| HostError::io("make directory", path, e))
            }
            Change::SetAttributes { path, attributes, follow } => {
                place::set_attributes(root, path, attributes, *follow)
                    .map_err(|e| HostError::io("set owner, group or mode of", path, e))
            }
            Change::SetTimes { path, atime, mtime } => {
                place::set_times(root, path, *atime, *mtime).map_err(|e| HostError::io("set times of", path, e))
            }
            Change::SetLabel { path, label } => {
                labels::set(root, path, label).map_err(|e| HostError::io("set the SELinux label of", path, e))
            }
            Change::Symlink { path, target } => {
                place::symlink(root, path, target).map_err(|e| HostError::io("link", path, e))
            }
            Change::HardLink { path, target } => {
                place::hard_link(root, path, target).map_err(|e| HostError::io("hard link", path, e))
            }
            Change::Rename { from, to } => place::rename(root, from, to).map_err(|e| HostError::io("rename", from, e)),
            Change::Unpack(unpack) => return unpack::unpack(root, unpack).map(|()| Effect::default()),
            Change::Remove { path } => place::remove(root, path).map_err(|e| HostError::io("remove", path, e)),
            Change::Run(command) => return self.run(command).map(said),
            Change::Packages(command) => {
                self.may_run(command)?;
                return packages::run(&root.path, command).map(said);
            }
            Change::Unit { name, action, scope, no_block } => {
                return units::act(&root.path, name, *action, scope.as_deref(), *no_block).map(said);
            }
            Change::Account(account) => return accounts::alter(&root.path, account).map(said),
            Change::Start { job, command } => {
                self.may_run(command)?;
                self.jobs.start(job, &root.path, command);
                Ok(())
            }
            Change::Wait(time) => {
                program::pause(*time);
                Ok(())
            }
        };
        placed.map(|()| Effect::default())
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests set the stage")]
mod tests {
    use super::*;
    use crate::host::{Attributes, FileWrite, Kind};
    use std::fs;

    fn stage() -> (tempfile::TempDir, Linux) {
        let scratch = tempfile::tempdir().expect("scratch");
        fs::create_dir_all(scratch.path().join("etc")).expect("etc");
        fs::write(scratch.path().join("etc/passwd"), "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000::/:/bin/sh\n")
            .expect("passwd");
        let host = Linux::new(scratch.path()).expect("root");
        (scratch, host)
    }

    #[test]
    fn a_file_is_replaced_keeping_its_mode_and_leaves_a_backup() {
        let (scratch, mut host) = stage();
        let path = Path::new("/etc/app.conf");
        let mut first = FileWrite::new(path, "one");
        first.attributes.mode = Some(0o640);
        host.apply(&Change::Write(first)).expect("first");
        let mut second = FileWrite::new(path, "two");
        second.backup = true;
        let effect = host.apply(&Change::Write(second)).expect("second");
        let backup = effect.backup.expect("backup");
        assert_eq!(host.read(path).expect("read").as_deref(), Some(&b"two"[..]));
        assert_eq!(host.read(&backup).expect("read").as_deref(), Some(&b"one"[..]));
        let stat = host.stat(path, false).expect("stat").expect("there");
        assert_eq!((stat.mode, stat.kind), (0o640, Kind::File));
        assert_eq!(fs::read_dir(scratch.path().join("etc")).expect("list").count(), 3);
    }

    #[test]
    fn links_resolve_inside_the_root() {
        let (scratch, mut host) = stage();
        let link = |path: &str, target: &str| Change::Symlink { path: path.into(), target: target.into() };
        host.apply(&link("/etc/users", "/etc/passwd")).expect("absolute");
        host.apply(&link("/etc/out", "../../../../../../etc/passwd")).expect("upwards");
        for path in ["/etc/users", "/etc/out"] {
            assert!(host.read(Path::new(path)).expect("read").expect("there").starts_with(b"root:x"), "{path}");
        }
        let mut write = FileWrite::new("/etc/new", "in");
        write.follow = true;
        host.apply(&link("/etc/new", "/etc/target")).expect("dangling");
        host.apply(&Change::Write(write)).expect("through");
        assert_eq!(fs::read(scratch.path().join("etc/target")).expect("inside"), b"in");
    }

    #[test]
    fn a_tree_is_removed_and_what_a_link_points_to_stays() {
        let (scratch, mut host) = stage();
        let make = |path: &str| Change::MakeDirectory {
            path: path.into(),
            attributes: Attributes { mode: Some(0o750), ..Attributes::default() },
        };
        host.apply(&make("/a")).expect("a");
        host.apply(&make("/a/b")).expect("b");
        host.apply(&Change::Symlink { path: "/a/b/etc".into(), target: "/etc".into() }).expect("link");
        assert_eq!(host.stat(Path::new("/a/b"), false).expect("stat").expect("there").mode, 0o750);
        host.apply(&Change::Remove { path: "/a".into() }).expect("remove");
        assert!(!scratch.path().join("a").exists() && scratch.path().join("etc/passwd").exists());
        host.apply(&Change::Remove { path: "/a".into() }).expect("again");
    }

    #[test]
    fn attributes_times_and_hard_links() {
        let (_scratch, mut host) = stage();
        let path = Path::new("/etc/passwd");
        let attributes = Attributes { mode: Some(0o4711), ..Attributes::default() };
        host.apply(&Change::SetAttributes { path: path.into(), attributes, follow: false }).expect("mode");
        host.apply(&Change::SetTimes { path: path.into(), atime: None, mtime: Some(1_000_000.5) }).expect("times");
        host.apply(&Change::HardLink { path: "/etc/same".into(), target: path.into() }).expect("hard");
        host.apply(&Change::HardLink { path: "/etc/same".into(), target: path.into() }).expect("again");
        let stat = host.stat(path, false).expect("stat").expect("there");
        assert_eq!((stat.mode, stat.links), (0o4711, 2));
        assert!((stat.mtime - 1_000_000.5).abs() < 1e-6);
        assert_eq!(host.list(Path::new("/etc")).expect("list").expect("there").len(), 2);
    }

    #[test]
    fn a_file_that_does_not_validate_never_gets_its_name() {
        let scratch = tempfile::tempdir().expect("scratch");
        let mut host = Linux::new(Path::new("/")).expect("root");
        let path = scratch.path().join("app.conf");
        host.apply(&Change::Write(FileWrite::new(&path, "old"))).expect("first");
        let mut write = FileWrite::new(&path, "new");
        write.backup = true;
        write.validate = Some(Command::new(["grep", "-q", "good", "%s"]));
        let error = host.apply(&Change::Write(write.clone())).expect_err("refused");
        assert!(matches!(error, HostError::Validation { .. }), "{error}");
        assert_eq!(host.list(scratch.path()).expect("list").expect("there"), ["app.conf"]);
        assert_eq!(fs::read(&path).expect("old"), b"old");
        write.content = crate::host::Content::Bytes(b"good".as_slice().into());
        host.apply(&Change::Write(write)).expect("benign twin");
        assert_eq!(fs::read(&path).expect("new"), b"good");
    }

    #[test]
    fn a_staged_content_is_put_in_place_whole() {
        use std::io::Write;
        let (scratch, mut host) = stage();
        let mut file = crate::host::durable::staging(scratch.path()).expect("staging");
        let bytes: Vec<u8> = (0..300_000_u32).flat_map(u32::to_le_bytes).collect();
        file.write_all(&bytes).expect("staged");
        let mut write = FileWrite::new("/etc/big", "");
        write.content = crate::host::Content::Staged(std::sync::Arc::new(file));
        host.apply(&Change::Write(write.clone())).expect("first");
        host.apply(&Change::Write(write)).expect("again");
        assert_eq!(host.read(Path::new("/etc/big")).expect("read"), Some(bytes));
    }

    #[test]
    fn a_root_directory_runs_nothing_and_says_so() {
        let (_scratch, mut host) = stage();
        let error = host.apply(&Change::Run(Command::new(["true"]))).expect_err("refused");
        assert!(error.to_string().contains("--chroot"), "{error}");
        assert_eq!(host.user("app").expect("user").expect("there").uid, 1000);
        assert_eq!(host.user("1000").expect("user").expect("there").name, "app");
        assert!(host.user("nobody-here").expect("user").is_none());
    }
}
