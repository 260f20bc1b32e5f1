//! Lifecycle actions over the query protocol, with a clock, and each refusal's words.

use super::*;
use crate::client::{Received, query};
use crate::{Builder, Denial, Instance, Running};
use std::time::Duration;

const ID: &str = "i-0123456789abcdef0";
const WHICH: &str = "AutoScalingGroupName=web&LifecycleHookName=boot&InstanceId=i-0123456789abcdef0";

fn start(group: Group) -> Running {
    Builder::default().instance(Instance::default()).group(group).start_blocking().expect("started")
}

fn ask(aws: &Running, form: &str) -> Received {
    let credentials = aws.credentials_of(ID).expect("a role");
    let form = format!("Version=2011-01-01&Action={form}");
    query(&aws.endpoint_url(), &credentials, "autoscaling", &form).expect("an answer")
}

fn complete(aws: &Running, result: &str) -> Received {
    ask(aws, &format!("CompleteLifecycleAction&LifecycleActionResult={result}&{WHICH}"))
}

fn state(aws: &Running) -> String {
    aws.lifecycle(ID).expect("a member").state
}

#[test]
fn an_action_is_completed_once() {
    let aws = start(Group::new("web").hook(Hook::launching("boot").heartbeat(300)).launching(ID));
    assert_eq!(state(&aws), "Pending:Wait");
    let answer = complete(&aws, "CONTINUE");
    assert!(answer.body.contains("<CompleteLifecycleActionResponse xmlns="), "{}", answer.body);
    assert_eq!(state(&aws), "InService");
    let again = complete(&aws, "CONTINUE");
    let words = format!("<Code>ValidationError</Code><Message>No active Lifecycle Action found with instance ID {ID}<");
    assert!(again.status() == 400 && again.body.contains(&words), "{}", again.body);
}

#[test]
fn a_token_serves_in_place_of_the_instance() {
    let aws = start(Group::new("web").hook(Hook::launching("boot")).launching(ID));
    let form = |token: &str| {
        let which = "AutoScalingGroupName=web&LifecycleHookName=boot&LifecycleActionResult=ABANDON";
        format!("CompleteLifecycleAction&{which}&LifecycleActionToken={token}")
    };
    let wrong = ask(&aws, &form("00000000-0000-4000-a000-000000000000"));
    assert!(wrong.body.contains("No active Lifecycle Action found with token 00000000-"));
    let (_, token) = aws.lifecycle(ID).expect("a member").waiting[0].clone();
    assert_eq!(ask(&aws, &form(&token)).status(), 200);
    assert_eq!(state(&aws), "Terminated");
}

#[test]
fn heartbeats_and_silence_are_timed() {
    let aws = start(Group::new("web").hook(Hook::launching("boot").heartbeat(60)).launching(ID));
    aws.advance(Duration::from_secs(50));
    assert_eq!(ask(&aws, &format!("RecordLifecycleActionHeartbeat&{WHICH}")).status(), 200);
    aws.advance(Duration::from_secs(50));
    assert_eq!(state(&aws), "Pending:Wait");
    aws.advance(Duration::from_secs(11));
    assert_eq!(state(&aws), "Terminated");
    assert_eq!(complete(&aws, "CONTINUE").status(), 400);
    assert_eq!(aws.lifecycle(ID).expect("a member").heartbeats.len(), 1);
}

#[test]
fn the_first_instance_may_ask_too_early() {
    let late = Hook::launching("boot").late(Duration::from_secs(5));
    let aws = start(Group::new("web").hook(late).launching(ID));
    assert_eq!(complete(&aws, "CONTINUE").status(), 400);
    aws.advance(Duration::from_secs(5));
    assert_eq!(complete(&aws, "CONTINUE").status(), 200);
}

#[test]
fn a_warm_pool_boots_twice() {
    let aws = start(Group::new("web").hook(Hook::launching("boot")).warming(ID));
    assert_eq!(
        (state(&aws).as_str(), aws.lifecycle(ID).expect("a member").target.as_str()),
        ("Warmed:Pending:Wait", "Warmed:Stopped")
    );
    complete(&aws, "CONTINUE");
    assert_eq!(state(&aws), "Warmed:Stopped");
    aws.leave_warm_pool(ID);
    assert_eq!(state(&aws), "Pending:Wait");
    complete(&aws, "CONTINUE");
    assert_eq!(state(&aws), "InService");
}

#[test]
fn health_respects_the_grace_period_unless_told_not_to() {
    let aws = start(Group::new("web").grace(300).launching(ID));
    let set = |more: &str| ask(&aws, &format!("SetInstanceHealth&InstanceId={ID}&HealthStatus=Unhealthy{more}"));
    assert_eq!(set("").status(), 200);
    assert_eq!(aws.lifecycle(ID).expect("a member").health, "HEALTHY");
    assert_eq!(set("&ShouldRespectGracePeriod=false").status(), 200);
    assert_eq!(aws.lifecycle(ID).expect("a member").health, "UNHEALTHY");
    let stranger = ask(&aws, "SetInstanceHealth&InstanceId=i-1&HealthStatus=Unhealthy");
    assert!(stranger.body.contains("No managed instance found for instance ID: i-1"));
}

#[test]
fn descriptions_show_the_state() {
    let aws = start(Group::new("web").hook(Hook::launching("boot").heartbeat(30)).launching(ID));
    let shown = ask(&aws, &format!("DescribeAutoScalingInstances&InstanceIds.member.1={ID}")).body;
    assert!(shown.contains("<LifecycleState>Pending:Wait</LifecycleState><HealthStatus>HEALTHY</HealthStatus>"));
    assert!(!ask(&aws, "DescribeAutoScalingInstances&InstanceIds.member.1=i-1").body.contains("<member>"));
    let hooks = ask(&aws, "DescribeLifecycleHooks&AutoScalingGroupName=web").body;
    assert!(hooks.contains("<GlobalTimeout>3000</GlobalTimeout><DefaultResult>ABANDON</DefaultResult>"));
}

#[test]
fn what_is_wrong_is_named() {
    let aws = start(Group::new("web").hook(Hook::launching("boot")).launching(ID));
    let good = format!("CompleteLifecycleAction&LifecycleActionResult=CONTINUE&{WHICH}");
    for (wrong, words) in [
        (good.replace("=web", "=other"), "AutoScalingGroup name not found"),
        (good.replace("=boot", "=reboot"), "No active Lifecycle Action found with instance ID"),
        (good.replace("CONTINUE", "MAYBE"), "must be either CONTINUE or ABANDON"),
        (good.replace("&InstanceId=", "&LifecycleActionToken="), "greater than or equal to 36"),
        (good.replace("CompleteLifecycleAction&", "EnterStandby&"), "Could not find operation EnterStandby"),
    ] {
        let answer = ask(&aws, &wrong);
        assert!(answer.status() == 400 && answer.body.contains(words), "{wrong}: {}", answer.body);
    }
    aws.deny(Denial::of("autoscaling:CompleteLifecycleAction"));
    assert_eq!(complete(&aws, "CONTINUE").status(), 403);
    assert_eq!(state(&aws), "Pending:Wait");
}
