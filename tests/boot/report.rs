//! Who hears how it ended, whatever went wrong before: faults of the beginning, what earlier runs owe, listeners that do
//! not answer.

use super::stage::{INSTANCE, Plan, STACK, Stage};
use super::{At, gone, stage};
use emulator::Stack;
use muster::boot::{Ended, Mode, boot};
use muster::failure::Failure;
use muster::journal::{Delivery, Entry, History, Message, Outbox, Record, State, Status};
use muster::secret::{Redactor, Secret};
use std::path::Path;
use std::time::{Duration, Instant};

fn plan() -> Plan {
    Plan::new().unwrap()
}

fn state(stage: &Stage) -> std::path::PathBuf {
    stage.root().join("var/lib/muster")
}

fn newest(stage: &Stage) -> Record {
    History::open(&state(stage)).newest().unwrap().unwrap()
}

fn put(path: &Path, text: &str) {
    muster::host::durable::make_directory(path.parent().unwrap(), 0o755).unwrap();
    muster::host::durable::write(path, text.as_bytes(), 0o644).unwrap();
}

/// Edits muster.yaml.
fn edit(stage: &Stage, old: &str, new: &str) {
    let settings = stage.read("/etc/muster/muster.yaml");
    assert!(settings.contains(old), "muster.yaml has no `{old}`");
    put(&stage.root().join("etc/muster/muster.yaml"), &settings.replace(old, new));
}

/// The entries of the outbox as they are on disk, in order.
fn outbox(stage: &Stage) -> Vec<Entry> {
    let mut paths: Vec<_> =
        std::fs::read_dir(state(stage).join("outbox")).unwrap().flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths.iter().map(|path| serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()).collect()
}

/// What the stack heard, in order: whether well.
fn heard(stage: &Stage) -> Vec<bool> {
    stage.aws.signals().iter().map(|signal| signal.success).collect()
}

fn stack_message(stack: &str, success: bool) -> Message {
    let (resource, unique_id) = (STACK.1.to_owned(), INSTANCE.to_owned());
    Message::CloudFormation { stack: stack.to_owned(), resource, region: None, unique_id, success }
}

/// Somebody who takes connections and never says a word.
fn silent() -> (std::net::TcpListener, String) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/handle?Signature=x", listener.local_addr().unwrap());
    (listener, url)
}

#[test]
fn settings_that_are_refused_are_told_to_whoever_waits() {
    for (old, new) in [
        ("roles:", "rols:"),
        ("deadline: 2m", "deadline: soon"),
        ("realm: production", "relm: production"),
        ("network: {", "network: {ca_bundle: /nowhere.pem, "),
    ] {
        let stage = Plan { replace: vec![(old.into(), new.into())], ..plan() }.set().unwrap();
        let failure = stage.boot(false).unwrap_err();
        assert_eq!(failure.stage, At::Settings, "{new}: {failure}");
        assert_eq!(heard(&stage), [false], "{new}");
        let record = newest(&stage);
        assert!(record.reported && record.state == State::Failed, "{new}: {record:?}");
    }
}

#[test]
fn a_template_that_fails_hides_nobody_who_is_named_beside_it() {
    let mut plan = plan();
    plan.aws = plan.aws.stack(Stack::creating("other").awaits("Web", 1));
    plan.settings = "signal: {cloudformation: {stack: other, resource: Web}}\n".into();
    plan.replace = vec![("tags.role".into(), "tags.rol".into())];
    let stage = plan.set().unwrap();
    assert_eq!(stage.boot(false).unwrap_err().stage, At::Settings);
    let signals = stage.aws.signals();
    assert!(signals.len() == 1 && signals[0].stack == "other" && !signals[0].success, "{signals:?}");
}

#[test]
fn a_state_directory_that_cannot_be_written_is_told_and_so_is_the_next_success() {
    let stage = stage();
    put(&state(&stage), "no directory");
    let failure = stage.boot(false).unwrap_err();
    assert_eq!(failure.stage, At::State, "{failure}");
    assert_eq!(heard(&stage), [false]);
    let status = Status::read(&stage.root().join("run/muster")).unwrap().unwrap();
    assert_eq!((status.state, status.exit_code), (State::Failed, Some(At::State.exit_code())), "the status tells");
    assert!(stage.read("/etc/web.conf").is_empty(), "and nothing else was done");
}

#[test]
fn an_outbox_that_cannot_be_written_keeps_nobody_from_hearing() {
    let stage = stage();
    put(&state(&stage).join("outbox"), "no directory");
    let Ended::Converged { signals, .. } = stage.boot(false).unwrap() else { panic!("it did not converge") };
    assert_eq!((heard(&stage), signals.len()), (vec![true], 1));
    let record = newest(&stage);
    assert!(record.reported && record.state == State::Done, "{record:?}");
    assert!(record.notes.iter().any(|note| note.contains("without being written down")), "{:?}", record.notes);
}

#[test]
fn what_failed_before_anybody_was_known_is_told_by_the_next_boot() {
    let stage = stage();
    let imds = stage.aws.imds_url();
    edit(&stage, &imds, "http://127.0.0.1:9");
    assert_eq!(stage.boot(false).unwrap_err().stage, At::Identity);
    let first = newest(&stage);
    assert!(heard(&stage).is_empty() && !first.reported && first.state == State::Failed, "{first:?}");
    edit(&stage, "http://127.0.0.1:9", &imds);
    stage.boot(false).unwrap();
    assert_eq!(heard(&stage), [false], "the failure came first, and the stack heard nothing after it");
    assert_eq!(stage.aws.count("cloudformation", "SignalResource"), 2, "the success was sent after it");
    let history = History::open(&state(&stage));
    assert!(history.read(&first.id).unwrap().reported);
    assert!(newest(&stage).notes.iter().any(|note| note.contains("owed of an earlier run: identity:")));
    boot(&stage.request(Mode::BootAgain)).unwrap();
    assert_eq!(stage.aws.count("cloudformation", "SignalResource"), 3, "it is told once");
}

#[test]
fn another_instance_s_runs_and_those_of_long_ago_are_not_this_host_s_failures() {
    let stage = stage();
    let history = History::open(&state(&stage));
    let failed = |instance: Option<&str>, hours: i64| {
        let then = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(hours);
        let mut record = Record::begin("muster boot", then);
        (record.state, record.instance, record.ended) = (State::Failed, instance.map(str::to_owned), Some(then));
        history.save(&record).unwrap();
        record.id
    };
    let ids = [failed(Some("i-0bbbbbbbbbbbbbbbb"), 1), failed(None, 100)];
    stage.boot(false).unwrap();
    assert_eq!(heard(&stage), [true]);
    assert!(ids.iter().all(|id| history.read(id).unwrap().reported), "nobody looks at them again");
}

#[test]
fn what_earlier_runs_owe_is_told_first_and_in_order() {
    let stage = stage();
    let outbox = Outbox::open(&state(&stage), Redactor::default());
    let now = jiff::Timestamp::now();
    // The stack's own ARN is what the tags say.
    let stack = stage.aws.stack(STACK.0).unwrap().id(&emulator::Account::default());
    outbox.put("run-1 stack", stack_message(&stack, false), None, now).unwrap();
    stage.boot(false).unwrap();
    assert_eq!(heard(&stage), [false]);
    let entries = self::outbox(&stage);
    let ends: Vec<_> = entries.iter().map(|entry| entry.attempts[0].ended.unwrap()).collect();
    assert!(entries.len() == 2 && ends[0] <= entries[1].attempts[0].started, "{entries:?}");
    assert!(entries.iter().all(|entry| entry.state == Delivery::Delivered), "{entries:?}");
}

#[test]
fn a_refusal_is_final_and_fails_no_later_boot() {
    let plan = Plan { settings: "signal: {cloudformation: {stack: nowhere, resource: Web}}\n".into(), ..plan() };
    let stage = plan.set().unwrap();
    let failure = stage.boot(false).unwrap_err();
    assert!(failure.stage == At::Signal && failure.to_string().contains("nowhere"), "{failure}");
    assert_eq!(outbox(&stage)[0].state, Delivery::Refused);
    edit(&stage, "stack: nowhere, resource: Web", "from_tags: true");
    let sent = stage.aws.count("cloudformation", "SignalResource");
    assert!(matches!(stage.boot(false).unwrap(), Ended::Converged { .. }));
    assert_eq!(stage.aws.count("cloudformation", "SignalResource"), sent + 1, "only the new outcome was sent");
    assert_eq!(heard(&stage), [true]);
}

#[test]
fn a_listener_who_does_not_answer_costs_the_others_nothing() {
    let stage = Plan { replace: vec![("deadline: 2m".into(), "deadline: 24s".into())], ..plan() }.set().unwrap();
    let (_listener, url) = silent();
    let message = Message::WaitHandle {
        url: Secret::new(url),
        unique_id: INSTANCE.into(),
        success: false,
        reason: "it failed".into(),
        data: String::new(),
    };
    Outbox::open(&state(&stage), Redactor::default())
        .put("run-1 handle", message, None, jiff::Timestamp::now())
        .unwrap();
    let began = Instant::now();
    let told = std::thread::scope(|scope| {
        let told = scope.spawn(|| {
            while heard(&stage).is_empty() && began.elapsed() < Duration::from_secs(60) {
                std::thread::sleep(Duration::from_millis(20));
            }
            Instant::now()
        });
        // It is an earlier run's, so that it decides nothing about this one.
        assert!(matches!(stage.boot(false).unwrap(), Ended::Converged { .. }));
        told.join().unwrap()
    });
    let waited = told.elapsed();
    assert_eq!(heard(&stage), [true]);
    assert!(
        waited > Duration::from_secs(1),
        "the stack heard at once, and the handle was tried until the end: {waited:?}"
    );
    let entries = outbox(&stage);
    assert_eq!(entries.iter().map(|entry| entry.state).collect::<Vec<_>>(), [Delivery::Pending, Delivery::Delivered]);
    assert!(newest(&stage).notes.iter().any(|note| note.contains("wait handle FAILURE")), "it is said");
}

#[test]
fn what_cannot_be_kept_is_sent_to_all_at_the_same_time() {
    let (_listener, url) = silent();
    let mut plan = Plan { settings: format!("signal: {{wait_handle: \"{url}\"}}\n"), ..plan() };
    plan.replace = vec![("deadline: 2m".into(), "deadline: 20s".into())];
    plan.signed = None;
    let stage = plan.set().unwrap();
    put(&state(&stage).join("outbox"), "no directory");
    assert_eq!(stage.boot(false).unwrap_err().stage, At::Verify);
    assert_eq!(heard(&stage), [false], "the stack heard");
    assert!(!newest(&stage).reported, "the handle did not: the next boot tells");
}

#[test]
fn a_report_stands_in_no_boot_s_place() {
    let stage = Plan { signed: None, ..plan() }.set().unwrap();
    assert_eq!(stage.boot(false).unwrap_err().stage, At::Verify);
    let before = newest(&stage);
    let Ended::Reported { signals } = boot(&stage.request(Mode::Report)).unwrap() else { panic!("it did more") };
    assert!(signals.is_empty(), "{signals:?}");
    let status = Status::read(&stage.root().join("run/muster")).unwrap().unwrap();
    assert_eq!((status.state, status.exit_code), (State::Failed, Some(At::Verify.exit_code())));
    assert_eq!(History::open(&state(&stage)).ids().unwrap(), [before.id]);
}

#[test]
fn a_report_tells_of_a_killed_boot_though_settings_have_been_broken_since() {
    let stage = Plan { replace: vec![("roles:".into(), "rols:".into())], ..plan() }.set().unwrap();
    let mut record = Record::begin("muster boot", jiff::Timestamp::now());
    record.process = serde_json::from_value(gone(&serde_json::to_value(&record.process).unwrap())).unwrap();
    History::open(&state(&stage)).save(&record).unwrap();
    let failure: Failure = boot(&stage.request(Mode::Report)).unwrap_err();
    assert_eq!(failure.stage, At::Settings);
    assert_eq!(heard(&stage), [false]);
    assert_eq!(newest(&stage).state, State::Interrupted);
}

#[test]
fn a_host_that_is_done_is_not_given_up_because_a_reboot_found_its_settings_broken() {
    let mut plan = Plan { settings: "signal: {instance_health: true}\n".into(), ..plan() };
    plan.aws = plan.aws.group(emulator::Group::new("web").launching(INSTANCE));
    let stage = plan.set().unwrap();
    stage.boot(false).unwrap();
    edit(&stage, "roles:", "rols:");
    assert_eq!(stage.boot(false).unwrap_err().stage, At::Settings);
    assert_eq!(stage.aws.count("autoscaling", "SetInstanceHealth"), 0);
    // Its twin, which was never brought to duty.
    let mut plan = Plan { settings: "signal: {instance_health: true}\n".into(), ..self::plan() };
    plan.aws = plan.aws.group(emulator::Group::new("web").launching(INSTANCE));
    plan.replace = vec![("roles:".into(), "rols:".into())];
    let stage = plan.set().unwrap();
    assert_eq!(stage.boot(false).unwrap_err().stage, At::Settings);
    assert_eq!(stage.aws.count("autoscaling", "SetInstanceHealth"), 1);
}
