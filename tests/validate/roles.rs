//! Controls and the roles that satisfy them: each control names tasks and variables that are there, or says why none does;
//! each task that is there for a recommendation has its control.

use serde_yaml::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// A control's benchmark and id, and the control.
type Controls = Vec<(String, String, Value)>;

fn top() -> PathBuf {
    support::source()
}

fn files(directory: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).expect("a directory").flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(&path, into);
        } else if path.extension().is_some_and(|end| end == "yml" || end == "yaml") {
            into.push(path);
        }
    }
}

fn yaml(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).expect("a file");
    serde_yaml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn text<'v>(value: &'v Value, key: &str) -> Option<&'v str> {
    value.get(key).and_then(Value::as_str)
}

fn controls() -> Controls {
    let (mut all, mut found) = (Vec::new(), Controls::new());
    files(&top().join("benchmarks"), &mut all);
    for path in all {
        let below = path.strip_prefix(top().join("benchmarks")).expect("below").display().to_string();
        let benchmark = below.split(['/', '.']).next().unwrap_or_default().to_owned();
        let document = yaml(&path);
        let list = document.get("controls").unwrap_or(&document).as_sequence().cloned().unwrap_or_default();
        for control in list.into_iter().filter(|control| control.get("check").is_some()) {
            found.push((benchmark.clone(), text(&control, "id").expect("an id").to_owned(), control));
        }
    }
    found
}

/// Names of tasks, each with its tags; blocks are gone through.
fn tasks(items: &Value, into: &mut BTreeMap<String, BTreeSet<String>>) {
    for item in items.as_sequence().into_iter().flatten() {
        for part in ["block", "rescue", "always"] {
            if let Some(inner) = item.get(part) {
                tasks(inner, into);
            }
        }
        if let Some(name) = text(item, "name") {
            let tags = item.get("tags").and_then(Value::as_sequence).into_iter().flatten();
            into.entry(name.to_owned()).or_default().extend(tags.filter_map(Value::as_str).map(str::to_owned));
        }
    }
}

fn roles() -> (BTreeMap<String, BTreeSet<String>>, BTreeSet<String>) {
    let (mut all, mut named, mut variables) = (Vec::new(), BTreeMap::new(), BTreeSet::new());
    files(&top().join("roles"), &mut all);
    for path in all {
        let below = |part: &str| path.components().any(|name| name.as_os_str() == part);
        if below("tasks") || below("handlers") {
            tasks(&yaml(&path), &mut named);
        } else if below("defaults") {
            let document = yaml(&path);
            let keys = document.as_mapping().into_iter().flat_map(|map| map.keys());
            variables.extend(keys.filter_map(Value::as_str).map(str::to_owned));
        }
    }
    (named, variables)
}

#[test]
fn every_control_has_its_task_and_every_task_its_control() {
    let (controls, (tasks, variables)) = (controls(), roles());
    assert!(controls.len() > 600 && tasks.len() > 200, "{} controls, {} tasks", controls.len(), tasks.len());
    let mut wrong = Vec::new();
    for (benchmark, id, control) in &controls {
        let fixed = match control.get("fixed_by") {
            Some(Value::Sequence(several)) => several.clone(),
            Some(one) => vec![one.clone()],
            None => Vec::new(),
        };
        if fixed.is_empty() == control.get("by_hand").is_none() {
            wrong.push(format!("{benchmark} {id}: either tasks, or why by hand"));
        }
        for one in &fixed {
            let (task, variable) = (text(one, "task").unwrap_or("?"), text(one, "variable").unwrap_or("?"));
            if !tasks.contains_key(task) || !variables.contains(variable) {
                wrong.push(format!("{benchmark} {id}: no task `{task}`, or no variable {variable}"));
            }
        }
    }
    let ids: BTreeSet<String> = controls.iter().map(|(benchmark, id, _)| format!("cis_{benchmark}_{id}")).collect();
    for (task, tags) in &tasks {
        let lost = tags.iter().filter(|tag| tag.starts_with("cis_") && !ids.contains(*tag));
        wrong.extend(lost.map(|tag| format!("task `{task}`: {tag} is no control")));
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// Of all recommendations those that are for a server with one firewall and one place for its logs.
#[test]
fn every_recommendation_for_a_server_has_a_control() {
    let controls = controls();
    for (benchmark, site, all, server) in [
        ("ubuntu2404", [("firewall", "ufw"), ("logging", "rsyslog")], 312, 274),
        ("rhel9", [("firewall", "firewalld"), ("logging", "rsyslog")], 298, 277),
    ] {
        let of: Vec<&Value> = controls.iter().filter(|(name, ..)| name == benchmark).map(|(.., one)| one).collect();
        let other = |one: &Value, (key, mine): (&str, &str)| {
            let theirs = one.get("when").and_then(|when| when.get("site")).and_then(|site| text(site, key));
            theirs.is_some_and(|theirs| theirs != mine)
        };
        // GDM's section: that it is absent, and what holds where it is there.
        let package = |one: &Value| serde_yaml::to_string(one).unwrap_or_default().replace(['-', ' ', '\n'], "");
        let desktop =
            |one: &Value| ["package_present:gdm", "package_absent:gdm"].iter().any(|has| package(one).contains(has));
        let left = of.iter().filter(|one| !desktop(one) && !site.iter().any(|choice| other(one, *choice))).count();
        assert_eq!((of.len(), left), (all, server), "{benchmark}");
    }
}

/// What `--fix` rests on: whoever asks for one recommendation of an area where the way in could close gets its guards too.
#[test]
fn no_tag_closes_the_way_in_without_its_guards() {
    let role = top().join("roles/hardening/tasks");
    let guards = |task: &Value| {
        let text = serde_yaml::to_string(task).unwrap_or_default();
        text.contains("Refused:") || text.contains("visudo") || text.contains("validate:")
    };
    let tags_of = |tasks: &Value| {
        let mut named = BTreeMap::new();
        self::tasks(tasks, &mut named);
        named.into_values().flatten().filter(|tag| tag.starts_with("cis_")).collect::<BTreeSet<String>>()
    };
    // The files whose changes could, and the tasks in them that look first.
    let mut held = 0;
    for (area, alters) in [
        ("ssh.yml", "/etc/ssh"),
        ("firewall.yml", "import_tasks"),
        ("pam_debian.yml", "pam-auth-update"),
        ("sudo.yml", "NOPASSWD"),
        ("filesystem.yml", "/etc/fstab"),
        ("filesystem.yml", "filesystem_volume.yml"),
        ("filesystem.yml", "remount$missing"),
    ] {
        let document = yaml(&role.join(area));
        let list = document.as_sequence().cloned().unwrap_or_default();
        let first = list.iter().position(&guards);
        let guard = first.unwrap_or_else(|| panic!("{area}: nothing refuses"));
        let guarded = tags_of(&Value::Sequence(list.iter().filter(|task| guards(task)).cloned().collect()));
        let changes = list.iter().enumerate().filter(|(_, task)| {
            let body = serde_yaml::to_string(task).unwrap_or_default();
            // Owners and modes alone close nothing.
            let looks = ["assert", "stat:", "find:", "changed_when: false", "set_fact", "package:", "builtin.file:"];
            body.contains(alters) && !guards(task) && !looks.iter().any(|word| body.contains(word))
        });
        for (at, task) in changes {
            let name = text(task, "name").unwrap_or("?");
            assert!(at > guard, "{area}: `{name}` comes before what looks");
            let missing: Vec<String> =
                tags_of(&Value::Sequence(vec![task.clone()])).difference(&guarded).cloned().collect();
            assert!(missing.is_empty(), "{area}: {missing:?} select `{name}`, and nothing that refuses");
            held += 1;
        }
    }
    let main = yaml(&role.join("main.yml"));
    let always = main.as_sequence().into_iter().flatten().filter(|task| {
        task.get("tags")
            .and_then(Value::as_sequence)
            .is_some_and(|tags| tags.iter().any(|tag| tag.as_str() == Some("always")))
    });
    assert_eq!(always.count(), 2, "what is known of the way in is asked whatever tag is run");
    // Tags of the tasks below an import are those of the firewall's own file, or harmless.
    let firewall = tags_of(&yaml(&role.join("firewall.yml")));
    for file in ["firewall_ufw.yml", "firewall_redhat.yml"] {
        let all = tags_of(&yaml(&role.join(file)));
        let other: Vec<&String> = all.difference(&firewall).collect();
        assert!(other.iter().all(|tag| tag.ends_with("_3.3.9")), "{file}: {other:?}");
        held += all.len();
    }
    assert!(held > 10, "{held}");
}
