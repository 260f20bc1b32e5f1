//! Commands: one file each, one row each in [`Command`]. Arguments to values; the work is the rooms'.

mod boot;
mod cfn_signal;
mod config;
mod conformance;
mod converge;
mod cosign;
mod diagnostics;
mod diff;
mod image;
mod input;
mod module;
mod panic;
mod plan;
mod progress;
mod release;
mod role;
mod selection;
mod signal;
mod status;
mod trust;
mod validate;
mod verify;

use crate::failure::{Failure, STAGES};
use crate::settings::Period;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use std::ffi::OsString;
use std::process::ExitCode;

/// Brings an EC2 host to duty.
#[derive(Parser)]
#[command(name = "muster", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// What muster can be told to do.
#[derive(Subcommand)]
enum Command {
    Boot(boot::Boot),
    Release(release::Release),
    Role(role::Role),
    Module(module::Module),
    Config(config::Config),
    Status(status::Status),
    Validate(validate::Validate),
    Converge(converge::Converge),
    Plan(plan::Plan),
    Apply(plan::Apply),
    Signal(signal::Signal),
    /// What is believed, and putting it into a binary.
    #[command(subcommand)]
    Trust(trust::Trust),
    #[command(subcommand)]
    Verify(verify::Verify),
    Cosign(cosign::Cosign),
    #[command(subcommand)]
    Image(image::Image),
    #[command(hide = true)]
    Conformance(conformance::Conformance),
}

impl Command {
    fn run(self) -> Result<u8, Failure> {
        match self {
            Self::Boot(command) => command.run(),
            Self::Release(command) => command.run(),
            Self::Role(command) => command.run(),
            Self::Module(command) => command.run(),
            Self::Config(command) => command.run(),
            Self::Status(command) => command.run(),
            Self::Validate(command) => command.run(),
            Self::Converge(command) => command.run(),
            Self::Plan(command) => command.run(),
            Self::Apply(command) => command.run(),
            Self::Signal(command) => command.run(),
            Self::Trust(command) => command.run(),
            Self::Verify(command) => command.run(),
            Self::Cosign(command) => command.run(),
            Self::Image(command) => command.run(),
            Self::Conformance(command) => command.run(),
        }
    }
}

/// Runs muster with a command line, and gives the process's exit code.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    panic::ends_the_process();
    diagnostics::begin();
    let args: Vec<OsString> = args.into_iter().collect();
    if cfn_signal::is_name(args.first()) {
        return cfn_signal::main(args);
    }
    if let Some(args) = cosign::arguments(&args) {
        return cosign::main(args);
    }
    let matches = match Cli::command().after_long_help(exit_codes()).try_get_matches_from(args) {
        Ok(matches) => matches,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(usage(&error));
        }
    };
    let result = Cli::from_arg_matches(&matches)
        .map_err(|error| Failure::message(crate::failure::Stage::Usage, error.to_string()))
        .and_then(|cli| cli.command.run());
    match result {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            report(&failure);
            ExitCode::from(failure.stage.exit_code())
        }
    }
}

/// Help and the version that were asked for are no error. clap's own code for one is that of a plan with changes.
fn usage(error: &clap::Error) -> u8 {
    if error.use_stderr() { crate::failure::Stage::Usage.exit_code() } else { 0 }
}

/// A length of time, as settings write it.
fn period(text: &str) -> Result<Period, String> {
    Period::read(text).ok_or_else(|| "expected a length of time such as 90s, 10m or 1h".to_owned())
}

/// Puts a command's result on standard output. A reader that went away, as `head` does, is no failure.
fn print(text: &str) {
    use std::io::Write;
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}

/// A warning beside what a command prints.
#[expect(clippy::print_stderr, reason = "warnings are no output")]
fn warn(text: &str) {
    eprint!("{text}");
}

/// The only printer of errors.
#[expect(clippy::print_stderr, reason = "the one place where errors reach the terminal")]
fn report(failure: &Failure) {
    eprintln!("{failure}");
}

fn exit_codes() -> String {
    use std::fmt::Write;
    let mut text = String::from("Exit codes:\n    0  done\n");
    for (code, meaning) in role::CODES {
        let _ = writeln!(text, "  {code:>3}  muster role lint, muster trust lint: {meaning}");
    }
    let _ = writeln!(text, "  {:>3}  muster plan: there is something to do", plan::CHANGES);
    for (code, meaning) in status::CODES {
        let _ = writeln!(text, "  {code:>3}  muster status: {meaning}");
    }
    for (code, meaning) in validate::CODES {
        let _ = writeln!(text, "  {code:>3}  muster validate: {meaning}");
    }
    for (_, name, code, meaning) in STAGES {
        let _ = writeln!(text, "  {code:>3}  {name}: {meaning}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn an_exit_code_means_one_thing() {
        let stages = STAGES.iter().map(|(_, _, code, _)| *code);
        let own = [role::CODES, status::CODES, validate::CODES].concat().into_iter().map(|(code, _)| code);
        let all: Vec<u8> = [0, plan::CHANGES].into_iter().chain(own).chain(stages).collect();
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len(), "{all:?}");
    }

    #[test]
    fn a_slip_of_the_command_line_is_told_from_a_plan_that_has_something_to_do() {
        let code = |args: &[&str]| {
            let error = Cli::command().try_get_matches_from(["muster"].iter().chain(args));
            usage(&error.expect_err("no command"))
        };
        assert_eq!([code(&["plan", "--nope"]), code(&["nosuch"]), code(&[])], [64; 3]);
        assert_eq!([code(&["--version"]), code(&["--help"]), code(&["plan", "--help"])], [0; 3]);
    }
}
