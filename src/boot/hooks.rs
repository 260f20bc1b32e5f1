//! Hooks: a role, or a program of the verified tree, before and after the roles and when something failed.

use super::work::Work;
use crate::failure::{Failure, Stage};
use crate::host::{Change, Command, Host};
use crate::settings::keys::{Hook, HookAction};
use std::path::Path;

/// Runs a hook within its time.
pub(super) fn run(work: &mut Work, hook: &Hook, name: &str) -> Result<(), Failure> {
    work.grounds.run.line(&format!("hook {name}"));
    match hook.action() {
        Some(HookAction::Role(role)) => work.run_role(&role.to_string(), hook.timeout.get()),
        Some(HookAction::Program(program, arguments)) => program_of_tree(work, hook, name, program, arguments),
        None => Ok(()),
    }
}

/// The tree was written out after it was verified, into a directory of root's alone.
fn program_of_tree(
    work: &mut Work,
    hook: &Hook,
    name: &str,
    program: &str,
    arguments: &[String],
) -> Result<(), Failure> {
    let failed =
        |message: String| Failure::message(Stage::Converge, format!("hook {name}, program {program}: {message}"));
    let source = work.loader.source();
    let path = source.root().join(program);
    if !source.is_file(&path) {
        return Err(failed("it is not in the config repository".into()));
    }
    if source.mode(&path).is_ok_and(|mode| mode & 0o100 == 0) {
        return Err(failed("it is not executable in the config repository".into())
            .with_hint("git update-index --chmod=+x, and commit"));
    }
    let directory = path.parent().unwrap_or(Path::new("/")).to_owned();
    let mut argv = vec![path.display().to_string()];
    argv.extend(arguments.iter().cloned());
    let timeout = hook.timeout.get().min(work.grounds.deadline.left());
    let command = Command { directory: Some(directory), timeout: Some(timeout), ..Command::new(argv) };
    let effect = work.host.apply(&Change::Run(command)).map_err(|error| failed(error.to_string()))?;
    let output = effect.output.unwrap_or_default();
    for line in String::from_utf8_lossy(&output.stdout).lines().chain(String::from_utf8_lossy(&output.stderr).lines()) {
        work.grounds.run.line(&format!("hook {name}: {line}"));
    }
    if output.timed_out {
        return Err(failed(format!("it was ended after {timeout:?}")).with_hint("raise the hook's `timeout`"));
    }
    if output.ok() { Ok(()) } else { Err(failed(format!("it ended with {}", output.code))) }
}
