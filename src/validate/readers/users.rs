//! The user database: passwd, group, shadow, gshadow, the list of shells.
//!
//! Lines as glibc reads them: those with too few fields are passed over, numbers may have zeros in front (`00` is root).

use crate::validate::machine::{Machine, Reader};
use crate::validate::text::At;
use crate::validate::verdict::Unseen;
use std::collections::BTreeSet;

/// An account.
#[derive(Clone, Debug)]
pub struct User {
    /// Its name.
    pub name: String,
    /// The second field: `x` where the hash is in shadow.
    pub password: String,
    /// Number.
    pub uid: u32,
    /// Number of its primary group.
    pub gid: u32,
    /// Home directory.
    pub home: String,
    /// Login shell; empty is /bin/sh.
    pub shell: String,
    /// Where it stands.
    pub at: At,
}

/// A group.
#[derive(Clone, Debug)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Number.
    pub gid: u32,
    /// Members beside those whose primary group it is.
    pub members: Vec<String>,
    /// Where it stands.
    pub at: At,
}

/// passwd, group, and the shells that are for people.
#[derive(Debug)]
pub struct Users {
    /// In the order of /etc/passwd.
    pub users: Vec<User>,
    /// In the order of /etc/group.
    pub groups: Vec<Group>,
    /// Of /etc/shells.
    pub shells: BTreeSet<String>,
}

pub const PASSWD: &str = "/etc/passwd";
pub const GROUP: &str = "/etc/group";
pub const SHADOW: &str = "/etc/shadow";

/// Fields of a file's lines.
fn fields(machine: &Machine<'_>, file: &str) -> Result<Vec<(At, Vec<String>)>, Unseen> {
    let text = machine.text(file)?.ok_or_else(|| Unseen::new(file, "is not there"))?;
    let of = |line: &str| line.split(':').map(str::to_owned).collect();
    Ok(text.lines().filter(|(_, line)| !line.starts_with('#')).map(|(at, line)| (at, of(line))).collect())
}

impl Reader for Users {
    fn read(machine: &Machine<'_>) -> Result<Self, Unseen> {
        let user = |(at, fields): (At, Vec<String>)| {
            let [name, password, uid, gid, _, home, shell] = <[String; 7]>::try_from(fields).ok()?;
            let (uid, gid) = (uid.trim().parse().ok()?, gid.trim().parse().ok()?);
            Some(User { name, password, uid, gid, home, shell, at })
        };
        let group = |(at, fields): (At, Vec<String>)| {
            let [name, _, gid, members] = <[String; 4]>::try_from(fields).ok()?;
            let members = members.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned);
            Some(Group { name, gid: gid.trim().parse().ok()?, members: members.collect(), at })
        };
        let shells = machine.text("/etc/shells")?;
        let shells = shells.iter().flat_map(|text| text.lines().map(|(_, line)| line.trim().to_owned()));
        Ok(Self {
            users: fields(machine, PASSWD)?.into_iter().filter_map(user).collect(),
            groups: fields(machine, GROUP)?.into_iter().filter_map(group).collect(),
            shells: shells.filter(|line| line.starts_with('/')).collect(),
        })
    }
}

/// Whether a shell lets nobody in.
pub fn no_login(shell: &str) -> bool {
    matches!(shell.rsplit('/').next(), Some("nologin" | "false"))
}

impl Users {
    /// Accounts that people log in to: their shell is one of /etc/shells and lets them in.
    pub fn people(&self) -> impl Iterator<Item = &User> {
        self.users.iter().filter(|user| self.shells.contains(&user.shell) && !no_login(&user.shell))
    }

    /// A group by its name.
    pub fn group(&self, name: &str) -> Option<&Group> {
        self.groups.iter().find(|group| group.name == name)
    }

    /// Who is in a group, by its list or as the primary one.
    pub fn members<'a>(&'a self, group: &'a Group) -> Vec<&'a str> {
        let primary = self.users.iter().filter(|user| user.gid == group.gid).map(|user| user.name.as_str());
        group.members.iter().map(String::as_str).chain(primary).collect()
    }
}

/// An account's line in shadow. Fields that are empty are not set.
#[derive(Clone, Debug)]
pub struct Secret {
    /// Whose.
    pub name: String,
    /// The state of the password; a hash itself is not kept.
    pub state: Password,
    /// Days since the epoch of the last change; least and most days of a password, days of warning, days until locked.
    pub days: [String; 5],
    /// Where it stands.
    pub at: At,
}

/// What shadow's second field says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Password {
    /// Nothing is asked.
    Empty,
    /// No password fits.
    Locked,
    /// A hash.
    Set,
}

/// shadow.
#[derive(Debug)]
pub struct Secrets(pub Vec<Secret>);

impl Reader for Secrets {
    fn read(machine: &Machine<'_>) -> Result<Self, Unseen> {
        let secret = |(at, fields): (At, Vec<String>)| {
            let [name, hash, changed, min, max, warn, inactive, ..] = &fields[..] else { return None };
            let state = match hash.as_str() {
                "" => Password::Empty,
                hash if hash.starts_with(['!', '*']) || hash.len() < 13 => Password::Locked,
                _ => Password::Set,
            };
            let days = [changed, min, max, warn, inactive].map(|field| field.trim().to_owned());
            Some(Secret { name: name.clone(), state, days, at })
        };
        Ok(Self(fields(machine, SHADOW)?.into_iter().filter_map(secret).collect()))
    }
}
