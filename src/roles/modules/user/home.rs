//! A home directory made from a skeleton.

use super::{Eyes, Failed};
use crate::host::{Attributes, Change, FileWrite, Kind, UserEntry};
use std::path::{Path, PathBuf};

/// Makes the directories above a path that are not there.
pub fn parents(eyes: &Eyes<'_>, path: &str) -> Result<Vec<Change>, Failed> {
    let mut missing = Vec::new();
    for directory in Path::new(path).ancestors().skip(1) {
        if eyes.exists(&directory.to_string_lossy())? {
            break;
        }
        missing.push(Change::MakeDirectory { path: directory.into(), attributes: Attributes::default() });
    }
    missing.reverse();
    Ok(missing)
}

/// Makes a home: its skeleton's files, its mode by `/etc/login.defs`, all of it the user's.
pub fn made(eyes: &Eyes<'_>, home: &str, skeleton: Option<&str>, user: &UserEntry) -> Result<Vec<Change>, Failed> {
    let mut changes = parents(eyes, home)?;
    let skeleton = PathBuf::from(skeleton.unwrap_or("/etc/skel"));
    let attributes = Attributes { mode: mode(eyes)?, uid: Some(user.uid), gid: Some(user.gid) };
    changes.push(Change::MakeDirectory { path: home.into(), attributes });
    if skeleton != Path::new("/dev/null") {
        copy(eyes, &skeleton, Path::new(home), user, 0, &mut changes)?;
    }
    Ok(changes)
}

/// Deeper skeletons are no skeletons.
const DEEPEST: usize = 16;

fn copy(
    eyes: &Eyes<'_>,
    from: &Path,
    to: &Path,
    user: &UserEntry,
    depth: usize,
    changes: &mut Vec<Change>,
) -> Result<(), Failed> {
    let failed = |path: &Path, error: std::io::Error| Failed::new(format!("reading {}: {error}", path.display()));
    if depth > DEEPEST {
        return Err(Failed::new(format!("{} is nested deeper than {DEEPEST} directories", from.display())));
    }
    for name in eyes.host.list(from).map_err(|error| failed(from, error))?.unwrap_or_default() {
        let (source, target) = (from.join(&name), to.join(&name));
        let Some(stat) = eyes.host.stat(&source, false).map_err(|error| failed(&source, error))? else { continue };
        let attributes = Attributes { mode: Some(stat.mode), uid: Some(user.uid), gid: Some(user.gid) };
        match stat.kind {
            Kind::Directory => {
                changes.push(Change::MakeDirectory { path: target.clone(), attributes });
                copy(eyes, &source, &target, user, depth + 1, changes)?;
            }
            Kind::Link => {
                let link = eyes.host.read_link(&source).map_err(|error| failed(&source, error))?;
                changes.extend(link.map(|link| Change::Symlink { path: target, target: link }));
            }
            Kind::File => {
                let bytes = eyes.host.read(&source).map_err(|error| failed(&source, error))?.unwrap_or_default();
                changes.push(Change::Write(FileWrite { attributes, ..FileWrite::new(target, bytes) }));
            }
            _ => return Err(Failed::new(format!("{} is neither a file, directory nor link", source.display()))),
        }
    }
    Ok(())
}

/// `HOME_MODE`, else what `UMASK` leaves of 0777.
pub fn mode(eyes: &Eyes<'_>) -> Result<Option<u32>, Failed> {
    if !eyes.exists("/etc/login.defs")? {
        return Ok(None);
    }
    let text = eyes.text("/etc/login.defs")?;
    let number = |name: &str| {
        let lines = text.lines().filter_map(|line| line.strip_prefix(name));
        lines.filter_map(|rest| u32::from_str_radix(rest.strip_prefix([' ', '\t'])?.trim(), 8).ok()).next_back()
    };
    Ok(Some(number("HOME_MODE").unwrap_or(0o777 & !number("UMASK").unwrap_or(0o022))))
}
