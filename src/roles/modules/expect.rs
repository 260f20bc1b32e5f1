//! `expect`: runs a program on a terminal, and answers what it asks.

use super::command::{delta, local_time};
use super::{ArgError, Args, Eyes, Failed, FreeForm, Module, Param, ParamKind, Plan, Spec, words};
use crate::host::{Change, Command, Dialog, Effect, Question};
use crate::roles::pattern::{Flags, Pattern};
use crate::roles::value::{Key, Map, Value};
use crate::secret::Secret;
use std::time::{Duration, SystemTime};

/// `expect`.
pub static SPEC: Spec = Spec {
    name: "ansible.builtin.expect",
    aliases: &[],
    summary: "Runs a program and answers its questions.",
    free_form: FreeForm::Pairs,
    params: &[
        Param::new("command", ParamKind::Str, "The command line.").required(),
        Param::new("responses", ParamKind::Dict, "Answers by patterns of questions; a list is answered in turn.")
            .required(),
        Param::new("chdir", ParamKind::Path, "The directory to run in."),
        Param::new("creates", ParamKind::Path, "Where this exists, nothing is run."),
        Param::new("removes", ParamKind::Path, "Where this does not exist, nothing is run."),
        Param::new("timeout", ParamKind::Int, "Seconds to wait for a question, 30 where not given; null is for ever."),
        Param::new("echo", ParamKind::Bool, "Put the answers into the output.").default("false"),
    ],
    file_attributes: false,
    examples: &["expect:\n  command: passwd app\n  responses:\n    (?i)password: secret\n  creates: /etc/app.conf\n"],
};

#[derive(Clone)]
struct Expect {
    line: String,
    argv: Vec<String>,
    dialog: Dialog,
    /// The questions as the task writes them.
    asked: Vec<String>,
    chdir: Option<String>,
    creates: Option<String>,
    removes: Option<String>,
    sensitive: bool,
}

/// Reads the arguments.
pub fn expect(args: &mut Args) -> Result<Box<dyn Module>, ArgError> {
    let line = args.must("command")?;
    let argv = words::split(&line).map_err(|why| args.wrong("command", why))?;
    if argv.is_empty() {
        return Err(args.wrong("command", "no command given"));
    }
    let plain = |value: &Value| match value {
        Value::Str(text) => Secret::new(text.expose().to_owned()),
        Value::Bool(true) => Secret::new("True".into()),
        Value::Bool(false) => Secret::new("False".into()),
        other => Secret::new(other.to_json().to_string()),
    };
    let (mut questions, mut asked) = (Vec::new(), Vec::new());
    for (key, value) in args.value("responses").and_then(Value::as_map).into_iter().flatten() {
        let flags = Flags { dot_all: true, ..Flags::default() };
        let pattern =
            Pattern::new(&key.to_string(), flags).map_err(|error| args.wrong("responses", error.to_string()))?;
        let answers = value.as_list().map_or_else(|| vec![plain(value)], |items| items.iter().map(plain).collect());
        questions.push(Question {
            pattern: pattern.translated().to_owned(),
            answers,
            always: value.as_list().is_none(),
        });
        asked.push(key.to_string());
    }
    let seconds = args.int("timeout").map_or(30, |seconds| u64::try_from(seconds).unwrap_or(0));
    let patience = (!args.is_null("timeout")).then(|| Duration::from_secs(seconds));
    Ok(Box::new(Expect {
        dialog: Dialog { questions, echo: args.flag("echo"), patience },
        chdir: args.text("chdir"),
        creates: args.text("creates"),
        removes: args.text("removes"),
        sensitive: args.value("command").is_some_and(Value::has_secret),
        line,
        argv,
        asked,
    }))
}

impl Expect {
    fn result(&self) -> Map {
        let line = Value::str(self.line.as_str());
        Map::from_iter([(Key::from("cmd"), if self.sensitive { line.into_secret() } else { line })])
    }

    fn skipped(&self, eyes: &Eyes<'_>) -> Result<Option<String>, Failed> {
        match (&self.creates, &self.removes) {
            (Some(path), _) if eyes.exists(&eyes.expanded(path))? => Ok(Some(format!("skipped, since {path} exists"))),
            (_, Some(path)) if !eyes.exists(&eyes.expanded(path))? => {
                Ok(Some(format!("skipped, since {path} does not exist")))
            }
            _ => Ok(None),
        }
    }

    fn judge(&self, effect: &Effect) -> Result<Plan, Failed> {
        let done = |result| Plan { result, changed: Some(true), ..Plan::default() };
        let Some(output) = &effect.output else {
            let undecided = Some("a command runs only when the plan is applied".into());
            return Ok(Plan { undecided, ..done(self.result()) });
        };
        let mut result = self.result();
        if output.not_run.is_some() {
            let program = self.argv.first().map_or("", String::as_str);
            let message = format!("The command was not found or was not executable: {program}.");
            return Err(Failed { message, result, hint: output.not_run.clone(), ..Failed::default() });
        }
        let said = output.text();
        if let Some(question) = output.unanswered {
            let question = self.asked.get(question).map_or("", String::as_str);
            let message = format!("No remaining responses for '{question}', output was '{said}'");
            return Err(Failed { message, result, ..Failed::default() });
        }
        let said = said.trim_end_matches(['\r', '\n']);
        let start = effect.started.unwrap_or(SystemTime::UNIX_EPOCH);
        let rc = if output.timed_out { Value::Null } else { Value::Int(output.code.into()) };
        for (name, value) in [
            ("stdout", Value::str(said)),
            ("stdout_lines", Value::list(words::lines(said).into_iter().map(Value::str))),
            ("rc", rc),
            ("start", Value::from(local_time(start))),
            ("end", Value::from(local_time(start + effect.elapsed))),
            ("delta", Value::from(delta(effect.elapsed))),
            ("changed", Value::Bool(true)),
        ] {
            result.insert(Key::from(name), value);
        }
        let failed = |message: &str, result| Err(Failed { message: message.into(), result, ..Failed::default() });
        match output.code {
            _ if output.timed_out => failed("command exceeded timeout", result),
            0 => Ok(done(result)),
            _ => failed("non-zero return code", result),
        }
    }
}

impl Module for Expect {
    fn plan(&self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        if let Some(why) = self.skipped(eyes)? {
            let plan = Plan { result: self.result(), changed: Some(false), ..Plan::default() };
            let lines = Value::list([Value::str(why.as_str())]);
            return Ok(plan.with("stdout", why).with("stdout_lines", lines).with("rc", 0_i64));
        }
        let directory = self.chdir.as_deref().map(|chdir| eyes.expanded(chdir).into());
        let command = eyes.command(self.argv.iter().cloned());
        let command = Command { directory, dialog: Some(self.dialog.clone()), sensitive: self.sensitive, ..command };
        let expect = self.clone();
        Ok(Plan {
            changes: vec![Change::Run(command)],
            changed: Some(true),
            next: Some(Box::new(move |_, effects| expect.judge(effects.first().unwrap_or(&Effect::default())))),
            ..Plan::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Output;
    use crate::roles::modules::fake::{Fake, changes, eyes, follow, plan};
    use crate::roles::remote::Offline;
    use serde_json::json;

    fn ask() -> Plan {
        let responses = json!({"(?i)name": "ann", "again": ["a", 2]});
        plan(&Fake::default(), "expect", json!({"command": "join 'a b'", "responses": responses, "timeout": null}))
            .expect("plan")
    }

    #[test]
    fn a_program_is_run_with_its_dialog_and_judged_by_its_code() {
        let first = ask();
        assert_eq!(changes(&first), ["join a b"]);
        let Change::Run(Command { dialog: Some(dialog), .. }) = &first.changes[0] else { panic!("a dialog") };
        assert!(dialog.questions[0].always && !dialog.questions[1].always && dialog.patience.is_none());
        assert_eq!(dialog.questions[1].answers[1].expose(), "2");
        let done = follow(first, &Fake::default(), &[(0, "hi\r\nann\r\n", "")]).expect("done");
        let told = |name: &str| done.result.get(&Key::from(name)).expect(name).to_json();
        assert_eq!((told("stdout"), told("rc"), told("cmd")), (json!("hi\r\nann"), json!(0), json!("join 'a b'")));
        let failed = follow(ask(), &Fake::default(), &[(4, "", "")]).err().expect("failed");
        assert_eq!(
            (failed.message.as_str(), failed.result[&Key::from("rc")].to_json()),
            ("non-zero return code", json!(4))
        );
    }

    #[test]
    fn silence_and_questions_without_answers_are_failures() {
        let end = |output: Output| {
            let effect = Effect { output: Some(output), ..Effect::default() };
            let machine = Fake::default();
            ask().next.expect("a next")(&eyes(&machine, &Offline), &[effect]).err().expect("failed").message
        };
        assert_eq!(end(Output { timed_out: true, ..Output::default() }), "command exceeded timeout");
        let lost = Output { unanswered: Some(1), stdout: b"again?".to_vec(), ..Output::default() };
        assert_eq!(end(lost), "No remaining responses for 'again', output was 'again?'");
        let none = Output { not_run: Some("no such file".into()), code: 2, ..Output::default() };
        assert!(end(none).contains("not found or was not executable: join."));
    }

    #[test]
    fn guards_and_arguments_are_looked_at() {
        let machine = Fake::default().file("/done", "");
        let skipped = plan(&machine, "expect", json!({"command": "x", "responses": {"a": "b"}, "creates": "/done"}))
            .expect("plan");
        assert!(skipped.changes.is_empty());
        assert_eq!(skipped.result[&Key::from("stdout")].to_json(), json!("skipped, since /done exists"));
        assert_eq!(skipped.result[&Key::from("stdout_lines")].to_json(), json!(["skipped, since /done exists"]));
        let refused = |arguments| plan(&machine, "expect", arguments).err().expect("refused").message;
        assert!(refused(json!({"command": "", "responses": {}})).contains("no command given"));
        assert!(refused(json!({"command": "x"})).contains("responses"));
        assert!(refused(json!({"command": "x", "responses": {"(": "y"}})).contains("not valid"));
    }
}
