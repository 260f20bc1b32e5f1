//! Who a program becomes: a user's numbers and groups, read from the root's own files, never through libc's lookups.

use super::program;
use crate::host::Command;
use std::io;
use std::path::Path;

/// A user as a process needs it.
#[derive(Debug, PartialEq, Eq)]
pub struct Identity {
    /// Login name.
    pub name: String,
    /// Number.
    pub uid: u32,
    /// Primary group.
    pub gid: u32,
    /// Every group, the primary one included.
    pub groups: Vec<u32>,
    /// Home directory.
    pub home: String,
    /// Login shell.
    pub shell: String,
}

impl Identity {
    /// The user of that name or number: from `/etc/passwd` and `/etc/group` below the root, else from `getent`.
    pub fn find(root: &Path, user: &str) -> io::Result<Self> {
        let read = |name: &str| std::fs::read_to_string(root.join("etc").join(name)).unwrap_or_default();
        if let Some(mut found) = Self::parse(&read("passwd"), user) {
            found.groups = groups_of(&read("group"), &found.name, found.gid);
            return Ok(found);
        }
        let ask = |argv: [&str; 3]| program::run(root, &Command::new(argv)).map(|output| output.text());
        let mut found = ask(["getent", "passwd", user])
            .ok()
            .and_then(|line| Self::parse(&line, user))
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, format!("there is no user `{user}`")))?;
        let numbers = ask(["id", "-G", &found.name]).unwrap_or_default();
        found.groups = numbers.split_whitespace().filter_map(|number| number.parse().ok()).collect();
        Ok(found)
    }

    /// The variables that `sudo -H` sets.
    pub fn environment(&self) -> [(&'static str, &str); 4] {
        [("HOME", &self.home), ("USER", &self.name), ("LOGNAME", &self.name), ("SHELL", &self.shell)]
    }

    fn parse(passwd: &str, user: &str) -> Option<Self> {
        let entries = passwd.lines().filter_map(|line| {
            let fields: Vec<&str> = line.split(':').collect();
            let [name, _, uid, gid, _, home, shell] = fields[..] else { return None };
            let (uid, gid) = (uid.parse().ok()?, gid.parse().ok()?);
            let shell = if shell.is_empty() { "/bin/sh" } else { shell };
            Some(Self { name: name.into(), uid, gid, groups: vec![gid], home: home.into(), shell: shell.into() })
        });
        let number: Option<u32> = user.parse().ok();
        let mut by_number = None;
        for entry in entries {
            if entry.name == user {
                return Some(entry);
            }
            if by_number.is_none() && Some(entry.uid) == number {
                by_number = Some(entry);
            }
        }
        by_number
    }
}

/// As `initgroups(3)`: the primary group, then every group that lists the user.
fn groups_of(group: &str, name: &str, primary: u32) -> Vec<u32> {
    let mut groups = vec![primary];
    for line in group.lines() {
        let fields: Vec<&str> = line.split(':').collect();
        if let [_, _, gid, members] = fields[..]
            && members.split(',').any(|member| member == name)
            && let Ok(gid) = gid.parse()
            && !groups.contains(&gid)
        {
            groups.push(gid);
        }
    }
    groups
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests set the stage")]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_name_and_number_with_its_groups() {
        let root = tempfile::tempdir().expect("root");
        std::fs::create_dir(root.path().join("etc")).expect("etc");
        std::fs::write(root.path().join("etc/passwd"), "broken\nroot:x:0:0::/root:/bin/bash\napp:x:7:8:A:/srv/app:\n")
            .expect("passwd");
        std::fs::write(root.path().join("etc/group"), "app:x:8:\nadm:x:4:x,app\nwheel:x:10:application\n")
            .expect("group");
        let app = Identity::find(root.path(), "app").expect("app");
        assert_eq!((app.uid, app.gid, app.groups.as_slice()), (7, 8, &[8, 4][..]));
        assert_eq!(app.shell, "/bin/sh");
        assert_eq!(Identity::find(root.path(), "7").expect("7"), app);
    }
}
