//! Laying one change over the machine.

use super::Overlay;
use super::accounts::Home;
use super::tree::{Body, Node};
use crate::host::{Account, Attributes, Change, Effect, FileWrite, HostError, Kind, Observe, Stat, UserEntry};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

impl<O: Observe> Overlay<O> {
    pub(super) fn remember(&mut self, change: &Change) -> Result<Effect, HostError> {
        let done = match change {
            Change::Write(file) => return self.write(file).map_err(|e| HostError::io("write", &file.path, e)),
            Change::MakeDirectory { path, attributes } => {
                self.make_directory(path, attributes).map_err(|e| HostError::io("make directory", path, e))
            }
            Change::SetAttributes { path, attributes, follow } => self
                .node(path, *follow)
                .map(|node| set(&mut node.stat, attributes))
                .map_err(|e| HostError::io("set owner, group or mode of", path, e)),
            Change::SetTimes { path, atime, mtime } => self
                .node(path, true)
                .map(|node| {
                    node.stat.atime = atime.unwrap_or(node.stat.atime);
                    node.stat.mtime = mtime.unwrap_or(node.stat.mtime);
                })
                .map_err(|e| HostError::io("set times of", path, e)),
            Change::SetLabel { path, label } => self
                .node(path, false)
                .map(|node| node.label = Some(label.clone()))
                .map_err(|e| HostError::io("set the SELinux label of", path, e)),
            Change::Symlink { path, target } => self.symlink(path, target).map_err(|e| HostError::io("link", path, e)),
            Change::HardLink { path, target } => {
                self.hard_link(path, target).map_err(|e| HostError::io("hard link", path, e))
            }
            Change::Rename { from, to } => self.rename(from, to).map_err(|e| HostError::io("rename", from, e)),
            Change::Remove { path } => self
                .tree
                .resolve(&self.lower, path, false)
                .map(|path| self.tree.hide(&path))
                .map_err(|e| HostError::io("remove", path, e)),
            // What is in it is decided when it is applied; that it cannot be made is seen here.
            Change::Unpack(unpack) => self
                .make_directory(&unpack.path, &unpack.attributes)
                .map_err(|e| HostError::io("extract to", &unpack.path, e)),
            Change::Account(account) => {
                self.account(account).map_err(|e| HostError::io("account of", Path::new("/"), e))
            }
            Change::Run(command) | Change::Packages(command) | Change::Start { command, .. } => {
                self.not_run.push(command.shown());
                Ok(())
            }
            Change::Unit { name, action, .. } => {
                self.not_run.push(format!("systemctl {} {name}", action.verb()));
                Ok(())
            }
            Change::Wait(_) => Ok(()),
        };
        done.map(|()| Effect::default())
    }

    /// An account, with the home that goes with it.
    fn account(&mut self, account: &Account) -> io::Result<()> {
        match self.accounts.remember(&self.lower, account)? {
            Some(Home::Made(user)) if self.stat(Path::new(&user.home), false)?.is_none() => self.home(&user),
            Some(Home::Gone(home)) if self.stat(Path::new(&home), false)?.is_some() => {
                let home = self.tree.resolve(&self.lower, Path::new(&home), false)?;
                self.tree.hide(&home);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// As useradd(8) makes it, without the files of its skeleton: its mode is `HOME_MODE` of login.defs(5).
    fn home(&mut self, user: &UserEntry) -> io::Result<()> {
        let path = Path::new(&user.home);
        let mut parents: Vec<&Path> = path.ancestors().skip(1).collect();
        parents.reverse();
        for parent in parents {
            if self.stat(parent, true)?.is_none() {
                self.make_directory(parent, &Attributes { mode: Some(0o755), ..Attributes::default() })?;
            }
        }
        let defaults = self.read(Path::new("/etc/login.defs"))?.unwrap_or_default();
        let mode = String::from_utf8_lossy(&defaults).lines().find_map(|line| {
            let mut words = line.split_whitespace();
            (words.next() == Some("HOME_MODE")).then(|| u32::from_str_radix(words.next()?, 8).ok()).flatten()
        });
        let attributes = Attributes { mode: mode.or(Some(0o755)), uid: Some(user.uid), gid: Some(user.gid) };
        self.make_directory(path, &attributes)
    }

    fn node(&mut self, path: &Path, follow: bool) -> io::Result<&mut Node> {
        let path = self.tree.resolve(&self.lower, path, follow)?;
        self.tree.node_mut(&self.lower, &path)
    }

    /// Where a new name goes: its directory must be there.
    fn place(&self, path: &Path, follow: bool) -> io::Result<PathBuf> {
        let path = self.tree.resolve(&self.lower, path, follow)?;
        let parent = path.parent().unwrap_or(Path::new("/"));
        match self.tree.stat(&self.lower, parent)? {
            Some(stat) if stat.kind == Kind::Directory => Ok(path),
            Some(_) => Err(nix::errno::Errno::ENOTDIR.into()),
            None => Err(nix::errno::Errno::ENOENT.into()),
        }
    }

    fn fresh(&mut self, kind: Kind, mode: u32) -> Stat {
        self.inodes += 1;
        let now = self.lower.now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        let stat = Stat::unmade(kind, mode, self.lower.identity());
        Stat { inode: self.inodes, atime: now, mtime: now, ctime: now, ..stat }
    }

    fn write(&mut self, file: &FileWrite) -> io::Result<Effect> {
        let path = self.place(&file.path, file.follow)?;
        let old = self.tree.stat(&self.lower, &path)?;
        if old.as_ref().is_some_and(|old| old.kind == Kind::Directory) {
            return Err(nix::errno::Errno::EISDIR.into());
        }
        let mut stat = self.fresh(Kind::File, 0o666 & !self.lower.umask());
        match old.as_ref().filter(|old| old.kind != Kind::Link) {
            Some(before) => (stat.mode, stat.uid, stat.gid) = (before.mode, before.uid, before.gid),
            None => stat.gid = self.handed_down(&path)?.unwrap_or(stat.gid),
        }
        stat.size = file.content.size()?;
        set(&mut stat, &file.attributes);
        let mut effect = Effect::default();
        if file.backup && old.is_some() {
            let now = jiff::Timestamp::try_from(self.lower.now()).unwrap_or_default();
            let stamp = now.to_zoned(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d@%H:%M:%S~").to_string();
            let mut name = path.clone().into_os_string();
            name.push(format!(".{}.{stamp}", std::process::id()));
            self.rename(&path, Path::new(&name))?;
            effect.backup = Some(name.into());
        }
        self.tree.put(&path, Node { stat, body: Body::Written(file.content.clone()), label: None });
        Ok(effect)
    }

    fn make_directory(&mut self, path: &Path, attributes: &Attributes) -> io::Result<()> {
        let place = self.place(path, false)?;
        if let Some(there) = self.stat(&place, true)? {
            if there.kind != Kind::Directory {
                return Err(nix::errno::Errno::EEXIST.into());
            }
            set(&mut self.node(path, true)?.stat, attributes);
            return Ok(());
        }
        let mut stat = self.fresh(Kind::Directory, 0o777 & !self.lower.umask());
        if let Some(gid) = self.handed_down(&place)? {
            stat.gid = gid;
            stat.mode |= 0o2000;
        }
        set(&mut stat, attributes);
        stat.links = 2;
        stat.size = 4096;
        self.tree.put(&place, Node { stat, body: Body::Directory { opaque: true }, label: None });
        Ok(())
    }

    /// The group that a set-group-id directory hands down to what is made in it.
    fn handed_down(&self, path: &Path) -> io::Result<Option<u32>> {
        let parent = self.tree.stat(&self.lower, path.parent().unwrap_or(Path::new("/")))?;
        Ok(parent.filter(|parent| parent.mode & 0o2000 != 0).map(|parent| parent.gid))
    }

    fn symlink(&mut self, path: &Path, target: &Path) -> io::Result<()> {
        let place = self.place(path, false)?;
        let mut stat = self.fresh(Kind::Link, 0o777);
        stat.size = target.as_os_str().len() as u64;
        self.tree.put(&place, Node { stat, body: Body::Link(target.to_owned()), label: None });
        Ok(())
    }

    fn hard_link(&mut self, path: &Path, target: &Path) -> io::Result<()> {
        let place = self.place(path, false)?;
        let target = self.tree.resolve(&self.lower, target, false)?;
        self.tree.link(&self.lower, &place, &target)
    }

    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        let from = self.tree.resolve(&self.lower, from, false)?;
        let to = self.place(to, false)?;
        if from == to {
            return Ok(());
        }
        self.carry(&from, &to)?;
        self.tree.hide(&from);
        Ok(())
    }

    fn carry(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        let mut node = self.tree.node_mut(&self.lower, from)?.clone();
        let inside = match node.body {
            Body::Directory { .. } => self.tree.list(&self.lower, from)?.unwrap_or_default(),
            _ => Vec::new(),
        };
        if let Body::Directory { opaque } = &mut node.body {
            *opaque = true;
        }
        self.tree.put(to, node);
        for name in inside {
            self.carry(&from.join(&name), &to.join(&name))?;
        }
        Ok(())
    }
}

fn set(stat: &mut Stat, attributes: &Attributes) {
    stat.mode = attributes.mode.unwrap_or(stat.mode);
    stat.uid = attributes.uid.unwrap_or(stat.uid);
    stat.gid = attributes.gid.unwrap_or(stat.gid);
}
