//! Tasks in a row as ansible-core 2.19 and ansible.posix answered them, recorded, against ours.

use super::fake::eyes;
use super::{Actor, Eyes, Failed, find};
use crate::host::{Attributes, Change, FileWrite, Host, Observe, Overlay, Void};
use crate::roles::remote::Offline;
use crate::roles::value::{Map, Value};
use serde_json::{Value as Json, json};
use std::path::Path;

fn machine(before: &Json) -> Overlay<Void> {
    let mut machine = Overlay::new(Void::new().with_program("/usr/bin/crontab"));
    let mut make = |change: Change| machine.apply(&change).map(drop).expect("the stage is set");
    for path in ["/tmp", "/tmp/o", "/tmp/o/d", "/tmp/o/frag", "/tmp/o/frag/sub", "/tmp/o/repos"] {
        make(Change::MakeDirectory { path: path.into(), attributes: Attributes::default() });
    }
    for (path, entry) in before.as_object().expect("files") {
        make(Change::Write(FileWrite::new(path, entry[1].as_str().expect("text"))));
    }
    machine
}

/// Runs a task to its end, as the engine does: whether it changed anything, and its result.
fn run(machine: &mut Overlay<Void>, name: &str, arguments: &Json) -> Result<(bool, Json), Failed> {
    let row = find(name).expect("a module");
    let value = Value::from_json(arguments);
    let refused = |error: super::ArgError| Failed::new(error.to_string());
    let mut args = row.spec.accept(value.as_map().expect("a mapping")).map_err(refused)?;
    let Actor::Host(read) = row.actor else { panic!("{name} is the engine's") };
    let module = read(&mut args).map_err(refused)?;
    let nothing = super::fake::Fake::default();
    let (mut result, mut changed, mut any) = (Map::new(), None, false);
    let mut plan = module.plan(&Eyes { host: &*machine, ..eyes(&nothing, &Offline) })?;
    loop {
        any |= !plan.changes.is_empty();
        changed = plan.changed.or(changed);
        result.extend(plan.result);
        let effects = plan.changes.iter().map(|change| machine.apply(change)).collect::<Result<Vec<_>, _>>()?;
        let Some(next) = plan.next else { break };
        plan = next(&Eyes { host: &*machine, ..eyes(&nothing, &Offline) }, &effects)?;
    }
    Ok((changed.unwrap_or(any), Value::Map(result.into()).to_json()))
}

#[test]
fn tasks_in_a_row_are_as_the_oracles() {
    let record: Json = serde_json::from_str(include_str!("record.json")).expect("a record");
    let mut machine = machine(&record["before"]);
    let mut wrong = Vec::new();
    let tasks = record["tasks"].as_array().expect("tasks");
    for (number, task) in tasks.iter().enumerate() {
        let (name, theirs) = (task["module"].as_str().expect("module"), &task["answer"]);
        let failed = theirs["failed"] == json!(true);
        match run(&mut machine, name, &task["args"]) {
            Err(error) if failed && error.message.contains(theirs["msg"].as_str().expect("msg")) => {}
            Err(error) => wrong.push(format!("{number} {task}\n  ours failed: {error}")),
            Ok(_) if failed => wrong.push(format!("{number} {task}\n  ours did not fail")),
            Ok((changed, mut ours)) => {
                ours["changed"] = json!(changed);
                ours["failed"] = json!(false);
                for (key, value) in theirs.as_object().expect("answer") {
                    if ours[key] != *value {
                        wrong.push(format!("{number} {task}\n  {key}: ours {}", ours[key]));
                    }
                }
            }
        }
    }
    for (path, entry) in record["after"].as_object().expect("files") {
        let stat = machine.stat(Path::new(path), true).expect("stat");
        let text = machine.read(Path::new(path)).expect("read").unwrap_or_default();
        let ours = json!([stat.map(|stat| format!("{:04o}", stat.mode)), String::from_utf8_lossy(&text)]);
        if ours != *entry {
            wrong.push(format!("{path}: {entry}\n  ours: {ours}"));
        }
    }
    assert!(tasks.len() > 80 && wrong.is_empty(), "{}", wrong.join("\n"));
}
