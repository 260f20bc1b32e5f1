//! A boot in a process of its own: what is done to that process happens to no other test.
#![expect(clippy::disallowed_methods, clippy::print_stdout, reason = "tests start processes, and say what they skip")]

use crate::stage::Stage;
use muster::boot::{Mode, Request};
use muster::settings::Sources;
use muster::trust::TrustRoot;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const SCRATCH: &str = "MUSTER_TEST_SCRATCH";
const NUMBER: &str = "MUSTER_TEST_NUMBER";
const INSIDE: &str = "MUSTER_TEST_NAMESPACE";

/// In the process that [`spawn`] made: the request for the stage that the parent set, and the number that it gave.
pub fn child() -> Option<(Request, u64)> {
    let scratch = PathBuf::from(std::env::var_os(SCRATCH)?);
    let number = std::env::var(NUMBER).unwrap().parse().unwrap();
    let root = scratch.join("root");
    let request = Request {
        mode: Mode::Boot,
        sources: Sources { root: root.clone(), ..Sources::default() },
        root,
        wait_lock: Duration::ZERO,
        allow_rollback: None,
        tags: (Vec::new(), Vec::new()),
        progress: false,
        trust: Some(TrustRoot::read(&scratch.join("trust.d")).unwrap()),
        machine: None,
        planning: muster::boot::Planning::Converge,
        redactor: muster::secret::Redactor::default(),
    };
    Some((request, number))
}

/// Boots in this process, and ends it with the exit code that `muster boot` has.
pub fn boot_and_exit(request: &Request) -> ! {
    let code = muster::boot::boot(request).map_or_else(|failure| failure.stage.exit_code(), |_| 0);
    std::process::exit(code.into())
}

/// Runs a test, by its name, as a process of its own.
pub fn spawn(stage: &Stage, test: &str, number: u64) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args([test, "--exact", "--nocapture"])
        .env(SCRATCH, stage.scratch())
        .env(NUMBER, number.to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Runs the rest of a test, by its name, where it may mount: in a user and mount namespace of its own. `true` inside.
/// A machine that gives no namespaces is told so on a line, and nothing is claimed.
pub fn in_namespace(test: &str) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        return true;
    }
    let unshare = || {
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount", "--propagation", "private"]);
        command
    };
    if !unshare().arg("true").status().is_ok_and(|status| status.success()) {
        println!("SKIPPED {test}: this machine gives no user and mount namespaces");
        return false;
    }
    let inside = unshare()
        .arg(std::env::current_exe().unwrap())
        .args([test, "--exact", "--nocapture"])
        .env(INSIDE, "1")
        .output()
        .unwrap();
    assert!(
        inside.status.success(),
        "{}{}",
        String::from_utf8_lossy(&inside.stdout),
        String::from_utf8_lossy(&inside.stderr)
    );
    false
}

/// `mount` with arguments, within the namespace.
pub fn mount(arguments: &[&str]) {
    assert!(Command::new("mount").args(arguments).status().unwrap().success(), "mount {arguments:?}");
}
