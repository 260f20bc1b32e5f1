//! Lifecycle actions: the hook that settings name, the one that the group names, and warm pools that boot twice.

use super::At;
use super::stage::{INSTANCE, Plan, Stage};
use emulator::{Denial, Effect, Fault, Group, Hook, Lifecycle, Verdict};
use muster::boot::{Ended, Mode, boot as run};
use muster::journal::{History, Record};
use std::time::{Duration, Instant};

fn set(group: Group, settings: &str) -> Stage {
    let plan = Plan::new().unwrap();
    let aws = plan.aws.group(group);
    Plan { aws, settings: settings.into(), ..plan }.set().unwrap()
}

fn boot(stage: &Stage) -> bool {
    matches!(stage.boot(false).unwrap(), Ended::Converged { .. })
}

fn life(stage: &Stage) -> Lifecycle {
    stage.aws.lifecycle(INSTANCE).unwrap()
}

fn verdicts(stage: &Stage) -> Vec<Verdict> {
    life(stage).completed.iter().map(|one| one.verdict).collect()
}

fn notes(stage: &Stage) -> String {
    History::open(&stage.root().join("var/lib/muster")).newest().unwrap().unwrap().notes.join("\n")
}

#[test]
fn the_group_s_only_launch_hook_is_completed_though_settings_name_none() {
    let stage = set(Group::new("web").hook(Hook::launching("ready")).launching(INSTANCE), "");
    assert!(boot(&stage));
    assert_eq!((life(&stage).state.as_str(), verdicts(&stage)), ("InService", vec![Verdict::Continue]));
    // A reboot in service has nothing to complete, and does not wait for it.
    let began = Instant::now();
    assert!(!boot(&stage), "it is done");
    assert!(began.elapsed() < Duration::from_secs(20) && verdicts(&stage).len() == 1);
}

#[test]
fn a_failure_abandons_the_hook_that_the_group_names() {
    let plan = Plan::new().unwrap();
    let aws = plan.aws.group(Group::new("web").hook(Hook::launching("ready")).launching(INSTANCE));
    let stage = Plan { aws, signed: None, ..plan }.set().unwrap();
    stage.boot(false).unwrap_err();
    assert_eq!(verdicts(&stage), [Verdict::Abandon]);
}

#[test]
fn a_warm_pool_s_instance_is_let_on_twice() {
    for settings in ["", "signal: {autoscaling: {group: web, hook: ready}}\n"] {
        let stage = set(Group::new("web").hook(Hook::launching("ready")).warming(INSTANCE), settings);
        assert!(boot(&stage));
        assert_eq!(life(&stage).state, "Warmed:Stopped");
        stage.aws.leave_warm_pool(INSTANCE);
        assert_eq!(life(&stage).state, "Pending:Wait");
        assert!(!boot(&stage), "converge is skipped");
        assert_eq!((life(&stage).state.as_str(), verdicts(&stage).len()), ("InService", 2));
    }
}

#[test]
fn a_named_hook_needs_no_permission_to_look_and_a_reboot_does_not_wait_for_it() {
    let group = Group::new("web").hook(Hook::launching("ready")).launching(INSTANCE);
    let plan = Plan::new().unwrap();
    let aws = plan.aws.group(group).deny(Denial::of("autoscaling:Describe*"));
    let settings = "signal: {autoscaling: {group: web, hook: ready}}\n".into();
    let stage = Plan { aws, settings, ..plan }.set().unwrap();
    assert!(boot(&stage));
    assert_eq!(verdicts(&stage), [Verdict::Continue]);
    let began = Instant::now();
    assert!(!boot(&stage), "no active action is what a reboot finds, and no failure");
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
}

#[test]
fn each_of_two_launch_hooks_is_completed() {
    let group = || Group::new("web").hook(Hook::launching("ready")).hook(Hook::launching("other")).launching(INSTANCE);
    let stage = set(group(), "");
    assert!(boot(&stage));
    assert_eq!((life(&stage).state.as_str(), verdicts(&stage)), ("InService", vec![Verdict::Continue; 2]));
    // One that is named is told alone.
    let stage = set(group(), "signal: {autoscaling: {group: web, hook: ready}}\n");
    assert!(boot(&stage));
    assert_eq!((life(&stage).state.as_str(), verdicts(&stage)), ("Pending:Wait", vec![Verdict::Continue]));
}

#[test]
fn a_hook_is_told_that_work_goes_on_and_by_a_boot_alone() {
    let mut plan = Plan::new().unwrap();
    plan.aws = plan.aws.group(Group::new("web").hook(Hook::launching("ready").heartbeat(30)).launching(INSTANCE));
    plan.tree = plan.tree.file("roles/slow/tasks/main.yml", "- pause: {seconds: 3}\n");
    plan.replace.push(("roles: [common,".into(), "roles: [slow, common,".into()));
    let stage = plan.set().unwrap();
    assert!(boot(&stage));
    let beats = || life(&stage).heartbeats.len();
    assert!(beats() >= 1 && life(&stage).heartbeats[0].0 == "ready", "{:?}", life(&stage));
    stage.aws.forget_requests();
    let before = beats();
    run(&stage.request(Mode::Converge)).unwrap();
    let asked = stage.aws.requests().into_iter().filter(|request| request.service == "autoscaling").count();
    assert_eq!((beats(), asked), (before, 0), "nobody waits for a converge");
}

#[test]
fn a_converge_tells_the_group_s_hook_what_a_killed_boot_owes() {
    let stage = set(Group::new("web").hook(Hook::launching("ready")).launching(INSTANCE), "");
    let mut record = Record::begin("muster boot", jiff::Timestamp::now());
    record.process = serde_json::from_value(super::gone(&serde_json::to_value(&record.process).unwrap())).unwrap();
    History::open(&stage.root().join("var/lib/muster")).save(&record).unwrap();
    run(&stage.request(Mode::Converge)).unwrap();
    assert_eq!(verdicts(&stage), [Verdict::Abandon]);
}

/// A group with one hook, and a deadline that is soon over.
fn short() -> Plan {
    let plan = Plan::new().unwrap();
    let aws = plan.aws.group(Group::new("web").hook(Hook::launching("ready")).launching(INSTANCE));
    Plan { aws, replace: vec![("deadline: 2m".into(), "deadline: 24s".into())], ..plan }
}

#[test]
fn a_hook_that_may_not_be_asked_for_is_owed_until_it_may() {
    let plan = short();
    let aws = plan.aws.deny(Denial::of("autoscaling:DescribeLifecycleHooks"));
    let stage = Plan { aws, ..plan }.set().unwrap();
    let failure = stage.boot(false).unwrap_err();
    let hint = failure.hint.clone().unwrap_or_default();
    assert_eq!(failure.stage, At::Signal, "{failure}");
    for says in ["allow autoscaling:DescribeLifecycleHooks", "{hook: NAME}", "from_group: false", "stays in the outbox"]
    {
        assert!(hint.contains(says), "{hint}");
    }
    assert!(notes(&stage).contains("is not known yet"), "{}", notes(&stage));
    assert!(stage.aws.signals().len() == 1 && stage.aws.signals()[0].success, "the stack heard all the same");
    assert!(verdicts(&stage).is_empty());
    stage.aws.clear_denials();
    muster::boot::boot(&stage.request(muster::boot::Mode::Report)).unwrap();
    assert_eq!((life(&stage).state.as_str(), verdicts(&stage)), ("InService", vec![Verdict::Continue]));
}

#[test]
fn an_auto_scaling_that_does_not_answer_costs_the_stack_nothing_and_is_owed() {
    let stage = short().set().unwrap();
    stage.aws.fault(Fault::on("autoscaling", "*", Effect::Silence));
    assert_eq!(stage.boot(false).unwrap_err().stage, At::Signal);
    assert!(stage.aws.signals().len() == 1 && stage.aws.signals()[0].success);
    assert!(notes(&stage).contains("is not known yet"), "{}", notes(&stage));
    stage.aws.clear_faults();
    muster::boot::boot(&stage.request(muster::boot::Mode::Report)).unwrap();
    assert_eq!(verdicts(&stage), [Verdict::Continue]);
}

#[test]
fn a_hook_that_a_busy_auto_scaling_does_not_name_is_owed() {
    for (effect, lasting) in [(Effect::Throttle, true), (Effect::Status(503), true), (Effect::Throttle, false)] {
        let stage = short().set().unwrap();
        let fault = Fault::on("autoscaling", "DescribeLifecycleHooks", effect);
        stage.aws.fault(if lasting { fault } else { fault.times(6) });
        let ended = stage.boot(false);
        assert_eq!(ended.is_err(), lasting, "{ended:?}");
        assert!(stage.aws.signals().len() == 1 && stage.aws.signals()[0].success);
        if lasting {
            assert!(verdicts(&stage).is_empty());
            stage.aws.clear_faults();
            muster::boot::boot(&stage.request(muster::boot::Mode::Report)).unwrap();
        }
        assert_eq!((life(&stage).state.as_str(), verdicts(&stage)), ("InService", vec![Verdict::Continue]));
    }
}

#[test]
fn nobody_else_s_hook_is_completed_and_nobody_asks_who_need_not() {
    let notifying = Hook::launching("dns").notifying("arn:aws:sns:us-east-1:123456789012:launches");
    let stage = set(Group::new("web").hook(notifying).launching(INSTANCE), "");
    assert!(boot(&stage));
    assert!(verdicts(&stage).is_empty() && notes(&stage).is_empty(), "{}", notes(&stage));
    let stage = set(
        Group::new("web").hook(Hook::launching("ready")).launching(INSTANCE),
        "signal: {autoscaling: {from_group: false}}\n",
    );
    assert!(boot(&stage));
    assert!(verdicts(&stage).is_empty());
    let alone = Plan::new().unwrap().set().unwrap();
    assert!(boot(&alone));
    for stage in [stage, alone] {
        let asked = stage.aws.requests().iter().filter(|request| request.service == "autoscaling").count();
        assert_eq!(asked, 0);
    }
}
