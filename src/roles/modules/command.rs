//! `command` and `shell`: runs a program, once or guarded by what exists.

use super::programs::say;
use super::{ArgError, Args, Eyes, Failed, FreeForm, Module, Param, ParamKind, Plan, Spec, words};
use crate::host::{Change, Command, Effect, Kind};
use crate::roles::glob;
use crate::roles::value::{Key, Map, Value};
use crate::secret::Secret;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

const CHDIR: Param = Param::new("chdir", ParamKind::Path, "The directory to run in.");
const CMD: Param = Param::new("cmd", ParamKind::Str, "The command line.").aliases(&["_raw_params"]);
const CREATES: Param = Param::new("creates", ParamKind::Path, "A path or pattern; where it exists, nothing is run.");
const REMOVES: Param =
    Param::new("removes", ParamKind::Path, "A path or pattern; where it does not exist, nothing is run.");
const STDIN: Param = Param::new("stdin", ParamKind::Str, "What the program reads on standard input.");
const NEWLINE: Param =
    Param::new("stdin_add_newline", ParamKind::Bool, "End standard input with a newline.").default("true");
const STRIP: Param =
    Param::new("strip_empty_ends", ParamKind::Bool, "Strip line ends from the end of the output.").default("true");
const EXPAND: Param =
    Param::new("expand_argument_vars", ParamKind::Bool, "Expand `~` and variables in arguments.").default("true");
const ARGV: Param = Param::new("argv", ParamKind::StrList, "The command as a list.");

/// `command`.
pub static COMMAND: Spec = Spec {
    name: "ansible.builtin.command",
    aliases: &[],
    summary: "Runs a program without a shell.",
    free_form: FreeForm::Command("cmd"),
    params: &[
        CMD,
        ARGV,
        CHDIR,
        CREATES,
        REMOVES,
        STDIN,
        NEWLINE,
        STRIP,
        EXPAND,
        Param::new("executable", ParamKind::Str, "Ignored with a warning, as Ansible has done since 2.4."),
    ],
    file_attributes: false,
    examples: &["command: touch /etc/done\nargs:\n  creates: /etc/done\n"],
};

/// `shell`.
pub static SHELL: Spec = Spec {
    name: "ansible.builtin.shell",
    aliases: &[],
    summary: "Runs a command line in a shell.",
    free_form: FreeForm::Command("cmd"),
    params: &[
        CMD,
        CHDIR,
        CREATES,
        REMOVES,
        STDIN,
        NEWLINE,
        STRIP,
        Param::new("executable", ParamKind::Str, "The shell, /bin/sh where not given."),
    ],
    file_attributes: false,
    examples: &["shell: id -u > /etc/uid\nargs:\n  creates: /etc/uid\n"],
};

/// What is to be run.
#[derive(Clone)]
enum Line {
    Words(Vec<String>),
    Shell { text: String, executable: String },
}

/// A program to run.
#[derive(Clone)]
struct Run {
    line: Line,
    expand: bool,
    chdir: Option<String>,
    creates: Option<String>,
    removes: Option<String>,
    stdin: Option<Secret<Vec<u8>>>,
    strip: bool,
    sensitive: bool,
    warning: Option<String>,
}

/// Reads `command`'s arguments.
pub fn command(args: &mut Args) -> Result<Box<dyn Module>, ArgError> {
    let line = match (args.text("cmd"), args.texts("argv")) {
        (Some(_), argv) if !argv.is_empty() => {
            return Err(args.together("parameters are mutually exclusive: cmd|argv"));
        }
        (Some(text), _) => words::split(&text).map_err(|why| args.wrong("cmd", why))?,
        (None, argv) => argv,
    };
    if line.is_empty() {
        return Err(args.together("one of the following is required: _raw_params, cmd, argv"));
    }
    let mut run = Run::read(args, Line::Words(line));
    run.expand = args.flag("expand_argument_vars");
    run.warning = args.text("executable").map(|executable| {
        format!(
            "As of Ansible 2.4, the parameter 'executable' is no longer supported with the 'command' module. \
             Not using '{executable}'."
        )
    });
    Ok(Box::new(run))
}

/// Reads `shell`'s arguments.
pub fn shell(args: &mut Args) -> Result<Box<dyn Module>, ArgError> {
    let text = args.text("cmd").filter(|text| !text.is_empty());
    let text = text.ok_or_else(|| args.together("no command given: cmd is required"))?;
    let executable = args.text("executable").unwrap_or_else(|| "/bin/sh".into());
    Ok(Box::new(Run::read(args, Line::Shell { text, executable })))
}

impl Run {
    fn read(args: &Args, line: Line) -> Self {
        let stdin = args.text("stdin").map(|mut text| {
            if args.flag("stdin_add_newline") {
                text.push('\n');
            }
            Secret::new(text.into_bytes())
        });
        Self {
            line,
            expand: false,
            chdir: args.text("chdir"),
            creates: args.text("creates"),
            removes: args.text("removes"),
            stdin,
            strip: args.flag("strip_empty_ends"),
            sensitive: args.has_secret(),
            warning: None,
        }
    }

    /// The members that every result has.
    fn result(&self) -> Map {
        let cmd = match &self.line {
            Line::Words(words) => Value::list(words.iter().map(|word| Value::str(word.as_str()))),
            Line::Shell { text, .. } => Value::str(text.as_str()),
        };
        let mut result = Map::new();
        say(&mut result, "", "");
        for name in ["rc", "start", "end", "delta"] {
            result.insert(Key::from(name), Value::Null);
        }
        result.insert(Key::from("cmd"), if self.sensitive { cmd.into_secret() } else { cmd });
        result.insert(Key::from("msg"), Value::str(""));
        if let Some(warning) = &self.warning {
            result.insert(Key::from("warnings"), Value::list([Value::str(warning.as_str())]));
        }
        result
    }

    fn command(&self, eyes: &Eyes<'_>, directory: Option<PathBuf>) -> Command {
        let argv = match &self.line {
            Line::Words(words) if self.expand => words.iter().map(|word| eyes.expanded(word)).collect(),
            Line::Words(words) => words.clone(),
            Line::Shell { text, executable } => vec![executable.clone(), "-c".into(), text.clone()],
        };
        let command = eyes.command(argv);
        let directory = directory.or_else(|| command.directory.clone());
        Command { directory, stdin: self.stdin.clone(), sensitive: self.sensitive, ..command }
    }

    /// Why nothing is to be run, where that is so.
    fn guarded(&self, eyes: &Eyes<'_>, directory: Option<&PathBuf>) -> Result<Option<String>, Failed> {
        let exists = |pattern: &str| {
            let pattern = eyes.expanded(pattern);
            let start = directory.map(PathBuf::as_path).or(eyes.tree.directory()).unwrap_or(Path::new("/"));
            let path = start.join(pattern);
            glob::paths(eyes.host, &path)
                .map(|found| !found.is_empty())
                .map_err(|error| Failed::new(format!("looking for {}: {error}", path.display())))
        };
        Ok(match (&self.creates, &self.removes) {
            (Some(creates), _) if exists(creates)? => Some(format!("since '{creates}' exists")),
            (_, Some(removes)) if !exists(removes)? => Some(format!("since '{removes}' does not exist")),
            _ => None,
        })
    }

    fn judge(&self, effect: &Effect) -> Result<Plan, Failed> {
        let mut result = self.result();
        // A program that has not run said nothing: the run so far is only planned.
        let Some(output) = &effect.output else {
            return Ok(Plan {
                undecided: Some("a command runs only when the plan is applied".into()),
                ..Plan::default()
            });
        };
        result.insert(Key::from("rc"), Value::Int(output.code.into()));
        if output.not_run.is_some() {
            result.insert(Key::from("changed"), Value::Bool(false));
            if let Line::Words(words) = &self.line {
                // Ansible gives the line as text here, and as a list everywhere else.
                let line = Value::str(words.join(" "));
                result.insert(Key::from("cmd"), if self.sensitive { line.into_secret() } else { line });
            }
            return Err(Failed {
                message: "Error executing command.".into(),
                result,
                hint: output.not_run.clone(),
                ..Failed::default()
            });
        }
        let text = |bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes).into_owned();
            if self.strip { text.trim_end_matches(['\r', '\n']).to_owned() } else { text }
        };
        say(&mut result, &text(&output.stdout), &text(&output.stderr));
        let start = effect.started.unwrap_or(SystemTime::UNIX_EPOCH);
        result.insert(Key::from("start"), Value::str(local_time(start)));
        result.insert(Key::from("end"), Value::str(local_time(start + effect.elapsed)));
        result.insert(Key::from("delta"), Value::str(delta(effect.elapsed)));
        if output.code != 0 || output.timed_out {
            result.insert(Key::from("changed"), Value::Bool(true));
            let message = if output.timed_out { ENDED } else { "non-zero return code" };
            return Err(Failed { message: message.into(), result, ..Failed::default() });
        }
        Ok(Plan { result, changed: Some(true), ..Plan::default() })
    }
}

/// Of a program that did not end by itself.
pub(super) const ENDED: &str = "the command was ended: its time ran out, or the run was asked to end";

impl Module for Run {
    fn plan(&self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        let directory = self.chdir.as_deref().map(|chdir| PathBuf::from(eyes.expanded(chdir)));
        if let Some(path) = &directory {
            let stat = eyes.host.stat(path, true).ok().flatten();
            if stat.is_none_or(|stat| stat.kind != Kind::Directory) {
                let mut result = self.result();
                result.insert(Key::from("changed"), Value::Bool(false));
                return Err(Failed {
                    message: "Unable to change directory before execution.".into(),
                    result,
                    hint: Some(format!("{} is not a directory", path.display())),
                    ..Failed::default()
                });
            }
        }
        if let Some(why) = self.guarded(eyes, directory.as_ref())? {
            let mut result = self.result();
            result.insert(Key::from("rc"), Value::Int(0));
            say(&mut result, &format!("skipped, {}", why.replace('\'', "")), "");
            result.insert(Key::from("msg"), Value::str(format!("Did not run command {why}")));
            return Ok(Plan { result, ..Plan::default() });
        }
        let change = Change::Run(self.command(eyes, directory));
        let run = self.clone();
        Ok(Plan {
            changes: vec![change],
            changed: Some(true),
            next: Some(Box::new(move |_, effects| run.judge(effects.first().unwrap_or(&Effect::default())))),
            ..Plan::default()
        })
    }
}

/// A moment as Python's `str(datetime.now())`.
pub(super) fn local_time(time: SystemTime) -> String {
    let zoned = jiff::Timestamp::try_from(time).unwrap_or_default().to_zoned(jiff::tz::TimeZone::system());
    let format = if zoned.subsec_nanosecond() / 1000 == 0 { "%Y-%m-%d %H:%M:%S" } else { "%Y-%m-%d %H:%M:%S.%6f" };
    zoned.strftime(format).to_string()
}

/// A duration as Python's `str(timedelta)`.
pub(super) fn delta(elapsed: Duration) -> String {
    let (seconds, micros) = (elapsed.as_secs(), elapsed.subsec_micros());
    let days = match seconds / 86_400 {
        0 => String::new(),
        1 => "1 day, ".into(),
        days => format!("{days} days, "),
    };
    let fraction = if micros == 0 { String::new() } else { format!(".{micros:06}") };
    format!("{days}{}:{:02}:{:02}{fraction}", seconds / 3600 % 24, seconds / 60 % 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roles::modules::fake::{Fake, changes, follow, plan, plan_values};
    use crate::roles::remote::Offline;
    use serde_json::json;

    fn text(map: &Map, key: &str) -> String {
        map.get(&Key::from(key)).and_then(Value::as_str).expect(key).to_owned()
    }

    #[test]
    fn a_program_is_run_and_judged_by_its_code() {
        let machine = Fake::default();
        let ask = || plan(&machine, "command", json!({"cmd": r#"echo a\ b "c d""#})).expect("plan");
        assert_eq!(changes(&ask()), ["echo a b c d"]);
        let done = follow(ask(), &machine, &[(0, "a b c d\n\n", "")]).expect("done");
        assert_eq!((text(&done.result, "stdout"), done.changed), ("a b c d".into(), Some(true)));
        let failed = follow(ask(), &machine, &[(3, "", "bad\n")]).err().expect("failed");
        assert_eq!((failed.message.as_str(), text(&failed.result, "stderr")), ("non-zero return code", "bad".into()));
        assert_eq!(failed.result.get(&Key::from("rc")), Some(&Value::Int(3)));
    }

    #[test]
    fn guards_are_patterns() {
        let machine = Fake::default().file("/etc/passwd", "");
        let guarded = plan(&machine, "command", json!({"cmd": "x", "creates": "/etc/pass*"})).expect("plan");
        assert!(guarded.changes.is_empty());
        assert_eq!(text(&guarded.result, "msg"), "Did not run command since '/etc/pass*' exists");
        assert_eq!(text(&guarded.result, "stdout"), "skipped, since /etc/pass* exists");
        let run = plan(&machine, "command", json!({"cmd": "x", "removes": "passwd", "chdir": "/etc"})).expect("plan");
        assert_eq!(changes(&run), ["x"]);
        let lost = plan(&machine, "shell", json!({"cmd": "x", "chdir": "/nope"})).err().expect("failed");
        assert_eq!(lost.message, "Unable to change directory before execution.");
    }

    #[test]
    fn a_secret_in_a_command_is_not_shown() {
        let machine = Fake::default();
        let arguments = Value::map([("cmd", Value::secret("login hunter2"))]);
        let plan = plan_values(&machine, &Offline, "shell", &arguments).expect("plan");
        assert!(!changes(&plan)[0].contains("hunter2"));
        let done = follow(plan, &machine, &[(0, "", "")]).expect("done");
        assert!(done.result.get(&Key::from("cmd")).expect("cmd").has_secret());
    }

    #[test]
    fn times_are_written_as_python_writes_them() {
        assert_eq!(delta(Duration::from_micros(7_862)), "0:00:00.007862");
        assert_eq!(delta(Duration::from_secs(90_061)), "1 day, 1:01:01");
    }

    #[test]
    fn commands_that_make_no_sense_are_refused() {
        let machine = Fake::default();
        let refused = |module, arguments| plan(&machine, module, arguments).err().expect("refused").message;
        assert!(refused("command", json!({"cmd": "a", "argv": ["b"]})).contains("mutually exclusive"));
        assert!(refused("command", json!({"cmd": ""})).contains("one of the following is required"));
        assert!(refused("shell", json!({"cmd": "a", "warn": false})).contains("no argument `warn`"));
    }
}
