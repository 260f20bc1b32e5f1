//! A release whose activation or health check fails: the one before it stands again, and the message says so.

use crate::machine::machine;
use crate::stage::Stage;
use crate::{boot, stage};
use muster::boot::{Ended, Mode, Request, roll_back};
use muster::failure::Stage as At;
use muster::host::{Change, Effect, HostError};
use muster::release::Record;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

const PROGRAM: &str = "/usr/local/bin/shop-api";

fn record(stage: &Stage) -> Record {
    serde_json::from_str(&stage.read("/var/lib/muster/releases/shop.api.json")).unwrap()
}

fn booted() -> Stage {
    let stage = stage();
    stage.boot(false).unwrap();
    assert_eq!(record(&stage).active.version, "1.4.2");
    stage.publish("r43", "1.5.0");
    stage
}

#[test]
fn a_health_check_that_fails_puts_the_release_before_back() {
    let stage = booted();
    stage.set("port=8080", "port=9090");
    let failure = boot(&stage.request(Mode::Converge)).unwrap_err();
    assert_eq!(failure.stage, At::Health, "{failure}");
    assert!(failure.to_string().contains("release shop.api is back at 1.4.2"), "{failure}");
    assert!(stage.read(PROGRAM).contains("1.4.2"));
    assert_eq!(record(&stage).active.version, "1.4.2");
    assert!(stage.newest().failure.unwrap().message.contains("back at 1.4.2"));
    // The twin: the same release with a check that passes.
    stage.set("port=9090", "port=8080");
    boot(&stage.request(Mode::Converge)).unwrap();
    assert!(stage.read(PROGRAM).contains("1.5.0"));
}

#[test]
fn a_restart_that_fails_puts_the_release_before_back_and_restarts_it() {
    let stage = booted();
    stage.set("channel: stable,", "channel: stable, restart: shop.service,");
    let (failures, restarts) = (Arc::new(AtomicU32::new(1)), Arc::new(Mutex::new(Vec::new())));
    let (left, seen) = (Arc::clone(&failures), Arc::clone(&restarts));
    let program = stage.root().join(PROGRAM.trim_start_matches('/'));
    let around = machine(move |_, change| {
        let Change::Unit { name, action, .. } = change else { return None };
        let runs = std::fs::read_to_string(&program).unwrap();
        seen.lock().unwrap().push(format!("{action:?} {name}: {}", runs.split("shop ").last().unwrap().trim()));
        let fails = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
        let (command, output) = ("systemctl restart shop.service".into(), "it does not start".into());
        Some(if fails { Err(HostError::Program { command, code: 1, output }) } else { Ok(Effect::default()) })
    });
    let request = Request { machine: Some(around), ..stage.request(Mode::Converge) };
    let failure = boot(&request).unwrap_err();
    assert_eq!(failure.stage, At::Release, "{failure}");
    for word in
        ["restarting shop.service", "1.5.0", "it does not start", "back at 1.4.2, and shop.service was restarted"]
    {
        assert!(failure.to_string().contains(word), "{failure}");
    }
    assert_eq!(*restarts.lock().unwrap(), ["Restart shop.service: 1.5.0", "Restart shop.service: 1.4.2"]);
    assert!(stage.read(PROGRAM).contains("1.4.2"));
    // The twin: the next run tries again, and the unit starts.
    boot(&request).unwrap();
    assert!(stage.read(PROGRAM).contains("1.5.0"));
    assert_eq!(record(&stage).restart.as_deref(), Some("shop.service"));
}

#[test]
fn an_artifact_that_does_not_verify_leaves_the_one_before() {
    let stage = booted();
    stage.aws.put_object(emulator::Object::new(crate::stage::BUCKET, "shop/api/r43/shop-api", "another program"));
    assert_eq!(boot(&stage.request(Mode::Converge)).unwrap_err().stage, At::Release);
    assert!(stage.read(PROGRAM).contains("1.4.2"));
    assert_eq!(record(&stage).active.version, "1.4.2");
}

#[test]
fn a_rollback_by_hand_takes_the_lock_and_is_recorded() {
    let stage = booted();
    boot(&stage.request(Mode::Converge)).unwrap();
    let request = stage.request(Mode::Rollback);
    let (directory, now) = (stage.root().join("run/muster"), jiff::Timestamp::now());
    let lock = muster::journal::Lock::take(&directory, "a boot", std::time::Duration::ZERO, now).unwrap();
    assert_eq!(roll_back(&request, "shop.api").unwrap_err().stage, At::Lock);
    assert!(stage.read(PROGRAM).contains("1.5.0"), "nothing was touched");
    drop(lock);
    let Ended::RolledBack { record } = roll_back(&request, "shop.api").unwrap() else { panic!("no rollback") };
    assert_eq!(record.active.version, "1.4.2");
    assert!(stage.read(PROGRAM).contains("1.4.2"));
    let run = stage.newest();
    assert_eq!((run.command.as_str(), run.changes.len()), ("muster release rollback", 1));
    let failure = roll_back(&request, "shop.api").unwrap_err();
    assert!(failure.stage == At::Release && failure.to_string().contains("no previous release"), "{failure}");
    assert_eq!(stage.newest().state, muster::journal::State::Failed);
}
