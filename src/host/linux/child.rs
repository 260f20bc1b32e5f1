//! What a child does between fork and exec: root, user, directory, mask, and dying with its parent.
#![expect(
    unsafe_code,
    reason = "pre_exec is unsafe: its closure may only make async-signal-safe calls. This one makes system calls on \
              values that were built before the fork, and allocates nothing"
)]

use super::identity::Identity;
use crate::host::Command;
use nix::sys::stat::Mode;
use nix::unistd::{Gid, Pid, Uid};
use std::ffi::CString;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::Path;

/// What is to be done in the child, ready before the fork.
pub struct Setup {
    root: Option<CString>,
    directory: Option<CString>,
    user: Option<(Uid, Gid, Vec<Gid>)>,
    umask: Option<Mode>,
    terminal: bool,
    parent: Pid,
}

impl Setup {
    /// From what the command asks, on a machine with this root directory.
    pub fn new(root: &Path, command: &Command, identity: Option<&Identity>, terminal: bool) -> io::Result<Self> {
        let text = |path: &Path| CString::new(path.as_os_str().as_bytes()).map_err(io::Error::from);
        Ok(Self {
            root: if root == Path::new("/") { None } else { Some(text(root)?) },
            directory: command.directory.as_deref().map(text).transpose()?,
            user: identity.map(|who| {
                let groups = who.groups.iter().copied().map(Gid::from_raw).collect();
                (Uid::from_raw(who.uid), Gid::from_raw(who.gid), groups)
            }),
            umask: command.umask.map(Mode::from_bits_truncate),
            terminal,
            parent: Pid::this(),
        })
    }

    /// Has the child do it.
    pub fn install(self, process: &mut std::process::Command) {
        // SAFETY: `enter` makes only system calls, on values that exist already.
        unsafe {
            process.pre_exec(move || self.enter());
        }
    }

    fn enter(&self) -> io::Result<()> {
        if self.terminal {
            nix::unistd::setsid()?;
            // SAFETY: standard input is the terminal by now, and the call takes no pointer.
            let taken = unsafe { nix::libc::ioctl(0, nix::libc::TIOCSCTTY, 0) };
            nix::errno::Errno::result(taken)?;
        }
        if let Some(root) = &self.root {
            nix::unistd::chroot(root.as_c_str())?;
            nix::unistd::chdir(c"/")?;
        }
        if let Some((uid, gid, groups)) = &self.user {
            nix::unistd::setgroups(groups)?;
            nix::unistd::setgid(*gid)?;
            nix::unistd::setuid(*uid)?;
        }
        if let Some(directory) = &self.directory {
            nix::unistd::chdir(directory.as_c_str())?;
        }
        if let Some(umask) = self.umask {
            nix::sys::stat::umask(umask);
        }
        // After setuid, which clears it. The signal comes when the thread that forked ends: that thread waits here.
        nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGTERM)?;
        if nix::unistd::getppid() != self.parent {
            return Err(io::Error::from_raw_os_error(nix::libc::EOWNERDEAD));
        }
        Ok(())
    }
}
