//! The words that `useradd`, `usermod` and `userdel` are given.

use super::shadow::Entry;
use super::{Eyes, Failed, User};
use crate::host::{Command, GroupEntry, UserEntry};

impl User {
    /// Adds the user.
    pub fn useradd(&self, eyes: &Eyes<'_>) -> Result<Command, Failed> {
        let mut words = Words::of("useradd");
        if let Some(uid) = self.uid {
            words.pair("-u", uid.to_string());
            words.flag("-o", self.non_unique);
        }
        words.option("-Z", self.seuser.as_ref());
        match &self.group {
            Some(group) => {
                find_group(eyes, group)?;
                words.pair("-g", group.clone());
            }
            // A group of the user's own name is there already: useradd must not try to add one.
            None => words.flag("-N", known_group(eyes, &self.name)?.is_some()),
        }
        if let Some(groups) = self.groups.as_ref().filter(|groups| !groups.is_empty()) {
            for group in groups {
                find_group(eyes, group)?;
            }
            words.pair("-G", groups.join(","));
        }
        words.option("-c", self.comment.as_ref());
        words.option("-d", self.home.as_ref());
        words.option("-s", self.shell.as_ref());
        if let Some(expires) = self.expires {
            words.pair("-e", date(expires));
        }
        if let Some(inactive) = self.inactive {
            words.pair("-f", inactive.to_string());
        }
        if self.create_home {
            words.flag("-m", true);
            words.option("-k", self.skeleton.as_ref());
            words.option("-K", self.umask.as_ref().map(|umask| format!("UMASK={umask}")).as_ref());
        } else {
            words.flag("-M", true);
        }
        words.flag("-r", self.system);
        for bound in &self.range {
            words.pair("-K", bound.clone());
        }
        Ok(words.about(&self.name))
    }

    /// Makes the user as described, where it differs; `password` says that its hash is to be set as well.
    pub fn usermod(
        &self,
        eyes: &Eyes<'_>,
        have: &UserEntry,
        entry: &Entry,
        password: bool,
    ) -> Result<Option<Command>, Failed> {
        let mut words = Words::of("usermod");
        if let Some(uid) = self.uid.filter(|uid| *uid != i64::from(have.uid)) {
            words.pair("-u", uid.to_string());
            words.flag("-o", self.non_unique);
        }
        if let Some(group) = &self.group {
            let gid = find_group(eyes, group)?.gid;
            if gid != have.gid {
                words.pair("-g", gid.to_string());
            }
        }
        self.usermod_groups(eyes, &mut words)?;
        words.option("-c", self.comment.as_ref().filter(|comment| **comment != have.gecos));
        if let Some(home) = self.home.as_ref().filter(|home| **home != have.home) {
            words.pair("-d", home.clone());
            words.flag("-m", self.move_home);
        }
        words.option("-s", self.shell.as_ref().filter(|shell| **shell != have.shell));
        if let Some(expires) = self.expires.filter(|expires| expiry_differs(*expires, entry.expires())) {
            words.pair("-e", date(expires));
        }
        if let Some(inactive) = self.inactive {
            // As Ansible: always set, never compared.
            words.pair("-f", inactive.to_string());
        }
        // A hash that is set anyway carries its lock with it.
        if !password {
            let locked = entry.hash().starts_with('!');
            words.flag("-L", self.lock == Some(true) && !locked);
            words.flag("-U", self.lock == Some(false) && locked);
        }
        Ok((words.0.len() > 1).then(|| words.about(&self.name)))
    }

    fn usermod_groups(&self, eyes: &Eyes<'_>, words: &mut Words) -> Result<(), Failed> {
        let Some(wanted) = &self.groups else { return Ok(()) };
        let every = eyes.host.groups().map_err(|error| Failed::new(format!("reading groups: {error}")))?;
        let current: Vec<String> =
            every.into_iter().filter(|group| group.members.contains(&self.name)).map(|group| group.name).collect();
        let mut names: Vec<String> = Vec::new();
        for group in wanted {
            let name = find_group(eyes, group)?.name;
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let lacks = names.iter().any(|name| !current.contains(name));
        let exceeds = current.iter().any(|name| !names.contains(name));
        if lacks || (exceeds && !self.append) {
            words.flag("-a", self.append);
            words.pair("-G", names.join(","));
        }
        Ok(())
    }

    /// Removes the user.
    pub fn userdel(&self) -> Command {
        let mut words = Words::of("userdel");
        words.flag("-f", self.force && !self.local);
        words.flag("-r", self.remove);
        words.about(&self.name)
    }
}

struct Words(Vec<String>);

impl Words {
    fn of(program: &str) -> Self {
        Self(vec![program.into()])
    }

    fn flag(&mut self, flag: &str, wanted: bool) {
        self.0.extend(wanted.then(|| flag.to_owned()));
    }

    fn pair(&mut self, flag: &str, value: String) {
        self.0.extend([flag.to_owned(), value]);
    }

    fn option(&mut self, flag: &str, value: Option<&String>) {
        if let Some(value) = value {
            self.pair(flag, value.clone());
        }
    }

    fn about(mut self, name: &str) -> Command {
        self.0.push(name.into());
        Command::new(self.0)
    }
}

fn known_group(eyes: &Eyes<'_>, name: &str) -> Result<Option<GroupEntry>, Failed> {
    eyes.host.group(name).map_err(|error| Failed::new(format!("looking for group {name}: {error}")))
}

fn find_group(eyes: &Eyes<'_>, name: &str) -> Result<GroupEntry, Failed> {
    known_group(eyes, name)?.ok_or_else(|| Failed::new(format!("Group {name} does not exist")))
}

/// Whole days since the epoch.
fn days(seconds: f64) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "a date, saturating")]
    let days = (seconds / 86_400.0).floor() as i64;
    days
}

/// A date as `useradd -e` takes it; before the epoch means never.
fn date(seconds: f64) -> String {
    if seconds < 0.0 {
        return String::new();
    }
    let timestamp = jiff::Timestamp::from_second(days(seconds).saturating_mul(86_400)).unwrap_or_default();
    timestamp.strftime("%Y-%m-%d").to_string()
}

fn expiry_differs(wanted: f64, current: Option<i64>) -> bool {
    match (wanted < 0.0, current) {
        (true, current) => current.is_some_and(|current| current >= 0),
        // Ansible reads an entry that holds no date as -1.
        (false, None) => true,
        (false, Some(current)) => current < 0 || current != days(wanted),
    }
}
