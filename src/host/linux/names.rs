//! Users and groups: the root's own files first, directory services through `getent` after. Never libc's lookups,
//! which crash a static binary.

use super::program;
use super::root::Root;
use crate::host::{Command, GroupEntry, UserEntry};
use std::io;
use std::path::Path;

/// Every line of /etc/passwd that has all its fields.
pub fn users(root: &Root) -> io::Result<Vec<UserEntry>> {
    Ok(lines(root, "/etc/passwd")?.iter().filter_map(|line| user_line(line)).collect())
}

/// Every line of /etc/group that has all its fields.
pub fn groups(root: &Root) -> io::Result<Vec<GroupEntry>> {
    Ok(lines(root, "/etc/group")?.iter().filter_map(|line| group_line(line)).collect())
}

pub fn user(root: &Root, name: &str) -> io::Result<Option<UserEntry>> {
    let local = users(root)?;
    let found = local.iter().find(|user| user.name == name).or_else(|| {
        let uid: u32 = name.parse().ok()?;
        local.iter().find(|user| user.uid == uid)
    });
    match found {
        Some(user) => Ok(Some(user.clone())),
        None => Ok(getent(root, "passwd", name)?.as_deref().and_then(user_line)),
    }
}

pub fn group(root: &Root, name: &str) -> io::Result<Option<GroupEntry>> {
    let local = groups(root)?;
    let found = local.iter().find(|group| group.name == name).or_else(|| {
        let gid: u32 = name.parse().ok()?;
        local.iter().find(|group| group.gid == gid)
    });
    match found {
        Some(group) => Ok(Some(group.clone())),
        None => Ok(getent(root, "group", name)?.as_deref().and_then(group_line)),
    }
}

fn lines(root: &Root, path: &str) -> io::Result<Vec<String>> {
    let bytes = super::look::read(root, Path::new(path))?.unwrap_or_default();
    Ok(String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect())
}

fn user_line(line: &str) -> Option<UserEntry> {
    let fields: Vec<&str> = line.trim_end().split(':').collect();
    let [name, _, uid, gid, gecos, home, shell] = fields[..] else { return None };
    Some(UserEntry {
        name: name.into(),
        uid: uid.parse().ok()?,
        gid: gid.parse().ok()?,
        gecos: gecos.into(),
        home: home.into(),
        shell: shell.into(),
    })
}

fn group_line(line: &str) -> Option<GroupEntry> {
    let fields: Vec<&str> = line.trim_end().split(':').collect();
    let [name, _, gid, members] = fields[..] else { return None };
    let members = members.split(',').filter(|member| !member.is_empty()).map(str::to_owned).collect();
    Some(GroupEntry { name: name.into(), gid: gid.parse().ok()?, members })
}

/// Asks directory services, where nsswitch.conf names any beside the files that were read already.
fn getent(root: &Root, database: &str, name: &str) -> io::Result<Option<String>> {
    if root.confined() || name.is_empty() || name.starts_with('-') || !has_directory(root, database)? {
        return Ok(None);
    }
    let Some(program) = super::look::find_program(root, "getent")? else { return Ok(None) };
    let output = program::run(&root.path, &Command::new([&program.to_string_lossy(), database, name]))?;
    match output.code {
        0 => Ok(output.text().lines().next().map(str::to_owned)),
        // getent(1): "2  One or more supplied key could not be found in the database."
        2 => Ok(None),
        code => Err(io::Error::other(format!("getent {database} {name} ended with {code}"))),
    }
}

fn has_directory(root: &Root, database: &str) -> io::Result<bool> {
    let sources = lines(root, "/etc/nsswitch.conf")?
        .iter()
        .find_map(|line| line.strip_prefix(database)?.trim_start().strip_prefix(':').map(str::to_owned))
        .unwrap_or_default();
    Ok(sources.split_whitespace().any(|source| !matches!(source, "files" | "compat") && !source.starts_with('[')))
}
