//! Parameters and secrets that are not to be had: refused before the first task where a task certainly needs one, and only there.

use super::*;
use crate::roles::remote::{Parameter, RemoteError, SecretName, SecretValue};

/// A store in which the parameter `/gone` and the secret `gone` were looked for in vain, and which has the secret `there`.
struct Store;

impl Remote for Store {
    fn parameters(&self, names: &[String]) -> Result<Vec<Option<Parameter>>, RemoteError> {
        assert!(names.iter().all(|name| name == "/gone"), "{names:?}");
        Ok(vec![None; names.len()])
    }
    fn absent(&self) -> Vec<String> {
        vec!["/gone".into()]
    }
    fn withheld(&self) -> Vec<SecretName> {
        vec![SecretName { name: "gone".into(), ..SecretName::default() }]
    }
    fn secret(&self, name: &str, version: Option<&str>, stage: Option<&str>) -> Result<SecretValue, RemoteError> {
        match (name, version, stage) {
            ("there", None, None) => Ok(SecretValue::Text(crate::secret::Secret::new("{\"a\": \"b\"}".to_owned()))),
            ("gone", None, None) => Err(RemoteError { message: "no secret gone".into(), hint: None, missing: true }),
            other => panic!("{other:?}"),
        }
    }
}

fn site(tasks: &str) -> (Outcome, Vec<String>) {
    let vars = "    gone: \"{{ lookup('aws_ssm', '/gone') }}\"\n    far: '{{ gone }}:80'\n    use: false\n";
    let text = format!("- hosts: all\n  gather_facts: no\n  vars:\n{vars}  tasks:\n  - debug: msg=first\n{tasks}");
    let files = [("site.yml", text.as_str()), ("templates/a.j2", "plain\n{{ far }}\n"), ("templates/b.j2", "b\n")];
    let (outcome, said) = run_asking(&files, &Input::default(), Arc::default(), &Store);
    (outcome, said.messages)
}

#[test]
fn what_a_task_certainly_needs_is_refused_before_the_first() {
    for (tasks, line) in [
        ("  - debug: msg={{ lookup('amazon.aws.ssm_parameter', '/gone') }}\n", 9),
        ("  - debug: msg={{ far }}\n", 4),
        ("  - debug: msg=x\n    when: lookup('aws_ssm', '/gone') == 'x'\n", 10),
        ("  - debug: msg={{ gone }}{{ item }}\n    loop: [a]\n", 4),
        ("  - template: {src: a.j2, dest: /a}\n", 4),
        ("  - debug: msg={{ gone }}\n    failed_when: false\n", 4),
    ] {
        let (outcome, said) = site(tasks);
        let Some(ConvergeError::Refused(refusals)) = &outcome.error else { panic!("{tasks}: {:?}", outcome.error) };
        assert!(said.is_empty(), "{tasks}: {said:?}");
        assert_eq!(refusals[0].message, "Failed to find SSM parameter /gone (ResourceNotFound)", "{tasks}");
        assert_eq!((refusals[0].place.file.as_str(), refusals[0].place.line), ("site.yml", line), "{tasks}");
        assert_eq!(outcome.error.as_ref().map(ConvergeError::stage), Some(crate::failure::Stage::Parameters));
    }
}

#[test]
fn a_loop_over_parameters_names_them_too() {
    let (outcome, said) = site("  - debug: msg={{ item }}\n    with_aws_ssm: ['/gone']\n");
    let Some(ConvergeError::Refused(refusals)) = &outcome.error else { panic!("{:?}", outcome.error) };
    assert!(said.is_empty() && refusals[0].message.ends_with("there is no SSM parameter /gone"), "{refusals:?}");
}

#[test]
fn what_a_task_may_do_without_is_not_refused() {
    for (tasks, last) in [
        ("  - debug: msg={{ gone if use else 'x' }}\n", "x"),
        ("  - debug: msg={{ far }}\n    when: use\n  - debug: msg=x\n", "x"),
        ("  - debug: msg={{ lookup('aws_ssm', '/gone', default='x') }}\n", "x"),
        ("  - debug: msg=[{{ lookup('aws_ssm', '/gone', errors='ignore') }}]\n", "[]"),
        ("  - debug: msg=x\n    vars: {unread: '{{ gone }}'}\n", "x"),
        ("  - template: {src: b.j2, dest: /b}\n  - debug: msg=x\n", "x"),
        ("  - block:\n    - debug: msg={{ gone }}\n    rescue:\n    - debug: msg=x\n", "x"),
        ("  - debug: msg={{ gone }}\n    ignore_errors: yes\n  - debug: msg=x\n", "x"),
    ] {
        let (outcome, said) = site(tasks);
        assert!(outcome.error.is_none(), "{tasks}: {:?}", outcome.error);
        assert_eq!(said.last().map(String::as_str), Some(last), "{tasks}");
    }
}

#[test]
fn a_secret_that_a_task_certainly_needs_is_refused_at_its_own_stage() {
    for (tasks, says) in [
        ("  - debug: msg={{ lookup('amazon.aws.aws_secret', 'gone') }}\n", "no secret gone"),
        (
            "  - debug: msg={{ password }}\n    vars: {password: \"{{ lookup('aws_secret', 'gone') }}\"}\n",
            "no secret gone",
        ),
        ("  - debug: msg={{ lookup('secretsmanager_secret', 'gone.a', nested=true) }}\n", "no secret gone"),
        ("  - debug: msg={{ item }}\n    with_aws_secret: [there, gone]\n", "it may not be read: gone"),
    ] {
        let (outcome, said) = site(tasks);
        let Some(ConvergeError::Refused(refusals)) = &outcome.error else { panic!("{tasks}: {:?}", outcome.error) };
        assert!(said.is_empty() && refusals[0].message.contains(says), "{tasks}: {refusals:?}");
        assert_eq!(outcome.error.as_ref().map(ConvergeError::stage), Some(crate::failure::Stage::Secrets), "{tasks}");
    }
}

#[test]
fn a_secret_that_a_task_may_do_without_is_not_refused() {
    for (tasks, last) in [
        ("  - debug: msg=[{{ lookup('aws_secret', 'gone', on_missing='skip') }}]\n", "[[]]"),
        ("  - debug: msg={{ lookup('aws_secret', 'gone') }}\n    when: use\n  - debug: msg=x\n", "x"),
        ("  - debug: msg={{ lookup('aws_secret', 'gone') }}\n    ignore_errors: yes\n  - debug: msg=x\n", "x"),
        ("  - block:\n    - debug: msg={{ lookup('aws_secret', 'gone') }}\n    rescue:\n    - debug: msg=x\n", "x"),
        ("  - debug: msg={{ lookup('aws_secret', 'there.a', nested=true) ~ 'x' }}\n", "********"),
    ] {
        let (outcome, said) = site(tasks);
        assert!(outcome.error.is_none(), "{tasks}: {:?}", outcome.error);
        assert_eq!(said.last().map(String::as_str), Some(last), "{tasks}");
    }
}
