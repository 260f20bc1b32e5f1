//! `muster config` and `muster status` from outside: what they print, and the exit codes that are API.
#![expect(clippy::disallowed_methods, reason = "tests set the stage and run the program")]

use std::path::Path;
use std::process::{Command, Output};

/// A root with settings in it.
struct Root(tempfile::TempDir);

impl Root {
    fn new(files: &[(&str, &str)]) -> Self {
        let root = Self(tempfile::tempdir().expect("scratch"));
        for (name, text) in files {
            root.put(name, text.as_bytes());
        }
        root
    }

    fn put(&self, name: &str, bytes: &[u8]) {
        let path = self.0.path().join(name);
        std::fs::create_dir_all(path.parent().expect("has one")).expect("directory");
        std::fs::write(path, bytes).expect("file");
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }
}

fn muster(arguments: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } =
        Command::new(Path::new(env!("CARGO_BIN_EXE_muster"))).args(arguments).output().expect("runs");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (status.code().expect("ends by itself"), text(stdout), text(stderr))
}

#[test]
fn show_names_who_set_each_value() {
    let root = Root::new(&[
        ("etc/muster/muster.yaml", "channel: stable\nlaunch: {allow: {channels: [canary]}}\ndeadline: 30m\n"),
        ("etc/muster/conf.d/10-web.yaml", "roles: [common, '{{ tags.role }}']\n"),
        ("user-data", "#cloud-config\npackages: [jq]\nmuster:\n  channel: canary\n"),
        ("facts", r#"{"tags": {"role": "web"}}"#),
    ]);
    let (data, facts, top) = (root.path("user-data"), root.path("facts"), root.path(""));
    let all =
        ["config", "show", "--origin", "--root", &top, "--user-data", &data, "--facts", &facts, "--set", "deadline=5m"];
    let (code, out, err) = muster(&all);
    assert_eq!((code, err.as_str()), (0, ""));
    for (value, origin) in [
        ("channel: canary", "user-data:4:12"),
        ("roles[1]: web", "conf.d/10-web.yaml:1:17"),
        ("deadline: 5m", "--set deadline"),
        ("unverified_downloads: warn", "default"),
    ] {
        let line = out.lines().find(|line| line.starts_with(value)).unwrap_or_else(|| panic!("{value} in {out}"));
        assert!(line.ends_with(origin), "{line}");
    }
}

#[test]
fn a_slip_ends_with_the_settings_code_and_a_caret() {
    let root = Root::new(&[("good.yaml", "roles: [web]\n"), ("bad.yaml", "roles: [web]\nhelth: []\n")]);
    let good = root.path("good.yaml");
    assert_eq!(muster(&["config", "check", &good]), (0, format!("{good}: ok\n"), String::new()));
    let bad = root.path("bad.yaml");
    let expected = format!(
        "error[settings]: unknown key `helth`\n  --> {bad}:2:1\n  |\n2 | helth: []\n  | ^\n  hint: did you mean `health`?\n"
    );
    let (code, out, err) = muster(&["config", "check", &bad]);
    assert_eq!((code, out.as_str()), (10, ""));
    assert_eq!(err, expected);
}

#[test]
fn launch_data_that_reaches_too_far_is_refused_by_rule() {
    let root = Root::new(&[("etc/muster/muster.yaml", "roles: [web]\n")]);
    root.put("user-data", b"muster:\n  trust: {unverified_trees: true}\n");
    let (data, top) = (root.path("user-data"), root.path(""));
    let (code, _, err) = muster(&["config", "show", "--root", &top, "--user-data", &data]);
    assert_eq!(code, 10);
    assert!(err.contains("user-data may not set `trust.unverified_trees`") && err.contains("rule: "), "{err}");
    root.put("user-data", b"#!/bin/sh\nmuster boot\n");
    let (code, _, err) = muster(&["config", "show", "--root", &top, "--user-data", &data]);
    assert_eq!((code, err.as_str()), (0, ""), "a script is not ours");
}

#[test]
fn status_has_codes_of_its_own_and_always_returns() {
    let root = Root::new(&[]);
    let top = root.path("");
    assert_eq!(muster(&["status", "--root", &top]).0, 3);
    assert_eq!(muster(&["status", "--root", &top, "--wait", "--timeout", "300ms"]).0, 3);
    let (code, out, _) = muster(&["status", "--root", &top, "--json"]);
    let json: serde_json::Value = serde_json::from_str(&out).expect("is JSON");
    assert_eq!((code, &json["status"]), (3, &serde_json::Value::Null));
}
