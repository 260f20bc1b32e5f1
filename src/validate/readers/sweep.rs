//! What one walk over the local file systems found that any control asks for.

use crate::host::{Kind, Stat};
use crate::validate::machine::{Machine, Reader};
use crate::validate::verdict::Unseen;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::Path;
use std::sync::Mutex;

/// As many finds of a sort as are kept by name; the rest is counted.
const KEPT: usize = 1000;

/// Finds of one sort.
#[derive(Debug, Default)]
pub struct Finds {
    /// Paths with what is wrong of each, sorted.
    pub some: Vec<(String, String)>,
    /// How many there are.
    pub count: usize,
}

impl Finds {
    fn add(&mut self, path: String, what: String) {
        self.count += 1;
        if self.some.len() < KEPT {
            self.some.push((path, what));
        }
    }
}

/// What the walk found.
#[derive(Debug, Default)]
pub struct Sweep {
    /// Regular files and devices that everybody may write, and directories where everybody may remove another's files.
    pub writable: Finds,
    /// What belongs to a user or group that does not exist.
    pub unowned: Finds,
    /// Programs that are setuid or setgid.
    pub privileged: Finds,
    /// Directories that could not be read.
    pub unread: Vec<Unseen>,
    /// File systems of other machines, which were left out.
    pub skipped: Vec<(String, String)>,
    /// How many entries were looked at.
    pub looked_at: usize,
}

impl Reader for Sweep {
    fn read(machine: &Machine<'_>) -> Result<Self, Unseen> {
        let observe = machine.observe();
        let unseen = |file: &str, error: std::io::Error| Unseen::new(file, error.to_string());
        let users = observe.users().map_err(|error| unseen("/etc/passwd", error))?;
        let groups = observe.groups().map_err(|error| unseen("/etc/group", error))?;
        let users: BTreeSet<u32> = users.iter().map(|user| user.uid).collect();
        let groups: BTreeSet<u32> = groups.iter().map(|group| group.gid).collect();
        let sweep = Mutex::new(Self::default());
        let strangers = Mutex::new(Vec::new());
        let looked_at = std::sync::atomic::AtomicUsize::new(0);
        let unwalked = observe.walk(&|directory: &Path, name: &OsStr, stat: &Stat| {
            looked_at.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let sort = Sort::of(stat);
            let stranger = !users.contains(&stat.uid) || !groups.contains(&stat.gid);
            if sort == Sort::Nothing && !stranger {
                return;
            }
            let path = directory.join(name).to_string_lossy().into_owned();
            if stranger && let Ok(mut strangers) = strangers.lock() {
                strangers.push((path.clone(), stat.uid, stat.gid));
            }
            let Ok(mut sweep) = sweep.lock() else { return };
            match sort {
                Sort::Writable => sweep.writable.add(path, format!("mode {:04o}", stat.mode)),
                Sort::Privileged => sweep.privileged.add(path, format!("mode {:04o}", stat.mode)),
                Sort::Nothing => {}
            }
        });
        let poisoned = || Unseen::new("the file systems", "the walk broke off");
        let mut sweep = sweep.into_inner().map_err(|_| poisoned())?;
        let strangers = strangers.into_inner().map_err(|_| poisoned())?;
        sweep.looked_at = looked_at.into_inner();
        sweep.strangers(machine, strangers, &users, &groups)?;
        for one in unwalked {
            let path = one.path.to_string_lossy().into_owned();
            match one.skipped {
                true => sweep.skipped.push((path, one.why)),
                false => sweep.unread.push(Unseen::new(path, one.why)),
            }
        }
        for finds in [&mut sweep.writable, &mut sweep.unowned, &mut sweep.privileged] {
            finds.some.sort();
        }
        Ok(sweep)
    }
}

impl Sweep {
    /// A number that the local files do not have may still be a directory service's; each is asked once.
    fn strangers(
        &mut self,
        machine: &Machine<'_>,
        found: Vec<(String, u32, u32)>,
        users: &BTreeSet<u32>,
        groups: &BTreeSet<u32>,
    ) -> Result<(), Unseen> {
        let observe = machine.observe();
        let unseen = |error: std::io::Error| Unseen::new("getent", error.to_string());
        let (mut no_user, mut no_group) = (BTreeSet::new(), BTreeSet::new());
        let uids: BTreeSet<u32> = found.iter().map(|one| one.1).filter(|uid| !users.contains(uid)).collect();
        let gids: BTreeSet<u32> = found.iter().map(|one| one.2).filter(|gid| !groups.contains(gid)).collect();
        for uid in uids {
            if observe.user(&uid.to_string()).map_err(unseen)?.is_none() {
                no_user.insert(uid);
            }
        }
        for gid in gids {
            if observe.group(&gid.to_string()).map_err(unseen)?.is_none() {
                no_group.insert(gid);
            }
        }
        for (path, uid, gid) in found {
            match (no_user.contains(&uid), no_group.contains(&gid)) {
                (true, true) => self.unowned.add(path, format!("no user {uid}, no group {gid}")),
                (true, false) => self.unowned.add(path, format!("no user {uid}")),
                (false, true) => self.unowned.add(path, format!("no group {gid}")),
                (false, false) => {}
            }
        }
        Ok(())
    }
}

#[derive(PartialEq, Eq)]
enum Sort {
    Writable,
    Privileged,
    Nothing,
}

impl Sort {
    fn of(stat: &Stat) -> Self {
        match stat.kind {
            Kind::File if stat.mode & 0o6000 != 0 && stat.mode & 0o111 != 0 => Self::Privileged,
            Kind::File if stat.mode & 0o002 != 0 => Self::Writable,
            Kind::Directory if stat.mode & 0o1002 == 0o002 => Self::Writable,
            _ => Self::Nothing,
        }
    }
}
