//! Tasks in a row, with what community.general answered and the files that it left, against ours.

use crate::roles::modules::files::stage::Stage;
use serde_json::{Value as Json, json};

#[test]
fn tasks_in_a_row_are_as_community_generals() {
    let record: Json = serde_json::from_str(include_str!("record.json")).expect("record");
    let files = |key: &str| record[key].as_object().expect("files").clone();
    let stage = files("before").into_iter();
    let mut stage = stage.fold(Stage::new(), |stage, (path, text)| stage.file(&path, text.as_str().expect("text")));
    let mut wrong = Vec::new();
    let tasks = record["tasks"].as_array().expect("tasks");
    for (at, task) in tasks.iter().enumerate() {
        let (module, theirs) = (task["module"].as_str().expect("module"), &task["answer"]);
        let ours = match stage.run(module, task["args"].clone()) {
            Err(error) => json!({"failed": true, "msg": error.message}),
            Ok(done) => {
                let mut ours = done.result;
                ours["changed"] = json!(done.changed);
                ours
            }
        };
        for (key, value) in theirs.as_object().expect("answer") {
            // A refused argument is told with its name.
            let told =
                |text: &Json| text.as_str().is_some_and(|text| text.ends_with(value.as_str().unwrap_or("-").trim()));
            if ours[key] != *value && !(key == "msg" && theirs["failed"] == true && told(&ours[key])) {
                wrong.push(format!("{at} {task}\n  {key}: ours {}", ours[key]));
            }
        }
    }
    for (path, text) in files("after") {
        let ours: Vec<String> =
            stage
                .text(&path)
                .lines()
                .map(|line| {
                    if line.starts_with("# Updated by") {
                        "# Updated by Ansible - TIME".into()
                    } else {
                        line.to_owned()
                    }
                })
                .collect();
        let ours = ours.join("\n") + "\n";
        if json!(ours) != text {
            wrong.push(format!("{path}: {text}\n  ours: {ours:?}"));
        }
    }
    assert!(tasks.len() > 40 && wrong.is_empty(), "{}", wrong.join("\n"));
}
