//! Keywords and modules of the engine, with what ansible-core 2.19 answered to the same playbooks.

use super::*;

/// Runs tasks on the machine itself: programs run.
pub(super) fn here(files: &[(&str, &str)]) -> (Outcome, Vec<String>) {
    let dir = tempfile::tempdir().expect("a directory");
    for (name, text) in files {
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().expect("parent")).expect("made");
        std::fs::write(path, text).expect("written");
    }
    let loader = Loader::new(Arc::new(Directory::new(dir.path()).expect("a tree")), &[]);
    let (templar, variables) = (Templar::new(), Variables::default());
    let mut host = Linux::new(Path::new("/")).expect("a host");
    let playbook = {
        let names =
            KnownNames { loader: &loader, templar: &templar, host: &host, remote: &Offline, variables: &variables };
        loader.playbook(Path::new("site.yml"), &names).expect("loads")
    };
    let mut said = Said::default();
    let machine = Machine { host: &mut host, remote: &Offline, real: None };
    let user = nix::unistd::User::from_uid(nix::unistd::geteuid()).ok().flatten().map_or("root".into(), |u| u.name);
    let input = Input { user, ..Input::default() };
    let outcome = converge(&input, &playbook, &loader, &templar, machine, &mut said);
    (outcome, said.messages)
}

fn tasks(text: &str) -> (Outcome, Vec<String>) {
    here(&[("site.yml", &format!("- hosts: all\n  gather_facts: no\n  tasks:\n{text}"))])
}

fn all_well(outcome: &Outcome) {
    assert!(outcome.error.is_none(), "{:?}", outcome.error);
}

const SPECS: &str = "argument_specs:\n  main:\n    short_description: The main one\n    options:\n      need: {type: str, required: true}\n      num: {type: int, default: 3}\n";

#[test]
fn a_role_is_judged_by_its_specification_before_its_first_task() {
    let site = |tasks: &str| format!("- hosts: all\n  gather_facts: no\n  tasks:\n{tasks}");
    let run = |tasks: &str| {
        let site = site(tasks);
        let files = [
            ("site.yml", site.as_str()),
            ("roles/r/meta/argument_specs.yml", SPECS),
            ("roles/r/tasks/main.yml", "- debug: msg=in{{ need }}{{ num | default('none') }}\n"),
            ("roles/r/tasks/other.yml", "- debug: msg=other\n"),
        ];
        run_with(&files, &Input::default())
    };
    let (outcome, said) = run("  - include_role: {name: r}\n    vars: {need: x}\n");
    all_well(&outcome);
    assert_eq!(said, ["The arg spec validation passed", "inxnone"]);
    assert_eq!(outcome.recap.ok, 3);
    let (outcome, said) = run("  - import_role: {name: r}\n");
    assert_eq!(said, ["failed: Validation of arguments failed:\nmissing required arguments: need"]);
    assert!(outcome.error.expect("fails").to_string().contains("missing required arguments: need"));
    let (outcome, said) = run(
        "  - include_role: {name: r, tasks_from: other}\n  - include_role: {name: r, rolespec_validate: no}\n    vars: {need: y}\n",
    );
    all_well(&outcome);
    assert_eq!(said, ["other", "inynone"]);
    let (outcome, said) = run(
        "  - block:\n    - include_role: {name: r}\n    rescue:\n    - debug: msg={{ ansible_failed_result.argument_errors[0] }}\n",
    );
    all_well(&outcome);
    assert_eq!(said[1], "missing required arguments: need");
}

#[test]
fn a_task_in_check_mode_changes_nothing() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("new").display().to_string();
    let (outcome, said) = tasks(&format!(
        "  - command: touch {path}
    check_mode: true
    register: c
  - debug: msg={{{{ [c.skipped, c.changed, c.rc, c.msg] | to_json }}}}
  - command: touch {path} creates=/nope
    check_mode: true
    register: c
  - debug: msg={{{{ [c.skipped is defined, c.changed, c.rc] | to_json }}}}
  - copy: {{content: x, dest: {path}}}
    check_mode: true
    register: c
  - debug: msg={{{{ c.changed }}}}
  - stat: path={path}
    register: s
  - debug: msg={{{{ s.stat.exists }}}}
"
    ));
    all_well(&outcome);
    let told: Vec<&str> = [1, 3, 5, 7].map(|at| said[at].as_str()).to_vec();
    assert_eq!(
        told,
        ["[true, false, 0, \"Command would have run if not in check mode\"]", "[false, true, 0]", "true", "false"]
    );
}

#[test]
fn work_goes_on_beside_the_run_and_is_asked_for() {
    let (outcome, said) = tasks(
        "  - shell: sleep 0.5; echo out; exit {{ item }}
    async: 30
    poll: 0
    loop: [0, 4]
    register: j
  - debug: msg={{ [j.results[0].changed, j.results[0].finished, j.results[0].started] | to_json }}
  - async_status: jid={{ j.results[0].ansible_job_id }}
    register: k
    until: k.finished
    retries: 100
    delay: 0.1
  - debug: msg={{ [k.finished, k.changed, k.rc, k.stdout, k.attempts > 1] | to_json }}
  - async_status: jid={{ j.results[1].ansible_job_id }}
    register: k
    until: k.finished
    retries: 100
    delay: 0.1
    ignore_errors: yes
  - debug: msg={{ [k.failed, k.rc, k.msg] | to_json }}
  - async_status: jid=nope.1
    register: k
    ignore_errors: yes
  - debug: msg={{ [k.failed, k.msg, k.finished] | to_json }}
",
    );
    all_well(&outcome);
    let told: Vec<&String> = said.iter().filter(|text| text.starts_with('[')).collect();
    assert_eq!(told[0], "[true, false, true]");
    assert_eq!(told[1], "[true, true, 0, \"out\", true]");
    assert_eq!(told[2], "[true, 4, \"non-zero return code\"]");
    assert_eq!(told[3], "[true, \"could not find job\", true]");
}

#[test]
fn a_task_has_its_time_and_no_more() {
    let (outcome, said) = tasks(
        "  - command: sleep 20
    timeout: 1
    register: t
    ignore_errors: yes
  - debug: msg={{ [t.msg, t.timedout.period] | to_json }}
  - command: sleep 20
    async: 1
    poll: 1
    register: t
    ignore_errors: yes
  - debug: msg={{ [t.msg, t.async_result.finished] | to_json }}
  - command: echo polled
    async: 10
    poll: 1
    register: t
  - debug: msg={{ [t.finished, t.stdout, t.ansible_job_id is defined] | to_json }}
  - pause: seconds=20
    timeout: 1
    register: t
    ignore_errors: yes
  - debug: msg={{ t.failed }}
",
    );
    all_well(&outcome);
    assert_eq!(said[1], "[\"Timed out after 1 second(s).\", 1]");
    assert_eq!(said[3], "[\"async task did not complete within the requested time - 1s\", false]");
    assert_eq!(said[5], "[true, \"polled\", true]");
    assert_eq!(said[7], "true");
}

#[test]
fn hosts_and_groups_are_added_and_later_plays_see_them() {
    let site = "- hosts: all
  gather_facts: no
  tasks:
  - add_host: {name: new1, groups: [g1, g2], foo: bar}
    register: a
  - debug: msg={{ [a.changed, a.add_host.host_name, a.add_host.groups, a.add_host.host_vars] | to_json }}
  - add_host: name=new1 groups=g1,g2 foo=bar
    register: a
  - debug: msg={{ [a.changed, hostvars['new1'].foo, groups.g1, groups['all'] | length] | to_json }}
  - group_by: {key: \"os_{{ 'x y' }}\", parents: par}
    register: a
  - debug: msg={{ [a.add_group, a.parent_groups, a.changed, group_names] | to_json }}
  - command: echo here
    delegate_to: new2
    when: false
  - add_host: {name: new2, ansible_connection: local}
  - debug: msg=delegated
    delegate_to: new2
- hosts: os_x-y
  gather_facts: no
  tasks:
  - debug: msg='in {{ group_names }} {{ by }}'
- hosts: g1
  gather_facts: no
  tasks:
  - debug: msg=never
";
    let (outcome, said) = run_with(&[("site.yml", site), ("group_vars/os_x-y.yml", "by: vars\n")], &Input::default());
    all_well(&outcome);
    assert_eq!(said[1], r#"[true, "new1", ["g1", "g2"], {"foo": "bar"}]"#);
    assert_eq!(said[3], r#"[false, "bar", ["new1"], 2]"#);
    assert_eq!(said[5], r#"["os_x-y", ["par"], true, ["os_x-y", "par"]]"#);
    assert_eq!(said[said.len() - 2..], ["delegated", "in ['os_x-y', 'par'] vars"]);
}

#[test]
fn another_host_is_refused_before_anything_runs() {
    let (outcome, said) = run("tasks:\n- debug: msg=a\n- debug: msg=b\n  delegate_to: other\n");
    assert!(said.is_empty() && outcome.error.expect("refused").to_string().contains("delegate_to: other"));
    let input = Input { hostname: "node1".into(), ..Input::default() };
    let text = "- hosts: all\n  gather_facts: no\n  tasks:\n  - debug: msg={{ inventory_hostname }}\n    delegate_to: node1\n    delegate_facts: yes\n  - debug: msg=b\n    delegate_to: '{{ inventory_hostname }}'\n    run_once: yes\n";
    let (outcome, said) = run_with(&[("site.yml", text)], &input);
    all_well(&outcome);
    assert_eq!(said, ["node1", "b"]);
}

#[test]
fn questions_are_answered_by_defaults_and_defaults_by_groups() {
    let site = "- hosts: all
  gather_facts: no
  vars_prompt:
  - {name: a, prompt: A?, default: '{{ 1 + 1 }}', private: no}
  - {name: b, default: x}
  module_defaults:
    group/aws: {region: eu-central-1}
    debug: {msg: by default}
  strategy: free
  serial: 1
  any_errors_fatal: yes
  max_fail_percentage: 10
  tasks:
  - debug: msg={{ a }}{{ b }}
    throttle: 1
    debugger: never
  - debug:
";
    let extra = [(Key::from("b"), Value::str("given"))].into_iter().collect();
    let (outcome, said) = run_with(&[("site.yml", site)], &Input { extra, ..Input::default() });
    all_well(&outcome);
    assert_eq!(said, ["2given", "by default"]);
    for (line, names) in [
        ("vars_prompt: [{name: a}]", "`vars_prompt` asks for `a`"),
        ("strategy: debug", "`strategy: debug`"),
        ("debugger: always", "`debugger: always`"),
        ("module_defaults: {group/nope: {a: b}}", "`module_defaults: group/nope`"),
        ("connection: docker", "`connection: docker`"),
    ] {
        let (outcome, said) = run(&format!("{line}\ntasks:\n- debug: msg=x\n"));
        let error = outcome.error.expect(line).to_string();
        assert!(error.contains(names) && said.is_empty(), "{line}: {error}");
    }
}

#[test]
fn roles_of_collections_are_found_by_their_short_names() {
    let files = [
        (
            "site.yml",
            "- hosts: all\n  gather_facts: no\n  collections: [ns.coll]\n  tasks:\n  - include_role: {name: one}\n",
        ),
        (
            "collections/ansible_collections/ns/coll/roles/one/tasks/main.yml",
            "- debug: msg={{ ansible_collection_name }}\n- import_role: {name: two}\n",
        ),
        ("collections/ansible_collections/ns/coll/roles/two/tasks/main.yml", "- debug: msg={{ ansible_role_name }}\n"),
    ];
    let (outcome, said) = run_with(&files, &Input::default());
    all_well(&outcome);
    assert_eq!(said, ["ns.coll", "ns.coll.two"]);
}

/// Of handlers of one name in one list the first is meant; of several lists the last.
#[test]
fn a_handler_is_looked_for_in_the_last_list_from_its_top() {
    let site = "- hosts: all
  gather_facts: no
  roles: [h]
  tasks:
  - debug: msg=t
    changed_when: true
    notify: [twice, both, topic]
  - include_tasks: inc.yml
    register: inc
  - debug: msg={{ inc | to_json }}
  handlers:
  - {name: twice, debug: {msg: first}}
  - {name: both, debug: {msg: play}}
  - {name: twice, debug: {msg: second}}
  - {name: a, listen: topic, debug: {msg: a1}}
  - {name: a, listen: topic, debug: {msg: a2}}
";
    let files = [
        ("site.yml", site),
        ("inc.yml", "- debug: msg=included\n"),
        ("roles/h/handlers/main.yml", "- {name: both, debug: {msg: role}}\n"),
    ];
    let (outcome, said) = run_with(&files, &Input::default());
    all_well(&outcome);
    let result = r#"{"changed": false, "include": "inc.yml", "include_args": {}}"#;
    assert_eq!(said, ["t", "included", result, "first", "play", "a1"]);
}

#[test]
fn a_tree_of_files_is_gone_through_from_the_top() {
    let site = "- hosts: all\n  gather_facts: no\n  roles: [r]\n";
    let task = "- debug: msg={{ item.path }},{{ item.state }},{{ item.mode }},{{ item.src | default('-') | basename }}\n  \
                with_community.general.filetree: ../templates/\n\
                - debug: msg={{ query('filetree', 'conf', exclude='b.*') | map(attribute='path') | join(',') }}\n";
    let (outcome, said) = here(&[
        ("site.yml", site),
        ("roles/r/tasks/main.yml", task),
        ("roles/r/templates/z.j2", "12345"),
        ("roles/r/templates/etc/app/one.j2", "1"),
        ("roles/r/templates/etc/two.j2", "2"),
        ("roles/r/files/conf/a", ""),
        ("roles/r/files/conf/b", ""),
    ]);
    all_well(&outcome);
    let tree = [
        "etc,directory,0755,-",
        "z.j2,file,0644,z.j2",
        "etc/app,directory,0755,-",
        "etc/two.j2,file,0644,two.j2",
        "etc/app/one.j2,file,0644,one.j2",
        "a",
    ];
    assert_eq!(said, tree);
}
