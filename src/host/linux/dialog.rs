//! Runs a program on a terminal of its own, and answers what it asks there.

use super::capture::{Kept, Pipe};
use super::program::{Group, Limit, QUIET, spawn};
use crate::host::{Command, Dialog, Output};
use fancy_regex::Regex;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::{OpenptyResult, Winsize, openpty};
use nix::sys::signal::{Signal, killpg};
use nix::sys::termios::{LocalFlags, SetArg, tcgetattr, tcsetattr};
use nix::unistd::Pid;
use std::collections::VecDeque;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::time::{Duration, Instant};

/// A program that asks may not listen yet: pexpect waits as long.
const BEFORE_ANSWER: Duration = Duration::from_millis(50);

/// A question, ready to be looked for.
struct Question<'a> {
    pattern: Regex,
    answers: VecDeque<&'a str>,
    always: bool,
}

/// What was heard.
enum Heard<'a> {
    Nothing,
    Answer(&'a str),
    /// A question by its number, for which no answer is left.
    Unanswered(usize),
}

struct Questions<'a> {
    all: Vec<Question<'a>>,
    /// What was said since the last question.
    said: String,
}

impl<'a> Questions<'a> {
    fn new(dialog: &'a Dialog) -> io::Result<Self> {
        let question = |question: &'a crate::host::Question| {
            let pattern = Regex::new(&question.pattern);
            let answers = question.answers.iter().map(|answer| answer.expose().as_str()).collect();
            Ok(Question { pattern: pattern.map_err(io::Error::other)?, answers, always: question.always })
        };
        Ok(Self { all: dialog.questions.iter().map(question).collect::<io::Result<_>>()?, said: String::new() })
    }

    /// The question that comes first in what was said; of two at one place the one that is named first.
    fn heard(&mut self) -> io::Result<Heard<'a>> {
        let mut first: Option<(usize, usize, usize)> = None;
        for (number, question) in self.all.iter().enumerate() {
            if let Some(found) = question.pattern.find(&self.said).map_err(io::Error::other)?
                && first.is_none_or(|(_, start, _)| found.start() < start)
            {
                first = Some((number, found.start(), found.end()));
            }
        }
        let Some((number, _, end)) = first else { return Ok(Heard::Nothing) };
        self.said.drain(..end);
        let question = &mut self.all[number];
        let answer = if question.always { question.answers.front().copied() } else { question.answers.pop_front() };
        Ok(answer.map_or(Heard::Unanswered(number), Heard::Answer))
    }
}

/// Runs it to its end, or until it asks what nobody answers or falls silent for too long.
pub fn run(root: &Path, command: &Command, dialog: &Dialog) -> io::Result<Output> {
    let size = Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
    let OpenptyResult { master, slave } = openpty(Some(&size), None)?;
    if !dialog.echo {
        let mut terminal = tcgetattr(&slave)?;
        terminal.local_flags.remove(LocalFlags::ECHO);
        tcsetattr(&slave, SetArg::TCSANOW, &terminal)?;
    }
    let mut questions = Questions::new(dialog)?;
    let mut child = spawn(root, command, Some(&slave))?;
    drop(slave);
    let group = Group::of(&child);
    let (mut terminal, mut kept) = (Pipe::new(master)?, Kept::default());
    let mut limit = Limit::new(command.timeout);
    let (mut heard, mut asked) = (Instant::now(), Instant::now());
    let mut output = Output::default();
    loop {
        if listen(&mut terminal, &mut kept, &mut questions.said, limit.tick())? {
            heard = Instant::now();
        }
        match questions.heard()? {
            Heard::Answer(answer) => {
                std::thread::sleep(BEFORE_ANSWER);
                say(&mut terminal, &format!("{}\n", answer.trim_end_matches('\n')))?;
                asked = Instant::now();
                continue;
            }
            Heard::Unanswered(number) => output.unanswered = Some(number),
            Heard::Nothing => {}
        }
        let ended = terminal.is_done() || heard.elapsed() >= QUIET && child.try_wait()?.is_some();
        output.timed_out = !ended && dialog.patience.is_some_and(|patience| asked.elapsed() >= patience);
        if ended || output.timed_out || output.unanswered.is_some() {
            break;
        }
        limit.enforce(&group);
    }
    if output.timed_out || output.unanswered.is_some() {
        for signal in [Signal::SIGHUP, Signal::SIGKILL] {
            let _ = killpg(Pid::from_raw(group.id()), signal);
            std::thread::sleep(BEFORE_ANSWER);
        }
    }
    let status = limit.wait(&mut child, &group)?;
    output.code = status.code().unwrap_or_else(|| -status.signal().unwrap_or(0));
    output.timed_out |= limit.has_expired();
    output.stdout = kept.finish();
    Ok(output)
}

/// Reads what is there within `tick`; whether anything was.
fn listen(terminal: &mut Pipe, kept: &mut Kept, said: &mut String, tick: Duration) -> io::Result<bool> {
    let mut waiting = [PollFd::new(terminal.as_fd(), PollFlags::POLLIN)];
    match poll(&mut waiting, PollTimeout::try_from(tick).unwrap_or(PollTimeout::ZERO)) {
        Ok(0) | Err(nix::errno::Errno::EINTR) => return Ok(false),
        Ok(_) => {}
        Err(error) => return Err(error.into()),
    }
    let mut bytes = Vec::new();
    let moved = terminal.hear(&mut bytes)?;
    kept.add(&bytes);
    said.push_str(&String::from_utf8_lossy(&bytes));
    Ok(moved)
}

fn say(terminal: &mut Pipe, text: &str) -> io::Result<()> {
    let mut rest = text.as_bytes();
    let began = Instant::now();
    while !rest.is_empty() && !terminal.is_done() {
        let sent = terminal.send(rest)?;
        rest = &rest[sent..];
        if sent == 0 {
            // A program that does not read for so long has not asked.
            if began.elapsed() > QUIET {
                return Err(io::Error::new(io::ErrorKind::TimedOut, "the program does not read its answer"));
            }
            std::thread::sleep(BEFORE_ANSWER);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Question;
    use crate::secret::Secret;

    fn ask(script: &str, questions: &[(&str, &[&str], bool)], patience: u64) -> Output {
        let question = |(pattern, answers, always): &(&str, &[&str], bool)| Question {
            pattern: (*pattern).into(),
            answers: answers.iter().map(|answer| Secret::new((*answer).to_owned())).collect(),
            always: *always,
        };
        let questions = questions.iter().map(question).collect();
        let dialog = Dialog { questions, echo: false, patience: Some(Duration::from_secs(patience)) };
        run(Path::new("/"), &Command::new(["/bin/sh", "-c", script]), &dialog).expect("runs")
    }

    #[test]
    fn questions_are_answered_in_turn() {
        let script = "printf 'Name? '; read n; printf 'Again? '; read a; printf 'Again? '; read b; echo; echo $n-$a-$b; \
            test -t 0 && tty > /dev/null < /dev/tty; exit 3";
        let output = ask(script, &[("Name\\?", &["ann"], true), ("Again", &["x", "y"], false)], 20);
        assert_eq!((output.code, output.timed_out), (3, false));
        assert!(output.text().ends_with("ann-x-y\r\n"), "{:?}", output.text());
    }

    #[test]
    fn a_question_without_an_answer_and_a_silence_end_it() {
        let lost = ask("printf 'a? '; read x; printf 'a? '; read x; sleep 600", &[("a\\?", &["1"], false)], 20);
        assert_eq!(lost.unanswered, Some(0));
        let silent = ask("printf 'who? '; read x", &[("never", &["1"], true)], 1);
        assert!(silent.timed_out && silent.text().contains("who?"));
        let none = ask("echo done", &[("never", &["1"], true)], 20);
        assert_eq!((none.code, none.text().as_str()), (0, "done\r\n"));
    }
}
