//! Signals by hand: on the way that settings describe, through the outbox.

use super::stage as set;
use super::stage::{INSTANCE, Plan, STACK, Stage};
use emulator::{Effect, Fault};
use muster::boot::signal::{Keys, Order};
use muster::cloud::Network;
use muster::cloud::signal::{Delivery, Recipient};
use muster::failure::Stage as At;
use muster::journal::{Outbox, Pending};
use muster::secret::Redactor;
use muster::settings::Sources;
use std::time::Duration;

/// As a command line that names nothing makes it.
fn order(stage: &Stage, success: bool) -> Order {
    Order {
        success,
        reason: "by hand".into(),
        to: None,
        instance_id: None,
        or_host_name: false,
        network: Network::default(),
        region: None,
        sources: Sources { root: stage.root(), ..Sources::default() },
        keys: Keys::Host,
        timeout: Duration::from_secs(20),
    }
}

fn stack() -> Option<Recipient> {
    Some(Recipient::Stack { stack: STACK.0.into(), resource: STACK.1.into(), region: None })
}

fn pending(stage: &Stage) -> Pending {
    Outbox::open(&stage.root().join("var/lib/muster"), Redactor::default()).waiting().unwrap()
}

#[test]
fn it_takes_the_way_of_the_settings_to_whom_they_name() {
    let stage = set();
    let lines = order(&stage, true).report().unwrap();
    assert!(lines.len() == 1 && lines[0].contains("delivered"), "{lines:?}");
    let heard = stage.aws.signals();
    assert!(heard.len() == 1 && heard[0].success && heard[0].unique_id == INSTANCE, "{heard:?}");
    let kept = stage.root().join("var/lib/muster/outbox/000000000001.json");
    assert!(std::fs::read_to_string(kept).unwrap().contains("\"delivered\""), "it went through the outbox");
}

#[test]
fn what_does_not_arrive_is_sent_by_the_next_boot_before_its_own() {
    let stage = set();
    stage.aws.fault(Fault::on("cloudformation", "SignalResource", Effect::Status(503)));
    let failure = Order { timeout: Duration::from_secs(3), ..order(&stage, false) }.report().unwrap_err();
    assert_eq!(failure.stage, At::Signal);
    assert_eq!(pending(&stage).entries.len(), 1);
    stage.aws.clear_faults();
    stage.boot(false).unwrap();
    assert!(pending(&stage).entries.is_empty());
    assert!(!stage.aws.signals()[0].success, "the failure by hand came first");
}

#[test]
fn what_is_owed_to_the_same_listener_goes_first() {
    let stage = set();
    stage.aws.fault(Fault::on("cloudformation", "SignalResource", Effect::Status(503)));
    Order { timeout: Duration::from_secs(2), to: stack(), ..order(&stage, false) }.report().unwrap_err();
    stage.aws.clear_faults();
    Order { to: stack(), ..order(&stage, true) }.report().unwrap();
    assert!(pending(&stage).entries.is_empty());
    assert!(!stage.aws.signals()[0].success);
}

#[test]
fn without_settings_nothing_is_kept() {
    let stage = set();
    let sources = Sources { root: stage.root().join("nowhere"), ..Sources::default() };
    let network = Network {
        endpoint_url: Some(stage.aws.endpoint_url()),
        metadata_endpoint: Some(stage.aws.imds_url()),
        ..Network::default()
    };
    Order { sources, network, ..order(&stage, true) }.report().unwrap();
    assert_eq!(stage.aws.signals().len(), 1);
    assert!(!stage.root().join("nowhere").exists());
}

#[test]
fn settings_that_are_refused_still_lead_the_way() {
    let stage = Plan { replace: vec![("roles:".into(), "rols:".into())], ..Plan::new().unwrap() }.set().unwrap();
    let lines = order(&stage, false).report().unwrap();
    assert!(lines[0].contains("rols"), "{lines:?}");
    assert_eq!(stage.aws.signals().len(), 1);
}

#[test]
fn nobody_to_tell_is_a_slip_of_the_command_line() {
    let plan = Plan { settings: "signal: {cloudformation: {from_tags: false}}\n".into(), ..Plan::new().unwrap() };
    let failure = order(&plan.set().unwrap(), true).report().unwrap_err();
    assert_eq!(failure.stage, At::Usage, "{failure}");
}

/// As `cfn-signal --stack ... --resource ...` makes it.
#[test]
fn cfn_signal_takes_the_same_way_and_keeps_nothing() {
    let stage = set();
    let (_, delivery) = Order { to: stack(), region: Some("us-east-1".into()), ..order(&stage, true) }.send().unwrap();
    assert!(matches!(delivery, Delivery::Delivered), "{delivery:?}");
    assert_eq!(stage.aws.signals().len(), 1);
    assert!(!stage.root().join("var/lib/muster").exists());
}

#[test]
fn cfn_signal_tells_in_the_machine_s_name_where_metadata_names_no_instance() {
    let plan = Plan { metadata: Some("http://127.0.0.1:9".into()), ..Plan::new().unwrap() };
    let stage = plan.set().unwrap();
    let keys = || {
        let own = stage.aws.credentials_of(INSTANCE).unwrap();
        let credentials = aws_credential_types::Credentials::new(
            own.access_key_id,
            own.secret_access_key,
            own.session_token,
            None,
            "test",
        );
        Keys::Fixed(credentials)
    };
    let by_hand = Order { to: stack(), region: Some("us-east-1".into()), keys: keys(), ..order(&stage, true) };
    let Err(failure) = by_hand.send() else { panic!("muster signal speaks for an instance") };
    assert_eq!(failure.stage, At::Identity, "{failure}");
    let as_cfn = Order { or_host_name: true, keys: keys(), region: Some("us-east-1".into()), ..order(&stage, true) };
    let (_, delivery) = Order { to: stack(), ..as_cfn }.send().unwrap();
    assert!(matches!(delivery, Delivery::Delivered), "{delivery:?}");
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    assert!(stage.aws.signals()[0].unique_id.starts_with(name.trim()), "{:?}", stage.aws.signals());
}
