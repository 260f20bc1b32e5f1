//! Names of files that are still being made, and what a killed muster left of them.

use super::look::names;
use super::place::remove_name;
use super::root::stat_name;
use nix::errno::Errno;
use nix::sys::stat::fstat;
use nix::unistd::{Pid, geteuid};
use std::collections::HashSet;
use std::ffi::OsString;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::sync::{Mutex, PoisonError};

const MARK: &[u8] = b".muster-";

/// A name for a file that is still being made: hidden, beside its target, telling whose it is. What a muster that is no
/// longer there left in the directory goes first; a run that writes there again has found its work undone.
pub fn temporary_name(directory: &OwnedFd, name: &OsString) -> OsString {
    clear(directory);
    // Names have at most 255 bytes.
    let stem = &name.as_bytes()[..name.len().min(200)];
    let mut bytes = b".".to_vec();
    bytes.extend_from_slice(stem);
    bytes.extend_from_slice(MARK);
    bytes.extend_from_slice(format!("{:08x}{:08x}", std::process::id(), fastrand::u32(..)).as_bytes());
    OsString::from_vec(bytes)
}

/// Looks once a process into each directory. What cannot be removed does no harm.
fn clear(directory: &OwnedFd) {
    static SEEN: Mutex<Option<HashSet<(u64, u64)>>> = Mutex::new(None);
    let Ok(stat) = fstat(directory) else { return };
    let mut seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
    if !seen.get_or_insert_default().insert((stat.st_dev, stat.st_ino)) {
        return;
    }
    drop(seen);
    let Ok(all) = directory.try_clone().and_then(names) else { return };
    for name in all.into_iter().filter(|name| maker(name.as_bytes()).is_some_and(is_gone)) {
        let own = matches!(stat_name(directory, &name), Ok(Some(stat)) if stat.st_uid == geteuid().as_raw());
        if own {
            let _ = remove_name(directory.as_fd(), &name, None, 0);
        }
    }
}

/// The process that made a file of such a name.
fn maker(name: &[u8]) -> Option<Pid> {
    let at = name.len().checked_sub(MARK.len() + 16)?;
    let (stem, rest) = name.split_at(at);
    let digits = rest.strip_prefix(MARK)?;
    let hexadecimal = digits.iter().all(u8::is_ascii_hexdigit) && stem.first() == Some(&b'.');
    let pid = std::str::from_utf8(&digits[..8]).ok().filter(|_| hexadecimal)?;
    i32::from_str_radix(pid, 16).ok().filter(|pid| *pid > 0).map(Pid::from_raw)
}

fn is_gone(pid: Pid) -> bool {
    nix::sys::signal::kill(pid, None) == Err(Errno::ESRCH)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "tests set the stage")]
    fn what_a_killed_muster_left_goes_and_nothing_else_does() {
        let scratch = tempfile::tempdir().expect("scratch");
        // A process that has ended, and been waited for.
        let mut child = std::process::Command::new("true").spawn().expect("starts");
        child.wait().expect("ends");
        let (dead, own) = (child.id(), std::process::id());
        let left = format!(".motd.muster-{dead:08x}01234567");
        let kept = [
            format!(".motd.muster-{own:08x}01234567"),
            format!("motd.muster-{dead:08x}01234567"),
            format!(".motd.muster-{dead:08x}0123456"),
            format!(".motd.muster-{dead:08x}0123456x"),
            "motd".to_owned(),
        ];
        for name in kept.iter().chain([&left]) {
            std::fs::write(scratch.path().join(name), b"x").expect("written");
        }
        std::fs::create_dir_all(scratch.path().join(format!(".app.muster-{dead:08x}01234567/inner"))).expect("made");
        let directory: OwnedFd = File::open(scratch.path()).expect("opens").into();
        let made = temporary_name(&directory, &"motd".into());
        assert_eq!(maker(made.as_bytes()), Some(Pid::from_raw(i32::try_from(own).expect("a pid"))));
        let mut there: Vec<String> = std::fs::read_dir(scratch.path())
            .expect("lists")
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
            .collect();
        let mut kept = kept.to_vec();
        there.sort();
        kept.sort();
        assert_eq!(there, kept);
    }
}
