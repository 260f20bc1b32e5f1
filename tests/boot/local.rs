//! A local tree: a run like any other, with lock, journal, pending handlers and the cloud where the host has one.

use crate::stage;
use crate::stage::{Plan, Stage};
use emulator::{Denial, Secret};
use muster::boot::{Ended, LocalTree, Mode, What, boot, converge_tree};
use muster::failure::{Failure, Stage as At};
use muster::roles::converge::{Event, Observer};
use muster::roles::value::Map;

/// Every warning and failed result, as text.
#[derive(Default)]
struct Heard(Vec<String>);

impl Observer for Heard {
    fn event(&mut self, event: &Event<'_>) {
        if let Event::Task { name, .. } = event {
            self.0.push((*name).to_owned());
        }
    }
}

const CLOUD: &str = r#"
- name: parameters
  copy:
    content: "{{ lookup('amazon.aws.ssm_parameter', '/web/port') }} {{ lookup('amazon.aws.aws_ssm', '/web/none', default='d') }} {{ lookup('amazon.aws.aws_ssm', '/platform', bypath=true, recursive=true) | dictsort | map('last') | join(',') }}\n"
    dest: /etc/parameters
    mode: "0644"
- name: secrets
  copy:
    content: "{{ lookup('amazon.aws.secretsmanager_secret', 'app/plain') }}\n"
    dest: /etc/secrets
    mode: "0600"
- name: an object
  s3_object:
    bucket: acme-releases
    object: shop/api/r42/shop-api
    dest: /etc/object
    mode: get
- name: metadata
  amazon.aws.ec2_metadata_facts:
- name: facts
  copy:
    content: "{{ ansible_ec2_instance_id }} {{ ansible_ec2_placement_region }} {{ ansible_ec2_iam_security_credentials | default('none') }}\n"
    dest: /etc/facts
    mode: "0644"
"#;

fn set(tasks: &str) -> Stage {
    let mut plan = Plan::new().unwrap();
    plan.replace
        .push(("trust: {realm: production}".into(), "trust: {realm: production, unverified_trees: true}".into()));
    plan.aws = plan.aws.secret(Secret::string("app/plain", "pl41n"));
    let stage = plan.set().unwrap();
    stage.put("tree/roles/local/tasks/main.yml", tasks);
    stage
}

fn run(stage: &Stage) -> Result<Ended, Failure> {
    attempt(stage, Some(What::Roles(vec!["local".into()])))
}

fn attempt(stage: &Stage, what: Option<What>) -> Result<Ended, Failure> {
    let tree = LocalTree {
        path: stage.scratch().join("tree"),
        what,
        extra: Map::new(),
        groups: Vec::new(),
        vault: Vec::new(),
        verbosity: 0,
        host: "localhost".into(),
        host_vars: muster::roles::value::Map::new(),
        force_handlers: false,
        chroot: false,
    };
    let mut heard = Heard::default();
    let ended = converge_tree(&stage.request(Mode::Tree), &tree, &mut heard);
    assert!(ended.is_err() || !heard.0.is_empty(), "who asked was told nothing");
    ended
}

#[test]
fn a_local_tree_has_the_cloud_of_its_host() {
    let stage = set(CLOUD);
    let Ended::Converged { commit, counts, signals } = run(&stage).unwrap() else { panic!("it did not converge") };
    assert!(commit.starts_with("unverified /") && counts.changed >= 4 && signals.is_empty(), "{commit} {counts:?}");
    assert_eq!(stage.read("/etc/parameters"), "8080 d example.com,production\n");
    assert_eq!(stage.read("/etc/secrets"), "pl41n\n");
    assert!(stage.read("/etc/object").contains("1.4.2"));
    assert_eq!(stage.read("/etc/facts"), format!("{} us-east-1 none\n", stage::INSTANCE));
    assert!(stage.aws.signals().is_empty(), "nobody waits for a local tree");
    let record = stage.newest();
    assert_eq!((record.command.as_str(), record.tree), ("muster converge --tree", Some(commit)));
    assert!(record.changes.iter().any(|change| change.contains("parameters")), "{:?}", record.changes);
    let Ended::Converged { counts, .. } = run(&stage).unwrap() else { panic!("it did not converge") };
    assert_eq!(counts.changed, 0, "{counts:?}");
}

#[test]
fn what_is_derived_from_a_secret_is_nowhere_to_be_read() {
    let token = "lookup('aws_ssm', '/web/token')";
    for task in [
        format!("- fail: {{msg: \"bad {{{{ {token} | upper }}}}\"}}\n"),
        format!("- set_fact: {{x: \"{{{{ {token} | reverse }}}}\"}}\n- fail: {{msg: \"{{{{ x }}}}\"}}\n"),
        format!("- assert: {{that: 1 == 2, fail_msg: \"x{{{{ {token}[:8] }}}}\"}}\n"),
        format!("- copy: {{content: a, dest: \"/etc/{{{{ {token} | upper }}}}/x\"}}\n"),
        format!("- name: t {{{{ {token} | upper }}}}\n  copy: {{content: a, dest: /etc/b}}\n- fail: {{msg: end}}\n"),
    ] {
        let stage = set(&task);
        let failure = run(&stage).unwrap_err();
        let record = serde_json::to_string(&stage.newest()).unwrap();
        let status = std::fs::read_to_string(stage.root().join("run/muster/status.json")).unwrap();
        for text in [failure.to_string(), format!("{:?}", failure.hint), record, status] {
            for shown in ["S3CR3T", "s3cr3t-t", "nek0t-t3rc3s"] {
                assert!(!text.contains(shown), "{task}: {text}");
            }
        }
    }
}

#[test]
fn what_settings_name_is_run_where_nothing_else_is_said() {
    let stage = set("- copy: {content: \"a\\n\", dest: /etc/a, mode: '0644'}\n");
    // A local tree has no instance whose tags a template could see.
    let failure = attempt(&stage, None).unwrap_err();
    assert!(failure.stage == At::Usage && failure.to_string().contains("--role NAME"), "{failure}");
    stage.set("roles: [common, \"{{ tags.role }}\"]", "roles: [local]");
    assert!(matches!(attempt(&stage, None), Ok(Ended::Converged { .. })));
    assert_eq!(stage.read("/etc/a"), "a\n");
    stage.set("roles: [local]", "variables: {}");
    let failure = attempt(&stage, None).unwrap_err();
    assert!(failure.to_string().contains("neither roles nor a playbook"), "{failure}");
}

#[test]
fn a_host_without_a_cloud_is_told_what_was_attempted() {
    for (tasks, says) in [
        ("- debug: {msg: \"{{ lookup('aws_ssm', '/web/port') }}\"}\n", "parameter /web/port"),
        ("- debug: {msg: \"{{ lookup('aws_secret', 'app/plain') }}\"}\n", "secret app/plain"),
        ("- s3_object: {bucket: b, object: k, dest: /etc/o, mode: get}\n", "s3://b/k"),
    ] {
        let stage = set(tasks);
        let imds = stage.aws.imds_url();
        stage.set(&imds, "http://127.0.0.1:9");
        let failure = run(&stage).unwrap_err();
        let said = failure.to_string();
        for word in [says, "knows no AWS account", "127.0.0.1:9"] {
            assert!(said.contains(word), "{tasks}: {said}");
        }
    }
    let stage = set("- copy: {dest: /etc/alone, content: x, mode: \"0644\"}\n");
    let imds = stage.aws.imds_url();
    stage.set(&imds, "http://127.0.0.1:9");
    run(&stage).unwrap();
    assert_eq!(stage.read("/etc/alone"), "x", "who asks nothing needs no cloud");
}

#[test]
fn a_denied_parameter_is_left_out_where_the_role_says_so() {
    let task = "- copy: {dest: /etc/p, content: \"{{ lookup('aws_ssm', '/web/port', on_denied='skip', default='d') }}\", mode: \"0644\"}\n";
    let stage = set(task);
    stage.aws.deny(Denial::of("ssm:GetParameters"));
    run(&stage).unwrap();
    assert_eq!(stage.read("/etc/p"), "d");
    let stage = set(&task.replace(", on_denied='skip'", ""));
    stage.aws.deny(Denial::of("ssm:GetParameters"));
    assert!(run(&stage).unwrap_err().to_string().contains("denied to"));
}

#[test]
fn a_local_tree_takes_the_lock_and_owes_its_handlers() {
    let stage = set(
        "- copy: {dest: /etc/a, content: x, mode: \"0644\"}\n  notify: told\n- fail: {msg: \"not yet\"}\n  when: not (go is defined)\n",
    );
    stage.put(
        "tree/roles/local/handlers/main.yml",
        "- name: told\n  copy: {dest: /etc/told, content: y, mode: \"0644\"}\n",
    );
    let (directory, now) = (stage.root().join("run/muster"), jiff::Timestamp::now());
    let lock = muster::journal::Lock::take(&directory, "a boot", std::time::Duration::ZERO, now).unwrap();
    assert_eq!(run(&stage).unwrap_err().stage, At::Lock);
    drop(lock);
    assert_eq!(run(&stage).unwrap_err().stage, At::Converge);
    assert_eq!((stage.read("/etc/a"), stage.read("/etc/told")), ("x".into(), String::new()));
    stage.put("tree/roles/local/defaults/main.yml", "go: true\n");
    run(&stage).unwrap();
    assert_eq!(stage.read("/etc/told"), "y", "the next run owed it");
}

/// What an unverified tree did says nothing of the repository: its branch may still not go back.
#[test]
fn a_local_tree_does_not_open_the_way_back() {
    let stage = set("- debug: {msg: x}\n");
    let Ended::Converged { commit: first, .. } = stage.boot(false).unwrap() else { panic!("it did not converge") };
    let newer = stage.tree.clone().file("roles/web/files/more", "more\n");
    stage.repository.commit(&newer, "Newer", Some(&stage.signer)).unwrap();
    boot(&stage.request(Mode::Converge)).unwrap();
    run(&stage).unwrap();
    stage.repository.move_branch("main", &first).unwrap();
    assert_eq!(boot(&stage.request(Mode::Converge)).unwrap_err().stage, At::Verify);
}

#[test]
fn a_tree_that_settings_do_not_allow_is_refused() {
    let stage = set("- copy: {dest: /etc/a, content: x, mode: \"0644\"}\n");
    stage.set(", unverified_trees: true", "");
    let failure = run(&stage).unwrap_err();
    assert!(failure.stage == At::Verify && failure.rule.is_some(), "{failure}");
    assert_eq!(stage.read("/etc/a"), "");
}
