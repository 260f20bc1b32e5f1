//! Writing what an archive has: into a new directory that nobody else can enter, renamed into place once it is whole.

use super::leftovers::temporary_name;
use super::place::{remove, sync};
use super::root::Root;
use crate::host::unpack::{Item, ItemKind, Refusal, Sink, Unpack, walk};
use crate::host::{Attributes, HostError};
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, OpenHow, RenameFlags, ResolveFlag, openat, openat2, renameat2};
use nix::sys::stat::{Mode, fchmod, mkdirat};
use nix::unistd::{Gid, Uid, fchown, fchownat, symlinkat};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

/// Carries out an [`Unpack`].
pub fn unpack(root: &Root, unpack: &Unpack) -> Result<(), HostError> {
    let fault = |error: io::Error| HostError::io("extract to", &unpack.path, error);
    let (parent, name) = root.parent(&unpack.path).map_err(fault)?;
    let temporary = temporary_name(&parent, &name);
    mkdirat(&parent, temporary.as_os_str(), Mode::from_bits_truncate(0o700)).map_err(|error| fault(error.into()))?;
    let outcome = (|| {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let top = openat(&parent, temporary.as_os_str(), flags, Mode::empty()).map_err(io::Error::from);
        let mode = unpack.attributes.mode.unwrap_or(0o755);
        let mut tree =
            Tree { top: top.map_err(fault)?, mode, modes: BTreeMap::new(), attributes: unpack.attributes.clone() };
        let refuse = |refusal| HostError::Archive { path: unpack.path.clone(), refusal };
        let size = unpack.content.size().map_err(fault)?;
        let summary = walk(unpack.content.reader(), size, unpack.packing, &unpack.limits, &mut tree).map_err(refuse)?;
        if summary.sha256 != unpack.sha256 {
            let (have, want) = (hex::encode(summary.sha256), hex::encode(unpack.sha256));
            return Err(refuse(Refusal::Digest { have, want }));
        }
        tree.finish().map_err(refuse)?;
        // NOREPLACE: a directory that is there is what was verified before, and it may be in use.
        renameat2(&parent, temporary.as_os_str(), &parent, name.as_os_str(), RenameFlags::RENAME_NOREPLACE)
            .map_err(|error| fault(error.into()))?;
        sync(&parent).map_err(fault)
    })();
    if outcome.is_err() {
        let _ = remove(root, &unpack.path.with_file_name(&temporary));
    }
    outcome
}

/// The tree that is being written, beneath one descriptor.
struct Tree {
    top: OwnedFd,
    mode: u32,
    /// Directories' own modes, given last: one without write permission could not be filled.
    modes: BTreeMap<String, u32>,
    attributes: Attributes,
}

fn io_refusal(what: &str, path: &str) -> impl Fn(Errno) -> Refusal {
    let what = format!("{what} {path}");
    move |error| Refusal::Io { what: what.clone(), source: error.into() }
}

impl Tree {
    /// Opens a path beneath the top: no link is followed, and nothing leads out.
    fn open(&self, path: &str, flags: OFlag, mode: u32) -> Result<OwnedFd, Errno> {
        let beneath =
            ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_SYMLINKS | ResolveFlag::RESOLVE_NO_MAGICLINKS;
        let how = OpenHow::new().flags(flags | OFlag::O_CLOEXEC).mode(Mode::from_bits_truncate(mode)).resolve(beneath);
        let path = if path.is_empty() { "." } else { path };
        loop {
            match openat2(&self.top, Path::new(path), how) {
                Err(Errno::EAGAIN | Errno::EINTR) => {}
                other => return other,
            }
        }
    }

    /// The directory that holds a path's last name, made where it is not there.
    fn parent(&mut self, path: &[String]) -> Result<OwnedFd, Refusal> {
        let parents = path.split_last().map_or(&[][..], |(_, parents)| parents);
        let joined = parents.join("/");
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY;
        match self.open(&joined, flags, 0) {
            Err(Errno::ENOENT) => {}
            other => return other.map_err(io_refusal("opening", &joined)),
        }
        for depth in 1..=parents.len() {
            let above = self.open(&parents[..depth - 1].join("/"), flags, 0).map_err(io_refusal("opening", &joined))?;
            match mkdirat(&above, parents[depth - 1].as_str(), Mode::from_bits_truncate(0o755)) {
                Ok(()) => drop(self.modes.entry(parents[..depth].join("/")).or_insert(0o755)),
                Err(Errno::EEXIST) => {}
                Err(error) => return Err(io_refusal("making", &joined)(error)),
            }
        }
        self.open(&joined, flags, 0).map_err(io_refusal("opening", &joined))
    }

    /// Gives something its owner, before its mode: a change of owner clears bits of it.
    fn own(&self, made: impl AsFd, path: &str) -> Result<(), Refusal> {
        let (uid, gid) = self.owner();
        match (uid, gid) {
            (None, None) => Ok(()),
            _ => fchown(made, uid, gid).map_err(io_refusal("setting the owner of", path)),
        }
    }

    fn owner(&self) -> (Option<Uid>, Option<Gid>) {
        (self.attributes.uid.map(Uid::from_raw), self.attributes.gid.map(Gid::from_raw))
    }

    /// Gives directories their owners and modes, the deepest first, and has it all on disk.
    fn finish(&mut self) -> Result<(), Refusal> {
        for (path, mode) in self.modes.iter().rev() {
            let directory = self.open(path, OFlag::O_RDONLY | OFlag::O_DIRECTORY, 0);
            let directory = directory.map_err(io_refusal("opening", path))?;
            self.own(&directory, path)?;
            fchmod(&directory, Mode::from_bits_truncate(*mode)).map_err(io_refusal("setting the mode of", path))?;
        }
        self.own(&self.top, "the top")?;
        fchmod(&self.top, Mode::from_bits_truncate(self.mode)).map_err(io_refusal("setting the mode of", "the top"))?;
        nix::unistd::syncfs(&self.top).map_err(io_refusal("syncing", "the filesystem"))
    }
}

impl Sink for Tree {
    fn take(&mut self, item: &Item, bytes: &mut dyn Read) -> Result<(), Refusal> {
        let shown = item.path.join("/");
        let Some(name) = item.path.last() else {
            self.mode = self.attributes.mode.unwrap_or(item.mode);
            return Ok(());
        };
        let parent = self.parent(&item.path)?;
        match &item.kind {
            ItemKind::Directory => {
                match mkdirat(&parent, name.as_str(), Mode::from_bits_truncate(0o755)) {
                    // It was implied by what is beneath it.
                    Ok(()) | Err(Errno::EEXIST) => {}
                    Err(error) => return Err(io_refusal("making", &shown)(error)),
                }
                self.modes.insert(shown, item.mode);
            }
            ItemKind::Link(target) => {
                symlinkat(target.as_str(), &parent, name.as_str()).map_err(io_refusal("linking", &shown))?;
                let (uid, gid) = self.owner();
                fchownat(&parent, name.as_str(), uid, gid, AtFlags::AT_SYMLINK_NOFOLLOW)
                    .map_err(io_refusal("setting the owner of", &shown))?;
            }
            ItemKind::File(size) => {
                let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
                let made = openat(&parent, name.as_str(), flags, Mode::from_bits_truncate(0o600));
                let mut made = File::from(made.map_err(io_refusal("making", &shown))?);
                let written = io::copy(bytes, &mut made).and_then(|count| made.flush().map(|()| count));
                match written {
                    Ok(count) if count == *size => {}
                    Ok(_) => return Err(Refusal::Malformed(format!("`{shown}` ends early"))),
                    Err(error) => return Err(flattened(error, &shown)),
                }
                self.own(&made, &shown)?;
                fchmod(&made, Mode::from_bits_truncate(item.mode))
                    .map_err(io_refusal("setting the mode of", &shown))?;
            }
        }
        Ok(())
    }
}

/// An error of reading or of writing; the walk knows which refusal of the reader's it was.
fn flattened(error: io::Error, path: &str) -> Refusal {
    match error.raw_os_error() {
        Some(_) => Refusal::Io { what: format!("writing {path}"), source: error },
        None => Refusal::Malformed(error.to_string()),
    }
}
