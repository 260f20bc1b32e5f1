//! `cargo run --release --example first-boot`: the main job on an emulated AWS, in a scratch root, by the code of `muster boot`.
#![expect(clippy::unwrap_used, reason = "an example ends where its stage cannot be set")]

#[path = "../stage/faults.rs"]
mod faults;
#[path = "../stage/mod.rs"]
#[expect(dead_code, reason = "the tests use more of the stage")]
mod stage;

use faults::FAULTS;
use muster::boot::Ended;
use stage::{Plan, STACK};
use std::process::ExitCode;

/// A line on standard output. A reader that went away, as `head` does, is no failure.
macro_rules! say {
    ($($text:tt)*) => {{
        use std::io::Write;
        let _ = writeln!(std::io::stdout().lock(), $($text)*);
    }};
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        [] => show(None),
        ["--break", name] => match FAULTS.iter().find(|fault| fault.name == name) {
            Some(fault) => show(Some(fault)),
            None => {
                say!("there is no fault `{name}`\n");
                help(2)
            }
        },
        ["--help" | "-h"] => help(0),
        _ => help(2),
    }
}

fn help(code: u8) -> ExitCode {
    say!("cargo run --release --example first-boot [-- --break NAME]\n\nNAME is one of:");
    for fault in FAULTS {
        say!("  {:<18} {}", fault.name, fault.what);
    }
    ExitCode::from(code)
}

fn show(fault: Option<&faults::Fault>) -> ExitCode {
    let plan = Plan::new().unwrap();
    let plan = match fault {
        Some(fault) => {
            let when = if fault.before_change { "before anything is changed" } else { "and what was done is named" };
            say!("This time {}: to be refused at stage `{}`, {when}.\n", fault.what, fault.stage);
            (fault.apply)(plan).unwrap()
        }
        None => plan,
    };
    let stage = plan.set().unwrap();
    say!("emulated AWS    {}", stage.aws.endpoint_url());
    say!("metadata        {}", stage.aws.imds_url());
    say!("repository      {}", stage.git.url());
    say!("signed by       {}", stage.signer.public_openssh().unwrap());
    say!("commit          {} files in {}", stage.tree.files().count(), stage.repository.path().display());
    say!("scratch root    {}\n", stage.root().display());
    let result = stage.boot(true);
    say!();
    timeline(&stage);
    say!("\n/etc/web.conf\n{}", stage.read("/etc/web.conf"));
    say!("files made");
    for name in made(&stage.root()) {
        say!("  {name}");
    }
    say!("\nwhat the stack {} heard", STACK.0);
    for signal in stage.aws.signals() {
        let word = if signal.success { "SUCCESS" } else { "FAILURE" };
        say!("  {word} for {} from {}", signal.logical_id, signal.unique_id);
    }
    for event in stage.aws.stack(STACK.0).map(|stack| stack.events).unwrap_or_default() {
        say!("  {} {} {}", event.logical_id, event.status, event.reason);
    }
    match result {
        Ok(Ended::Converged { counts, .. }) => {
            say!("\nconverged: {} ok, {} changed", counts.ok, counts.changed);
            ExitCode::SUCCESS
        }
        Ok(other) => {
            say!("\n{other:?}");
            ExitCode::SUCCESS
        }
        Err(failure) => {
            say!("\n{failure}\n\nexit code {}", failure.stage.exit_code());
            let said = failure.to_string();
            let silent = fault.iter().flat_map(|fault| fault.says).filter(|word| !said.contains(**word));
            silent.for_each(|word| say!("it should have said `{word}`"));
            ExitCode::from(failure.stage.exit_code())
        }
    }
}

/// The stages of the run, as the journal kept them.
fn timeline(stage: &stage::Stage) {
    say!("timeline");
    let state = stage.root().join("var/lib/muster");
    let history = muster::journal::History::open(&state);
    for time in history.newest().ok().flatten().map(|record| record.stages).unwrap_or_default() {
        say!("  {:<12} {:>8.1} ms", time.stage.name(), time.seconds.unwrap_or_default() * 1000.0);
    }
}

/// The files of the scratch root that the stage did not put there, muster's own state left out.
fn made(root: &std::path::Path) -> Vec<String> {
    let mut names = Vec::new();
    let mut open = vec![root.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in std::fs::read_dir(&directory).into_iter().flatten().flatten() {
            let path = entry.path();
            let name = format!("/{}", path.strip_prefix(root).unwrap_or(&path).display());
            let own = ["/var/lib/muster", "/run/muster", "/etc/muster", "/etc/passwd", "/etc/group"];
            if own.contains(&name.as_str()) {
                continue;
            }
            if path.is_dir() { open.push(path) } else { names.push(name) }
        }
    }
    names.sort();
    names
}
