//! apt's lists of packages: whether a repository has a newer version of anything that is installed.
//!
//! The lists are what the last `apt-get update` brought, and are of the day that their repository's Release says. They are
//! read line by line: one may have 50 MB.

use super::packages::Packages;
use crate::package_version::compare;
use crate::validate::machine::Machine;
use crate::validate::text::At;
use crate::validate::verdict::Unseen;
use std::cmp::Ordering;
use std::collections::HashMap;
use std::path::Path;

/// What the lists tell.
#[derive(Debug, PartialEq, Eq)]
pub enum Known {
    /// No version that is newer, so that there is nothing that apt could choose.
    Nothing {
        /// Where that was read.
        at: At,
        /// How many lists there are.
        lists: usize,
    },
    /// Versions that are newer, or lists that are compressed: pins, holds and phases decide, and apt knows them.
    Perhaps,
}

const DIRECTORY: &str = "/var/lib/apt/lists";

/// When the newest of them was made, by its Release; none where no list has one.
pub fn made(machine: &Machine<'_>) -> Result<Option<(jiff::Timestamp, At)>, Unseen> {
    let mut newest: Option<(jiff::Timestamp, At)> = None;
    for name in machine.names(DIRECTORY)?.iter().filter(|name| name.ends_with("Release")) {
        let path = format!("{DIRECTORY}/{name}");
        let mut date = None;
        let looked = machine.observe().lines(Path::new(&path), &mut |line| {
            if let Some(value) = line.strip_prefix(b"Date: ").filter(|_| date.is_none()) {
                date = Some(String::from_utf8_lossy(value).trim().replace("UTC", "+0000"));
            }
        });
        looked.map_err(|error| Unseen::new(&*path, error.to_string()))?;
        let when = date.and_then(|date| jiff::fmt::rfc2822::parse(&date).ok()).map(|date| date.timestamp());
        if let Some(when) = when.filter(|when| newest.as_ref().is_none_or(|(other, _)| when > other)) {
            newest = Some((when, At::file(&path)));
        }
    }
    Ok(newest)
}

/// Reads them. Without any, apt-get itself would say that nothing is waiting.
pub fn known(machine: &Machine<'_>) -> Result<Known, Unseen> {
    let names = machine.names(DIRECTORY)?;
    let lists: Vec<&String> = names.iter().filter(|name| name.ends_with("_Packages")).collect();
    let compressed = names.iter().any(|name| name.contains("_Packages."));
    if lists.is_empty() && !compressed {
        return Err(Unseen::new(DIRECTORY, "there is no list of packages, which `apt-get update` would bring"));
    }
    if compressed {
        return Ok(Known::Perhaps);
    }
    let packages = machine.reader::<Packages>()?;
    let mut installed: HashMap<&[u8], &str> = HashMap::with_capacity(packages.all.len());
    for package in &packages.all {
        // Of two architectures the older one.
        let have = installed.entry(package.name.as_bytes()).or_insert(&package.version);
        if compare(&package.version, have) == Ordering::Less {
            *have = &package.version;
        }
    }
    for name in &lists {
        let path = format!("{DIRECTORY}/{name}");
        let unseen = |why: String| Unseen::new(path.clone(), why);
        match newer(machine, &path, &installed).map_err(|error| unseen(error.to_string()))? {
            Some(false) => {}
            Some(true) => return Ok(Known::Perhaps),
            None => return Err(unseen("is not there any more".into())),
        }
    }
    Ok(Known::Nothing { at: At::file(DIRECTORY), lists: lists.len() })
}

/// Whether a list has a newer version; none where there is no list.
fn newer(machine: &Machine<'_>, path: &str, installed: &HashMap<&[u8], &str>) -> std::io::Result<Option<bool>> {
    let (mut newer, mut have) = (false, None);
    let there = machine.observe().lines(Path::new(path), &mut |line| match line.first() {
        Some(b'P') => {
            if let Some(name) = line.strip_prefix(b"Package: ") {
                have = installed.get(name.trim_ascii());
            }
        }
        Some(b'V') => {
            if let (Some(have), Some(version)) = (have, line.strip_prefix(b"Version: ")) {
                let version = String::from_utf8_lossy(version.trim_ascii());
                newer |= compare(&version, have) == Ordering::Greater;
            }
        }
        None => have = None,
        _ => {}
    })?;
    Ok(there.then_some(newer))
}
