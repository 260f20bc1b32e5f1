//! `home_dirs`: home directories of people, and the dot files in them.

use super::Mechanism;
use crate::host::Kind;
use crate::validate::machine::Machine;
use crate::validate::readers::users::{PASSWD, User, Users};
use crate::validate::text::At;
use crate::validate::verdict::{Aspect, Finding, Unseen};
use serde::Deserialize;

/// A question about home directories.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HomeDirs {
    /// Which.
    what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
enum What {
    /// They exist, are their owner's, and nobody else writes or others read there.
    Directories,
    /// No dot file lets others write, none is somebody else's, and none opens the machine to others.
    DotFiles,
}

/// Files that let others in or hold passwords.
const OPENING: &[&str] = &[".forward", ".netrc", ".rhosts", ".shosts"];

impl Mechanism for HomeDirs {
    fn judge(&self, machine: &Machine<'_>) -> Finding {
        self.look(machine).unwrap_or_else(|unseen| Finding::unseen(Aspect::Stored, &unseen))
    }

    fn reads(&self) -> Vec<String> {
        vec![PASSWD.into(), "/etc/shells".into(), "each home directory".into()]
    }

    fn expects(&self) -> String {
        match self.what {
            What::Directories => "a directory of its owner's, with a mode of 0750 or less".into(),
            What::DotFiles => {
                "the owner's, with a mode of 0644 or less; histories 0600; no .forward, .netrc, .rhosts".into()
            }
        }
    }
}

impl HomeDirs {
    fn look(&self, machine: &Machine<'_>) -> Result<Finding, Unseen> {
        let users = machine.reader::<Users>()?;
        let mut finding = Finding::new();
        let mut any = false;
        for user in users.people() {
            any = true;
            match self.what {
                What::Directories => self.directory(machine, user, &mut finding)?,
                What::DotFiles => self.dot_files(machine, user, &mut finding)?,
            }
        }
        if !any {
            finding.fact(Aspect::Stored, true, &At::file(PASSWD), "no account has a shell", self.expects());
        }
        Ok(finding)
    }

    fn directory(&self, machine: &Machine<'_>, user: &User, finding: &mut Finding) -> Result<(), Unseen> {
        let at = At::file(&user.home);
        let (holds, found) = match machine.stat(&user.home, true)? {
            None => (false, format!("the home of {} is not there", user.name)),
            Some(stat) => (
                stat.kind == Kind::Directory && stat.uid == user.uid && stat.mode & 0o027 == 0,
                format!("{:04o}, owner {}, of {} ({})", stat.mode, stat.uid, user.name, user.uid),
            ),
        };
        finding.fact(Aspect::Stored, holds, &at, found, self.expects());
        Ok(())
    }

    fn dot_files(&self, machine: &Machine<'_>, user: &User, finding: &mut Finding) -> Result<(), Unseen> {
        let mut clean = true;
        for name in machine.names(&user.home)?.into_iter().filter(|name| name.starts_with('.')) {
            let path = format!("{}/{name}", user.home.trim_end_matches('/'));
            let Some(stat) = machine.stat(&path, false)?.filter(|stat| stat.kind == Kind::File) else { continue };
            let most = if name.ends_with("_history") { 0o600 } else { 0o644 };
            let right = !OPENING.contains(&name.as_str()) && stat.uid == user.uid && stat.gid == user.gid;
            if !right || stat.mode & !most & 0o7777 & !0o100 != 0 {
                clean = false;
                let found = format!("{:04o}, owner {}, group {}, of {}", stat.mode, stat.uid, stat.gid, user.name);
                finding.fact(Aspect::Stored, false, &At::file(&path), found, self.expects());
            }
        }
        if clean {
            let found = format!("no dot file of {} is against it", user.name);
            finding.fact(Aspect::Stored, true, &At::file(&user.home), found, self.expects());
        }
        Ok(())
    }
}
