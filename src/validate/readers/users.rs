//! The user database: passwd, group, shadow, gshadow, the list of shells.
//!
//! Lines as glibc reads them: numbers may have zeros or a sign in front (`00` and `-0` are root), fields at the end may be
//! missing (`toor::0:0` is an account without a password), and what follows the last one belongs to it. Only those with
//! fewer fields than that are passed over.

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

/// The fields of a file's lines, `all` of them where there are at least so many: the last takes the rest of its line.
fn fields(machine: &Machine<'_>, file: &str, least: usize, all: usize) -> Result<Vec<(At, Vec<String>)>, Unseen> {
    let text = machine.text(file)?.ok_or_else(|| Unseen::new(file, "is not there"))?;
    let lines = text.lines().map(|(at, line)| (at, line.trim_start())).filter(|(_, line)| !line.starts_with('#'));
    let parted = lines.map(|(at, line)| (at, line.splitn(all, ':').map(str::to_owned).collect::<Vec<String>>()));
    let whole = parted.filter(|(_, fields)| fields.len() >= least).map(|(at, mut fields)| {
        fields.resize(all, String::new());
        (at, fields)
    });
    Ok(whole.collect())
}

/// A number as strtoul(3) reads it.
fn number(field: &str) -> Option<u32> {
    let field = field.trim();
    if field.strip_prefix('-').is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte == b'0')) {
        return Some(0);
    }
    field.parse().ok()
}

impl Reader for Users {
    fn read(machine: &Machine<'_>) -> Result<Self, Unseen> {
        let user = |(at, fields): (At, Vec<String>)| {
            let [name, password, uid, gid, _, home, shell] = <[String; 7]>::try_from(fields).ok()?;
            let (uid, gid) = (number(&uid)?, number(&gid)?);
            Some(User { name, password, uid, gid, home, shell, at })
        };
        let group = |(at, fields): (At, Vec<String>)| {
            let [name, _, gid, members] = <[String; 4]>::try_from(fields).ok()?;
            let members = members.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned);
            Some(Group { name, gid: number(&gid)?, members: members.collect(), at })
        };
        let shells = machine.text("/etc/shells")?;
        let shells = shells.iter().flat_map(|text| text.lines().map(|(_, line)| line.trim().to_owned()));
        Ok(Self {
            users: fields(machine, PASSWD, 4, 7)?.into_iter().filter_map(user).collect(),
            groups: fields(machine, GROUP, 3, 4)?.into_iter().filter_map(group).collect(),
            shells: shells.filter(|line| line.starts_with('/')).collect(),
        })
    }
}

/// Whether a shell lets nobody in.
pub fn no_login(shell: &str) -> bool {
    // Anything may be called so elsewhere.
    let directory = ["/usr/sbin/", "/usr/bin/", "/sbin/", "/bin/"].iter().find_map(|base| shell.strip_prefix(base));
    matches!(directory, Some("nologin" | "false"))
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
            let [name, hash, changed, min, max, warn, inactive, _, _] = &fields[..] else { return None };
            let state = match hash.as_str() {
                "" => Password::Empty,
                hash if hash.starts_with(['!', '*']) || hash.len() < 13 => Password::Locked,
                _ => Password::Set,
            };
            let days = [changed, min, max, warn, inactive].map(|field| field.trim().to_owned());
            Some(Secret { name: name.clone(), state, days, at })
        };
        Ok(Self(fields(machine, SHADOW, 5, 9)?.into_iter().filter_map(secret).collect()))
    }
}
