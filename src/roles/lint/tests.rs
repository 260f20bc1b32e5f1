//! Small trees, judged whole: each slip beside what is written right.
#![expect(clippy::disallowed_methods, reason = "tests set the stage")]

use super::*;

const NOTHING: [&str; 0] = [];

fn judge(files: &[(&str, &str)], advise: bool) -> Vec<String> {
    let dir = tempfile::tempdir().expect("a directory");
    for (name, text) in files {
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().expect("parent")).expect("made");
        std::fs::write(path, text).expect("written");
    }
    let report = lint(dir.path(), dir.path(), advise).expect("judged");
    let told = |found: &Finding| {
        let hint = found.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
        format!("{}: {}{hint}", found.place, found.message)
    };
    report.findings.iter().map(told).collect()
}

fn tasks(text: &str) -> Vec<String> {
    let handlers = "- name: restart app\n  service: {name: app, state: restarted}\n  listen: topic\n";
    let defaults = "app_port: 80\napp_name: '{{ inventory_hostname }}'\n";
    let base = [
        ("roles/app/handlers/main.yml", handlers),
        ("roles/app/defaults/main.yml", defaults),
        ("roles/app/tasks/main.yml", text),
    ];
    judge(&base, false)
}

#[test]
fn the_errors_of_public_roles_are_found() {
    let cases = [
        (
            "- dnf:\n    file: /tmp/x.rpm\n    state: present\n",
            "roles/app/tasks/main.yml:2:5: `ansible.builtin.dnf` has no argument `file`",
        ),
        (
            "- shell:\n    cmd: true\n    loop: [a]\n",
            "roles/app/tasks/main.yml:3:5: `ansible.builtin.shell` has no argument `loop` (`loop` is a keyword: it stands beside the module, not below it)",
        ),
        (
            "- command:\n    cmd: 'true'\n    failed_when: false\n",
            "roles/app/tasks/main.yml:3:5: `ansible.builtin.command` has no argument `failed_when` (`failed_when` is a keyword",
        ),
        (
            "- copy:\n    content: a\n    dest: /a\n    flat: true\n",
            "roles/app/tasks/main.yml:4:5: `ansible.builtin.copy` has no argument `flat`",
        ),
    ];
    for (text, wanted) in cases {
        let found = tasks(text);
        assert!(found.iter().any(|told| told.starts_with(wanted)), "{text}: {found:?}");
    }
}

#[test]
fn every_slip_is_found_in_one_reading_and_its_twin_is_not() {
    let cases = [
        ("- debgu: {msg: a}\n", "- debug: {msg: a}\n", "muster has no module `debgu`"),
        ("- debug: {msg: a}\n  wehn: true\n", "- debug: {msg: a}\n  when: true\n", "`wehn` is not a keyword"),
        ("- debug: {msg: '{{ app_port | uper }}'}\n", "- debug: {msg: '{{ app_port | upper }}'}\n", "no filter `uper`"),
        (
            "- debug: {msg: a}\n  when: app_port is nmber\n",
            "- debug: {msg: a}\n  when: app_port is number\n",
            "no test",
        ),
        ("- debug: {msg: a}\n  with_itmes: [a]\n", "- debug: {msg: a}\n  with_items: [a]\n", "no lookup `itmes`"),
        ("- debug: {msg: \"{{ q('evn', 'A') }}\"}\n", "- debug: {msg: \"{{ q('env', 'A') }}\"}\n", "no lookup `evn`"),
        (
            "- command: 'true'\n  notify: restart ap\n",
            "- command: 'true'\n  notify: [topic, restart app]\n",
            "no handler",
        ),
        ("- debug: {var: app_prot}\n", "- debug: {var: app_port}\n", "the variable `app_prot` is defined nowhere"),
        ("- file: {path: /a, state: gone}\n", "- file: {path: /a, state: absent}\n", "`gone` is none of"),
        ("- lineinfile: {path: /a}\n", "- lineinfile: {path: /a, line: b}\n", "line is required"),
        ("- template: {src: a.j2, dest: /a}\n", "- copy: {content: a, dest: /a}\n", "there is no file `a.j2`"),
        ("- include_tasks: nope.yml\n", "- include_tasks: main.yml\n", "tasks file `nope.yml` was not found"),
        ("- debug: {msg: '{{ item }}'}\n", "- debug: {msg: '{{ item }}'}\n  loop: [a]\n", "the variable `item`"),
    ];
    for (slip, twin, wanted) in cases {
        let found = tasks(slip);
        assert!(found.len() == 1 && found[0].contains(wanted), "{slip}: {found:?}");
        assert_eq!(tasks(twin), NOTHING, "{twin}");
    }
    let all: String = cases.iter().filter(|case| !case.0.contains("{{ item")).map(|case| case.0).collect();
    assert_eq!(tasks(&all).len(), cases.len() - 1, "{:?}", tasks(&all));
}

#[test]
fn a_variable_that_may_come_from_somewhere_is_no_slip() {
    for text in [
        "- debug: {var: given}\n  when: given is defined\n",
        "- assert: {that: [given is defined]}\n- debug: {var: given}\n",
        "- debug: {msg: \"{{ given | default('') }} {{ given.a }}\"}\n",
        "- debug: {var: given}\n  vars: {given: 1}\n",
        "- command: 'true'\n  register: given\n- debug: {var: given.rc}\n",
        "- set_fact: {given: 1}\n- debug: {var: given}\n",
        "- set_fact: {'{{ app_name }}_port': 1}\n- debug: {var: web_port}\n",
        "- include_vars: /etc/app.yml\n- debug: {var: given}\n",
        "- fail: {msg: a}\n  when: lookup('vars', item, default='') == ''\n  loop: [given]\n- debug: {var: given}\n",
        "- debug: {msg: '{% set given = 1 %}{{ given }}'}\n",
        "- debug: {msg: '{{ ansible_eth0.mtu }} {{ ansible_facts.x }} {{ hostvars[inventory_hostname] }} {{ omit }}'}\n",
        "- include_role: {name: app}\n  loop: [a]\n  loop_control: {loop_var: given}\n- debug: {var: given}\n",
    ] {
        assert_eq!(tasks(text), NOTHING, "{text}");
    }
    let typo = tasks("- debug: {var: ansible_distribtion}\n");
    assert!(typo[0].contains("did you mean `ansible_distribution`?"), "{typo:?}");
}

#[test]
fn files_that_only_a_run_would_reach_are_judged_too() {
    let found = judge(
        &[
            ("roles/app/tasks/main.yml", "- include_tasks: '{{ ansible_os_family }}.yml'\n"),
            ("roles/app/tasks/Debian.yml", "- apt: {nmae: a}\n"),
            ("roles/app/handlers/other.yml", "- name: x\n  servce: {name: a}\n"),
            ("roles/app/templates/a.j2", "one\n{{ a | nope }}\n{% for b in c %}\n"),
            ("roles/app/templates/b.j2", "{{ missing }} {{ there | default(1) }}\n"),
            ("roles/app/vars/x.yml", "a: [\n"),
            ("site.yml", "- hosts: all\n  roles: [app, gone]\n  tasks:\n  - debug: {var: app}\n    whne: x\n"),
        ],
        false,
    );
    let wanted = [
        "roles/app/handlers/other.yml:2:3",
        "roles/app/tasks/Debian.yml:1:9",
        "roles/app/templates/a.j2:",
        "roles/app/templates/b.j2:1:4: the variable `missing`",
        "roles/app/vars/x.yml:",
        "site.yml:2:16: role `gone` was not found",
        "site.yml:5:5: `whne` is not a keyword",
    ];
    for place in wanted {
        assert!(found.iter().any(|told| told.starts_with(place)), "{place}: {found:#?}");
    }
    assert_eq!(found.len(), wanted.len(), "{found:#?}");
}

#[test]
fn a_role_is_judged_alone_with_what_its_neighbours_define() {
    let dir = tempfile::tempdir().expect("a directory");
    for (name, text) in [
        ("roles/one/tasks/main.yml", "- debug: {var: two_port}\n- debug: {var: nowhere}\n"),
        ("roles/two/tasks/main.yml", "- debgu: {var: two_port}\n"),
        ("roles/two/defaults/main.yml", "two_port: 1\n"),
    ] {
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().expect("parent")).expect("made");
        std::fs::write(path, text).expect("written");
    }
    let report = lint(&dir.path().join("roles/one"), dir.path(), false).expect("judged");
    assert_eq!((report.roles, report.playbooks, report.tasks), (1, 0, 2));
    assert_eq!(report.findings.len(), 1, "{:?}", report.findings);
    assert_eq!(report.findings[0].place.to_string(), "roles/one/tasks/main.yml:2:16");
}

#[test]
fn advice_is_given_where_it_is_asked_for() {
    let text = "- set_fact:\n    key: \"{{ lookup('amazon.aws.aws_secret', 'a') }}\"
- set_fact: {derived: '-p {{ key }}'}
- command: login {{ derived }}
- shell: login -p {{ lookup('amazon.aws.aws_ssm', '/a', decrypt=true) }}
- shell: login
  environment: {KEY: '{{ key }}'}
- package: {name: a, state: latest}
- command: 'true'
  register: done
- debug: {msg: a}
  when: done.stdout
- debug: {msg: a}
  when: [done.stdout | length > 0, done is changed and done.rc == 0]
";
    let files = [("roles/app/tasks/main.yml", text)];
    assert_eq!(judge(&files, false), NOTHING);
    let found = judge(&files, true);
    let lines: Vec<&str> = found.iter().filter_map(|told| told.split(':').nth(1)).collect();
    assert_eq!(lines, ["4", "5", "8", "12"], "{found:#?}");
}
