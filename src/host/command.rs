//! A program to run, as a value, and what it said.

use crate::secret::Secret;
use std::path::PathBuf;
use std::time::Duration;

/// A program to run. It is always an argument list; a shell is a program like any other.
#[derive(Clone, Debug, Default)]
pub struct Command {
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// The working directory.
    pub directory: Option<PathBuf>,
    /// Variables added to the environment.
    pub environment: Vec<(String, String)>,
    /// Whether the environment starts empty.
    pub clear_environment: bool,
    /// What it reads on standard input.
    pub stdin: Option<Secret<Vec<u8>>>,
    /// The user to become.
    pub user: Option<String>,
    /// The mask for files that it makes.
    pub umask: Option<u32>,
    /// When to give up: its whole process group is killed.
    pub timeout: Option<Duration>,
    /// Whether arguments may hold a secret: they are then printed redacted.
    pub sensitive: bool,
    /// What it asks on a terminal, and is answered there; with it, the program runs on a terminal of its own.
    pub dialog: Option<Dialog>,
}

/// What a program asks on its terminal.
#[derive(Clone, Debug)]
pub struct Dialog {
    /// Its questions. Of those that it has asked, the first is answered first.
    pub questions: Vec<Question>,
    /// Whether the terminal repeats the answers.
    pub echo: bool,
    /// How long it may take to the next question, or to its end.
    pub patience: Option<Duration>,
}

/// A question.
#[derive(Clone, Debug)]
pub struct Question {
    /// A regular expression in the notation of `fancy_regex`.
    pub pattern: String,
    /// Its answers, in order; a line's end is added.
    pub answers: Vec<Secret<String>>,
    /// Whether the first answer is given however often it is asked.
    pub always: bool,
}

impl Command {
    /// A program with arguments.
    pub fn new<S: Into<String>>(argv: impl IntoIterator<Item = S>) -> Self {
        Self { argv: argv.into_iter().map(Into::into).collect(), ..Self::default() }
    }

    /// For messages: the arguments joined, or only the program where they are sensitive.
    pub fn shown(&self) -> String {
        if self.sensitive {
            format!("{} {}", self.argv.first().map_or("", String::as_str), crate::secret::REDACTED)
        } else {
            self.argv.join(" ")
        }
    }
}

/// What a program said.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Output {
    /// Its exit code; minus the signal's number when killed, as Python's `subprocess` gives it.
    pub code: i32,
    /// Standard output.
    pub stdout: Vec<u8>,
    /// Standard error.
    pub stderr: Vec<u8>,
    /// Whether its time ran out.
    pub timed_out: bool,
    /// Why it was not run at all, as it is with a missing program; `code` is then the `errno`.
    pub not_run: Option<String>,
    /// The question of its dialog, by number, for which no answer was left.
    pub unanswered: Option<usize>,
}

impl Output {
    /// Standard output as text, invalid bytes replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Whether it ended with zero.
    pub fn ok(&self) -> bool {
        self.code == 0
    }
}
