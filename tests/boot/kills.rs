//! A converge killed at any of its changes: nothing is torn, and the next run finishes.

use crate::apart;
use crate::machine::machine;
use crate::{files, stage};
use muster::boot::{Ended, Request};
use muster::journal::State;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::time::Duration;

const TEST: &str = "kills::a_kill_at_any_change_tears_nothing";

/// Ends this process some time within the change, or right before it.
fn kill_soon(number: u64) {
    let after = Duration::from_micros(number * 97 % 500);
    let end = move || {
        std::thread::sleep(after);
        let _ = kill(Pid::this(), Signal::SIGKILL);
    };
    if after < Duration::from_micros(100) {
        end();
    } else {
        std::thread::spawn(end);
    }
}

#[test]
fn a_kill_at_any_change_tears_nothing() {
    if let Some((request, run)) = apart::child() {
        let around = machine(move |number, _| {
            if number == 1 {
                kill_soon(run);
            }
            None
        });
        apart::boot_and_exit(&Request { machine: Some(around), ..request });
    }
    let whole = stage();
    whole.boot(false).unwrap();
    let whole = files(&whole.root());
    let stage = stage();
    let settings = "etc/muster/muster.yaml";
    let mut killed = 0;
    // Each run finds what the one before left, and gets a change or two further.
    for run in 0..60 {
        let status = apart::spawn(&stage, TEST, run).wait().unwrap();
        if status.code().is_some() {
            break;
        }
        killed += 1;
        for (path, content) in files(&stage.root()) {
            let temporary = path.contains(".muster-");
            let known = path == settings || whole.get(&path) == Some(&content);
            // A handler's file and a line that is added grow from nothing.
            assert!(temporary || known, "after kill {run}, {path} is torn");
        }
    }
    assert!(killed > 5, "{killed} runs were killed");
    let history = muster::journal::History::open(&stage.root().join("var/lib/muster"));
    let unsaid = history.unheard().unwrap().len();
    assert!(unsaid <= 1, "each run found the kill before it: {unsaid}");
    assert!(matches!(stage.boot(false).unwrap(), Ended::Converged { .. } | Ended::AlreadyDone { .. }));
    let now = files(&stage.root());
    let names = |all: &std::collections::BTreeMap<String, Vec<u8>>| all.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&now), names(&whole));
    assert!(now.iter().all(|(path, content)| path == settings || whole.get(path) == Some(content)));
    assert_eq!(stage.newest().state, State::Done);
}
