//! What results and messages have beside a module's own members, as ansible-core 2.19 answers the same playbooks.

use super::*;

fn well(tasks: &str) -> Vec<String> {
    let (outcome, said) = run(tasks);
    assert!(outcome.error.is_none(), "{:?}\n{said:?}", outcome.error);
    said
}

#[test]
fn a_condition_in_a_variable_is_evaluated_and_one_from_outside_is_not() {
    let said = well(
        "vars: {a: 1, holds: a == 1, fails: a == 2}\ntasks:\n- debug: msg=holds\n  when: '{{ holds }}'\n- debug: msg=not\n  when: '{{ fails }}'\n- debug: msg=x\n  when: !unsafe a == 1\n  ignore_errors: yes\n  register: r\n- assert:\n    that: [r is failed, \"r.msg is search('untrusted template or expression')\"]\n",
    );
    assert_eq!(said[..2], ["holds", "skipped"]);
}

#[test]
fn debug_evaluates_names_of_the_tree_alone() {
    well(
        "vars: {me: hi, name: me, gone: '{{ omit }}'}\ntasks:\n- debug: {var: !unsafe me}\n  ignore_errors: yes\n  register: outside\n- debug: {var: \"{{ 'me' }}\"}\n  ignore_errors: yes\n  register: made\n- debug: {var: '{{ name }}'}\n  register: named\n- debug: {var: gone}\n  register: omitted\n- debug: {var: nowhere}\n  register: nowhere\n- debug: {var: '{{ omit }}'}\n  register: nothing\n- assert:\n    that:\n    - outside is failed and made is failed\n    - named.me == 'hi'\n    - omitted.gone == '<<Omit>>' and omitted.warnings | length == 1\n    - nowhere.warnings[0] is search('nowhere')\n    - nothing.msg == 'Hello world!'\n",
    );
}

#[test]
fn a_failure_has_an_exception_and_failed_when_suppresses_it() {
    well(
        "tasks:\n- fail: msg=no\n  ignore_errors: yes\n  register: failed\n- fail: msg=no\n  failed_when: false\n  register: suppressed\n- debug: msg=x\n  failed_when: true\n  ignore_errors: yes\n  register: said\n- assert:\n    that:\n    - failed.exception is defined and said.exception is defined\n    - suppressed.exception is undefined\n    - suppressed.failed_when_suppressed_exception is defined\n",
    );
}

#[test]
fn keywords_that_cannot_be_are_named_as_ansible_names_them() {
    well(
        "tasks:\n- debug: msg=x\n  timeout: -1\n  ignore_errors: yes\n  register: short\n- debug: msg=x\n  async: 2\n  ignore_errors: yes\n  register: beside\n- debug:\n  args: \"{{ 'text' }}\"\n  ignore_errors: yes\n  register: text\n- debug: msg=ran\n  args: '{{ omit }}'\n- assert:\n    that:\n    - \"short.msg is search('Timeout -1 is invalid')\"\n    - beside.msg == 'This action (debug) does not support async.'\n    - text.msg is search('Finalization of task args')\n",
    );
}

#[test]
fn a_template_may_name_the_module() {
    let said = well(
        "vars: {which: debug}\ntasks:\n- action: '{{ which }}'\n  args: {msg: named}\n- action: {module: ansible.builtin.debug, args: {msg: below}}\n- action: '{{ nope }}'\n  when: false\n- action: '{{ which }}x'\n  ignore_errors: yes\n  register: r\n- assert: {that: \"r.msg is search('no module `debugx`')\"}\n",
    );
    assert_eq!(said[..3], ["named", "below", "skipped"]);
}

#[test]
fn what_may_be_unreachable_is_not_refused() {
    well(
        "tasks:\n- command: id\n  delegate_to: elsewhere\n  ignore_unreachable: yes\n  register: r\n- assert: {that: r is unreachable}\n",
    );
    let (outcome, said) = run("tasks:\n- debug: msg=first\n- command: id\n  delegate_to: elsewhere\n");
    assert!(matches!(outcome.error, Some(ConvergeError::Refused(_))) && said.is_empty());
}

#[test]
fn a_block_within_always_may_forgive() {
    let said = well(
        "tasks:\n- block:\n  - fail: msg=no\n  always:\n  - block:\n    - meta: clear_host_errors\n- debug: msg=after\n",
    );
    assert_eq!(said, ["failed: no", "after"]);
}

#[test]
fn a_password_that_is_not_there_is_written_before_its_task() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("below/secret");
    let text = format!(
        "- hosts: all\n  gather_facts: no\n  vars: {{p: \"{{{{ lookup('password', '{}', length=9) }}}}\"}}\n  tasks:\n  - set_fact: {{a: '{{{{ p }}}}'}}\n  - set_fact: {{b: '{{{{ p }}}}'}}\n  - assert: {{that: [a == b, a | length == 9]}}\n",
        path.display()
    );
    let files = [("site.yml", text.as_str())];
    let (outcome, _) = super::language::here(&files);
    assert!(outcome.error.is_none(), "{:?}", outcome.error);
    use std::os::unix::fs::MetadataExt;
    let mode = |path: &Path| std::fs::metadata(path).expect("there").mode() & 0o777;
    assert_eq!((mode(&path), mode(path.parent().expect("above"))), (0o600, 0o700));
    assert_eq!(std::fs::read_to_string(&path).expect("read").len(), 10);
}

#[test]
fn tasks_are_listed_with_their_tags() {
    #[derive(Default)]
    struct Listed(String);
    impl Observer for Listed {
        fn event(&mut self, event: &Event<'_>) {
            if let Event::Listing(text) = event {
                self.0.push_str(text);
            }
        }
    }
    let dir = tempfile::tempdir().expect("a directory");
    let text = "- hosts: all\n  name: p\n  vars: {t: [c, a]}\n  tasks:\n  - {name: one, debug: {msg: x}, tags: '{{ t }}'}\n  - {name: two, debug: {msg: x}, tags: b}\n";
    std::fs::write(dir.path().join("site.yml"), text).expect("written");
    let loader = Loader::new(Arc::new(Directory::new(dir.path()).expect("a tree")), &[]);
    let templar = Templar::new();
    let mut host = Linux::new(dir.path()).expect("a host");
    let playbook = loader.playbook(Path::new("site.yml"), &crate::roles::load::Literal).expect("loads");
    let mut listed = Listed::default();
    let machine = Machine { host: &mut host, remote: &Offline, real: None };
    let input = Input { skip_tags: vec!["b".into()], ..Input::default() };
    list(&input, &playbook, &loader, &templar, machine, &mut listed).expect("lists");
    assert_eq!(listed.0, "\n  play #1 (localhost): p\tTAGS: []\n    tasks:\n      one\tTAGS: [a, c]\n");
}
