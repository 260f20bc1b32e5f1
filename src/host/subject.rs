//! What a change alters, by name: so that its state can be looked at before, and compared.

use super::{Account, Change, Command};
use std::path::Path;

/// Something that a change alters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject<'c> {
    /// What is at a path.
    Path(&'c Path),
    /// What is at a path, and everything below it.
    Tree(&'c Path),
    /// A systemd unit.
    Unit {
        /// Its name, with suffix.
        name: &'c str,
        /// `user` or `global` in place of the system's manager.
        scope: Option<&'c str>,
    },
    /// A package, by the name that its manager was given, without a version.
    Package(&'c str),
    /// Every package: an upgrade of the system.
    Packages,
    /// A user.
    User(&'c str),
    /// A group.
    Group(&'c str),
}

/// What package managers are told to do to packages.
const VERBS: [&str; 16] = [
    "install",
    "reinstall",
    "remove",
    "purge",
    "upgrade",
    "dist-upgrade",
    "full-upgrade",
    "safe-upgrade",
    "upgrade-minimal",
    "downgrade",
    "autoremove",
    "build-dep",
    "manual",
    "distro-sync",
    "localinstall",
    "erase",
];

impl Change {
    /// What it alters; a program may alter anything, which has no name.
    pub fn subjects(&self) -> Vec<Subject<'_>> {
        match self {
            Self::Remove { path } => vec![Subject::Tree(path)],
            Self::Unit { name, .. } if name.is_empty() => Vec::new(),
            Self::Unit { name, scope, .. } => vec![Subject::Unit { name, scope: scope.as_deref() }],
            Self::Packages(command) => packages(command),
            Self::Account(Account::Password { user, .. }) => {
                vec![Subject::User(user), Subject::Path(Path::new("/etc/shadow"))]
            }
            Self::Account(Account::Tool(command)) => account(command).into_iter().collect(),
            other => other.places().into_iter().map(Subject::Path).collect(),
        }
    }
}

fn packages(command: &Command) -> Vec<Subject<'_>> {
    let mut words = command.argv.iter().skip(1).map(String::as_str);
    if !words.by_ref().any(|word| VERBS.contains(&word)) {
        return Vec::new();
    }
    let mut all = Vec::new();
    while let Some(word) = words.next() {
        match word {
            // Their value is a word of its own.
            "-o" | "-t" | "-c" => drop(words.next()),
            option if option.starts_with('-') => {}
            file if file.starts_with('/') => all.push(Subject::Path(Path::new(file))),
            name => all.push(Subject::Package(name.split(['=', '/']).next().unwrap_or(name))),
        }
    }
    if all.is_empty() { vec![Subject::Packages] } else { all }
}

/// The name is the last word of every tool.
fn account(command: &Command) -> Option<Subject<'_>> {
    let (tool, name) = (command.argv.first()?, command.argv.last()?);
    let tool = tool.rsplit('/').next().unwrap_or(tool);
    Some(if tool.contains("group") { Subject::Group(name) } else { Subject::User(name) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_units_and_accounts_are_named() {
        let of = |words: &str| Change::Packages(Command::new(words.split(' ')));
        let apt = of("apt-get -y -o DPkg::Lock::Timeout=60 install nginx=1.22-1 /tmp/a.deb -t stable -o A::B=yes");
        assert_eq!(apt.subjects(), [Subject::Package("nginx"), Subject::Path(Path::new("/tmp/a.deb"))]);
        assert_eq!(of("dnf -y --enablerepo=epel upgrade").subjects(), [Subject::Packages]);
        assert_eq!(of("apt-get -y update").subjects(), []);
        let tool = |words: &str| Change::Account(Account::Tool(Command::new(words.split(' '))));
        assert_eq!(tool("/usr/sbin/usermod -s /bin/sh deploy").subjects(), [Subject::User("deploy")]);
        assert_eq!(tool("groupadd -r staff").subjects(), [Subject::Group("staff")]);
        assert_eq!(Change::Remove { path: "/srv".into() }.subjects(), [Subject::Tree(Path::new("/srv"))]);
    }
}
