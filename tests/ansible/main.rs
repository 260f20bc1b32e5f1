//! Differential runs: cases that ansible-core ran before (`tests/ansible/record`), run through muster and compared.
#![expect(clippy::disallowed_methods, reason = "tests set the stage")]

mod held;

use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

/// A case, as `cases/*.yml` has it.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    #[serde(default)]
    files: BTreeMap<String, Entry>,
    #[serde(default)]
    start: BTreeMap<String, Entry>,
    #[serde(default)]
    vars: String,
    /// More keys of the play, or whole plays after it.
    #[serde(default)]
    play: String,
    tasks: String,
    #[serde(default)]
    handlers: String,
    #[serde(default)]
    arguments: Vec<String>,
    /// Why muster does otherwise, where it does on purpose.
    #[serde(default)]
    differs: Option<String>,
}

/// Something of a starting tree.
#[derive(serde::Deserialize)]
#[serde(untagged)]
enum Entry {
    Text(String),
    Full {
        #[serde(default)]
        content: String,
        mode: Option<String>,
        link: Option<String>,
        #[serde(default)]
        directory: bool,
    },
}

/// What no two runs share, and what only one of the two says.
const DROPPED: [&str; 31] = [
    "invocation",
    "diff",
    "start",
    "end",
    "stop",
    "delta",
    "ansible_job_id",
    "results_file",
    "warnings",
    "deprecations",
    "exception",
    "uid",
    "gid",
    "owner",
    "group",
    "secontext",
    "atime",
    "mtime",
    "ctime",
    "inode",
    "dev",
    "nlink",
    "blocks",
    "block_size",
    "backup_file",
    "ansible_loop_var",
    "ansible_index_var",
    "failed_when_suppressed_exception",
    "failed",
    "_ansible_no_log",
    "skipped",
];

fn lay(directory: &Path, entries: &BTreeMap<String, Entry>) {
    for (name, entry) in entries {
        let path = directory.join(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("made");
        let mode = match entry {
            Entry::Text(text) => {
                std::fs::write(&path, text).expect("written");
                "644"
            }
            Entry::Full { link: Some(link), .. } => {
                std::os::unix::fs::symlink(link, &path).expect("linked");
                continue;
            }
            Entry::Full { directory: true, mode, .. } => {
                std::fs::create_dir_all(&path).expect("made");
                mode.as_deref().unwrap_or("755")
            }
            Entry::Full { content, mode, .. } => {
                std::fs::write(&path, content).expect("written");
                mode.as_deref().unwrap_or("644")
            }
        };
        let mode = u32::from_str_radix(mode, 8).expect("octal");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("mode");
    }
}

fn play(case: &Case, root: &Path) -> String {
    let mut text = format!("- hosts: all\n  gather_facts: false\n  vars:\n    root: {}\n", root.display());
    for (name, part) in [("vars", &case.vars), ("tasks", &case.tasks), ("handlers", &case.handlers)] {
        if part.is_empty() {
            continue;
        }
        if name != "vars" {
            text.push_str(&format!("  {name}:\n"));
        }
        for line in part.lines() {
            text.push_str(&format!("    {line}\n"));
        }
    }
    for line in case.play.lines() {
        text.push_str(&format!("  {line}\n"));
    }
    text
}

fn seen(root: &Path, below: &Path, into: &mut Map<String, Value>) {
    let mut entries: Vec<_> = std::fs::read_dir(below).expect("listed").map(|entry| entry.expect("entry")).collect();
    entries.sort_by_key(std::fs::DirEntry::path);
    for entry in entries {
        let path = entry.path();
        let name = path.strip_prefix(root).expect("below").display().to_string();
        let meta = path.symlink_metadata().expect("meta");
        let mode = format!("{:04o}", meta.permissions().mode() & 0o7777);
        if meta.is_symlink() {
            into.insert(name, json!({ "link": path.read_link().expect("link").display().to_string() }));
        } else if meta.is_dir() {
            into.insert(name, json!({ "mode": mode }));
            seen(root, &path, into);
        } else {
            let bytes = std::fs::read(&path).expect("read");
            into.insert(name, json!({ "mode": mode, "content": String::from_utf8_lossy(&bytes) }));
        }
    }
}

/// Whether a path is of the case, or relative.
fn is_in_case(path: &str) -> bool {
    !path.starts_with(['/', '(']) && !path.is_empty() || path.starts_with("/R") || path.starts_with("/T")
}

/// A result without what cannot be compared.
fn plain(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let kept = map.iter().filter(|(name, _)| !DROPPED.contains(&name.as_str()));
            let mut kept: Map<String, Value> = kept.map(|(name, value)| (name.clone(), plain(value))).collect();
            // How large a directory is, and a link, depends on the file system and on where the case ran.
            let is = |name: &str| kept.get(name) == Some(&Value::Bool(true));
            if is("isdir")
                || is("islnk")
                || kept.get("state").is_some_and(|state| state == "link" || state == "directory")
            {
                kept.remove("size");
            }
            // Ansible names the temporary file in which content lay on its way.
            if kept.contains_key("md5sum")
                || kept.get("src").and_then(Value::as_str).is_some_and(|src| !is_in_case(src))
            {
                kept.remove("src");
            }
            Value::Object(kept)
        }
        // A directory is walked in the file system's own order.
        Value::Array(items) => {
            let mut items: Vec<Value> = items.iter().map(plain).collect();
            if items.iter().all(|item| item.get("path").is_some()) {
                items.sort_by_key(|item| item["path"].to_string());
            }
            items.into()
        }
        other => other.clone(),
    }
}

/// A row; of a failure its fact and what a program said, because messages are each program's own.
fn result(row: &Value) -> Value {
    let mut kept = plain(&row["result"]);
    if matches!(row["status"].as_str(), Some("failed" | "ignored"))
        && let Some(map) = kept.as_object_mut()
    {
        map.retain(|name, _| matches!(name.as_str(), "changed" | "rc" | "stdout" | "stderr" | "item" | "attempts"));
    }
    json!({ "status": row["status"], "result": kept })
}

/// What muster did, in the oracle's shape.
fn run(case: &Case) -> Value {
    let base = tempfile::tempdir().expect("a directory");
    let base = base.path().canonicalize().expect("a path");
    let (root, tree) = (base.join("root"), base.join("tree"));
    std::fs::create_dir_all(&root).expect("made");
    std::fs::create_dir_all(&tree).expect("made");
    lay(&root, &case.start);
    lay(&tree, &case.files);
    std::fs::write(tree.join("play.yml"), play(case, &root)).expect("written");
    // A state of its own: handlers that one case leaves due are not the next one's, and the machine's own stay.
    let own = ["state_directory", "run_directory"].map(|name| format!("{name}={}", base.join(name).display()));
    let output = Command::new("sh")
        .args(["-c", "umask 022; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_muster"), "converge", "--json"])
        .args(["--set", "trust.unverified_trees=true", "--set", &own[0], "--set", &own[1]])
        .args(["--playbook", "play.yml", "--tree"])
        .arg(&tree)
        .args(&case.arguments)
        .current_dir(&tree)
        .output()
        .expect("muster runs");
    let text = String::from_utf8_lossy(&output.stdout);
    let text = text.replace(&root.display().to_string(), "/R").replace(&tree.display().to_string(), "/T");
    let events: Vec<Value> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let of = |kind: &str| events.iter().filter(|event| event["event"] == kind).cloned().collect::<Vec<_>>();
    // The recorder keeps neither facts that a play gathers nor includes themselves.
    let (mut results, mut counts) = (Vec::new(), true);
    for event in &events {
        match event["event"].as_str() {
            Some("task") => counts = event["name"] != "Gathering Facts" && event["name"] != "include_tasks",
            Some("result") if counts => results.push(event.clone()),
            _ => {}
        }
    }
    let mut after = Map::new();
    seen(&root, &root, &mut after);
    let after = Value::Object(after).to_string();
    let after = after.replace(&root.display().to_string(), "/R").replace(&tree.display().to_string(), "/T");
    json!({
        "results": results,
        "recap": of("recap").first().map_or(Value::Null, |event| event["recap"].clone()),
        "tree": serde_json::from_str::<Value>(&after).expect("JSON"),
        "rc": output.status.code(),
        "said": String::from_utf8_lossy(&output.stderr),
    })
}

/// The differences between two runs of a case, each in a line.
fn differences(want: &Value, got: &Value) -> Vec<String> {
    let mut all = Vec::new();
    let well = |run: &Value| run["rc"] == 0;
    if well(want) != well(got) {
        all.push(format!("ended with\n    ansible: {}\n    muster:  {}", want["rc"], got["rc"]));
    }
    // What Ansible refuses as a whole has no recap: muster may have said how far it would have come.
    let parts: &[&str] = if want["recap"].is_null() { &["tree"] } else { &["recap", "tree"] };
    for part in parts {
        if want[part] != got[part] {
            all.push(format!("{part}\n    ansible: {}\n    muster:  {}", want[part], got[part]));
        }
    }
    let (empty, mut at) = (Vec::new(), 0);
    if want["recap"].is_null() {
        return all;
    }
    let rows = |value: &Value| value["results"].as_array().unwrap_or(&empty).clone();
    let (want, have) = (rows(want), rows(got));
    while at < want.len().max(have.len()) {
        let line = |rows: &[Value]| rows.get(at).map_or(Value::Null, result);
        if line(&want) != line(&have) {
            let task = want.get(at).map_or("-", |row| row["task"].as_str().unwrap_or_default());
            all.push(format!("result {at} `{task}`\n    ansible: {}\n    muster:  {}", line(&want), line(&have)));
        }
        at += 1;
    }
    if !all.is_empty() {
        all.push(format!("muster said: {}", got["said"].as_str().unwrap_or_default()));
    }
    all
}

#[test]
fn muster_leaves_every_case_as_ansible_does() {
    let here = support::source().join("tests/ansible");
    let oracle = std::fs::read_to_string(here.join("oracle.json")).expect("oracle.json");
    let oracle: Map<String, Value> = serde_json::from_str(&oracle).expect("JSON");
    let mut files: Vec<_> =
        std::fs::read_dir(here.join("cases")).expect("cases").map(|e| e.expect("entry").path()).collect();
    files.sort();
    let (mut wrong, mut count) = (Vec::new(), 0);
    for file in files {
        let text = std::fs::read_to_string(&file).expect("read");
        let cases: Vec<Case> =
            serde_yaml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        for case in cases {
            let want = oracle.get(&case.name).unwrap_or_else(|| panic!("`{}` is not recorded", case.name));
            let found = differences(want, &run(&case));
            count += 1;
            match (&case.differs, found.is_empty()) {
                (None, true) | (Some(_), false) => {}
                (None, false) => wrong.push(format!("{}\n  {}", case.name, found.join("\n  "))),
                (Some(why), true) => wrong.push(format!("{}: no longer differs: {why}", case.name)),
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {count} cases differ:\n\n{}", wrong.len(), wrong.join("\n\n"));
}
