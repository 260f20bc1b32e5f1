//! What the cases hold: every module with a change, a no-op and a failure, or the reason why there is none.

use muster::roles::modules::{TABLE, find};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// How a task ended.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum End {
    Change,
    NoOp,
    Failure,
}

use End::{Change, Failure, NoOp};

/// Ends that no case has: of which modules, and why.
const EXCEPT: &[(&[&str], &[End], &str)] = &[
    (
        &["import_role", "import_tasks", "include_role", "include_tasks", "meta"],
        &[Change, NoOp, Failure],
        "part of the play's structure, of which the recorder keeps what it leads to",
    ),
    (
        &["assert", "include_vars", "set_fact", "setup", "validate_argument_spec"],
        &[Change],
        "what it does is the run's, not the host's",
    ),
    (&["ec2_metadata_facts", "find", "getent", "package_facts", "service_facts", "slurp"], &[Change], "it only reads"),
    (&["pause", "ping", "wait_for", "wait_for_connection"], &[Change], "it only waits and answers"),
    (&["fail"], &[Change, NoOp], "it does nothing but fail"),
    (&["reboot"], &[Change, NoOp], "refused by both, because Ansible does not reboot the host that it runs on"),
    (&["tempfile"], &[NoOp], "every run makes another file"),
    (&["service_facts"], &[Failure], "where there are no services it says so, and does not fail"),
    (&["modprobe"], &[Change, NoOp], "needs a kernel with modules"),
    (&["release"], &[Change, NoOp, Failure], "muster's own: ansible-core has no such module"),
];

fn read(name: &str) -> Map<String, Value> {
    let path = support::source().join("tests/ansible").join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The end of a task that bears a module's name, because a task without a name is called after its module.
fn end(task: &str, status: &str) -> Option<(&'static str, End)> {
    let module = find(task)?.spec.name;
    let end = match status {
        "changed" => Change,
        "ok" => NoOp,
        // A guard makes `script` say that it was skipped; of others that says a condition.
        "skipped" if module == "ansible.builtin.script" => NoOp,
        "failed" | "ignored" => Failure,
        _ => return None,
    };
    Some((module, end))
}

/// Everything that ansible-core's tasks ended with, here and on machines.
fn held() -> BTreeMap<&'static str, BTreeSet<End>> {
    let mut all: BTreeMap<_, BTreeSet<End>> = TABLE.iter().map(|row| (row.spec.name, BTreeSet::new())).collect();
    let word = |value: &Value| value.as_str().map(str::to_owned).unwrap_or_default();
    let here = read("oracle.json").into_iter().flat_map(|(_, case)| {
        let rows = case["results"].as_array().cloned().unwrap_or_default();
        rows.into_iter().map(move |row| (word(&row["task"]), word(&row["status"])))
    });
    let machines = read("roles/oracle.json").into_iter().flat_map(|(_, rows)| {
        let rows = rows.as_array().cloned().unwrap_or_default();
        rows.into_iter().filter_map(move |row| {
            let row = word(&row);
            row.rsplit_once(": ").map(|(task, status)| (task.to_owned(), status.to_owned()))
        })
    });
    for (module, end) in here.chain(machines).filter_map(|(task, status)| end(&task, &status)) {
        all.entry(module).or_default().insert(end);
    }
    all
}

#[test]
fn every_module_has_a_change_a_no_op_and_a_failure() {
    let mut excepted = BTreeSet::new();
    for (modules, ends, why) in EXCEPT {
        assert!(!why.is_empty());
        for module in *modules {
            let row = find(module).unwrap_or_else(|| panic!("`{module}` is no module"));
            for end in *ends {
                assert!(excepted.insert((row.spec.name, *end)), "{module}: {end:?} is excepted twice");
            }
        }
    }
    let mut wrong = Vec::new();
    for (module, ends) in held() {
        for end in [Change, NoOp, Failure] {
            match (ends.contains(&end), excepted.contains(&(module, end))) {
                (false, false) => wrong.push(format!("{module}: no case ends with {end:?}")),
                (true, true) => wrong.push(format!("{module}: {end:?} is excepted, and a case has it")),
                _ => {}
            }
        }
    }
    assert!(wrong.is_empty(), "a case (cases/*.yml, roles/cases.yml) or a reason is missing:\n{}", wrong.join("\n"));
}

/// A case, as far as it is looked at here.
#[derive(serde::Deserialize)]
struct Case {
    name: String,
    differs: Option<String>,
}

fn cases(path: &Path) -> Vec<Case> {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_yaml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn every_case_for_machines_is_recorded() {
    let here = support::source().join("tests/ansible");
    let on_machines = cases(&here.join("roles/cases.yml"));
    let names: BTreeSet<String> = on_machines.iter().map(|case| case.name.clone()).collect();
    assert_eq!(names.len(), on_machines.len(), "two cases have one name");
    let recorded: BTreeSet<String> = read("roles/oracle.json").into_iter().map(|(name, _)| name).collect();
    let apart: Vec<_> = names.symmetric_difference(&recorded).collect();
    assert!(apart.is_empty(), "`tests/ansible/roles/cases --record` did not see, or should no longer have: {apart:?}");
    let files = std::fs::read_dir(here.join("cases")).expect("cases").map(|entry| entry.expect("entry").path());
    let all = files.flat_map(|file| cases(&file)).chain(on_machines);
    let differ: Vec<String> = all.filter(|case| case.differs.is_some()).map(|case| case.name).collect();
    assert!(differ.len() <= 5, "five cases at most differ on purpose, here and on machines together: {differ:?}");
}
