//! `user_db`: what has to hold of passwd, group and shadow as a whole.

use super::Mechanism;
use crate::validate::machine::Machine;
use crate::validate::readers::login_defs::LoginDefs;
use crate::validate::readers::users::{GROUP, PASSWD, Password, SHADOW, Secrets, Users, no_login};
use crate::validate::text::At;
use crate::validate::verdict::{Aspect, Finding, Unseen};
use serde::Deserialize;
use std::collections::BTreeMap;

/// A question to the user database.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UserDb {
    /// Which.
    what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
enum What {
    /// Only root has the number 0.
    Uid0,
    /// Only the group root has the number 0.
    Gid0,
    /// Only root has group 0 as the primary one, beside sync, shutdown, halt and operator.
    PrimaryGid0,
    /// root has a password, or is locked.
    RootPassword,
    /// Accounts of the system have no shell.
    NologinShells,
    /// Accounts whose shell is not in /etc/shells have no password.
    InvalidShellsLocked,
    /// Every password is in shadow.
    Shadowed,
    /// No password is empty.
    NoEmpty,
    /// Every primary group exists.
    GidExists,
    /// Nobody is in the group shadow.
    ShadowGroupEmpty,
    /// No number is two accounts'.
    UniqueUids,
    /// No number is two groups'.
    UniqueGids,
    /// No name is two accounts'.
    UniqueUsers,
    /// No name is two groups'.
    UniqueGroups,
    /// No password was changed later than now.
    ChangedInFuture,
    /// No account has a password that could be typed.
    LockedPasswords,
    /// No account is a person's.
    NoHuman,
}

/// What breaks a rule, and where.
type Broken = Vec<(At, String)>;

impl Mechanism for UserDb {
    fn judge(&self, machine: &Machine<'_>) -> Finding {
        let broken = match self.broken(machine) {
            Ok(broken) => broken,
            Err(unseen) => return Finding::unseen(Aspect::Stored, &unseen),
        };
        let mut finding = Finding::new();
        if broken.is_empty() {
            finding.fact(Aspect::Stored, true, &At::file(self.file()), "no line is against it", self.expects());
        }
        for (at, found) in broken {
            finding.fact(Aspect::Stored, false, &at, found, self.expects());
        }
        finding
    }

    fn reads(&self) -> Vec<String> {
        [PASSWD, GROUP, SHADOW, "/etc/shells"].map(str::to_owned).to_vec()
    }

    fn expects(&self) -> String {
        match self.what {
            What::Uid0 => "only root has the number 0",
            What::Gid0 => "only the group root has the number 0",
            What::PrimaryGid0 => "only root has the primary group 0",
            What::RootPassword => "root has a password or is locked",
            What::NologinShells => "accounts of the system have nologin or false as their shell",
            What::InvalidShellsLocked => "accounts whose shell is not in /etc/shells are locked",
            What::Shadowed => "every password is in shadow",
            What::NoEmpty => "no password is empty",
            What::GidExists => "every primary group exists",
            What::ShadowGroupEmpty => "nobody is in the group shadow",
            What::UniqueUids => "every account has a number of its own",
            What::UniqueGids => "every group has a number of its own",
            What::UniqueUsers => "every account has a name of its own",
            What::UniqueGroups => "every group has a name of its own",
            What::ChangedInFuture => "no password was changed later than now",
            What::LockedPasswords => "no account has a password that could be typed",
            What::NoHuman => "no account has a number of people's",
        }
        .into()
    }
}

impl UserDb {
    fn file(&self) -> &'static str {
        match self.what {
            What::Gid0 | What::ShadowGroupEmpty | What::UniqueGids | What::UniqueGroups => GROUP,
            What::RootPassword
            | What::InvalidShellsLocked
            | What::NoEmpty
            | What::ChangedInFuture
            | What::LockedPasswords => SHADOW,
            _ => PASSWD,
        }
    }

    fn broken(&self, machine: &Machine<'_>) -> Result<Broken, Unseen> {
        let db = machine.reader::<Users>()?;
        let users = |wrong: &dyn Fn(&crate::validate::readers::users::User) -> bool| -> Broken {
            let wrong = db.users.iter().filter(|user| wrong(user));
            wrong
                .map(|user| (user.at.clone(), format!("{} {}:{}:{}", user.name, user.uid, user.gid, user.shell)))
                .collect()
        };
        Ok(match self.what {
            What::Uid0 => users(&|user| user.uid == 0 && user.name != "root"),
            What::PrimaryGid0 => users(&|user| {
                user.gid == 0 && !matches!(user.name.as_str(), "root" | "sync" | "shutdown" | "halt" | "operator")
            }),
            What::Gid0 => {
                let wrong = db.groups.iter().filter(|group| group.gid == 0 && group.name != "root");
                wrong.map(|group| (group.at.clone(), format!("{} {}", group.name, group.gid))).collect()
            }
            What::NologinShells => {
                let least = machine.reader::<LoginDefs>()?.uid_min();
                users(&|user| {
                    let system = user.uid < least || user.uid == 65_534;
                    let spared = matches!(user.name.as_str(), "root" | "halt" | "sync" | "shutdown" | "nfsnobody");
                    system && !spared && !no_login(&user.shell)
                })
            }
            What::Shadowed => users(&|user| user.password != "x"),
            What::GidExists => users(&|user| !db.groups.iter().any(|group| group.gid == user.gid)),
            What::ShadowGroupEmpty => {
                let shadow = db.group("shadow").into_iter();
                let of = |group| db.members(group).into_iter().map(str::to_owned).collect::<Vec<_>>();
                let full = shadow.map(|group| (group.at.clone(), of(group))).filter(|(_, members)| !members.is_empty());
                full.map(|(at, members)| (at, format!("in shadow: {}", members.join(", ")))).collect()
            }
            What::UniqueUids => twice(db.users.iter().map(|user| (user.uid.to_string(), &user.name, &user.at))),
            What::UniqueGids => twice(db.groups.iter().map(|group| (group.gid.to_string(), &group.name, &group.at))),
            What::UniqueUsers => twice(db.users.iter().map(|user| (user.name.clone(), &user.name, &user.at))),
            What::UniqueGroups => twice(db.groups.iter().map(|group| (group.name.clone(), &group.name, &group.at))),
            What::NoHuman => {
                let least = machine.reader::<LoginDefs>()?.uid_min();
                users(&|user| user.uid >= least && user.uid < 65_534)
            }
            What::RootPassword
            | What::InvalidShellsLocked
            | What::NoEmpty
            | What::ChangedInFuture
            | What::LockedPasswords => self.of_shadow(machine, &db)?,
        })
    }

    fn of_shadow(&self, machine: &Machine<'_>, db: &Users) -> Result<Broken, Unseen> {
        let secrets = machine.reader::<Secrets>()?;
        let invalid = |name: &str| {
            let user = db.users.iter().find(|user| user.name == name);
            user.is_some_and(|user| !db.shells.contains(&user.shell) && !no_login(&user.shell) && user.name != "root")
        };
        let now = machine.observe().now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_secs() / 86_400;
        let wrong = |secret: &&crate::validate::readers::users::Secret| match self.what {
            What::RootPassword => secret.name == "root" && secret.state == Password::Empty,
            What::NoEmpty => secret.state == Password::Empty,
            What::LockedPasswords => secret.state != Password::Locked,
            What::ChangedInFuture => {
                secret.state == Password::Set && secret.days[0].parse::<u64>().is_ok_and(|day| day > now)
            }
            _ => secret.state != Password::Locked && invalid(&secret.name),
        };
        let found = secrets.0.iter().filter(wrong).map(|secret| {
            let state = format!("{:?}", secret.state).to_lowercase();
            (
                secret.at.clone(),
                format!("the password of {} is {state}, changed on day {}", secret.name, secret.days[0]),
            )
        });
        let mut broken: Broken = found.collect();
        if matches!(self.what, What::NoEmpty | What::RootPassword) {
            let root = |name: &str| self.what == What::NoEmpty || name == "root";
            let open = db.users.iter().filter(|user| user.password.is_empty() && root(&user.name));
            broken.extend(open.map(|user| (user.at.clone(), format!("{} has no password", user.name))));
        }
        if self.what == What::RootPassword && !secrets.0.iter().any(|secret| secret.name == "root") {
            return Err(Unseen::new(SHADOW, "has no line for root"));
        }
        Ok(broken)
    }
}

/// Keys that stand more than once; each line after the first.
fn twice<'a>(keys: impl Iterator<Item = (String, &'a String, &'a At)>) -> Broken {
    let mut first: BTreeMap<String, &str> = BTreeMap::new();
    let mut broken = Vec::new();
    for (key, name, at) in keys {
        match first.get(&key) {
            Some(other) => broken.push((at.clone(), format!("{key} is {other}'s and {name}'s"))),
            None => drop(first.insert(key, name)),
        }
    }
    broken
}
