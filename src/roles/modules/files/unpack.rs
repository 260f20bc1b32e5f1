//! Putting an archive's entries in place, each where it differs.

use super::archive::{Body, Entry};
use super::download::{sum, sum_of};
use super::draft::Draft;
use super::file::fresh;
use super::unarchive::Unarchive;
use crate::host::{Attributes, Change, Content, Digest, FileWrite, Kind, Stat};
use crate::roles::modules::Failed;
use std::path::Path;

impl Unarchive {
    /// One entry, where it differs.
    pub(super) fn unpack(&self, draft: &mut Draft<'_>, dest: &Path, entry: &Entry) -> Result<(), Failed> {
        let path = dest.join(&entry.path);
        parents(draft, &path)?;
        let there = draft.stat(&path, false)?;
        match &entry.body {
            Body::Directory => self.directory(draft, &path, entry, there)?,
            Body::File(content) => self.file(draft, &path, entry, content, there)?,
            Body::Symlink(target) => {
                let have = draft.machine().read_link(&path).ok().flatten();
                if have.as_ref() != Some(target) {
                    clear(draft, &path, there.as_ref())?;
                    draft.symlink(&path, target)?;
                    if let Some(made) = draft.stat(&path, false)? {
                        let owned = self.attributes(draft, entry, Kind::Link, None)?;
                        differ(draft, &path, &made, Attributes { mode: None, ..owned })?;
                    }
                }
            }
            Body::Hardlink(target) => {
                let target = dest.join(target);
                let of = draft.stat(&target, false)?;
                let of = of.ok_or_else(|| Failed::new(format!("the archive links `{}` to nothing", entry.name)))?;
                if there.is_none_or(|have| (have.inode, have.device) != (of.inode, of.device)) {
                    draft.change(Change::HardLink { path: path.clone(), target })?;
                }
            }
        }
        self.wanted.settle(draft, &path)?;
        Ok(())
    }

    /// Owner, group and mode as the archive has them, or as the task asks.
    fn attributes(
        &self,
        draft: &Draft<'_>,
        entry: &Entry,
        kind: Kind,
        now: Option<&Stat>,
    ) -> Result<Attributes, Failed> {
        let machine = draft.machine();
        let base = fresh(draft, kind);
        let id = |own: u32, pair: &Option<(String, u32)>, found: Option<u32>| match pair {
            Some((_, number)) if !self.own_ids => found.unwrap_or(*number),
            _ => own,
        };
        let user =
            entry.owner.as_ref().filter(|(name, _)| !name.is_empty()).and_then(|(name, _)| machine.user(name).ok()?);
        let group =
            entry.group.as_ref().filter(|(name, _)| !name.is_empty()).and_then(|(name, _)| machine.group(name).ok()?);
        let mut mode = entry.mode.unwrap_or(base.mode);
        if self.masked {
            mode &= !machine.umask();
        }
        // Only root gives files away, as tar does.
        let (uid, gid) = match draft.creator()? {
            (Some(uid), Some(gid)) => (uid, gid),
            _ => {
                let uid = id(base.uid, &entry.owner, user.map(|user| user.uid));
                (uid, id(base.gid, &entry.group, group.map(|group| group.gid)))
            }
        };
        // A symbolic mode works on what is there, and on the archive's mode where nothing is.
        let basis = Stat { mode: now.map_or(mode, |now| now.mode), ..base };
        let asked = self.wanted.resolve(machine, &basis)?;
        Ok(Attributes {
            mode: Some(asked.mode.unwrap_or(mode)),
            uid: Some(asked.uid.unwrap_or(uid)),
            gid: Some(asked.gid.unwrap_or(gid)),
        })
    }

    fn directory(&self, draft: &mut Draft<'_>, path: &Path, entry: &Entry, there: Option<Stat>) -> Result<(), Failed> {
        let there = there.filter(|stat| stat.kind == Kind::Directory);
        let attributes = self.attributes(draft, entry, Kind::Directory, there.as_ref())?;
        match there {
            None => draft.change(Change::MakeDirectory { path: path.to_owned(), attributes }),
            Some(now) => differ(draft, path, &now, attributes),
        }
    }

    fn file(
        &self,
        draft: &mut Draft<'_>,
        path: &Path,
        entry: &Entry,
        content: &Content,
        there: Option<Stat>,
    ) -> Result<(), Failed> {
        #[expect(clippy::cast_precision_loss, reason = "a file's time in seconds")]
        let mtime = entry.mtime as f64;
        let now = there.as_ref().filter(|stat| stat.kind == Kind::File);
        if self.keep_newer && now.is_some_and(|now| now.mtime > mtime) {
            return Ok(());
        }
        let attributes = self.attributes(draft, entry, Kind::File, now)?;
        let size = content.size().map_err(|error| Failed::new(format!("read `{}`: {error}", entry.name)))?;
        let same = match now {
            Some(now) if now.size == size => sum_of(draft, path, Digest::Sha1)? == Some(sum(content, Digest::Sha1)?),
            _ => false,
        };
        if !same {
            clear(draft, path, there.as_ref())?;
            let mut write = FileWrite::new(path, Vec::new());
            write.content = content.clone();
            write.attributes = attributes.clone();
            write.in_place = self.in_place;
            draft.change(Change::Write(write))?;
        } else if let Some(now) = now {
            differ(draft, path, now, attributes)?;
        }
        let written = draft.stat(path, false)?.map_or(0.0, |stat| stat.mtime);
        if (written.trunc() - mtime).abs() >= 1.0 {
            draft.change(Change::SetTimes { path: path.to_owned(), atime: None, mtime: Some(mtime) })?;
        }
        Ok(())
    }
}

/// Sets what differs.
fn differ(draft: &mut Draft<'_>, path: &Path, now: &Stat, wanted: Attributes) -> Result<(), Failed> {
    let attributes = Attributes {
        mode: wanted.mode.filter(|mode| *mode != now.mode),
        uid: wanted.uid.filter(|uid| *uid != now.uid),
        gid: wanted.gid.filter(|gid| *gid != now.gid),
    };
    if attributes == Attributes::default() {
        return Ok(());
    }
    draft.change(Change::SetAttributes { path: path.to_owned(), attributes, follow: false })
}

/// Directories above an entry that the archive does not list itself.
fn parents(draft: &mut Draft<'_>, path: &Path) -> Result<(), Failed> {
    super::file::make_plain_directories(draft, path.parent().unwrap_or(Path::new("/")))
}

/// A directory in the way of a file or link stays: nothing is removed that the archive did not bring.
fn clear(draft: &mut Draft<'_>, path: &Path, there: Option<&Stat>) -> Result<(), Failed> {
    if there.is_none_or(|stat| stat.kind != Kind::Directory) {
        return Ok(());
    }
    let inside = draft.machine().list(path).ok().flatten().unwrap_or_default();
    if inside.is_empty() {
        return draft.change(Change::Remove { path: path.to_owned() });
    }
    Err(Failed::new(format!("{} is a directory that is not empty; the archive has a file there", path.display())))
}
