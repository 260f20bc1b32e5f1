//! Runs a package manager's program, after the package database's lock has come free.

use super::program;
use crate::host::{Command, HostError, Output};
use nix::fcntl::{FcntlArg, fcntl};
use std::fs::File;
use std::path::Path;
use std::time::{Duration, Instant};

/// Locks that dpkg, apt and rpm take with `fcntl(2)`.
const LOCKS: &[&str] = &[
    "var/lib/dpkg/lock-frontend",
    "var/lib/dpkg/lock",
    "var/lib/apt/lists/lock",
    "var/cache/apt/archives/lock",
    "var/lib/rpm/.rpm.lock",
    "usr/lib/sysimage/rpm/.rpm.lock",
];

/// How long the lock is waited for where the command does not say (`-o DPkg::Lock::Timeout=SECONDS`): a first boot's
/// unattended upgrade takes minutes.
pub const PATIENCE: Duration = Duration::from_secs(600);

/// Runs it. That another program held the lock for too long is an error that names the program; what the package
/// manager itself says is the output.
pub fn run(root: &Path, command: &Command) -> Result<Output, HostError> {
    let patience = asked_patience(command).unwrap_or(PATIENCE);
    let began = Instant::now();
    let mut quiet = command.clone();
    for (name, value) in [("DEBIAN_FRONTEND", "noninteractive"), ("DEBIAN_PRIORITY", "critical")] {
        if !quiet.environment.iter().any(|(have, _)| have == name) {
            quiet.environment.push((name.into(), value.into()));
        }
    }
    loop {
        wait(root, command, began, patience)?;
        let output = program::run(root, &quiet)
            .map_err(|error| HostError::io("run", Path::new(command.argv.first().map_or("", String::as_str)), error))?;
        // apt itself waits only for dpkg's lock: not for those of the lists and of the archives.
        let lost = output.code == 100 && String::from_utf8_lossy(&output.stderr).contains("Could not get lock");
        if !lost || began.elapsed() >= patience || program::is_over() {
            return Ok(output);
        }
        std::thread::sleep(Duration::from_millis(200));
    }
}

fn wait(root: &Path, command: &Command, began: Instant, patience: Duration) -> Result<(), HostError> {
    let mut told = false;
    while let Some((lock, pid)) = held(root) {
        if began.elapsed() >= patience || program::is_over() {
            return Err(HostError::Locked {
                command: command.shown(),
                lock: lock.into(),
                holder: name_of(pid),
                waited: began.elapsed(),
            });
        }
        if !told {
            tracing::info!(lock, holder = name_of(pid), "waiting for the package lock");
            told = true;
        }
        std::thread::sleep(Duration::from_millis(250));
    }
    Ok(())
}

/// The first lock that another process holds, and its number.
fn held(root: &Path) -> Option<(&'static str, i32)> {
    LOCKS.iter().find_map(|lock| holder(&root.join(lock)).map(|pid| (*lock, pid)))
}

fn holder(lock: &Path) -> Option<i32> {
    let file = File::open(lock).ok()?;
    let mut question = nix::libc::flock {
        l_type: nix::libc::F_WRLCK as nix::libc::c_short,
        l_whence: nix::libc::SEEK_SET as nix::libc::c_short,
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    };
    fcntl(&file, FcntlArg::F_GETLK(&mut question)).ok()?;
    (question.l_type != nix::libc::F_UNLCK as nix::libc::c_short).then_some(question.l_pid)
}

/// A process's command line and number. The lock of another container's process has no number that means anything.
fn name_of(pid: i32) -> String {
    let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let words: Vec<_> = line.split(|byte| *byte == 0).filter(|word| !word.is_empty()).take(4).collect();
    if words.is_empty() {
        return format!("process {pid}");
    }
    let line = words.iter().map(|word| String::from_utf8_lossy(word)).collect::<Vec<_>>().join(" ");
    format!("`{line}` (process {pid})")
}

fn asked_patience(command: &Command) -> Option<Duration> {
    let seconds = command.argv.iter().find_map(|word| word.strip_prefix("DPkg::Lock::Timeout="))?;
    seconds.parse().ok().map(Duration::from_secs)
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests set the stage")]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader};

    #[test]
    fn a_held_lock_is_waited_for_and_its_holder_named() {
        let root = tempfile::tempdir().expect("root");
        let lock = root.path().join(LOCKS[0]);
        std::fs::create_dir_all(lock.parent().expect("parent")).expect("directory");
        std::fs::write(&lock, "").expect("lock");
        let mut holder = std::process::Command::new("python3")
            .args(["-c", "import fcntl,sys,time\nf=open(sys.argv[1],'w');fcntl.lockf(f,fcntl.LOCK_EX);print('held',flush=True);time.sleep(60)"])
            .arg(&lock)
            .stdout(std::process::Stdio::piped())
            .spawn()
            .expect("python3");
        let mut line = String::new();
        BufReader::new(holder.stdout.take().expect("stdout")).read_line(&mut line).expect("held");
        let command = Command::new(["apt-get", "-o", "DPkg::Lock::Timeout=1", "update"]);
        let error = wait(root.path(), &command, Instant::now(), asked_patience(&command).expect("asked"))
            .expect_err("locked")
            .to_string();
        assert!(error.contains("python3") && error.contains("lock-frontend"), "{error}");
        holder.kill().expect("kill");
        holder.wait().expect("wait");
        wait(root.path(), &command, Instant::now(), PATIENCE).expect("free");
    }
}
