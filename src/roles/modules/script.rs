//! `script` and `raw`: a script of the tree, or a line of shell, run on the host.

use super::command::ENDED;
use super::programs::say;
use super::{ArgError, Args, Eyes, Failed, FreeForm, Module, Param, ParamKind, Plan, Spec, words};
use crate::host::{Attributes, Change, Command, Effect, FileWrite, Kind};
use crate::roles::glob;
use crate::roles::value::{Key, Map, Value};
use std::path::{Path, PathBuf};

/// `script`.
pub static SCRIPT: Spec = Spec {
    name: "ansible.builtin.script",
    aliases: &[],
    summary: "Runs a script of the tree.",
    free_form: FreeForm::Command("cmd"),
    params: &[
        Param::new("cmd", ParamKind::Str, "The script, from the role's `files`, and its arguments.")
            .aliases(&["_raw_params", "free_form"]),
        Param::new("chdir", ParamKind::Str, "The directory to run in."),
        Param::new("creates", ParamKind::Str, "A path or pattern; where it exists, nothing is run."),
        Param::new("removes", ParamKind::Str, "A path or pattern; where it does not exist, nothing is run."),
        Param::new("executable", ParamKind::Str, "What runs the script, in place of its first line."),
        Param::new("decrypt", ParamKind::Bool, "Decrypt a vaulted script.").default("true"),
    ],
    file_attributes: false,
    examples: &["script: setup.sh --fast\nargs:\n  creates: /etc/app.conf\n"],
};

/// `raw`.
pub static RAW: Spec = Spec {
    name: "ansible.builtin.raw",
    aliases: &[],
    summary: "Runs a line of shell, without the task's environment.",
    free_form: FreeForm::Command("_raw_params"),
    params: &[
        Param::new("_raw_params", ParamKind::Str, "The line.").aliases(&["free_form"]),
        Param::new("executable", ParamKind::Str, "The shell, /bin/sh where not given."),
    ],
    file_attributes: false,
    examples: &[],
};

struct Script {
    line: String,
    source: String,
    chdir: Option<PathBuf>,
    creates: Option<String>,
    removes: Option<String>,
    executable: Option<String>,
    sensitive: bool,
}

struct Raw {
    line: String,
    shell: String,
    sensitive: bool,
}

/// Reads `script`'s arguments.
pub fn script(args: &mut Args) -> Result<Box<dyn Module>, ArgError> {
    let line = args.text("cmd").unwrap_or_default().trim().to_owned();
    let words = words::split(&line).map_err(|why| args.wrong("cmd", why))?;
    let source = words.first().cloned().ok_or_else(|| args.together("one of the following is required: cmd"))?;
    let chdir = args.text("chdir").filter(|chdir| !chdir.is_empty()).map(PathBuf::from);
    if let Some(relative) = chdir.as_ref().filter(|chdir| chdir.is_relative()) {
        let message = format!("chdir {} must be an absolute path for a Unix-aware remote node", relative.display());
        return Err(args.wrong("chdir", message));
    }
    let some = |name| args.text(name).filter(|text| !text.is_empty());
    Ok(Box::new(Script {
        line,
        source,
        chdir,
        creates: some("creates"),
        removes: some("removes"),
        executable: some("executable"),
        sensitive: args.has_secret(),
    }))
}

/// Reads `raw`'s arguments.
pub fn raw(args: &mut Args) -> Result<Box<dyn Module>, ArgError> {
    let line = args.text("_raw_params").filter(|line| !line.is_empty());
    let line = line.ok_or_else(|| args.together("no command given"))?;
    let shell = args.text("executable").unwrap_or_else(|| "/bin/sh".into());
    Ok(Box::new(Raw { line, shell, sensitive: args.has_secret() }))
}

/// The result of a program that has ended; `None` of one that is only planned.
fn judged(effect: Option<&Effect>) -> Result<Plan, Failed> {
    let Some(output) = effect.and_then(|effect| effect.output.as_ref()) else {
        let undecided = Some("a script runs only when the plan is applied".into());
        return Ok(Plan { undecided, changed: Some(true), ..Plan::default() });
    };
    let mut result = Map::new();
    say(&mut result, &output.text(), &String::from_utf8_lossy(&output.stderr));
    result.insert(Key::from("rc"), Value::Int(output.code.into()));
    if output.code == 0 && !output.timed_out {
        return Ok(Plan { result, changed: Some(true), ..Plan::default() });
    }
    result.insert(Key::from("changed"), Value::Bool(true));
    let message = if output.timed_out { ENDED } else { "non-zero return code" };
    Err(Failed { message: message.into(), result, hint: output.not_run.clone(), ..Failed::default() })
}

impl Module for Raw {
    fn plan(&self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        let argv = [self.shell.clone(), "-c".into(), self.line.clone()];
        let command = Command { environment: Vec::new(), sensitive: self.sensitive, ..eyes.command(argv) };
        let mut plan = Plan {
            changes: vec![Change::Run(command)],
            changed: Some(true),
            next: Some(Box::new(|_, effects| judged(effects.first()))),
            ..Plan::default()
        };
        if !eyes.environment.is_empty() {
            plan.warn("raw module does not support the environment keyword");
        }
        Ok(plan)
    }
}

impl Script {
    /// Why nothing is run, where that is so.
    fn guarded(&self, eyes: &Eyes<'_>) -> Result<Option<String>, Failed> {
        let exists = |pattern: &str| {
            let path = PathBuf::from("/").join(eyes.expanded(pattern));
            let found = glob::paths(eyes.host, &path);
            let found = found.map_err(|error| Failed::new(format!("looking for {}: {error}", path.display())));
            Ok::<_, Failed>(!found?.is_empty())
        };
        Ok(match (&self.creates, &self.removes) {
            (Some(creates), _) if exists(creates)? => Some(format!("{creates} exists, matching creates option")),
            (_, Some(removes)) if !exists(removes)? => {
                Some(format!("{removes} does not exist, matching removes option"))
            }
            _ => None,
        })
    }

    /// A directory for the script that its user can enter and programs can run from: often `/tmp` lets none run.
    fn place(&self, eyes: &Eyes<'_>) -> Result<(PathBuf, Attributes), Failed> {
        let id = eyes.become_user.map_or_else(|| eyes.host.identity().0.to_string(), str::to_owned);
        let user = eyes.host.user(&id).map_err(|error| Failed::new(format!("looking up {id}: {error}")))?;
        let home = user.as_ref().map(|user| PathBuf::from(&user.home)).filter(|home| home.as_path() != Path::new("/"));
        let is_directory = |path: &PathBuf| {
            let stat = eyes.host.stat(path, true).ok().flatten();
            stat.is_some_and(|stat| stat.kind == Kind::Directory)
        };
        let base = home.filter(is_directory).unwrap_or_else(|| "/var/tmp".into());
        let letters: String = std::iter::repeat_with(fastrand::alphanumeric).take(12).collect();
        let (uid, gid) = (user.as_ref().map(|user| user.uid), user.as_ref().map(|user| user.gid));
        Ok((base.join(format!(".muster-{letters}")), Attributes { mode: Some(0o700), uid, gid }))
    }
}

impl Module for Script {
    fn plan(&self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        if let Some(why) = self.guarded(eyes)? {
            return Ok(Plan { changed: Some(false), ..Plan::default() }.with("skipped", true).with("msg", why));
        }
        let path = eyes.tree.resolve("files", &self.source)?;
        let bytes = eyes.tree.read(&path)?;
        let (directory, attributes) = self.place(eyes)?;
        let name = path.file_name().map(PathBuf::from).unwrap_or_default();
        let target = directory.join(name);
        // As the module does it: the script's name is replaced in the line, which keeps the quotes of the rest.
        let line = self.line.replace(&self.source, &target.to_string_lossy());
        let line = self.executable.iter().cloned().chain([line]).collect::<Vec<_>>().join(" ");
        let write = FileWrite { attributes: attributes.clone(), ..FileWrite::new(&target, bytes) };
        let argv = ["/bin/sh".to_owned(), "-c".into(), line];
        let run = Command { directory: self.chdir.clone(), sensitive: self.sensitive, ..eyes.command(argv) };
        let removed = directory.clone();
        let next = move |_: &Eyes<'_>, effects: &[Effect]| {
            let verdict = judged(effects.last());
            Ok(Plan {
                changes: vec![Change::Remove { path: removed }],
                changed: Some(true),
                next: Some(Box::new(move |_, _| verdict)),
                ..Plan::default()
            })
        };
        Ok(Plan {
            changes: vec![
                Change::MakeDirectory { path: directory, attributes },
                Change::Write(write),
                Change::Run(run),
            ],
            changed: Some(true),
            next: Some(Box::new(next)),
            ..Plan::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roles::modules::fake::{Fake, changes, follow, plan};
    use crate::roles::modules::files::stage::Stage;
    use serde_json::json;

    #[test]
    fn a_line_is_run_and_judged_by_its_code() {
        let machine = Fake::default();
        let ask = |arguments| plan(&machine, "raw", arguments).expect("plan");
        assert_eq!(changes(&ask(json!({"_raw_params": "uname -a"}))), ["/bin/sh -c uname -a"]);
        let bash = ask(json!({"_raw_params": "x", "executable": "/bin/bash"}));
        assert_eq!(changes(&bash), ["/bin/bash -c x"]);
        let done = follow(bash, &machine, &[(0, "a\n", "")]).expect("done");
        assert_eq!(done.result.get(&Key::from("stdout")).and_then(Value::as_str), Some("a\n"));
        let failed = follow(ask(json!({"_raw_params": "x"})), &machine, &[(2, "", "no")]).err().expect("failed");
        assert_eq!(
            (failed.message.as_str(), failed.result.get(&Key::from("rc"))),
            ("non-zero return code", Some(&Value::Int(2)))
        );
        assert!(plan(&machine, "raw", json!({})).err().expect("refused").message.contains("no command"));
    }

    #[test]
    fn a_script_comes_from_the_tree_and_goes_again() {
        let stage = Stage::new().file("/root/", "").source("setup it.sh", b"#!/bin/sh\n");
        let first = stage.plan("script", &json!({"cmd": "\"setup it.sh\" --a 'b c'", "chdir": "/srv"})).expect("plan");
        let Change::Run(run) = first.changes.last().expect("three") else { panic!("runs it") };
        // The oracle replaces the unquoted name within the line as written.
        assert!(run.argv[2].starts_with("\"/root/.muster-") && run.argv[2].ends_with("/setup it.sh\" --a 'b c'"));
        assert_eq!(run.directory.as_deref(), Some(Path::new("/srv")));
        let Change::Write(write) = &first.changes[1] else { panic!("writes it") };
        assert_eq!((write.attributes.mode, write.attributes.uid), (Some(0o700), Some(0)));
        let gone = follow(first, &Fake::default(), &[(0, "", ""), (0, "", ""), (7, "out", "")]).expect("removes");
        assert!(changes(&gone)[0].starts_with("remove /root/.muster-"));
        let failed = follow(gone, &Fake::default(), &[]).err().expect("failed");
        assert_eq!(failed.result.get(&Key::from("rc")), Some(&Value::Int(7)));
    }

    #[test]
    fn a_guarded_script_is_skipped() {
        let stage = Stage::new().file("/etc/done", "").source("x.sh", b"");
        let skipped = stage.plan("script", &json!({"cmd": "x.sh", "creates": "/etc/d*"})).expect("plan");
        assert!(skipped.changes.is_empty());
        assert_eq!(
            skipped.result.get(&Key::from("msg")).and_then(Value::as_str),
            Some("/etc/d* exists, matching creates option")
        );
        assert_eq!(skipped.result.get(&Key::from("skipped")), Some(&Value::Bool(true)));
        let run =
            stage.plan("script", &json!({"cmd": "x.sh", "removes": "/etc/done", "executable": "bash"})).expect("plan");
        assert_eq!(run.changes.len(), 3);
        assert!(stage.plan("script", &json!({"cmd": "none.sh"})).is_err());
        assert!(stage.plan("script", &json!({"cmd": "x.sh", "chdir": "a"})).is_err());
    }
}
