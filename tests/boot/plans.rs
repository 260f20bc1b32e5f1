//! The config repository's plan: made without a trace, applied as reviewed, refused once something has moved.

use crate::stage::{Plan, Stage};
use emulator::{Parameter, Secret};
use muster::boot::{Ended, Mode, Planning, Request, boot};
use muster::failure::{Failure, Stage as At};
use muster::roles::plan::PlanFile;

const TASKS: &str = "roles/web/tasks/main.yml";

fn run(stage: &Stage, planning: Planning) -> Result<Ended, Failure> {
    boot(&Request { planning, ..stage.request(Mode::Converge) })
}

fn plan(stage: &Stage) -> PlanFile {
    match run(stage, Planning::Plan) {
        Ok(Ended::Planned { plan }) => *plan,
        other => panic!("{other:?}"),
    }
}

fn apply(stage: &Stage, reviewed: &PlanFile) -> Result<Ended, Failure> {
    run(stage, Planning::Apply { reviewed: Box::new(reviewed.clone()), undecided: false })
}

#[test]
fn a_plan_leaves_no_trace_holds_no_secret_and_is_applied_as_reviewed() {
    let stage = Plan::new().unwrap().set().unwrap();
    let reviewed = plan(&stage);
    assert!(stage.read("/etc/web.conf").is_empty(), "a plan has altered something");
    assert!(!stage.root().join("var/lib/muster/runs").exists(), "a plan has left a record");
    let steps: Vec<String> = reviewed.steps.iter().map(ToString::to_string).collect();
    assert!(steps.iter().any(|step| step.contains("configuration")), "{steps:?}");
    assert_eq!(reviewed.inputs.parameters["/web/token"], "version 1");
    let text = serde_json::to_string(&reviewed).unwrap();
    assert!(text.contains("write /etc/web.token") && !text.contains("s3cr3t-t0ken"), "{text}");
    apply(&stage, &reviewed).unwrap();
    assert!(stage.read("/etc/web.conf").contains("port=8080"));
    assert_eq!(stage.read("/etc/web.token"), "s3cr3t-t0ken");
    // Releases, hooks and health are no part of a plan.
    assert!(stage.read("/usr/local/bin/shop-api").is_empty());
    assert!(plan(&stage).is_empty(), "{:?}", plan(&stage).steps);
}

#[test]
fn what_moved_is_refused_before_the_first_change_and_named() {
    let stage = Plan::new().unwrap().set().unwrap();
    let reviewed = plan(&stage);
    stage.aws.put_parameter(Parameter::string("/web/port", "8080").then("9090"));
    let failure = apply(&stage, &reviewed).expect_err("refused");
    assert_eq!(failure.stage, At::Converge);
    let text = failure.to_string();
    assert!(text.contains("parameter /web/port was version 1 and is version 2"), "{text}");
    assert!(stage.read("/etc/web.conf").is_empty());
    let again = plan(&stage);
    stage.put("root/etc/web.conf", "somebody else's\n");
    let text = apply(&stage, &again).expect_err("refused").to_string();
    assert!(text.contains("/etc/web.conf was absent and is file"), "{text}");
    assert_eq!(stage.read("/etc/web.conf"), "somebody else's\n");
}

#[test]
fn a_plan_is_bound_to_the_facts_that_it_used_and_to_no_other() {
    const RELEASE: &str = "root/etc/os-release";
    let mut plan = Plan::new().unwrap();
    let fact = "content: \"{{ ansible_facts['distribution_version'] }} {{ ansible_facts.os_family }}\"";
    plan.tree = plan.tree.clone().replace(TASKS, "content: \"{{ web_token }}\"", fact).unwrap();
    let stage = plan.set().unwrap();
    stage.put(RELEASE, "ID=debian\nNAME=\"Debian GNU/Linux\"\nVERSION_ID=\"12\"\n");
    let reviewed = self::plan(&stage);
    let bound: Vec<&str> = reviewed.inputs.facts.keys().map(String::as_str).collect();
    assert_eq!(bound, ["distribution_version", "os_family"]);
    stage.put(RELEASE, "ID=debian\nNAME=\"Debian GNU/Linux\"\nVERSION_ID=\"13\"\n");
    let text = apply(&stage, &reviewed).expect_err("refused").to_string();
    assert!(text.contains("fact distribution_version"), "{text}");
    stage.put(RELEASE, "ID=debian\nNAME=\"Debian GNU/Linux\"\nVERSION_ID=\"12\"\nVARIANT=other\n");
    apply(&stage, &reviewed).unwrap();
    assert!(stage.read("/etc/web.token").ends_with(" Debian"), "{}", stage.read("/etc/web.token"));
}

#[test]
fn a_path_that_is_made_of_a_secret_is_not_shown_and_is_applied() {
    let mut plan = Plan::new().unwrap();
    plan.tree = plan.tree.clone().replace(TASKS, "dest: /etc/web.token", "dest: \"/etc/{{ web_token }}\"").unwrap();
    let stage = plan.set().unwrap();
    let reviewed = self::plan(&stage);
    let text = serde_json::to_string(&reviewed).unwrap();
    assert!(text.contains("/etc/********") && !text.contains("s3cr3t-t0ken"), "{text}");
    apply(&stage, &reviewed).unwrap();
    assert_eq!(stage.read("/etc/s3cr3t-t0ken"), "s3cr3t-t0ken");
}

#[test]
fn a_secret_of_another_version_is_named() {
    let mut plan = Plan::new().unwrap();
    let by_lookup = "content: \"{{ lookup('amazon.aws.aws_secret', 'app/plain') }}\"";
    plan.tree = plan.tree.clone().replace(TASKS, "content: \"{{ web_token }}\"", by_lookup).unwrap();
    plan.aws = plan.aws.secret(Secret::string("app/plain", "pl41n-one"));
    let stage = plan.set().unwrap();
    let reviewed = self::plan(&stage);
    assert!(!serde_json::to_string(&reviewed).unwrap().contains("pl41n"), "a plan holds no secret");
    stage.aws.put_secret(Secret::string("app/plain", "pl41n-one").then("AWSCURRENT", "pl41n-two"));
    let text = apply(&stage, &reviewed).expect_err("refused").to_string();
    assert!(text.contains("secret app/plain was version") && !text.contains("pl41n"), "{text}");
    assert!(stage.read("/etc/web.token").is_empty());
    apply(&stage, &self::plan(&stage)).unwrap();
    assert_eq!(stage.read("/etc/web.token"), "pl41n-two");
}
