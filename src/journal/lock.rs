//! One muster at a time: a lock that the kernel lets go with its holder, and that says who holds it.

use super::error::JournalError;
use crate::host::durable;
use jiff::Timestamp;
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use nix::sys::stat::{Mode, fchmod};
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

/// The lock, held until it is dropped or its process ends, however it ends.
#[derive(Debug)]
pub struct Lock {
    _file: Flock<File>,
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Holder {
    pid: u32,
    command: String,
    since: Timestamp,
}

const LOOK_AGAIN: Duration = Duration::from_millis(100);

impl Lock {
    /// Takes the lock in a run directory; while another holds it, waits as long as is asked.
    pub fn take(directory: &Path, command: &str, wait: Duration, now: Timestamp) -> Result<Self, JournalError> {
        durable::make_directory(directory, 0o755).map_err(|error| JournalError::state("make", directory, error))?;
        let path = directory.join("lock");
        let failed = |error| JournalError::state("lock", &path, error);
        let deadline = Instant::now() + wait;
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600).custom_flags(nix::libc::O_NOFOLLOW);
        let mut file = options.open(&path).map_err(failed)?;
        // Whoever can open it can hold it: nobody else may, or anybody could keep a host from its duty.
        fchmod(&file, Mode::from_bits_truncate(0o600)).map_err(|errno| failed(errno.into()))?;
        let mut held = loop {
            match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
                Ok(held) => break held,
                Err((mut busy, Errno::EWOULDBLOCK)) => {
                    if Instant::now() >= deadline {
                        return Err(JournalError::Locked { holder: holder(&mut busy), waited: !wait.is_zero() });
                    }
                    std::thread::sleep(LOOK_AGAIN);
                    file = busy;
                }
                Err((_, error)) => return Err(failed(error.into())),
            }
        };
        let holder = Holder { pid: std::process::id(), command: command.to_owned(), since: now };
        let text = serde_json::to_vec(&holder).unwrap_or_default();
        // It says who holds the lock, and does not decide that: no need to sync it.
        held.set_len(0).and_then(|()| held.rewind()).and_then(|()| held.write_all(&text)).map_err(failed)?;
        Ok(Self { _file: held })
    }

    /// Whether someone holds the lock now.
    pub fn is_held(directory: &Path) -> bool {
        let path = directory.join("lock");
        let file = match File::open(&path) {
            Ok(file) => file,
            // The kernel tells everybody who holds which file.
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => return is_listed(&path),
            Err(_) => return false,
        };
        matches!(Flock::lock(file, FlockArg::LockSharedNonblock), Err((_, Errno::EWOULDBLOCK)))
    }
}

/// Whether proc_locks(5) has a lock on a file: `1: FLOCK ADVISORY WRITE 812 00:1a:733 0 EOF`.
fn is_listed(path: &Path) -> bool {
    let Ok(inode) = std::fs::symlink_metadata(path).map(|found| std::os::unix::fs::MetadataExt::ino(&found)) else {
        return false;
    };
    let locks = std::fs::read_to_string("/proc/locks").unwrap_or_default();
    let ours = format!(":{inode}");
    locks.lines().any(|line| line.contains("FLOCK") && line.split_whitespace().any(|word| word.ends_with(&ours)))
}

fn holder(file: &mut File) -> String {
    let mut text = String::new();
    let read = file.seek(SeekFrom::Start(0)).and_then(|_| file.take(4096).read_to_string(&mut text));
    match read.ok().and_then(|_| serde_json::from_str::<Holder>(&text).ok()) {
        Some(Holder { pid, command, since }) => format!("`{command}`, process {pid}, since {since:.0}"),
        None => "it does not say who".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_is_told_who_the_first_is() {
        let directory = tempfile::tempdir().expect("scratch");
        let now = Timestamp::from_second(1_800_000_000).expect("time");
        let first = Lock::take(directory.path(), "muster boot", Duration::ZERO, now).expect("free");
        assert!(Lock::is_held(directory.path()) && is_listed(&directory.path().join("lock")));
        let mode = std::fs::metadata(directory.path().join("lock")).expect("there").permissions();
        assert_eq!(std::os::unix::fs::PermissionsExt::mode(&mode) & 0o777, 0o600, "nobody else can hold it");
        let error = Lock::take(directory.path(), "muster converge", Duration::ZERO, now).expect_err("held");
        let text = crate::failure::Failure::from(error).to_string();
        assert!(text.starts_with("error[lock]: another muster is running: `muster boot`, process"), "{text}");
        assert!(text.contains("since 2027-01-15T08:00:00Z") && text.contains("--wait-lock"), "{text}");
        drop(first);
        assert!(!Lock::is_held(directory.path()) && !is_listed(&directory.path().join("lock")));
        Lock::take(directory.path(), "muster converge", Duration::ZERO, now).expect("free again");
    }

    #[test]
    fn one_who_waits_gets_it_when_it_is_free() {
        let directory = tempfile::tempdir().expect("scratch");
        let first = Lock::take(directory.path(), "a", Duration::ZERO, Timestamp::UNIX_EPOCH).expect("free");
        std::thread::scope(|scope| {
            let second = scope
                .spawn(|| Lock::take(directory.path(), "b", Duration::from_secs(20), Timestamp::UNIX_EPOCH).map(drop));
            std::thread::sleep(Duration::from_millis(50));
            drop(first);
            second.join().expect("joins").expect("its turn");
        });
    }
}
