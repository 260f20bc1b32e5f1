//! Real repositories, cloned, moved and judged by the real git, through the real host.

use crate::host::{Command, Host, Linux, Observe, Overlay};
use crate::roles::modules::fake::{Fake, eyes, plan};
use crate::roles::modules::{Actor, Eyes, Failed, find};
use crate::roles::remote::Offline;
use crate::roles::value::{Key, Map, Value};
use serde_json::{Value as Json, json};
use std::path::Path;

/// A directory with an origin that has two branches and two tags.
struct Stage {
    scratch: tempfile::TempDir,
    host: Linux,
}

impl Stage {
    fn new() -> Option<Self> {
        let host = Linux::new(Path::new("/")).expect("host");
        host.find_program("git").expect("looks")?;
        let stage = Self { scratch: tempfile::tempdir().expect("scratch"), host };
        stage.sh(
            "git init -q -b main origin && cd origin && echo 1 > f && git add f && git commit -qm one && git tag light \
             && echo 2 > f && git commit -qam two && git tag -a heavy -m x && git checkout -qb side HEAD^ \
             && echo s > s && git add s && git commit -qm side && git checkout -q main",
        );
        Some(stage)
    }

    fn sh(&self, script: &str) -> String {
        let mut command = Command::new(["/bin/sh", "-c", script]);
        command.directory = Some(self.scratch.path().to_owned());
        for name in ["GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"] {
            command.environment.push((name.into(), "t@example.com".into()));
        }
        for (name, value) in [("GIT_CONFIG_GLOBAL", "/dev/null"), ("GIT_CONFIG_COUNT", "1")] {
            command.environment.push((name.into(), value.into()));
        }
        command.environment.push(("GIT_CONFIG_KEY_0".into(), "protocol.file.allow".into()));
        command.environment.push(("GIT_CONFIG_VALUE_0".into(), "always".into()));
        let output = self.host.query(&command).expect("runs");
        assert!(output.ok(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
        output.text().trim_end().to_owned()
    }

    fn arguments(&self, more: Json) -> Value {
        let mut all = json!({"repo": self.path("origin"), "dest": self.path("copies/copy")});
        for (key, value) in more.as_object().expect("a mapping") {
            all[key] = value.clone();
        }
        Value::from_json(&all)
    }

    fn path(&self, name: &str) -> String {
        self.scratch.path().join(name).to_string_lossy().into_owned()
    }

    /// Runs a task to its end, on the host or over it.
    fn task(&mut self, more: Json) -> Result<(bool, Map), Failed> {
        let arguments = self.arguments(more);
        run(&mut self.host, &arguments)
    }

    fn check(&self, more: Json) -> Result<(bool, Map), Failed> {
        run(&mut Overlay::new(&self.host), &self.arguments(more))
    }
}

fn run(host: &mut dyn Host, arguments: &Value) -> Result<(bool, Map), Failed> {
    let row = find("git").expect("a module");
    let refused = |error: crate::roles::modules::ArgError| Failed::new(error.to_string());
    let mut args = row.spec.accept(arguments.as_map().expect("a mapping")).map_err(refused)?;
    let Actor::Host(read) = row.actor else { panic!("the host's") };
    let module = read(&mut args).map_err(refused)?;
    let environment = [
        ("GIT_CONFIG_GLOBAL", "/dev/null"),
        ("GIT_CONFIG_COUNT", "1"),
        ("GIT_CONFIG_KEY_0", "protocol.file.allow"),
        ("GIT_CONFIG_VALUE_0", "always"),
    ];
    let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let nothing = Fake::default();
    let base = eyes(&nothing, &Offline);
    let mut result = Map::new();
    let mut changed = None;
    let mut plan = module.plan(&Eyes { host: host.observe(), environment: &environment, ..base })?;
    loop {
        changed = plan.changed.or(changed);
        result.extend(plan.result);
        let effects: Vec<_> = plan.changes.iter().map(|change| host.apply(change).expect("applied")).collect();
        let Some(next) = plan.next else { return Ok((changed.unwrap_or(!effects.is_empty()), result)) };
        let base = eyes(&nothing, &Offline);
        plan = next(&Eyes { host: host.observe(), environment: &environment, ..base }, &effects)?;
    }
}

fn text(result: &Map, name: &str) -> String {
    result.get(&Key::from(name)).and_then(Value::as_str).unwrap_or_default().to_owned()
}

#[test]
fn a_repository_is_cloned_once_and_followed() {
    let Some(mut stage) = Stage::new() else { return };
    let head = stage.sh("git -C origin rev-parse main");
    let (planned, told) = stage.check(json!({})).expect("planned");
    assert!(planned && text(&told, "after") == head && !Path::new(&stage.path("copies")).exists());
    let (changed, told) = stage.task(json!({})).expect("cloned");
    assert!(changed && text(&told, "after") == head && told[&Key::from("before")] == Value::Null);
    let (again, told) = stage.task(json!({})).expect("stands");
    assert!(!again && text(&told, "before") == head && told[&Key::from("remote_url_changed")] == Value::Bool(false));
    stage.sh("cd origin && echo 3 > f && git commit -qam three");
    let new = stage.sh("git -C origin rev-parse main");
    let (planned, told) = stage.check(json!({})).expect("planned");
    assert!(planned && text(&told, "after") == new);
    let (changed, told) = stage.task(json!({})).expect("followed");
    assert!(changed && (text(&told, "before"), text(&told, "after")) == (head, new));
    assert_eq!(stage.sh("cat copies/copy/f"), "3");
}

#[test]
fn branches_tags_and_commits_are_switched_to() {
    let Some(mut stage) = Stage::new() else { return };
    let at = |stage: &Stage| stage.sh("git -C copies/copy rev-parse HEAD");
    for (version, revision) in [("side", "side"), ("heavy", "main"), ("light", "light"), ("main", "main")] {
        let ask = json!({"version": version});
        assert!(stage.task(ask.clone()).expect(version).0, "{version}");
        assert_eq!(at(&stage), stage.sh(&format!("git -C origin rev-parse {revision}^{{commit}}")), "{version}");
        assert!(!stage.task(ask).expect(version).0, "{version} again");
    }
    let commit = stage.sh("git -C origin rev-parse light");
    assert!(stage.task(json!({"version": commit})).expect("a commit").0);
    assert!(!stage.task(json!({"version": commit})).expect("again").0);
    let lost = stage.task(json!({"version": "no-such"})).expect_err("failed");
    assert_eq!(lost.message, "Failed to checkout no-such");
    assert!(lost.result[&Key::from("rc")] != Value::Int(0));
}

#[test]
fn local_changes_are_spared_unless_forced() {
    let Some(mut stage) = Stage::new() else { return };
    stage.task(json!({})).expect("cloned");
    stage.sh("echo mine > copies/copy/f; echo x > copies/copy/untracked");
    let refused = stage.task(json!({})).expect_err("refused");
    assert!(refused.message.starts_with("Local modifications exist in the destination: "), "{}", refused.message);
    let (changed, told) = stage.task(json!({"force": true})).expect("forced");
    assert!(changed && text(&told, "msg").starts_with("Local modifications exist"));
    assert_eq!(stage.sh("cat copies/copy/f copies/copy/untracked"), "2\nx");
    let (changed, told) = stage.task(json!({"update": false, "version": "side"})).expect("left");
    assert!(!changed && text(&told, "before") == text(&told, "after"));
}

#[test]
fn shallow_bare_and_separate_clones() {
    let Some(mut stage) = Stage::new() else { return };
    stage.task(json!({"depth": 1, "version": "side"})).expect("shallow");
    assert_eq!(stage.sh("git -C copies/copy rev-list --count HEAD"), "1");
    stage.task(json!({"depth": 1, "version": "main"})).expect("another branch");
    assert_eq!(stage.sh("cat copies/copy/f"), "2");
    let bare = stage.path("bare.git");
    assert!(stage.task(json!({"dest": bare, "bare": true})).expect("bare").0);
    assert!(!stage.task(json!({"dest": bare, "bare": true})).expect("again").0);
    let (dest, apart) = (stage.path("work"), stage.path("apart"));
    assert!(stage.task(json!({"dest": dest, "separate_git_dir": apart})).expect("separate").0);
    assert!(Path::new(&apart).join("config").exists());
    let moved = stage.task(json!({"dest": dest, "separate_git_dir": stage.path("elsewhere")}));
    assert!(moved.expect_err("refused").message.contains("not supported"));
    let (looked, told) = stage.task(json!({"dest": stage.path("none"), "clone": false})).expect("looked");
    assert!(looked && text(&told, "after").len() == 40 && !Path::new(&stage.path("none")).exists());
}

#[test]
fn submodules_come_along_and_other_remotes_are_taken() {
    let Some(mut stage) = Stage::new() else { return };
    stage.sh("git init -q -b master sub && cd sub && echo a > a && git add a && git commit -qm a");
    stage.sh("cd origin && git submodule --quiet add \"$(cd ..; pwd)/sub\" sub && git commit -qm sub");
    let (changed, told) = stage.task(json!({})).expect("cloned");
    assert!(changed && told[&Key::from("submodules_changed")] == Value::Bool(true));
    assert_eq!(stage.sh("cat copies/copy/sub/a"), "a");
    assert!(!stage.task(json!({})).expect("stands").0);
    stage.sh("cp -r origin moved");
    let (changed, told) = stage.task(json!({"repo": stage.path("moved")})).expect("another remote");
    assert!(changed && told[&Key::from("remote_url_changed")] == Value::Bool(true));
}

#[test]
fn arguments_that_make_no_sense_are_refused() {
    let refused = |arguments| plan(&Fake::default(), "git", arguments).err().expect("refused").message;
    assert!(refused(json!({"repo": "r"})).contains("must be specified unless clone=no"));
    assert!(refused(json!({"repo": "r", "dest": "/d", "umask": 18})).contains("quoted octal"));
    assert!(refused(json!({"repo": "--upload-pack=x", "dest": "/d"})).contains("begins with a dash"));
    assert!(refused(json!({"repo": "r", "dest": "/d", "archive": "/a.zip"})).contains("archives"));
    assert!(refused(json!({"repo": "r", "dest": "/d"})).contains("executable \"git\""));
}
