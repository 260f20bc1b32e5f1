//! Accounts that changes made, as far as later tasks name them: who is there, under which number.

use crate::host::{Account, Command, GroupEntry, Observe, Output, UserEntry};
use std::io;

/// What becomes of a home directory beside its account.
pub enum Home {
    /// `useradd -m` makes it.
    Made(UserEntry),
    /// `userdel -r` removes it.
    Gone(String),
}

/// Added and removed accounts.
#[derive(Debug, Default)]
pub struct Accounts {
    users: Vec<UserEntry>,
    groups: Vec<GroupEntry>,
    gone_users: Vec<String>,
    gone_groups: Vec<String>,
}

impl Accounts {
    pub fn user(&self, lower: &dyn Observe, name: &str) -> io::Result<Option<UserEntry>> {
        let uid = name.parse().ok();
        let own = self.users.iter().find(|user| user.name == name || Some(user.uid) == uid);
        match own {
            Some(user) => Ok(Some(user.clone())),
            None => Ok(lower.user(name)?.filter(|user| !self.gone_users.contains(&user.name))),
        }
    }

    pub fn group(&self, lower: &dyn Observe, name: &str) -> io::Result<Option<GroupEntry>> {
        let gid = name.parse().ok();
        let own = self.groups.iter().find(|group| group.name == name || Some(group.gid) == gid);
        match own {
            Some(group) => Ok(Some(group.clone())),
            None => Ok(lower.group(name)?.filter(|group| !self.gone_groups.contains(&group.name))),
        }
    }

    pub fn users(&self, lower: &dyn Observe) -> io::Result<Vec<UserEntry>> {
        let mut all = lower.users()?;
        all.retain(|user| !self.gone_users.contains(&user.name) && self.users.iter().all(|own| own.name != user.name));
        all.extend(self.users.iter().cloned());
        Ok(all)
    }

    pub fn groups(&self, lower: &dyn Observe) -> io::Result<Vec<GroupEntry>> {
        let mut all = lower.groups()?;
        all.retain(|group| {
            !self.gone_groups.contains(&group.name) && self.groups.iter().all(|own| own.name != group.name)
        });
        all.extend(self.groups.iter().cloned());
        Ok(all)
    }

    /// What `getent` would say with these accounts; every other program's output as it is.
    pub fn listed(&self, command: &Command, output: Output) -> Output {
        let words: Vec<&str> = command.argv.iter().map(String::as_str).collect();
        let (database, key) = match words.as_slice() {
            ["getent", database] => (*database, None),
            ["getent", database, key] => (*database, Some(*key)),
            _ => return output,
        };
        let own: Vec<(&str, String, String)> = match database {
            "passwd" => self.users.iter().map(|user| (user.name.as_str(), user.uid.to_string(), user.line())).collect(),
            "group" => self.groups.iter().map(|own| (own.name.as_str(), own.gid.to_string(), own.line())).collect(),
            _ => return output,
        };
        let gone = if database == "passwd" { &self.gone_users } else { &self.gone_groups };
        if own.is_empty() && gone.is_empty() || ![0, 2].contains(&output.code) {
            return output;
        }
        let is_gone = |name: &str| gone.iter().any(|gone| gone == name) || own.iter().any(|(own, ..)| *own == name);
        let text = output.text();
        let kept = text.lines().filter(|line| line.split(':').next().is_none_or(|name| !is_gone(name)));
        let asked = |name: &str, number: &str| key.is_none_or(|key| key == name || key == number);
        let added = own.iter().filter(|(name, number, _)| asked(name, number)).map(|(.., line)| line.as_str());
        let lines: String = kept.chain(added).flat_map(|line| [line, "\n"]).collect();
        let code = if lines.is_empty() && key.is_some() { 2 } else { 0 };
        Output { code, stdout: lines.into_bytes(), ..output }
    }

    /// Reads a tool's arguments. The name is last; what later tasks cannot see (passwords, expiry) is not kept.
    pub fn remember(&mut self, lower: &dyn Observe, account: &Account) -> io::Result<Option<Home>> {
        let Account::Tool(command) = account else { return Ok(None) };
        let (Some(tool), Some(name)) = (command.argv.first(), command.argv.last()) else { return Ok(None) };
        let has = |flag: &str| command.argv.iter().any(|word| word == flag);
        let mut home = None;
        let option = |names: [&str; 2]| {
            let at = command.argv.iter().position(|word| names.contains(&word.as_str()))?;
            command.argv.get(at + 1).cloned()
        };
        match tool.rsplit('/').next().unwrap_or_default() {
            "useradd" | "usermod" => {
                let mut user = self.user(lower, name)?.unwrap_or_default();
                let is_new = user.name.is_empty();
                user.name.clone_from(name);
                if let Some(uid) = option(["-u", "--uid"]).and_then(|uid| uid.parse().ok()) {
                    user.uid = uid;
                } else if is_new {
                    user.uid = free(self.users(lower)?.iter().map(|user| user.uid));
                }
                match option(["-g", "--gid"]) {
                    Some(group) => user.gid = self.group(lower, &group)?.map_or(user.uid, |group| group.gid),
                    None if is_new => {
                        user.gid = user.uid;
                        self.groups.push(GroupEntry { name: name.clone(), gid: user.uid, members: Vec::new() });
                    }
                    None => {}
                }
                user.home =
                    option(["-d", "--home"]).unwrap_or(if is_new { format!("/home/{name}") } else { user.home });
                user.shell = option(["-s", "--shell"]).unwrap_or(user.shell);
                user.gecos = option(["-c", "--comment"]).unwrap_or(user.gecos);
                self.users.retain(|own| own.name != *name);
                self.gone_users.retain(|gone| gone != name);
                home = (is_new && has("-m")).then(|| Home::Made(user.clone()));
                self.users.push(user);
            }
            "groupadd" | "groupmod" => {
                let mut group = self.group(lower, name)?.unwrap_or_default();
                if let Some(gid) = option(["-g", "--gid"]).and_then(|gid| gid.parse().ok()) {
                    group.gid = gid;
                } else if group.name.is_empty() {
                    group.gid = free(self.groups(lower)?.iter().map(|group| group.gid));
                }
                group.name.clone_from(name);
                self.groups.retain(|own| own.name != *name);
                self.gone_groups.retain(|gone| gone != name);
                self.groups.push(group);
            }
            "userdel" => {
                home = self.user(lower, name)?.filter(|_| has("-r")).map(|user| Home::Gone(user.home));
                self.users.retain(|own| own.name != *name);
                self.gone_users.push(name.clone());
            }
            "groupdel" => {
                self.groups.retain(|own| own.name != *name);
                self.gone_groups.push(name.clone());
            }
            _ => {}
        }
        Ok(home)
    }
}

/// The first free number from where ordinary accounts begin.
fn free(taken: impl Iterator<Item = u32>) -> u32 {
    let mut taken: Vec<u32> = taken.filter(|id| (1000..60_000).contains(id)).collect();
    taken.sort_unstable();
    taken.last().map_or(1000, |last| last + 1)
}
