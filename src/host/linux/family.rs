//! A program and all that it started, also what left its process group, as `su`, `sudo` and `setsid` do.

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use std::collections::HashSet;

/// Sends a signal to a process group, and to what descends from its leader in other groups. What has been handed to init
/// since belongs to nobody's task.
pub fn send(leader: i32, signal: Signal) {
    // Looked for first: what a process started is init's once it has ended.
    let others = others(leader);
    let _ = killpg(Pid::from_raw(leader), signal);
    for pid in others {
        let _ = kill(Pid::from_raw(pid), signal);
    }
}

/// A process as `/proc` shows it.
struct Process {
    pid: i32,
    parent: i32,
    group: i32,
}

fn others(leader: i32) -> Vec<i32> {
    let all: Vec<Process> = std::fs::read_dir("/proc").into_iter().flatten().flatten().filter_map(process).collect();
    let mut family = HashSet::from([leader]);
    loop {
        let more: Vec<i32> = all
            .iter()
            .filter(|one| family.contains(&one.parent) && !family.contains(&one.pid))
            .map(|one| one.pid)
            .collect();
        if more.is_empty() {
            break;
        }
        family.extend(more);
    }
    all.iter().filter(|one| one.group != leader && family.contains(&one.pid)).map(|one| one.pid).collect()
}

/// `PID (NAME) STATE PARENT GROUP ...`; the name may hold anything (proc_pid_stat(5)).
fn process(entry: std::fs::DirEntry) -> Option<Process> {
    let pid = entry.file_name().to_str()?.parse().ok()?;
    let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(1);
    Some(Process { pid, parent: fields.next()?.parse().ok()?, group: fields.next()?.parse().ok()? })
}
