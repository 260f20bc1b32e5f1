//! Programs as modules name, ask and judge them.

use super::plan::{Eyes, Failed, Plan};
use super::words;
use crate::host::{Change, Command, Effect, Output};
use crate::roles::value::{Key, Map, Value};
use std::io;
use std::path::Path;

impl Eyes<'_> {
    /// A program with the task's environment, run as the task's user.
    pub fn command<S: Into<String>>(&self, argv: impl IntoIterator<Item = S>) -> Command {
        Command {
            directory: self.tree.directory().map(Path::to_owned),
            environment: self.environment.to_vec(),
            user: self.become_user.map(str::to_owned),
            ..Command::new(argv)
        }
    }

    /// What a program that only reads says, in a language that can be parsed.
    pub fn ask<S: Into<String>>(&self, argv: impl IntoIterator<Item = S>) -> Result<Output, Failed> {
        let mut command = self.command(argv);
        for name in ["LANG", "LC_ALL"] {
            command.environment.push((name.into(), "C.UTF-8".into()));
        }
        self.query(&command)
    }

    /// What a command that only reads says; that it could not be run is a failure that names it.
    pub fn query(&self, command: &Command) -> Result<Output, Failed> {
        self.host.query(command).map_err(|error| {
            let program = command.argv.first().map_or("", String::as_str);
            if error.kind() == io::ErrorKind::NotFound {
                Failed::new(format!("Failed to find required executable \"{program}\" in paths"))
            } else {
                Failed::new(format!("asking `{}`: {error}", command.shown()))
            }
        })
    }

    /// A file's text, invalid bytes replaced; empty where there is none.
    pub fn text(&self, path: &str) -> Result<String, Failed> {
        let bytes = self.host.read(Path::new(path)).map_err(|error| Failed::new(format!("reading {path}: {error}")))?;
        Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default())
    }

    /// Whether something is at a path, a link looked through.
    pub fn exists(&self, path: &str) -> Result<bool, Failed> {
        match self.host.stat(Path::new(path), true) {
            Ok(stat) => Ok(stat.is_some()),
            Err(error) => Err(Failed::new(format!("looking at {path}: {error}"))),
        }
    }

    /// A variable of the task's environment, or of muster's own.
    pub fn variable(&self, name: &str) -> Option<String> {
        let own = || std::env::var(name).ok();
        let given = self.environment.iter().rev().find(|(have, _)| have == name).map(|(_, value)| value.clone());
        match (given, name, self.become_user) {
            (Some(value), ..) => Some(value),
            (None, "HOME", Some(user)) => self.home(user),
            (None, "USER" | "LOGNAME", Some(user)) => Some(user.to_owned()),
            _ => own(),
        }
    }

    /// Text with `~` and variables expanded, as Ansible expands paths and the words of commands.
    pub fn expanded(&self, text: &str) -> String {
        let text = words::expand_variables(text, |name| self.variable(name));
        words::expand_home(&text, |user| {
            if user.is_empty() { self.variable("HOME").or_else(|| self.home("root")) } else { self.home(user) }
        })
    }

    fn home(&self, user: &str) -> Option<String> {
        self.host.user(user).ok().flatten().map(|user| user.home)
    }
}

/// Puts a program's output into a result: `stdout`, `stderr` and their lines.
pub fn say(result: &mut Map, stdout: &str, stderr: &str) {
    for (name, text) in [("stdout", stdout), ("stderr", stderr)] {
        result.insert(Key::from(name), Value::str(text));
        let lines = Value::list(words::lines(text).into_iter().map(Value::str));
        result.insert(Key::Str(format!("{name}_lines").into()), lines);
    }
}

/// What the programs of a plan's changes said, together; `None` where none has run.
pub fn said(effects: &[Effect]) -> Option<(i32, String, String)> {
    let mut outputs = effects.iter().filter_map(|effect| effect.output.as_ref()).peekable();
    outputs.peek()?;
    let mut all = (0, String::new(), String::new());
    for output in outputs {
        if all.0 == 0 {
            all.0 = output.code;
        }
        all.1.push_str(&output.text());
        all.2.push_str(&String::from_utf8_lossy(&output.stderr));
    }
    Some(all)
}

/// Puts what account tools said into a result, as far as they said anything.
pub fn say_if_any(result: &mut Map, effects: &[Effect]) {
    let Some((_, stdout, stderr)) = said(effects) else { return };
    let mut all = Map::new();
    say(&mut all, &stdout, &stderr);
    let silent = |key: &Key| match key.to_string().as_str() {
        "stdout" | "stdout_lines" => stdout.is_empty(),
        _ => stderr.is_empty(),
    };
    result.extend(all.into_iter().filter(|(key, _)| !silent(key)));
}

/// Changes one after the other, each with what its failure is called; the first program that ends badly ends the task.
pub fn in_turn(mut steps: std::collections::VecDeque<(Change, String)>, last: Plan) -> Plan {
    let Some((change, name)) = steps.pop_front() else { return last };
    let next = move |_: &Eyes<'_>, effects: &[Effect]| match said(effects) {
        Some((code, stdout, stderr)) if code != 0 => {
            let mut result = Map::new();
            say(&mut result, &stdout, &stderr);
            let message = format!("{name}: {stdout}{stderr}");
            Err(Failed { message, result, ..Failed::default() }.with("rc", i64::from(code)))
        }
        _ => Ok(in_turn(steps, last)),
    };
    Plan { changes: vec![change], changed: Some(false), next: Some(Box::new(next)), ..Plan::default() }
}

/// One program, and what follows once it has run; with `None` where it was only planned.
pub fn run(command: Command, then: impl FnOnce(&Eyes<'_>, Option<&Output>) -> Result<Plan, Failed> + 'static) -> Plan {
    let next = move |eyes: &Eyes<'_>, effects: &[Effect]| {
        then(eyes, effects.first().and_then(|effect| effect.output.as_ref()))
    };
    Plan { changes: vec![Change::Run(command)], changed: Some(false), next: Some(Box::new(next)), ..Plan::default() }
}

/// A program that ended badly, as Ansible's `run_command` fails with `check_rc`.
pub fn ended_badly(command: &Command, output: &Output) -> Failed {
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    let mut failed = Failed::new(stderr.trim_end()).with("rc", i64::from(output.code)).with("cmd", command.shown());
    say(&mut failed.result, &output.text(), &stderr);
    if failed.message.is_empty() {
        failed.message = format!("`{}` ended with {}", command.shown(), output.code);
    }
    failed
}

/// What a program that only reads says; ending badly is a failure.
pub fn asked<S: Into<String>>(eyes: &Eyes<'_>, argv: impl IntoIterator<Item = S>) -> Result<Output, Failed> {
    let command = eyes.command(argv);
    let output = eyes.ask(command.argv.iter().cloned())?;
    if output.ok() { Ok(output) } else { Err(ended_badly(&command, &output)) }
}

/// Programs one after the other, each of which must end well; then `last`.
pub fn all_well(mut commands: std::collections::VecDeque<Command>, last: Plan) -> Plan {
    let Some(command) = commands.pop_front() else { return last };
    run(command.clone(), move |_, output| match output {
        Some(output) if !output.ok() => Err(ended_badly(&command, output)),
        _ => Ok(all_well(commands, last)),
    })
}
