//! A panic ends the process with the exit code of a fault in muster; the failure unit, or the next boot, reports it.

use crate::failure::{Failure, Stage};
use std::panic::{PanicHookInfo, set_hook};

/// Tells of a panic in muster's own words, and ends the process: a thread that panicked alone must not leave the others
/// to end well.
pub(super) fn ends_the_process() {
    set_hook(Box::new(|panic| {
        let failure = told(panic);
        super::report(&failure);
        std::process::exit(failure.stage.exit_code().into());
    }));
}

fn told(panic: &PanicHookInfo<'_>) -> Failure {
    let payload = panic.payload();
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or_default();
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    Failure::message(Stage::Internal, format!("muster panicked at {place}: {}", without_values(text)))
        .with_hint("this is a fault in muster; please report it with the line above")
}

/// The standard library quotes the values that it panics over in backticks, and a value may be a secret.
fn without_values(text: &str) -> String {
    match text.split_once('`') {
        Some((before, _)) => format!("{before}..."),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    const CHILD: &str = "MUSTER_TEST_PANICS";

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the test runs itself as the process that panics")]
    fn a_panic_of_any_thread_ends_the_process_and_quotes_no_value() {
        if std::env::var_os(CHILD).is_some() {
            ends_the_process();
            let secret = String::from("hunter2-hunter\u{e9}");
            let _ = std::thread::spawn(move || secret[..15].len()).join();
            return;
        }
        let tests = std::env::current_exe().expect("the test's own binary");
        let name = "cli::panic::tests::a_panic_of_any_thread_ends_the_process_and_quotes_no_value";
        let child = Command::new(tests).args(["--exact", name, "--nocapture"]).env(CHILD, "1").output().expect("runs");
        let told = String::from_utf8_lossy(&child.stderr);
        assert_eq!(child.status.code(), Some(70), "{told}");
        assert!(told.contains("error[internal]: muster panicked at src/cli/panic.rs:"), "{told}");
        assert!(told.contains("please report it") && !told.contains("hunter2"), "{told}");
    }
}
