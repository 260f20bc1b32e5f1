//! Putting a file in place: written beside its target, given its attributes, judged, and renamed over it.

use super::labels;
use super::leftovers::temporary_name;
use super::place::{give, sync};
use super::program;
use super::root::{Root, stat_name};
use crate::host::{Attributes, Command, Content, Effect, FileWrite, HostError, Kind};
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat, renameat};
use nix::sys::stat::{FileStat, Mode};
use nix::unistd::{UnlinkatFlags, linkat, unlinkat};
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// Carries out a [`FileWrite`].
pub fn put(root: &Root, umask: u32, file: &FileWrite) -> Result<Effect, HostError> {
    let fault = |error| HostError::io("write", &file.path, error);
    let path = if file.follow { root.resolve(&file.path).map_err(fault)? } else { file.path.clone() };
    let (directory, name) = root.parent(&path).map_err(fault)?;
    let old = stat_name(&directory, &name).map_err(fault)?;
    if old.is_some_and(|old| super::look::from_kernel(&old).kind == Kind::Directory) {
        return Err(fault(Errno::EISDIR.into()));
    }
    // What replaces a link is a new file.
    let before = old.filter(|old| super::look::from_kernel(old).kind != Kind::Link);
    let spot = Spot { root, path: &path, directory: &directory, name: &name };
    let mut effect = Effect::default();
    match spot.replace(umask, file, before.as_ref(), &mut effect) {
        Ok(()) => Ok(effect),
        Err(HostError::Io { source, .. }) if file.in_place && old.is_some() && is_pinned(&source) => {
            spot.overwrite(file, &mut effect).map_err(fault)?;
            Ok(effect)
        }
        Err(error) => Err(error),
    }
}

/// Whether an error means that the name cannot be replaced while the file itself may be writable (a bind mount).
fn is_pinned(error: &io::Error) -> bool {
    use Errno::{EACCES, EBUSY, EPERM, EROFS, ETXTBSY, EXDEV};
    error
        .raw_os_error()
        .is_some_and(|code| [EBUSY, EPERM, EACCES, EXDEV, ETXTBSY, EROFS].contains(&Errno::from_raw(code)))
}

/// Where the file goes.
struct Spot<'a> {
    root: &'a Root,
    path: &'a Path,
    directory: &'a OwnedFd,
    name: &'a OsString,
}

impl Spot<'_> {
    fn replace(
        &self,
        umask: u32,
        file: &FileWrite,
        before: Option<&FileStat>,
        effect: &mut Effect,
    ) -> Result<(), HostError> {
        let fault = |error| HostError::io("write", self.path, error);
        let temporary = temporary_name(self.directory, self.name);
        let made = self.create(&temporary, 0o600).map_err(fault)?;
        let result = (|| {
            self.fill(&made, file, before, umask).map_err(fault)?;
            if let Some(command) = &file.validate {
                self.validate(command, &temporary)?;
            }
            if file.backup && before.is_some() {
                effect.backup = Some(self.keep_old().map_err(fault)?);
            }
            renameat(self.directory, temporary.as_os_str(), self.directory, self.name.as_os_str())
                .map_err(|error| fault(error.into()))?;
            sync(self.directory).map_err(fault)
        })();
        if result.is_err() {
            self.unlink(&temporary);
            if let Some(name) = effect.backup.take().and_then(|path| path.file_name().map(OsString::from)) {
                self.unlink(&name);
            }
        }
        result
    }

    fn create(&self, name: &OsString, mode: u32) -> io::Result<File> {
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        Ok(File::from(openat(self.directory, name.as_os_str(), flags, Mode::from_bits_truncate(mode))?))
    }

    fn unlink(&self, name: &OsString) {
        let _ = unlinkat(self.directory, name.as_os_str(), UnlinkatFlags::NoRemoveDir);
    }

    /// Content and attributes, on the descriptor and on disk before anyone can see the name.
    fn fill(&self, made: &File, file: &FileWrite, before: Option<&FileStat>, umask: u32) -> io::Result<()> {
        pour(&file.content, made)?;
        let made: OwnedFd = made.try_clone()?.into();
        if let Some(before) = before {
            // Kept where it can be: only root may give a file away.
            let kept = Attributes { mode: None, uid: Some(before.st_uid), gid: Some(before.st_gid) };
            match give(&made, &kept) {
                Err(error) if error.kind() != io::ErrorKind::PermissionDenied => return Err(error),
                _ => {}
            }
            self.copy_labels(&made);
        } else {
            labels::mark(self.root, &made, self.path, Kind::File)?;
        }
        let mode = file.attributes.mode.or(before.map(|stat| stat.st_mode & 0o7777)).unwrap_or(0o666 & !umask);
        give(&made, &Attributes { mode: Some(mode), ..file.attributes.clone() })?;
        nix::unistd::fsync(&made)?;
        Ok(())
    }

    /// Extended attributes (SELinux label, ACL) of the old file, as far as the filesystem takes them.
    fn copy_labels(&self, made: &OwnedFd) {
        let Ok(old) = self.root.open_path(self.path, OFlag::O_RDONLY | OFlag::O_NONBLOCK) else { return };
        let mut list = vec![0_u8; 64 * 1024];
        let Ok(length) = rustix::fs::flistxattr(&old, &mut list[..]) else { return };
        for name in list[..length].split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
            let mut value = vec![0_u8; 64 * 1024];
            // Capabilities belong to the old program, not to its successor.
            if name == b"security.capability" {
                continue;
            }
            if let Ok(size) = rustix::fs::fgetxattr(&old, name, &mut value[..]) {
                let _ = rustix::fs::fsetxattr(made, name, &value[..size], rustix::fs::XattrFlags::empty());
            }
        }
    }

    fn validate(&self, command: &Command, temporary: &OsString) -> Result<(), HostError> {
        let staged = self.path.with_file_name(temporary);
        let mut command = command.clone();
        for argument in &mut command.argv {
            *argument = argument.replace("%s", &staged.to_string_lossy());
        }
        let refused =
            |output: String| HostError::Validation { path: self.path.to_owned(), command: command.shown(), output };
        if !self.root.may_run() {
            return Err(refused("a root directory's programs run only with --chroot".into()));
        }
        let output = program::run(&self.root.path, &command).map_err(|error| refused(error.to_string()))?;
        if output.ok() {
            return Ok(());
        }
        let said = [&output.stdout[..], &output.stderr[..]].concat();
        Err(refused(String::from_utf8_lossy(&said).trim().to_owned()))
    }

    /// Keeps the old file under its backup name: another link where that can be, so that it costs and risks nothing.
    fn keep_old(&self) -> io::Result<PathBuf> {
        let stamp = jiff::Zoned::now().strftime("%Y-%m-%d@%H:%M:%S~");
        let mut name = self.name.clone();
        name.push(format!(".{}.{stamp}", std::process::id()));
        self.unlink(&name);
        let flags = AtFlags::AT_SYMLINK_FOLLOW;
        if linkat(self.directory, self.name.as_os_str(), self.directory, name.as_os_str(), flags).is_err() {
            self.copy_old(&name)?;
        }
        Ok(self.path.with_file_name(name))
    }

    fn copy_old(&self, name: &OsString) -> io::Result<()> {
        let old = File::from(self.root.open_path(self.path, OFlag::O_RDONLY | OFlag::O_NONBLOCK)?);
        let stat = nix::sys::stat::fstat(&old)?;
        let copy = self.create(name, 0o600)?;
        pour(&Content::Staged(std::sync::Arc::new(old)), &copy)?;
        let attributes =
            Attributes { mode: Some(stat.st_mode & 0o7777), uid: Some(stat.st_uid), gid: Some(stat.st_gid) };
        let copy: OwnedFd = copy.into();
        give(&copy, &attributes)?;
        Ok(nix::unistd::fsync(&copy)?)
    }

    /// Writes over the file that is there. Asked for by name, because a kill in the middle tears it.
    fn overwrite(&self, file: &FileWrite, effect: &mut Effect) -> io::Result<()> {
        if file.backup {
            let mut name = self.name.clone();
            name.push(format!(".{}.{}", std::process::id(), jiff::Zoned::now().strftime("%Y-%m-%d@%H:%M:%S~")));
            self.copy_old(&name)?;
            effect.backup = Some(self.path.with_file_name(name));
        }
        let target = File::from(self.root.open_path(self.path, OFlag::O_WRONLY | OFlag::O_NONBLOCK)?);
        target.set_len(0)?;
        pour(&file.content, &target)?;
        let target: OwnedFd = target.into();
        give(&target, &file.attributes)?;
        Ok(nix::unistd::fsync(&target)?)
    }
}

/// Writes content into an open file.
fn pour(content: &Content, mut file: &File) -> io::Result<()> {
    let staged = match content {
        Content::Bytes(bytes) => return file.write_all(bytes),
        Content::Staged(staged) => staged,
    };
    let (mut from, length) = (0_u64, staged.metadata()?.len());
    while from < length {
        use rustix::io::Errno as No;
        match rustix::fs::copy_file_range(staged, Some(&mut from), file, None, 1 << 30) {
            Ok(0) | Err(No::XDEV | No::INVAL | No::NOSYS | No::OPNOTSUPP) => break,
            Ok(_) | Err(No::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    // What the kernel would not copy by itself.
    let mut at = from;
    let mut buffer = vec![0_u8; 128 * 1024];
    loop {
        let count = staged.read_at(&mut buffer, at)?;
        if count == 0 {
            return Ok(());
        }
        file.write_all(&buffer[..count])?;
        at += count as u64;
    }
}
