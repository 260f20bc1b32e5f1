//! `file_mode`: a file's permission bits, owner and group; `file_tree_mode`: those of all files below a directory.
//!
//! An access control list gives rights that the bits do not show: of what is named there nobody may have more than everybody.

use super::{Mechanism, Words};
use crate::fnmatch::fits;
use crate::host::{Kind, Stat};
use crate::validate::machine::Machine;
use crate::validate::readers::glob;
use crate::validate::text::At;
use crate::validate::verdict::{Aspect, Finding, Unseen};
use serde::Deserialize;
use std::path::Path;

/// What bits a file may have at most, and whose it may be.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileMode {
    /// Paths; `*` is for names within one directory. A link is looked through.
    #[serde(alias = "path")]
    paths: Words,
    /// Bits that it may have at most, as `0o644`.
    #[serde(default)]
    mode: Option<u32>,
    /// Users that may own it, by name.
    #[serde(default)]
    owner: Option<Words>,
    /// Groups that it may have, by name.
    #[serde(default)]
    group: Option<Words>,
    /// Whether it may be missing. Where none of the paths is there, the control then does not apply.
    #[serde(default)]
    absent_ok: bool,
    /// What it has to be.
    #[serde(default)]
    kind: Option<Sort>,
}

/// Bits, owner and group of every file below a directory.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileTreeMode {
    /// The directory.
    path: String,
    /// Bits that a file may have at most.
    #[serde(default)]
    mode: Option<u32>,
    /// Users that may own a file.
    #[serde(default)]
    owner: Option<Words>,
    /// Groups that a file may have.
    #[serde(default)]
    group: Option<Words>,
    /// Names of files that are looked at, as a pattern; all where none is given.
    #[serde(default)]
    only: Option<Words>,
    /// Names of files that are passed over, as patterns.
    #[serde(default)]
    except: Option<Words>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Sort {
    /// A regular file.
    File,
    /// A directory.
    Directory,
}

/// What attributes are allowed.
struct Allowed<'a> {
    mode: Option<u32>,
    owner: Option<&'a Words>,
    group: Option<&'a Words>,
}

/// Groups that may read logs.
const READERS: &[&str] = &["adm", "systemd-journal", "wheel"];

impl Allowed<'_> {
    fn shown(&self) -> String {
        let mode = self.mode.map(|mode| format!("mode {mode:04o} or stricter"));
        let owner = self.owner.map(|words| format!("owner {}", words.either()));
        let group = self.group.map(|words| format!("group {}", words.either()));
        [mode, owner, group].into_iter().flatten().collect::<Vec<_>>().join(", ")
    }

    /// Whether a file is so, and how it is.
    fn holds(&self, machine: &Machine<'_>, path: &str, stat: &Stat) -> Result<(bool, String), Unseen> {
        let unseen = |error: std::io::Error| Unseen::new("/etc/passwd or /etc/group", error.to_string());
        let user = machine.observe().user(&stat.uid.to_string()).map_err(unseen)?;
        let group = machine.observe().group(&stat.gid.to_string()).map_err(unseen)?;
        // Root is root by its number: a root directory may have no list of users.
        let name = |found: Option<String>, number: u32| match found {
            Some(name) => name,
            None if number == 0 => "root".into(),
            None => number.to_string(),
        };
        let user = name(user.map(|user| user.name), stat.uid);
        let group = name(group.map(|group| group.name), stat.gid);
        let right = |allowed: Option<&Words>, name: &str, number: u32| {
            let same = |word: &String| word == name || *word == number.to_string() || word == "root" && number == 0;
            allowed.is_none_or(|words| words.iter().any(same))
        };
        let mode = self.mode.is_none_or(|most| stat.mode & !most == 0);
        let holds = mode && right(self.owner, &user, stat.uid) && right(self.group, &group, stat.gid);
        let list = self.widened(machine, path)?;
        let shown = list.iter().map(|who| format!(", and {who}")).collect::<String>();
        Ok((holds && list.is_empty(), format!("mode {:04o}, owner {user}, group {group}{shown}", stat.mode)))
    }

    /// Whom the file's access control list gives more than everybody may have.
    fn widened(&self, machine: &Machine<'_>, path: &str) -> Result<Vec<String>, Unseen> {
        let Some(most) = self.mode else { return Ok(Vec::new()) };
        let unseen = |error: std::io::Error| Unseen::new(path, error.to_string());
        let mut wide = Vec::new();
        for one in machine.observe().granted(Path::new(path)).map_err(unseen)? {
            let group = if one.user { None } else { machine.observe().group(&one.id.to_string()).map_err(unseen)? };
            let name = group.map(|group| group.name);
            // systemd lets these read journals (tmpfiles.d/systemd.conf), and each user that of his own (journald).
            let journal = path.starts_with("/var/log/journal/") || path.starts_with("/run/log/journal/");
            let reads = journal && one.user || name.as_deref().is_some_and(|name| READERS.contains(&name));
            let reader = reads && one.rights & 2 == 0;
            if one.rights & !(most & 7) != 0 && one.id != 0 && !reader {
                let (kind, rights) = (if one.user { "user" } else { "group" }, one.rights);
                wide.push(format!(
                    "an access control list gives {kind} {} {rights:o}",
                    name.unwrap_or(one.id.to_string())
                ));
            }
        }
        Ok(wide)
    }
}

impl FileMode {
    fn allowed(&self) -> Allowed<'_> {
        Allowed { mode: self.mode, owner: self.owner.as_ref(), group: self.group.as_ref() }
    }

    fn look(&self, machine: &Machine<'_>) -> Result<Finding, Unseen> {
        let mut finding = Finding::new();
        let expected = self.allowed().shown();
        let mut there = false;
        for pattern in self.paths.iter() {
            let paths = if pattern.contains(['*', '?', '[']) { glob(machine, pattern)? } else { vec![pattern.clone()] };
            for path in &paths {
                let Some(stat) = machine.stat(path, true)? else {
                    if !self.absent_ok {
                        finding.fact(Aspect::Stored, false, &At::file(path), "is not there", &expected);
                    }
                    continue;
                };
                there = true;
                let right_kind = match self.kind {
                    None => true,
                    Some(Sort::File) => stat.kind == Kind::File,
                    Some(Sort::Directory) => stat.kind == Kind::Directory,
                };
                let (holds, mut found) = self.allowed().holds(machine, path, &stat)?;
                if !right_kind {
                    found = format!("is a {:?}, {found}", stat.kind).to_lowercase();
                }
                finding.fact(Aspect::Stored, holds && right_kind, &At::file(path), found, &expected);
            }
            if paths.is_empty() && !self.absent_ok {
                finding.fact(Aspect::Stored, false, &At::file(pattern), "is not there", &expected);
            }
        }
        if !there && self.absent_ok {
            return Ok(Finding::not_applicable(format!("{} is not there", self.paths.shown())));
        }
        Ok(finding)
    }
}

impl Mechanism for FileMode {
    fn judge(&self, machine: &Machine<'_>) -> Finding {
        self.look(machine).unwrap_or_else(|unseen| Finding::unseen(Aspect::Stored, &unseen))
    }

    fn reads(&self) -> Vec<String> {
        self.paths.iter().cloned().collect()
    }

    fn expects(&self) -> String {
        format!("{}: {}", self.paths.shown(), self.allowed().shown())
    }
}

impl FileTreeMode {
    fn allowed(&self) -> Allowed<'_> {
        Allowed { mode: self.mode, owner: self.owner.as_ref(), group: self.group.as_ref() }
    }

    fn look(&self, machine: &Machine<'_>) -> Result<Finding, Unseen> {
        if machine.stat(&self.path, true)?.is_none() {
            return Ok(Finding::not_applicable(format!("{} is not there", self.path)));
        }
        let mut finding = Finding::new();
        let expected = self.allowed().shown();
        let (mut right, mut waiting) = (0_usize, vec![self.path.clone()]);
        while let Some(directory) = waiting.pop() {
            for name in machine.names(&directory)? {
                let path = format!("{directory}/{name}");
                let Some(stat) = machine.stat(&path, false)? else { continue };
                if stat.kind == Kind::Directory {
                    waiting.push(path);
                    continue;
                }
                let named = |words: &Words| words.iter().any(|pattern| fits(pattern, &name));
                let asked = self.only.as_ref().is_none_or(named) && !self.except.as_ref().is_some_and(named);
                if stat.kind != Kind::File || !asked {
                    continue;
                }
                match self.allowed().holds(machine, &path, &stat)? {
                    (true, _) => right += 1,
                    (false, found) => finding.fact(Aspect::Stored, false, &At::file(&path), found, &expected),
                }
            }
        }
        // Nothing there is nothing wrong.
        finding.fact(Aspect::Stored, true, &At::file(&self.path), format!("{right} files are so"), &expected);
        Ok(finding)
    }
}

impl Mechanism for FileTreeMode {
    fn judge(&self, machine: &Machine<'_>) -> Finding {
        self.look(machine).unwrap_or_else(|unseen| Finding::unseen(Aspect::Stored, &unseen))
    }

    fn reads(&self) -> Vec<String> {
        vec![format!("every file below {}", self.path)]
    }

    fn expects(&self) -> String {
        format!("files below {}: {}", self.path, self.allowed().shown())
    }
}
