//! Small trees, loaded whole.
#![expect(clippy::disallowed_methods, reason = "tests set the stage")]

use super::*;
use crate::failure::Explain;
use std::path::Path;
use std::sync::Arc;

fn tree(files: &[(&str, &str)]) -> (tempfile::TempDir, Loader) {
    let dir = tempfile::tempdir().expect("a directory");
    for (name, text) in files {
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().expect("parent")).expect("made");
        std::fs::write(path, text).expect("written");
    }
    let source = Directory::new(dir.path()).expect("a tree");
    (dir, Loader::new(Arc::new(source), &[]))
}

fn play(text: &str) -> Result<Play, LoadError> {
    let (_dir, loader) = tree(&[("site.yml", text)]);
    loader.playbook(Path::new("site.yml"), &Literal).map(|mut playbook| playbook.plays.remove(0))
}

fn task(text: &str) -> Arc<Task> {
    let indented = text.replace('\n', "\n    ");
    let play = play(&format!("- hosts: all\n  tasks:\n  - {indented}\n")).expect("loads");
    match &play.tasks[0] {
        Item::Task(task) => Arc::clone(task),
        other => panic!("a task, not {other:?}"),
    }
}

#[test]
fn modules_are_found_in_every_notation() {
    for text in [
        "command: echo a=b creates=/x",
        "ansible.builtin.command: {cmd: echo a=b, creates: /x}",
        "action: command echo a=b creates=/x",
        "action: {module: command, cmd: echo a=b, creates: /x}",
        "command: echo a=b\nargs: {creates: /x}",
    ] {
        let task = task(text);
        assert_eq!(task.action.name(), "ansible.builtin.command", "{text}");
        let names: Vec<_> = task.action.arguments.map.values().filter_map(|v| v.as_str()).collect();
        assert!(names.contains(&"echo a=b") && names.contains(&"/x"), "{text}: {names:?}");
        assert!(task.refusals.is_empty(), "{text}: {:?}", task.refusals);
    }
}

#[test]
fn slips_are_named_with_what_was_meant() {
    let error = play("- hosts: all\n  tasks:\n  - debug: {msg: a}\n    wehn: x\n").expect_err("keyword");
    assert_eq!(error.to_string(), "`wehn` is not a keyword of a task");
    assert_eq!(error.hint().as_deref(), Some("did you mean `when`?"));
    assert_eq!(error.place().map(|p| p.to_string()).as_deref(), Some("site.yml:4:5"));
    let refused = &task("debgu: {msg: a}").refusals[0];
    assert_eq!(refused.message, "muster has no module `debgu`");
    assert_eq!(refused.hint.as_deref(), Some("did you mean `debug`?"));
    let refused = &task("fail:\n  msg: a\n  when: b").refusals[0];
    assert!(refused.hint.as_deref().is_some_and(|hint| hint.contains("beside the module")), "{refused:?}");
    assert!(play("- hosts: all\n  tasks:\n  - name: x\n").is_err());
    assert!(task("debug: {msg: a}\nwhen: b").refusals.is_empty());
}

#[test]
fn keywords_are_inherited_and_conditions_gathered() {
    let text = "- hosts: all\n  become: yes\n  tags: [p]\n  tasks:\n  - block:\n    - debug: {msg: a}\n      when: [b, c]\n      tags: t\n    when: a\n    become: no\n    vars: {x: 1}\n";
    let play = play(text).expect("loads");
    let Item::Block(block) = &play.tasks[0] else { panic!("a block") };
    let Item::Task(task) = &block.items[0] else { panic!("a task") };
    let conditions: Vec<_> = task.frame.conditions().iter().filter_map(|said| said.value.as_str()).collect();
    assert_eq!(conditions, ["a", "b", "c"]);
    assert_eq!(task.frame.keyword("become").map(|said| said.value.clone()), Some(false.into()));
    assert_eq!(task.frame.all_tags().len(), 2);
}

#[test]
fn a_role_is_loaded_with_its_dependencies_and_imports() {
    let (_dir, loader) = tree(&[
        ("site.yml", "- hosts: localhost\n  roles:\n  - {role: a, http_port: 80, tags: web}\n"),
        ("roles/a/meta/main.yml", "dependencies: [{role: b, when: x}]\n"),
        ("roles/a/tasks/main.yml", "- import_tasks: sub/more.yml\n  when: y\n"),
        ("roles/a/tasks/sub/more.yml", "- debug: msg=1\n- import_tasks: last.yml\n"),
        ("roles/a/tasks/sub/last.yml", "- debug: msg=2\n"),
        ("roles/a/defaults/main/one.yml", "p: 1\n"),
        ("roles/a/defaults/main/two.yml", "q: 2\n"),
        ("roles/a/handlers/main.yml", "- name: restart\n  debug: msg=3\n  listen: topic\n"),
        ("roles/b/tasks/main.yaml", "- debug: msg=0\n"),
    ]);
    let play = loader.playbook(Path::new("site.yml"), &Literal).expect("loads").plays.remove(0);
    let run = &play.roles[0];
    assert_eq!(run.role.defaults.len(), 2);
    assert_eq!(run.role.params.len(), 1);
    assert_eq!(run.dependencies[0].role.name, "b");
    assert_eq!(run.all_handlers()[0].title(), "restart");
    let Item::Imported(items) = &run.items[0] else { panic!("imported") };
    let Item::Imported(last) = &items[1] else { panic!("imported") };
    let Item::Task(task) = &last[0] else { panic!("a task") };
    assert_eq!(task.frame.conditions().len(), 1);
    assert_eq!(task.frame.all_tags().len(), 1);
    assert_eq!(task.place.file, "roles/a/tasks/sub/last.yml");
}

#[test]
fn what_is_missing_or_goes_round_is_an_error_with_its_place() {
    let error = play("- hosts: all\n  roles: [nope]\n").expect_err("missing");
    assert_eq!(error.to_string(), "role `nope` was not found");
    assert_eq!(error.place().map(|p| p.line), Some(2));
    let (_dir, loader) = tree(&[("roles/a/meta/main.yml", "dependencies: [a]\n")]);
    let error = loader.playbook_of_roles(&["a".into()], &Literal).expect_err("endless");
    assert!(matches!(error, LoadError::Deep(..)));
    assert!(play("- hosts: all\n  tasks: {a: b}\n").is_err());
    assert!(play("- hosts: all\n  tsaks: []\n").is_err());
}

#[test]
fn a_tree_that_is_a_collection_has_its_own_roles_by_full_name() {
    let files = |galaxy: &str| {
        tree(&[
            ("galaxy.yml", galaxy),
            ("site.yml", "- hosts: all\n  roles: [acme.web.site]\n"),
            ("roles/site/meta/main.yml", "dependencies: [acme.web._common]\n"),
            ("roles/_common/tasks/main.yml", "- debug: msg=0\n"),
        ])
    };
    let (_dir, loader) = files("namespace: acme\nname: web\nversion: 1.0.0\n");
    let play = loader.playbook(Path::new("site.yml"), &Literal).expect("loads").plays.remove(0);
    assert_eq!(play.roles[0].dependencies[0].role.collection.as_deref(), Some("acme.web"));
    let (_dir, loader) = files("namespace: acme\nname: other\nversion: 1.0.0\n");
    let error = loader.playbook(Path::new("site.yml"), &Literal).expect_err("another collection's");
    assert_eq!(error.to_string(), "role `acme.web.site` was not found");
}
