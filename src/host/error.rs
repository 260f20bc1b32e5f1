//! A change that could not be carried out, and why.

use super::{Command, Output, unpack};
use std::io;
use std::path::{Path, PathBuf};

/// A change that could not be carried out.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// The operating system refused.
    #[error("{attempt} {path}: {source}", path = path.display())]
    Io {
        /// What was attempted, as "write", "remove".
        attempt: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A `validate:` command did not accept the new content; the old file stands.
    #[error("validation of {path} by `{command}` failed: {output}", path = path.display())]
    Validation {
        /// The file that was to be replaced.
        path: PathBuf,
        /// The command that judged it.
        command: String,
        /// What it said.
        output: String,
    },
    /// A program that a change stands for ended badly.
    #[error("`{command}` ended with {code}: {output}")]
    Program {
        /// What was run, redacted.
        command: String,
        /// Its exit code; minus the signal's number when killed.
        code: i32,
        /// Its error output, shortened.
        output: String,
    },
    /// Another program held the package database's lock for too long.
    #[error("`{command}`: {holder} holds {lock} for {seconds} s now", seconds = waited.as_secs())]
    Locked {
        /// What was to be run, redacted.
        command: String,
        /// The lock's file.
        lock: String,
        /// Who holds it.
        holder: String,
        /// How long it was waited for.
        waited: std::time::Duration,
    },
    /// A reviewed plan does not have this change; nothing may go on.
    #[error("the reviewed plan does not have this change of task `{task}`: {what}")]
    NotReviewed {
        /// The change.
        what: String,
        /// The task that asks for it.
        task: String,
    },
    /// An archive was refused; nothing of it is left.
    #[error("extracting the archive for {path}: {refusal}", path = path.display())]
    Archive {
        /// What it was to become.
        path: PathBuf,
        /// Why.
        refusal: unpack::Refusal,
    },
    /// This kind of host cannot do that (a root directory has no services).
    #[error("{what} cannot be done on this host: {why}")]
    Unsupported {
        /// The change.
        what: String,
        /// Why, and what would allow it.
        why: String,
    },
}

impl HostError {
    /// An `io::Error` with what was attempted on what.
    pub fn io(attempt: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { attempt, path: path.to_owned(), source }
    }

    /// A program that ended badly, with the end of what it said.
    pub fn program(command: &Command, output: &Output) -> Self {
        let said = if output.stderr.trim_ascii().is_empty() { &output.stdout } else { &output.stderr };
        let text = String::from_utf8_lossy(said.trim_ascii());
        let from = text.char_indices().rev().nth(1999).map_or(0, |(at, _)| at);
        let output_end = if output.timed_out { "its time ran out".to_owned() } else { text[from..].to_owned() };
        Self::Program { command: command.shown(), code: output.code, output: output_end }
    }
}
