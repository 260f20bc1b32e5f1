//! Answers of ansible-core 2.19, recorded, against ours.

use super::stage::Stage;
use crate::host::{Kind, Observe};
use serde_json::{Value as Json, json};
use std::path::Path;

/// What ansible-core 2.19 answered, case by case: the file before, the arguments, whether it changed, the message, the
/// file after.
#[test]
fn edits_are_as_ansibles() {
    let cases: Vec<Json> = serde_json::from_str(include_str!("answers.json")).expect("cases");
    let mut wrong = Vec::new();
    for case in &cases {
        let mut stage = match case["before"].as_str() {
            Some(text) => Stage::new().file("/f", text),
            None => Stage::new(),
        };
        let mut arguments = case["args"].clone();
        arguments["path"] = json!("/f");
        let ours = match stage.run(case["module"].as_str().expect("module"), arguments) {
            Err(_) => json!({"failed": true}),
            Ok(done) => {
                let there = stage.machine.stat(Path::new("/f"), true).expect("stat").is_some();
                let after = if there { json!(stage.text("/f")) } else { Json::Null };
                json!({"changed": done.changed, "msg": done.result["msg"], "after": after})
            }
        };
        if ours != case["answer"] {
            wrong.push(format!("{case}\n  ours: {ours}"));
        }
    }
    assert!(cases.len() > 60 && wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

/// A hundred tasks in a row, and the tree that they leave.
#[test]
fn tasks_in_a_row_are_as_ansibles() {
    let record: Json = serde_json::from_str(include_str!("record.json")).expect("record");
    let mut stage = Stage::new()
        .file("/o/", "")
        .file("/tmp/", "")
        .source("app.conf", b"new\n")
        .source("t.j2", b"line\n")
        .source("site/a", b"1")
        .source("site/sub/b", b"2");
    let mut wrong = Vec::new();
    for (at, task) in record["tasks"].as_array().expect("tasks").iter().enumerate() {
        let theirs = &task["answer"];
        let module = task["module"].as_str().expect("module");
        match stage.run(module, task["args"].clone()) {
            Err(error) if theirs["failed"] == true => {
                let _ = error;
            }
            Err(error) => wrong.push(format!("{at} {task}\n  ours failed: {error}")),
            Ok(_) if theirs["failed"] == true => wrong.push(format!("{at} {task}\n  ours did not fail")),
            Ok(done) => {
                let mut ours = done.result.clone();
                ours["changed"] = json!(done.changed);
                ours["failed"] = json!(false);
                for (key, value) in theirs.as_object().expect("answer") {
                    let same = match key.as_str() {
                        "stat" => {
                            value.as_object().expect("stat").iter().all(|(key, value)| ours["stat"][key] == *value)
                        }
                        key => ours[key] == *value,
                    };
                    if !same {
                        wrong.push(format!("{at} {task}\n  {key}: ours {}", ours[key]));
                    }
                }
            }
        }
    }
    for (path, entry) in record["tree"].as_object().expect("tree") {
        let ours = look(&stage, path);
        if ours != *entry {
            wrong.push(format!("{path}: {entry}\n  ours: {ours}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn look(stage: &Stage, path: &str) -> Json {
    let path = Path::new(path);
    let Some(stat) = stage.machine.stat(path, false).expect("stat") else { return Json::Null };
    let mode = format!("{:04o}", stat.mode);
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    match stat.kind {
        Kind::Directory => json!([4, mode, stat.uid, stat.gid]),
        Kind::Link => json!([10, mode, stat.uid, stat.gid, stage.machine.read_link(path).expect("link")]),
        _ => json!([8, mode, stat.uid, stat.gid, stage.machine.read(path).expect("read").map(text)]),
    }
}
