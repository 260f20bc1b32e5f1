//! A content bundle in place: a directory a release beneath `releases/`, named by the archive's digest, and `current`, a
//! relative link that leads to one of them and is swapped in one step.

use super::ReleaseError;
use super::place::{Place, Placed, differs, missing, unrecorded};
use super::record::Active;
use crate::host::unpack::{Limits, Packing, Unpack};
use crate::host::{Attributes, Change, Content, Kind, Observe};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const RELEASES: &str = "releases";

/// The link that leads to the release in use.
pub(super) fn link(destination: &Path) -> PathBuf {
    destination.join("current")
}

/// Where an archive is extracted to.
pub(super) fn directory(destination: &Path, sha256: &str) -> PathBuf {
    destination.join(RELEASES).join(sha256)
}

/// The change that makes a release the one in use.
pub(super) fn swap(destination: &Path, sha256: &str) -> Change {
    Change::Symlink { path: link(destination), target: Path::new(RELEASES).join(sha256) }
}

/// Whether an archive was extracted: what is there is whole, because it got its name last.
pub(super) fn is_there(host: &dyn Observe, destination: &Path, sha256: &str) -> io::Result<bool> {
    Ok(host.stat(&directory(destination, sha256), false)?.is_some_and(|stat| stat.kind == Kind::Directory))
}

/// The digest of the release in use.
pub(super) fn current(host: &dyn Observe, destination: &Path) -> io::Result<Option<String>> {
    let link = link(destination);
    let Some(stat) = host.stat(&link, false)? else { return Ok(None) };
    let target = if stat.kind == Kind::Link { host.read_link(&link)? } else { None };
    let name = target.as_deref().and_then(|target| target.strip_prefix(RELEASES).ok()).and_then(Path::to_str);
    match name.filter(|name| is_digest(name)) {
        Some(name) => Ok(is_there(host, destination, name)?.then(|| name.to_owned())),
        None => Err(io::Error::other(format!(
            "{} is no link to a release: remove it, or name another place",
            link.display()
        ))),
    }
}

fn is_digest(name: &str) -> bool {
    name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// What to change.
pub(super) fn place(site: &Place<'_>, keep: usize) -> Result<Placed, ReleaseError> {
    let (order, host, path) = (site.order, site.host, &site.descriptor.artifact.path);
    let packing = Packing::of(path).ok_or_else(|| ReleaseError::Descriptor {
        descriptor: order.app.clone(),
        why: format!("its artifact `{path}` is no archive that is unpacked: .tar, .tar.gz, .tgz, .tar.zst, .tzst"),
    })?;
    let local = |error| site.local(error);
    let destination = &order.destination;
    if host.stat(destination, true).map_err(local)?.is_some_and(|stat| stat.kind != Kind::Directory) {
        return Err(local(io::Error::other("it is no directory, and an archive is unpacked beneath one")));
    }
    let there = current(host, destination).map_err(local)?;
    let mut changes = missing(&destination.join(RELEASES), host).map_err(local)?;
    let left = left_over(host, destination).map_err(local)?;
    let mut settle = Vec::new();
    if is_there(host, destination, site.sha256).map_err(local)? {
        changes.extend(given(host, &directory(destination, site.sha256), &order.attributes).map_err(local)?);
        settle.extend(left);
    } else {
        let verified = (site.artifact)()?;
        // Room first: what a killed run left may be large.
        changes.extend(left);
        changes.push(Change::Unpack(Unpack {
            path: directory(destination, site.sha256),
            content: Content::Staged(Arc::new(verified.file)),
            sha256: verified.sha256,
            packing,
            limits: Limits::default(),
            attributes: order.attributes.clone(),
        }));
    }
    if there.as_deref() != Some(site.sha256) {
        changes.push(swap(destination, site.sha256));
    }
    let kept = kept(site, there.as_deref(), keep).map_err(local)?;
    settle.extend(older(site, &kept).map_err(local)?);
    Ok(Placed { there, changes, kept, settle })
}

/// The releases for the way back: what was in use, and before it, as far as it is still there.
fn kept(site: &Place<'_>, there: Option<&str>, keep: usize) -> io::Result<Vec<Active>> {
    let recorded = site
        .before
        .into_iter()
        .flat_map(|record| [&record.active].into_iter().chain(&record.previous).chain(&record.older).cloned());
    let mut all: Vec<Active> = recorded.collect();
    if let Some(there) = there.filter(|there| !all.iter().any(|one| one.sha256 == *there)) {
        all.insert(0, unrecorded(there.to_owned()));
    }
    let mut kept: Vec<Active> = Vec::new();
    for one in all {
        let new = one.sha256 != site.sha256 && !kept.iter().any(|other| other.sha256 == one.sha256);
        if new && is_there(site.host, &site.order.destination, &one.sha256)? {
            kept.push(one);
        }
    }
    kept.truncate(keep.saturating_sub(1));
    Ok(kept)
}

/// Releases that are kept no longer.
fn older(site: &Place<'_>, kept: &[Active]) -> io::Result<Vec<Change>> {
    let releases = site.order.destination.join(RELEASES);
    let names = site.host.list(&releases)?.unwrap_or_default();
    let names = names.iter().filter_map(|name| name.to_str()).filter(|name| is_digest(name));
    let old = names.filter(|name| *name != site.sha256 && !kept.iter().any(|one| one.sha256 == *name));
    Ok(old.map(|name| Change::Remove { path: releases.join(name) }).collect())
}

/// What runs that were killed have left: archives half extracted, and links that never got their name.
fn left_over(host: &dyn Observe, destination: &Path) -> io::Result<Vec<Change>> {
    let mut changes = Vec::new();
    for (place, begins) in [(destination.join(RELEASES), "."), (destination.to_owned(), ".current.")] {
        let names = host.list(&place)?.unwrap_or_default();
        let names = names.iter().filter_map(|name| name.to_str());
        let left = names.filter(|name| name.starts_with(begins) && name.contains(".muster-"));
        changes.extend(left.map(|name| Change::Remove { path: place.join(name) }));
    }
    Ok(changes)
}

/// Gives an extracted bundle the owner that settings name now, and its top the mode; the top comes last, so that one that
/// is right says that all is.
fn given(host: &dyn Observe, top: &Path, attributes: &Attributes) -> io::Result<Vec<Change>> {
    let mut changes = Vec::new();
    let Some(stat) = host.stat(top, false)?.filter(|stat| differs(attributes, stat)) else { return Ok(changes) };
    let owner = Attributes { mode: None, ..attributes.clone() };
    let mut open = if differs(&owner, &stat) { vec![top.to_owned()] } else { Vec::new() };
    while let Some(directory) = open.pop() {
        for name in host.list(&directory)?.unwrap_or_default() {
            let path = directory.join(name);
            let Some(stat) = host.stat(&path, false)? else { continue };
            if stat.kind == Kind::Directory {
                open.push(path.clone());
            }
            if differs(&owner, &stat) {
                changes.push(Change::SetAttributes { path, attributes: owner.clone(), follow: false });
            }
        }
    }
    changes.push(Change::SetAttributes { path: top.to_owned(), attributes: attributes.clone(), follow: false });
    Ok(changes)
}
