//! SIGTERM at every wait: the run ends soon, is recorded as stopped, and the failure is signalled.

use crate::apart;
use crate::stage::{INSTANCE, Plan, Stage};
use emulator::{Effect, Fault};
use muster::failure::Stage as At;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::time::{Duration, Instant};

const TEST: &str = "stops::a_stop_ends_every_wait_and_is_signalled";

/// A wait that does not end by itself.
struct Wait {
    name: &'static str,
    /// The stage that is waited in, as the status has it.
    stage: &'static str,
    plan: fn(Plan) -> Plan,
    /// After the stage is set.
    set: fn(&Stage),
    /// Whether a boot passes once the emulator's faults are gone.
    twin: bool,
}

fn silent(plan: Plan, service: &str, action: &str) -> Plan {
    Plan { aws: plan.aws.fault(Fault::on(service, action, Effect::Silence)), ..plan }
}

const WAITS: &[Wait] = &[
    Wait {
        name: "credentials",
        stage: "identity",
        plan: |mut plan| {
            let mut instance = emulator::Instance::new(INSTANCE).tag("role", "web");
            instance.metadata.credentials_late = 100_000;
            plan.aws = emulator::Builder::default().instance(instance);
            plan
        },
        set: |_| {},
        twin: false,
    },
    Wait {
        name: "parameters",
        stage: "parameters",
        plan: |plan| silent(plan, "ssm", "GetParametersByPath"),
        set: |_| {},
        twin: true,
    },
    Wait {
        name: "deploy key",
        stage: "deploy-key",
        plan: |plan| silent(plan, "secretsmanager", "*"),
        set: |_| {},
        twin: true,
    },
    Wait { name: "repository", stage: "repository", plan: |plan| plan, set: silent_git, twin: false },
    Wait {
        name: "secrets",
        stage: "secrets",
        plan: |plan| silent(plan, "ssm", "GetParameters"),
        set: |_| {},
        twin: true,
    },
    Wait { name: "release", stage: "release", plan: |plan| silent(plan, "s3", "GetObject"), set: |_| {}, twin: true },
    Wait {
        name: "health",
        stage: "health",
        plan: |mut plan| {
            plan.replace.push(("port=8080".into(), "port=9090".into()));
            plan.replace.push(("deadline: 1s, interval: 100ms".into(), "deadline: 100s, interval: 40s".into()));
            plan
        },
        set: |_| {},
        twin: false,
    },
];

/// The pinned git host accepts connections and says nothing.
fn silent_git(stage: &Stage) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = format!(":{} ", listener.local_addr().unwrap().port());
    let real = stage.git.url();
    let old = real.rsplit(':').next().unwrap().split('/').next().unwrap().to_owned();
    stage.set(&format!(":{old}/"), &format!(":{}/", port.trim_matches([':', ' '])));
    let hosts = stage.git.known_hosts().replace(&format!(":{old} "), &port);
    stage.put("trust.d/production/known_hosts", &hosts);
    std::mem::forget(listener);
}

fn status(stage: &Stage) -> String {
    let status = stage.read("/run/muster/status.json");
    let status: serde_json::Value = serde_json::from_str(&status).unwrap_or_default();
    status["stage"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn a_stop_ends_every_wait_and_is_signalled() {
    if let Some((request, _)) = apart::child() {
        apart::boot_and_exit(&request);
    }
    let mut wrong = Vec::new();
    for wait in WAITS {
        let stage = (wait.plan)(Plan::new().unwrap()).set().unwrap();
        (wait.set)(&stage);
        let mut child = apart::spawn(&stage, TEST, 0);
        let began = Instant::now();
        while status(&stage) != wait.stage && began.elapsed() < Duration::from_secs(40) {
            std::thread::sleep(Duration::from_millis(20));
        }
        std::thread::sleep(Duration::from_millis(700));
        let running = child.try_wait().unwrap().is_none();
        if running {
            kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGTERM).unwrap();
        }
        let asked = Instant::now();
        let code = child.wait().unwrap().code();
        let took = asked.elapsed();
        let record = stage.newest();
        let failure = record.failure.map(|failure| (failure.stage, failure.message));
        if !running || code != Some(At::Interrupted.exit_code().into()) || took > Duration::from_secs(8) {
            wrong.push(format!("{}: waiting {running}, exit {code:?} after {took:?}: {failure:?}", wait.name));
        }
        let heard = stage.aws.signals();
        if wait.name != "credentials" && (heard.len() != 1 || heard[0].success) {
            wrong.push(format!("{}: the failure was not signalled: {heard:?}", wait.name));
        }
        stage.aws.clear_faults();
        if wait.twin
            && let Err(failure) = stage.boot(false)
        {
            wrong.push(format!("{}: the next boot failed: {failure}", wait.name));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
