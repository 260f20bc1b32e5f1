//! What is literal is judged before the first task, in files that are included or rendered later too; what is provably
//! skipped, rescued or ignored is not.

use super::*;

/// Runs tasks beside some files, after one that would be the first change.
fn site(tasks: &str) -> (Outcome, Vec<String>) {
    let text = format!(
        "- hosts: all\n  gather_facts: no\n  vars: {{os: a, use: true}}\n  tasks:\n  - debug: msg=first\n{tasks}"
    );
    let files = [
        ("site.yml", text.as_str()),
        ("bad.yml", "- debug: msg=in\n- nomodule: {a: b}\n"),
        ("bad_argument.yml", "- debug: {mgs: in}\n"),
        ("skips.yml", "- nomodule: {a: b}\n  when: os == 'b'\n- debug: msg=in\n"),
        ("sets.yml", "- set_fact: {use: false}\n"),
        ("nests.yml", "- include_tasks: bad.yml\n"),
        ("round.yml", "- include_tasks: round.yml\n  when: deeper | default(false)\n- debug: msg=in\n"),
        ("torn.yml", "- debug: {msg: [\n"),
        ("named.yml", "- import_tasks: '{{ later }}.yml'\n"),
        ("templates/bad.j2", "plain\n{{ os | uper }}\n"),
        ("templates/torn.j2", "{% if os %}\n"),
        ("templates/good.j2", "{{ os | upper }}\n"),
        ("vars/good.yml", "a: 1\n"),
        ("vars/torn.yml", "a: [\n"),
        ("roles/r/tasks/main.yml", "- nomodule: {a: b}\n"),
        ("roles/r/tasks/other.yml", "- debug: msg=in\n"),
    ];
    run_with(&files, &Input::default())
}

#[test]
fn what_is_literal_is_refused_before_the_first_task_with_its_place() {
    for (tasks, says, place) in [
        ("  - file: {path: /a, state: touch, mode: '999'}\n", "mode", "site.yml:6:"),
        ("  - file: {path: '/{{ os }}', state: touch, mode: '999'}\n", "mode", "site.yml:6:"),
        ("  - copy: {content: a, dest: /a, mode: 'u=rz'}\n", "u=rz", "site.yml:6:"),
        ("  - copy: {src: a, content: b, dest: /a}\n", "content", "site.yml:6:"),
        ("  - template: {src: bad.j2, dest: /a}\n", "uper", "templates/bad.j2:2:"),
        ("  - template: {src: torn.j2, dest: '/{{ os }}'}\n", "", "templates/torn.j2:"),
        ("  - include_tasks: bad.yml\n", "nomodule", "bad.yml:2:"),
        ("  - include_tasks: bad_argument.yml\n", "mgs", "bad_argument.yml:1:"),
        ("  - include_tasks: nests.yml\n    loop: [1, 2]\n", "nomodule", "bad.yml:2:"),
        ("  - include_tasks: none.yml\n", "none.yml", "site.yml:6:"),
        ("  - include_tasks: none.yml\n    ignore_errors: yes\n", "none.yml", "site.yml:6:"),
        ("  - include_tasks: torn.yml\n", "", "torn.yml:"),
        ("  - include_role: {name: r}\n", "nomodule", "roles/r/tasks/main.yml:1:"),
        ("  - include_role: {name: none}\n", "none", "site.yml:6:"),
        ("  - include_vars: none.yml\n", "none.yml", "site.yml:6:"),
        ("  - include_vars: torn.yml\n", "", "vars/torn.yml:"),
    ] {
        let (outcome, said) = site(tasks);
        let Some(ConvergeError::Refused(refusals)) = &outcome.error else { panic!("{tasks}: {:?}", outcome.error) };
        assert!(said.is_empty(), "{tasks}: {said:?}");
        assert!(refusals[0].message.contains(says), "{tasks}: {refusals:?}");
        assert!(refusals[0].place.to_string().starts_with(place), "{tasks}: {}", refusals[0].place);
    }
}

#[test]
fn what_need_not_run_is_not_refused() {
    for (tasks, last) in [
        ("  - file: {path: /a, state: touch, mode: '999'}\n    when: os == 'b'\n  - debug: msg=x\n", "x"),
        ("  - file: {path: /a, state: touch, mode: '999'}\n    ignore_errors: yes\n  - debug: msg=x\n", "x"),
        ("  - template: {src: bad.j2, dest: /a}\n    when: os == 'b'\n  - debug: msg=x\n", "x"),
        ("  - template: {src: good.j2, dest: /a}\n  - debug: msg=x\n", "x"),
        ("  - include_tasks: bad.yml\n    when: os == 'b'\n  - debug: msg=x\n", "x"),
        ("  - include_tasks: none.yml\n    when: os == 'b'\n  - debug: msg=x\n", "x"),
        ("  - include_tasks: skips.yml\n", "in"),
        ("  - include_tasks: round.yml\n", "in"),
        ("  - include_role: {name: r, tasks_from: other}\n", "in"),
        ("  - include_vars: good.yml\n  - debug: msg=x\n", "x"),
        ("  - include_vars: none.yml\n    ignore_errors: yes\n  - debug: msg=x\n", "x"),
        ("  - block:\n    - include_tasks: none.yml\n    rescue:\n    - debug: msg=x\n", "x"),
        ("  - block:\n    - file: {path: /a, state: touch, mode: '999'}\n    rescue:\n    - debug: msg=x\n", "x"),
        // What a later task settles is not known beforehand.
        ("  - set_fact: {later: skips}\n  - include_tasks: named.yml\n", "in"),
    ] {
        let (outcome, said) = site(tasks);
        assert!(outcome.error.is_none(), "{tasks}: {:?}", outcome.error);
        assert_eq!(said.last().map(String::as_str), Some(last), "{tasks}");
    }
}

#[test]
fn what_an_include_sets_is_not_taken_for_known() {
    let (outcome, _) = site("  - include_tasks: sets.yml\n  - nomodule: {a: b}\n    when: not use\n");
    let Some(ConvergeError::Refused(refusals)) = &outcome.error else { panic!("{:?}", outcome.error) };
    assert!(refusals[0].message.contains("nomodule"));
}
