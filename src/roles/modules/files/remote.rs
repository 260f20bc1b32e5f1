//! `copy` with `remote_src`: the machine's own files and directories, put elsewhere.

use super::draft::Draft;
use super::file::shown;
use super::placement::{Placement, Source};
use crate::host::{Attributes, Change, Digest, FileWrite, Hasher, Kind, Stat};
use crate::roles::modules::Failed;
use crate::roles::value::Value;
use std::path::{Path, PathBuf};

/// Copies a file or a directory of the machine. Links below a directory stay links unless they are to be followed.
pub fn copy(
    to: &Placement,
    draft: &mut Draft<'_>,
    src: &str,
    dest: &str,
    preserve: bool,
    follows: bool,
) -> Result<(), Failed> {
    let path = PathBuf::from(src);
    let Some(stat) = draft.stat(&path, true)? else { return Err(Failed::new(format!("Source {src} not found"))) };
    match stat.kind {
        Kind::File => file(to, draft, &path, &stat, dest, preserve),
        Kind::Directory => directory(to, draft, src, dest, follows),
        _ => Err(Failed::new(format!("Cannot copy invalid source '{src}': not a file"))),
    }
}

fn file(
    to: &Placement,
    draft: &mut Draft<'_>,
    path: &Path,
    stat: &Stat,
    dest: &str,
    preserve: bool,
) -> Result<(), Failed> {
    let bytes = draft.read(path)?.ok_or_else(|| Failed::new(format!("Source {} not found", path.display())))?;
    let sum = Hasher::of(Digest::Md5, &bytes);
    let name = path.file_name().map(PathBuf::from).unwrap_or_default();
    // A new file gets the ordinary mode; one that replaces another gets the source's, as `copystat` leaves it.
    let target = if dest.ends_with('/') { Path::new(dest).join(&name) } else { PathBuf::from(dest) };
    let target = match draft.stat(&target, true)? {
        Some(there) if there.kind == Kind::Directory => target.join(&name),
        _ => target,
    };
    let replaces = draft.stat(&target, true)?.is_some();
    let differs = replaces && draft.read(&target)?.as_ref() != Some(&bytes);
    let mode = if preserve || (differs && to.wanted.mode.is_none()) { Some(stat.mode) } else { None };
    let placed = to.put(draft, dest, Source { name: Some(&name), shown: shown(path), bytes, mode })?;
    if placed.kept {
        draft.set("msg", "file already exists");
        draft.set("src", shown(path));
        draft.set("dest", shown(&placed.path));
        return Ok(());
    }
    if placed.changed {
        let (atime, mtime) = (Some(stat.atime), Some(stat.mtime));
        draft.change(Change::SetTimes { path: placed.path.clone(), atime, mtime })?;
    }
    draft.set("src", shown(path));
    draft.set("md5sum", sum);
    to.report(draft, &placed)
}

fn directory(to: &Placement, draft: &mut Draft<'_>, src: &str, dest: &str, follows: bool) -> Result<(), Failed> {
    let from = PathBuf::from(src);
    let mut into = PathBuf::from(dest);
    // Ansible's word for the destination, and what it sets owner and mode of.
    let mut named = into.clone();
    match draft.stat(&into, true)? {
        Some(stat) if stat.kind != Kind::Directory => {
            return Err(Failed::new(format!("cannot copy the directory {src} over {dest}: it is no directory")));
        }
        Some(_) => named.push(src.rsplit('/').next().unwrap_or_default()),
        // A destination that ends in a slash is made first, and then it is there.
        None if dest.ends_with('/') => named.push(src.rsplit('/').next().unwrap_or_default()),
        None => {}
    }
    if !src.ends_with('/') {
        into.push(from.file_name().unwrap_or_default());
    }
    if into.starts_with(&from) {
        return Err(Failed::new(format!("cannot copy the directory {src} into itself")));
    }
    let parent = into.parent().unwrap_or(Path::new("/"));
    super::file::make_plain_directories(draft, parent)?;
    merge(to, draft, &from, &into, (follows, 0))?;
    to.wanted.settle(draft, &named)?;
    draft.set("src", src);
    draft.set("dest", shown(&named));
    draft.set("checksum", Value::Null);
    draft.set("md5sum", Value::Null);
    draft.set_path_members(&named)
}

/// One directory's content. What only the destination has stays.
fn merge(
    to: &Placement,
    draft: &mut Draft<'_>,
    from: &Path,
    into: &Path,
    (follows, depth): (bool, usize),
) -> Result<(), Failed> {
    if depth > 200 {
        return Err(Failed::new(format!("{} is too deep to copy", from.display())));
    }
    let stat = draft.stat(from, true)?.ok_or_else(|| Failed::new(format!("Source {} not found", from.display())))?;
    let is_new = draft.stat(into, true)?.is_none();
    if is_new {
        draft.make_directory(into, Attributes { mode: Some(stat.mode), ..Attributes::default() })?;
    }
    own(to, draft, into)?;
    let names = draft.machine().list(from).map_err(|e| Failed::new(format!("list {}: {e}", from.display())))?;
    for name in names.unwrap_or_default() {
        let (source, target) = (from.join(&name), into.join(&name));
        let is_link = draft.stat(&source, false)?.is_some_and(|stat| stat.kind == Kind::Link);
        if is_link && !follows && draft.stat(&target, false)?.is_none() {
            // Ansible's quirk: a directory that was there before does not get the links that it lacks.
            let leads = draft.machine().read_link(&source).ok().flatten().filter(|_| is_new);
            if let Some(leads) = leads {
                draft.symlink(&target, &leads)?;
            }
            continue;
        }
        let Some(stat) = draft.stat(&source, true)? else {
            return Err(Failed::new(format!("{} leads nowhere", source.display())));
        };
        match stat.kind {
            Kind::Directory => merge(to, draft, &source, &target, (follows, depth + 1))?,
            Kind::File => {
                let bytes = draft.read(&source)?.unwrap_or_default();
                let old = draft.stat(&target, true)?;
                if old.is_none() || draft.read(&target)?.as_ref() != Some(&bytes) {
                    let mut write = FileWrite::new(&target, bytes);
                    write.follow = true;
                    write.attributes.mode = Some(stat.mode);
                    write.in_place = to.unsafe_writes;
                    draft.write(write)?;
                }
                own(to, draft, &target)?;
            }
            _ => return Err(Failed::new(format!("{} is neither file nor directory", source.display()))),
        }
    }
    Ok(())
}

/// Below the destination itself, only owner and group are set.
fn own(to: &Placement, draft: &mut Draft<'_>, path: &Path) -> Result<(), Failed> {
    to.wanted.with_mode(None).settle(draft, path).map(drop)
}
