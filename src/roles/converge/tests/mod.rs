//! Small playbooks, run whole.
#![expect(clippy::disallowed_methods, reason = "tests set the stage")]

use super::*;
use crate::host::Linux;
use crate::roles::load::{Directory, Loader};
use crate::roles::remote::{Offline, Remote};
use crate::roles::template::Templar;
use crate::roles::value::{Key, Value};
use crate::roles::vault::Vault;
use std::path::Path;
use std::sync::Arc;

mod absent;
mod answers;
mod beforehand;
mod language;
mod sealed;
mod transaction;

/// Keeps what tasks said: their messages, in order.
#[derive(Default)]
struct Said {
    messages: Vec<String>,
    /// The handlers that were due whenever that changed, and after how many results.
    due: Vec<(usize, Vec<String>)>,
}

impl Observer for Said {
    fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::Result { status, result, .. } => {
                let message = result.get("msg").map(|msg| msg.as_str().map_or_else(|| msg.to_string(), str::to_owned));
                self.messages.push(match (status, message) {
                    (Status::Skipped, _) => "skipped".into(),
                    (Status::Failed | Status::Ignored, Some(message)) => format!("failed: {message}"),
                    (_, message) => message.unwrap_or_else(|| "-".into()),
                });
            }
            Event::Pending(handlers) => {
                let names = handlers.iter().map(|handler| handler.name.clone()).collect();
                self.due.push((self.messages.len(), names));
            }
            _ => {}
        }
    }
}

fn run_with(files: &[(&str, &str)], input: &Input) -> (Outcome, Vec<String>) {
    run_opened(files, input, Arc::default())
}

fn run_opened(files: &[(&str, &str)], input: &Input, vault: Arc<Vault>) -> (Outcome, Vec<String>) {
    let (outcome, said) = run_watched(files, input, vault);
    (outcome, said.messages)
}

fn run_watched(files: &[(&str, &str)], input: &Input, vault: Arc<Vault>) -> (Outcome, Said) {
    run_asking(files, input, vault, &Offline)
}

fn run_asking(files: &[(&str, &str)], input: &Input, vault: Arc<Vault>, remote: &dyn Remote) -> (Outcome, Said) {
    let dir = tempfile::tempdir().expect("a directory");
    for (name, text) in files {
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().expect("parent")).expect("made");
        std::fs::write(path, text).expect("written");
    }
    let root = tempfile::tempdir().expect("a root");
    let loader = Loader::new(Arc::new(Directory::new(dir.path()).expect("a tree")), &[]).with_vault(Arc::clone(&vault));
    let (templar, variables) = (Templar::new().with_vault(vault), Variables::default());
    let mut host = Linux::new(root.path()).expect("a host");
    let playbook = {
        let names = KnownNames { loader: &loader, templar: &templar, host: &host, remote, variables: &variables };
        loader.playbook(Path::new("site.yml"), &names).expect("loads")
    };
    let mut said = Said::default();
    let machine = Machine { host: &mut host, remote, real: None };
    let outcome = converge(input, &playbook, &loader, &templar, machine, &mut said);
    (outcome, said)
}

fn run(tasks: &str) -> (Outcome, Vec<String>) {
    let text = format!("- hosts: all\n  gather_facts: no\n  {}\n", tasks.trim_end().replace('\n', "\n  "));
    run_with(&[("site.yml", &text)], &Input::default())
}

#[test]
fn variables_are_lazy_and_results_are_never_evaluated() {
    let (outcome, said) = run(
        "vars: {a: '{{ b }}', b: 1}\ntasks:\n- set_fact: {b: 2}\n- debug: msg={{ a }}\n- set_fact: {c: !unsafe '{{ b }}'}\n- debug: msg={{ c }}\n",
    );
    assert!(outcome.error.is_none(), "{:?}", outcome.error);
    assert_eq!(said, ["-", "2", "-", "{{ b }}"]);
}

#[test]
fn loops_register_and_conditions() {
    let (outcome, said) = run(
        "tasks:\n- debug: msg={{ item }}\n  loop: [1, 2, 3]\n  when: item != 2\n  register: r\n- debug: msg={{ r.results[2].item }}-{{ r.results[1].skipped }}\n- debug: msg=x\n  loop: '{{ nope }}'\n  when: nope is defined\n",
    );
    assert!(outcome.error.is_none(), "{:?}", outcome.error);
    assert_eq!(said, ["1", "skipped", "3", "3-True", "skipped"]);
    assert_eq!((outcome.recap.ok, outcome.recap.skipped), (2, 1));
}

#[test]
fn blocks_rescue_and_always_run() {
    let (outcome, said) = run(
        "tasks:\n- block:\n  - fail: msg=no\n  - debug: msg=never\n  rescue:\n  - debug: msg={{ ansible_failed_result.msg }}\n  always:\n  - debug: msg=always\n- fail: msg=end\n- debug: msg=never\n",
    );
    assert_eq!(said, ["failed: no", "no", "always", "failed: end"]);
    assert_eq!((outcome.recap.rescued, outcome.recap.failed), (1, 1));
    assert!(matches!(outcome.error, Some(ConvergeError::Task(_))));
}

const NOTIFY: &str = "tasks:\n- debug: msg=a\n  changed_when: true\n  notify: [h2, t]\n- meta: flush_handlers\n- debug: msg=b\n  changed_when: true\n  notify: h1\n- fail: msg=stop\n  when: stop | default(false)\nhandlers:\n- name: h1\n  debug: msg=h1\n- name: h2\n  debug: msg=h2\n- name: h3\n  debug: msg=h3\n  listen: t\n";

#[test]
fn handlers_run_in_their_order_and_survive_a_failure() {
    let (outcome, said) = run(NOTIFY);
    assert_eq!(said, ["a", "h2", "h3", "b", "skipped", "h1"]);
    assert!(outcome.pending_handlers.is_empty());
    let text = format!("- hosts: all\n  gather_facts: no\n  vars: {{stop: true}}\n  {}", NOTIFY.replace('\n', "\n  "));
    let (outcome, _) = run_with(&[("site.yml", &text)], &Input::default());
    assert_eq!(outcome.pending_handlers, [PendingHandler { name: "h1".into(), role: None }]);
    assert_eq!(outcome.completed.len(), 2);
    let quiet = text.replace("changed_when: true", "changed_when: false").replace("stop: true", "stop: false");
    let input = Input { pending_handlers: outcome.pending_handlers, ..Input::default() };
    let (outcome, said) = run_with(&[("site.yml", &quiet)], &input);
    assert!(said.contains(&"h1".to_owned()), "{said:?}");
    assert!(outcome.pending_handlers.is_empty());
}

#[test]
fn what_a_task_notifies_is_kept_before_its_first_change() {
    let file = "  - file: {path: /etc, state: directory}\n    notify: h1\n";
    let copy =
        "  - copy: {content: a, dest: '/etc/{{ item }}'}\n    loop: [a, b]\n    changed_when: false\n    notify: h2\n";
    let handlers = "  handlers:\n  - name: h1\n    debug: msg=h1\n  - name: h2\n    debug: msg=h2\n";
    let text = format!("- hosts: all\n  gather_facts: no\n  tasks:\n{file}{file}{copy}{handlers}");
    let (outcome, said) = run_watched(&[("site.yml", &text)], &Input::default(), Arc::default());
    assert!(outcome.error.is_none(), "{:?}", outcome.error);
    let due: Vec<(usize, String)> = said.due.into_iter().map(|(after, names)| (after, names.join(" "))).collect();
    let told = |after: usize, names: &str| (after, names.to_owned());
    assert_eq!(due, [told(0, "h1"), told(2, "h1 h2"), told(4, "h1"), told(5, "")]);
    assert_eq!(said.messages.last().map(String::as_str), Some("h1"));
}

#[test]
fn a_handler_that_is_still_due_waits_for_what_its_role_sets() {
    let site = "- hosts: all\n  gather_facts: no\n  pre_tasks:\n  - debug: msg=before\n  roles: [other, own]\n  tasks:\n  - include_role: {name: late}\n";
    let own = "- set_fact: {unit: web}\n- debug: msg=own\n- meta: flush_handlers\n- debug: msg=after\n";
    let files = [
        ("site.yml", site),
        ("roles/other/tasks/main.yml", "- debug: msg=other\n- meta: flush_handlers\n"),
        ("roles/own/tasks/main.yml", own),
        ("roles/own/handlers/main.yml", "- name: restart\n  debug: msg={{ unit }}\n"),
        ("roles/late/tasks/main.yml", "- debug: msg=late\n"),
        ("roles/late/handlers/main.yml", "- name: reload\n  debug: msg=reloaded\n"),
    ];
    let due = |role: &str, name: &str| PendingHandler { name: name.into(), role: Some(role.into()) };
    let input = Input { pending_handlers: vec![due("own", "restart"), due("late", "reload")], ..Input::default() };
    let (outcome, said) = run_with(&files, &input);
    assert!(outcome.error.is_none(), "{:?}", outcome.error);
    let said: Vec<&str> = said.iter().map(String::as_str).filter(|said| *said != "-").collect();
    assert_eq!(said, ["before", "other", "own", "web", "after", "late", "reloaded"]);
    assert!(outcome.pending_handlers.is_empty());
}

#[test]
fn what_is_not_done_is_refused_before_anything_runs_unless_skipped() {
    let (outcome, said) = run("tasks:\n- debug: msg=first\n- nomodule: {a: b}\n");
    assert!(matches!(outcome.error, Some(ConvergeError::Refused(_))));
    assert!(said.is_empty());
    let (outcome, said) = run("vars: {os: a}\ntasks:\n- debug: msg=first\n- nomodule: {a: b}\n  when: os == 'b'\n");
    assert!(outcome.error.is_none(), "{:?}", outcome.error);
    assert_eq!(said, ["first", "skipped"]);
    let (outcome, _) = run("tasks:\n- set_fact: {os: b}\n- nomodule: {a: b}\n  when: os == 'b'\n");
    assert!(matches!(outcome.error, Some(ConvergeError::Refused(_))), "a value set while running proves nothing");
    let handlers = "handlers:\n- name: a\n  nomodule: {}\n- name: b\n  debug: msg=b\n";
    let (outcome, _) = run(&format!("tasks:\n- debug: msg=x\n  notify: b\n{handlers}"));
    assert!(outcome.error.is_none(), "a handler that nothing notifies does not run: {:?}", outcome.error);
    let (outcome, _) = run(&format!("tasks:\n- debug: msg=x\n  notify: a\n{handlers}"));
    assert!(matches!(outcome.error, Some(ConvergeError::Refused(_))));
    let (outcome, said) = run("tasks:\n- debug: msg=first\n  notify: nobody\n");
    assert!(matches!(outcome.error, Some(ConvergeError::Refused(_))) && said.is_empty());
}

#[test]
fn includes_see_their_item_and_roles_their_variables() {
    let files = [
        (
            "site.yml",
            "- hosts: all\n  gather_facts: no\n  roles: [{role: a, p: 1}]\n  tasks:\n  - include_tasks: more.yml\n    loop: [x, y]\n  - include_role: {name: b, tasks_from: other}\n    vars: {v: 2}\n",
        ),
        ("more.yml", "- debug: msg={{ item }}\n"),
        ("roles/a/tasks/main.yml", "- debug: msg={{ d }}{{ p }}{{ role_name }}\n"),
        ("roles/a/defaults/main.yml", "d: '{{ e }}'\n"),
        ("roles/a/vars/main.yml", "e: E\n"),
        ("roles/b/tasks/other.yml", "- debug: msg={{ v }}{{ ansible_role_name }}\n"),
    ];
    let (outcome, said) = run_with(&files, &Input::default());
    assert!(outcome.error.is_none(), "{:?}", outcome.error);
    assert_eq!(said, ["E1a", "x", "y", "2b"]);
}

#[test]
fn secrets_and_no_log_are_hidden() {
    let extra = [(Key::from("password"), Value::secret("hunter2"))].into_iter().collect();
    let input = Input { extra, ..Input::default() };
    let text = "- hosts: all\n  gather_facts: no\n  tasks:\n  - debug: msg={{ password }}\n  - fail: msg=plain\n    no_log: yes\n";
    let (outcome, said) = run_with(&[("site.yml", text)], &input);
    assert_eq!(said, ["********", "-"]);
    assert!(!outcome.error.expect("failed").to_string().contains("plain"));
}

#[test]
fn tries_are_counted_and_the_deadline_ends_the_run() {
    let (outcome, said) = run(
        "tasks:\n- debug: msg={{ r.attempts | default(0) }}\n  register: r\n  until: r.msg == 2\n  retries: 3\n  delay: 0\n",
    );
    assert!(outcome.error.is_none(), "{:?}", outcome.error);
    assert_eq!(said, ["2"]);
    let limits = Limits { deadline: Some(std::time::Instant::now()), stopped: None };
    let input = Input { limits, ..Input::default() };
    let text = "- hosts: all\n  gather_facts: no\n  tasks:\n  - debug: msg=a\n";
    let (outcome, said) = run_with(&[("site.yml", text)], &input);
    assert!(said.is_empty() && matches!(outcome.error, Some(ConvergeError::Deadline(_))));
}
