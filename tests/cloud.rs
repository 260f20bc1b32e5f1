//! The cloud room against the strict emulator: what AWS checks, limits and answers on a bad day.

use emulator::{
    Builder, Credentials, Denial, Effect, Fault, Group, Hook, Instance, Object, Parameter, Route, Running, Secret,
    Stack, Start, Verdict,
};
use muster::cloud::signal::{Delivery, Messenger, Outcome, Recipient, WaitConditionUrl};
use muster::cloud::{
    AssumeRole, CloudError, Instant, Kind, Metadata, Network, ObjectName, Session, Transport, by_names, by_path,
    object, object_head, objects, secret, wait_for_credentials,
};
use muster::failure::Explain;
use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

const ID: &str = "i-0123456789abcdef0";

struct Host {
    aws: Running,
    metadata: Arc<Metadata>,
    session: Session,
}

/// A host in an emulated account, with the clients that a boot would make.
async fn host(builder: Builder, instance: Instance) -> Host {
    host_on(builder, instance, Network::default()).await
}

async fn host_on(builder: Builder, instance: Instance, network: Network) -> Host {
    let aws = builder.instance(instance).start().await.expect("an emulator");
    let network =
        Network { endpoint_url: Some(aws.endpoint_url()), metadata_endpoint: Some(aws.imds_url()), ..network };
    let transport = Transport::new(network).expect("transport");
    let metadata = Arc::new(Metadata::new(&transport, Duration::from_secs(20)).expect("metadata"));
    let session = Session::open(&transport, "us-east-1", &metadata, &|_| None);
    Host { aws, metadata, session }
}

impl Host {
    fn messenger(&self) -> Messenger {
        Messenger::new(self.session.clone(), Some(Arc::clone(&self.metadata)))
    }
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(30)
}

fn outcome(success: bool, to: Recipient) -> Outcome {
    Outcome { success, reason: "converge: a task failed".into(), instance_id: ID.into(), to }
}

fn stack(name: &str) -> Recipient {
    Recipient::Stack { stack: name.into(), resource: "Web".into(), region: None }
}

#[tokio::test]
async fn a_slow_start_is_waited_out_and_the_identity_read() {
    let mut instance = Instance::default().tag("role", "web").in_stack("prod", "Web", "arn:aws:cloudformation:x");
    instance.metadata.start = Start::Answers(401, 3);
    instance.metadata.credentials_late = 2;
    let host = host(Builder::default(), instance).await;
    let identity = host.metadata.identity().await.expect("identity");
    assert_eq!((identity.instance_id.as_str(), identity.region.as_str()), (ID, "us-east-1"));
    assert!(!identity.signature.is_empty());
    let tags = host.metadata.tags().await.expect("read").expect("tags");
    assert_eq!((tags["role"].as_str(), tags["aws:cloudformation:logical-id"].as_str()), ("web", "Web"));
    let mut heard = 0;
    wait_for_credentials(&host.session, Duration::from_secs(20), |_| heard += 1).await.expect("credentials");
    assert!(heard >= 1);
    assert!(host.session.caller().await.expect("a caller").contains(ID));
}

#[tokio::test]
async fn metadata_that_is_off_or_a_hop_too_far_is_named() {
    let mut instance = Instance::default();
    instance.metadata.enabled = false;
    let off = host(Builder::default(), instance).await;
    assert!(matches!(off.metadata.identity().await, Err(CloudError::MetadataOff { .. })));
    let mut instance = Instance::default();
    instance.metadata.too_many_hops = true;
    let far = host(Builder::default(), instance).await;
    let transport = far.session.transport().clone();
    let hasty = Metadata::new(&transport, Duration::from_secs(4)).expect("metadata");
    assert!(matches!(hasty.identity().await, Err(CloudError::MetadataHopLimit { .. })));
}

#[tokio::test]
async fn parameters_come_whole_by_path_and_in_two_calls_by_name() {
    let numbered = (0..17).map(|n| Parameter::secure(&format!("/app/{n:02}"), &format!("v{n}")));
    let labelled = Parameter::string("/app/label", "one").then("two").label("prod").then("three");
    let builder = Builder::default().parameters(numbered).parameter(labelled).empty_pages();
    let host = host(builder.secret(Secret::string("db", "hunter2")), Instance::default()).await;
    let all = by_path(&host.session, "/app", true, soon()).await.expect("all");
    assert_eq!(all.len(), 18);
    assert!(all.iter().filter(|parameter| parameter.secure).count() == 17);
    host.aws.forget_requests();
    let mut names: Vec<String> = (0..53).map(|n| format!("/app/{:02}", n % 17)).collect();
    let found = by_names(&host.session, &names, soon()).await.expect("found");
    assert_eq!(found[52].as_ref().expect("there").value.expose(), "v1");
    assert_eq!(host.aws.count("ssm", "GetParameters"), 2, "53 lookups of 17 names");
    names = ["/app/label:prod", "/app/label:1", "/app/label", "/absent", "/aws/reference/secretsmanager/db"]
        .map(str::to_owned)
        .to_vec();
    let found = by_names(&host.session, &names, soon()).await.expect("found");
    let values: Vec<Option<&str>> = found.iter().map(|p| p.as_ref().map(|p| p.value.expose().as_str())).collect();
    assert_eq!(values, [Some("two"), Some("one"), Some("three"), None, Some("hunter2")]);
    assert!(found[4].as_ref().expect("a secret").secure);
}

#[tokio::test]
async fn twenty_hosts_at_once_stay_within_the_accounts_quota() {
    let numbered = (0..17).map(|n| Parameter::string(&format!("/app/{n:02}"), "v"));
    let host = Arc::new(host(Builder::default().parameters(numbered), Instance::default()).await);
    let names: Vec<String> = (0..17).map(|n| format!("/app/{n:02}")).collect();
    let mut hosts = tokio::task::JoinSet::new();
    for _ in 0..25 {
        let (session, names) = (host.session.clone(), names.clone());
        hosts.spawn(async move { by_names(&session, &names, soon()).await.map(|found| found.len()) });
    }
    while let Some(done) = hosts.join_next().await {
        assert_eq!(done.expect("joined").expect("found"), 17);
    }
}

#[tokio::test]
async fn a_denial_names_caller_action_and_resource() {
    let denial = Denial::of("ssm:GetParametersByPath");
    let host = host(Builder::default().deny(denial), Instance::default()).await;
    let error = by_path(&host.session, "/app", true, soon()).await.expect_err("denied");
    let text = error.to_string();
    assert!(text.starts_with("ssm:GetParametersByPath on arn:aws:ssm:"), "{text}");
    assert!(text.contains(" denied to arn:aws:sts::") && text.contains(ID), "{text}");
    assert!(error.hint().expect("hint").contains("ssm:GetParametersByPath"));
}

#[tokio::test]
async fn a_bad_day_is_survived_until_the_deadline() {
    let bad = [Effect::Throttle, Effect::Status(500), Effect::Status(503), Effect::Reset, Effect::CutOff];
    let mut builder = Builder::default().parameter(Parameter::string("/a", "v"));
    for effect in bad {
        builder = builder.fault(Fault::on("ssm", "GetParameters", effect).times(1));
    }
    let host = host(builder, Instance::default()).await;
    let found = by_names(&host.session, &["/a".into()], soon()).await.expect("found");
    assert!(found[0].is_some());
    host.aws.fault(Fault::on("ssm", "*", Effect::Silence));
    let brief = Instant::now() + Duration::from_secs(2);
    let error = by_names(&host.session, &["/a".into()], brief).await.expect_err("silent");
    assert_eq!(error.kind(), Some(Kind::Silent), "{error}");
}

#[tokio::test]
async fn a_role_is_assumed_with_the_hosts_own() {
    let role = "arn:aws:iam::123456789012:role/reader";
    let network = Network {
        assume_role: Some(AssumeRole { arn: role.into(), session_name: Some("boot".into()), ..AssumeRole::default() }),
        ..Network::default()
    };
    let host = host_on(Builder::default().assumable("arn:aws:iam::*:role/reader"), Instance::default(), network).await;
    wait_for_credentials(&host.session, Duration::from_secs(10), |_| {}).await.expect("credentials");
    let caller = host.session.caller().await.expect("a caller");
    assert!(caller.ends_with(":assumed-role/reader/boot"), "{caller}");
}

#[tokio::test]
async fn a_role_that_may_not_be_assumed_is_said_at_once() {
    let network = Network {
        assume_role: Some(AssumeRole { arn: "arn:aws:iam::123456789012:role/other".into(), ..AssumeRole::default() }),
        ..Network::default()
    };
    let host = host_on(Builder::default(), Instance::default(), network).await;
    let began = Instant::now();
    let error = wait_for_credentials(&host.session, Duration::from_secs(60), |_| {}).await.expect_err("denied");
    assert!(error.to_string().contains("sts:AssumeRole") && error.to_string().contains("denied to"), "{error}");
    assert!(began.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn secrets_have_stages() {
    let host =
        host(Builder::default().secret(Secret::string("key", "old").then("AWSCURRENT", "new")), Instance::default())
            .await;
    let current = secret(&host.session, "key", None, None, soon()).await.expect("current");
    let previous = secret(&host.session, "key", None, Some("AWSPREVIOUS"), soon()).await.expect("previous");
    assert_eq!(current.text().expect("text").expose(), "new");
    assert_eq!(previous.text().expect("text").expose(), "old");
    let error = secret(&host.session, "absent", None, None, soon()).await.expect_err("absent");
    assert!(error.is_missing(), "{error}");
}

#[tokio::test]
async fn an_object_survives_a_cut_off_transfer() {
    let content: Vec<u8> = (0..300_000u32).flat_map(u32::to_le_bytes).collect();
    let builder = Builder::default()
        .object(Object::new("artifacts", "app/v1", content.clone()))
        .fault(Fault::on("s3", "GetObject", Effect::CutOff).times(1));
    let host = host(builder, Instance::default()).await;
    let name = ObjectName { bucket: "artifacts".into(), key: "app/v1".into(), ..ObjectName::default() };
    let file = tempfile::tempfile().expect("staging");
    let mut fetched = object(&host.session, &name, file, 2_000_000, soon()).await.expect("fetched");
    let mut bytes = Vec::new();
    fetched.file.read_to_end(&mut bytes).expect("read");
    assert_eq!(bytes, content);
    let head = object_head(&host.session, &name, soon()).await.expect("asked").expect("there");
    assert_eq!(head, fetched.head);
    assert_eq!(objects(&host.session, "artifacts", "app/", None, soon()).await.expect("keys"), ["app/v1"]);
    let absent = ObjectName { key: "app/v2".into(), ..name };
    assert_eq!(object_head(&host.session, &absent, soon()).await.expect("asked"), None);
}

#[tokio::test]
async fn a_stack_is_signaled_once_however_often_it_is_sent() {
    let host = host(Builder::default().stack(Stack::creating("prod").awaits("Web", 2)), Instance::default()).await;
    let messenger = host.messenger();
    let first = messenger.deliver(&outcome(true, stack("prod")), false, soon()).await;
    assert!(matches!(first, Delivery::Delivered), "{first:?}");
    let again = messenger.deliver(&outcome(true, stack("prod")), true, soon()).await;
    assert!(again.is_settled(), "{again:?}");
    assert_eq!(host.aws.signals().len(), 1);
}

#[tokio::test]
async fn a_late_signal_is_settled_and_an_unknown_stack_refused() {
    let builder = Builder::default().stack(Stack::in_status("prod", "UPDATE_COMPLETE").awaits("Web", 1));
    let host = host(builder, Instance::default()).await;
    let late = host.messenger().deliver(&outcome(true, stack("prod")), false, soon()).await;
    assert!(matches!(late, Delivery::Settled { .. }), "{late:?}");
    let unknown = host.messenger().deliver(&outcome(true, stack("other")), false, soon()).await;
    assert!(matches!(unknown, Delivery::Refused(_)), "{unknown:?}");
}

#[tokio::test]
async fn a_failure_is_signaled_though_the_role_is_denied_or_absent() {
    for role in [Some("web".to_owned()), None] {
        let builder = Builder::default()
            .stack(Stack::creating("prod").awaits("Web", 1))
            .deny(Denial::of("cloudformation:SignalResource"));
        let instance = Instance { role, ..Instance::default() }.in_stack(
            "prod",
            "Web",
            "arn:aws:cloudformation:us-east-1:123456789012:stack/prod/1",
        );
        let host = host(builder, instance).await;
        let delivery = host.messenger().deliver(&outcome(false, stack("prod")), false, soon()).await;
        assert!(matches!(delivery, Delivery::Delivered), "{delivery:?}");
        let signals = host.aws.signals();
        assert_eq!(signals.len(), 1);
        assert!(matches!(&signals[0].route, Route::Identity(id) if id == ID) && !signals[0].success, "{signals:?}");
    }
}

#[tokio::test]
async fn a_page_in_an_answer_s_place_was_heard_by_nobody() {
    let group = Group::new("web").hook(Hook::launching("ready")).launching(ID);
    let builder = Builder::default().stack(Stack::creating("prod").awaits("Web", 1)).group(group);
    let host = host(builder, Instance::default().in_group("web")).await;
    let hook = Recipient::Lifecycle { group: Some("web".into()), hook: Some("ready".into()) };
    for (service, action, to) in [
        ("cloudformation", "SignalResource", stack("prod")),
        ("autoscaling", "SetInstanceHealth", Recipient::Health),
        ("autoscaling", "CompleteLifecycleAction", hook),
    ] {
        host.aws.fault(Fault::on(service, action, Effect::Portal).times(1));
        let delivery = host.messenger().deliver(&outcome(true, to.clone()), false, soon()).await;
        assert!(matches!(delivery, Delivery::Delivered), "{action}: {delivery:?}");
        assert_eq!(host.aws.count(service, action), 2, "{action}: it was sent again");
        host.aws.fault(Fault::on(service, action, Effect::Portal));
        let until = Instant::now() + Duration::from_secs(1);
        match host.messenger().deliver(&outcome(true, to), false, until).await {
            Delivery::Unsent(error) => assert!(error.to_string().contains("answered in its place"), "{error}"),
            other => panic!("{action}: {other:?}"),
        }
        host.aws.clear_faults();
    }
    assert_eq!(host.aws.signals().len(), 1);
    assert_eq!(host.aws.lifecycle(ID).expect("a life").completed.len(), 1);
}

#[tokio::test]
async fn a_permission_that_comes_late_is_waited_for_and_one_that_does_not_is_owed() {
    let hook = Recipient::Lifecycle { group: None, hook: None };
    for (denied, to) in [
        ("cloudformation:SignalResource", stack("prod")),
        ("autoscaling:CompleteLifecycleAction", hook.clone()),
        ("autoscaling:DescribeLifecycleHooks", hook),
        ("autoscaling:SetInstanceHealth", Recipient::Health),
    ] {
        let group = Group::new("web").hook(Hook::launching("ready")).launching(ID);
        let builder = Builder::default().stack(Stack::creating("prod").awaits("Web", 1)).group(group);
        // It belongs to no stack, so that its identity does not help.
        let host = host(builder.deny(Denial::of(denied)), Instance::default().in_group("web")).await;
        let until = Instant::now() + Duration::from_secs(2);
        match host.messenger().deliver(&outcome(true, to.clone()), false, until).await {
            Delivery::Unsent(error) => {
                assert!(
                    error.to_string().starts_with(denied) && error.to_string().contains("denied to arn:"),
                    "{error}"
                );
                let as_both = error.to_string().contains("signed as the instance: AccessDenied");
                assert_eq!(as_both, denied.starts_with("cloudformation"), "{error}");
            }
            other => panic!("{denied}: {other:?}"),
        }
        let at_once = host.messenger().impatient();
        let began = std::time::Instant::now();
        assert!(!at_once.deliver(&outcome(true, to.clone()), false, soon()).await.is_settled());
        assert!(began.elapsed() < Duration::from_secs(10), "{denied}");
        let messenger = host.messenger();
        let sending = tokio::spawn(async move { messenger.deliver(&outcome(true, to), false, soon()).await });
        tokio::time::sleep(Duration::from_millis(700)).await;
        host.aws.clear_denials();
        let delivery = sending.await.expect("joined");
        assert!(matches!(delivery, Delivery::Delivered), "{denied}: {delivery:?}");
    }
}

#[tokio::test]
async fn a_handle_carries_the_reason() {
    let host = host(Builder::default().stack(Stack::creating("prod").handle("Handle", 1)), Instance::default()).await;
    let url = host.aws.handle_url("prod", "Handle").expect("a handle");
    let to = Recipient::WaitCondition { url: WaitConditionUrl::parse(&url).expect("a URL"), data: "d".into() };
    let delivery = host.messenger().deliver(&outcome(false, to), false, soon()).await;
    assert!(matches!(delivery, Delivery::Delivered), "{delivery:?}");
    assert_eq!(host.aws.signals()[0].reason.as_deref(), Some("converge: a task failed"));
}

#[tokio::test]
async fn a_lifecycle_hook_is_found_kept_alive_and_completed() {
    let group = Group::new("web").hook(Hook::launching("ready").heartbeat(60)).launching(ID);
    let host = host(Builder::default().group(group), Instance::default().in_group("web")).await;
    let messenger = host.messenger();
    let held = messenger.hooks(ID, None, None, soon()).await.expect("asked").pop().expect("a hook");
    assert_eq!((held.group.as_str(), held.hook.as_str()), ("web", "ready"));
    assert_eq!(held.timeout, Some(Duration::from_secs(60)));
    assert!(messenger.heartbeat(&held).await.expect("accepted"));
    let to = Recipient::Lifecycle { group: None, hook: None };
    let delivery = messenger.deliver(&outcome(true, to.clone()), false, soon()).await;
    assert!(matches!(delivery, Delivery::Delivered), "{delivery:?}");
    let completed = host.aws.lifecycle(ID).expect("a life").completed;
    assert_eq!((completed.len(), completed[0].verdict, completed[0].timed_out), (1, Verdict::Continue, false));
    let again = messenger.deliver(&outcome(true, to), true, soon()).await;
    assert!(again.is_settled(), "{again:?}");
}

#[tokio::test]
async fn each_launch_hook_of_the_group_is_completed_though_one_was_before() {
    let group = || Group::new("web").hook(Hook::launching("ready")).hook(Hook::launching("warm")).launching(ID);
    let whole = |hook: Option<&str>| Recipient::Lifecycle { group: None, hook: hook.map(str::to_owned) };
    for before in [None, Some("ready"), Some("warm")] {
        let host = host(Builder::default().group(group()), Instance::default().in_group("web")).await;
        let messenger = host.messenger();
        if before.is_some() {
            assert!(messenger.deliver(&outcome(true, whole(before)), false, soon()).await.is_settled());
            assert_eq!(host.aws.lifecycle(ID).expect("a life").state, "Pending:Wait");
        }
        let delivery = messenger.deliver(&outcome(true, whole(None)), false, soon()).await;
        assert!(matches!(delivery, Delivery::Delivered), "{before:?}: {delivery:?}");
        let life = host.aws.lifecycle(ID).expect("a life");
        assert_eq!((life.state.as_str(), life.completed.len()), ("InService", 2));
    }
    let host = host(Builder::default().group(group()), Instance::default().in_group("web")).await;
    assert!(host.messenger().deliver(&outcome(false, whole(None)), false, soon()).await.is_settled());
    assert!(host.aws.lifecycle(ID).expect("a life").completed.iter().any(|one| one.verdict == Verdict::Abandon));
}

#[tokio::test]
async fn a_hook_that_comes_late_is_waited_for() {
    let hook = Hook::launching("ready").late(Duration::from_secs(600));
    let group = Group::new("web").hook(hook).launching(ID);
    let host = host(Builder::default().group(group), Instance::default().in_group("web")).await;
    let messenger = host.messenger();
    let to = Recipient::Lifecycle { group: None, hook: None };
    let sending = tokio::spawn(async move { messenger.deliver(&outcome(false, to), false, soon()).await });
    tokio::time::sleep(Duration::from_millis(700)).await;
    host.aws.advance(Duration::from_secs(601));
    let delivery = sending.await.expect("joined");
    assert!(matches!(delivery, Delivery::Delivered), "{delivery:?}");
    assert_eq!(host.aws.lifecycle(ID).expect("a life").completed[0].verdict, Verdict::Abandon);
}

#[tokio::test]
async fn a_wrong_clock_is_named_with_both_times_and_a_stack_hears_of_it() {
    let builder = |skew| {
        let stack = Stack::creating("prod").awaits("Web", 1);
        Builder::default().parameter(Parameter::string("/a", "v")).stack(stack).clock_skew(skew)
    };
    let soon = || Instant::now() + Duration::from_secs(20);
    for hours in [1, -1] {
        let arn = "arn:aws:cloudformation:us-east-1:123456789012:stack/prod/1";
        let host = host(builder(hours * 3600), Instance::default().in_stack("prod", "Web", arn)).await;
        let error = by_names(&host.session, &["/a".into()], soon()).await.expect_err("refused");
        assert_eq!(error.kind(), Some(Kind::Clock), "{error}");
        let (text, theirs) = (error.to_string(), jiff::Timestamp::now() + jiff::SignedDuration::from_hours(hours));
        let theirs = theirs.strftime("AWS's says %a, %d %b %Y %H:").to_string();
        assert!(text.contains("the clock of this host is wrong: it says 2") && text.contains(&theirs), "{text}");
        // What the instance shows of itself has no date: whoever waits hears of it all the same.
        let delivery = host.messenger().deliver(&outcome(false, stack("prod")), false, soon()).await;
        assert!(matches!(delivery, Delivery::Delivered), "{delivery:?}");
        assert!(!host.aws.signals()[0].success);
    }
    // AWS accepts five minutes.
    let host = host(builder(200), Instance::default()).await;
    assert!(by_names(&host.session, &["/a".into()], soon()).await.expect("accepted")[0].is_some());
}

/// AWS answers a signature that does not match with the request as it understood it, session token included.
#[tokio::test]
async fn a_request_that_aws_repeats_is_not_repeated_here() {
    let builder = Builder::default()
        .parameter(Parameter::string("/a", "v"))
        .object(Object::new("artifacts", "app", "v"))
        .stack(Stack::creating("prod").awaits("Web", 1));
    let host = host(builder, Instance::default()).await;
    let given = host.aws.credentials_of(ID).expect("a role");
    let token = given.session_token.expect("a session's");
    let soon = || Instant::now() + Duration::from_secs(2);
    let session = |secret: &str| {
        let token = Some(token.clone());
        let keys = aws_credential_types::Credentials::new(&given.access_key_id, secret, token, None, "test");
        let source = aws_credential_types::provider::SharedCredentialsProvider::new(keys);
        Session::new(host.session.transport(), "us-east-1", source)
    };
    let wrong = session("not the secret");
    let name = ObjectName { bucket: "artifacts".into(), key: "app".into(), ..ObjectName::default() };
    let mut told = vec![
        by_names(&wrong, &["/a".into()], soon()).await.expect_err("refused"),
        object(&wrong, &name, tempfile::tempfile().expect("staging"), 1000, soon()).await.expect_err("refused"),
    ];
    let messenger = Messenger::new(wrong, None);
    let to = Recipient::Lifecycle { group: None, hook: None };
    for to in [stack("prod"), to, Recipient::Health] {
        match messenger.deliver(&outcome(true, to), false, soon()).await {
            Delivery::Unsent(error) | Delivery::Refused(error) => told.push(error),
            other => panic!("{other:?}"),
        }
    }
    for error in &told {
        let text = format!("{error} {error:?} {:?}", error.hint());
        assert!(text.contains("signature") || text.contains("Forbidden"), "{text}");
        assert!(!text.contains(&token) && !text.to_lowercase().contains("x-amz-security-token"), "{text}");
    }
    let right = session(&given.secret_access_key);
    by_names(&right, &["/a".into()], soon()).await.expect("the right secret is accepted");
}

#[tokio::test]
async fn an_operators_keys_come_from_the_environment() {
    let keys = Credentials {
        access_key_id: "AKIAOPERATOR00000000".into(),
        secret_access_key: "operators".into(),
        session_token: None,
    };
    let host = host(Builder::default().user("ann", keys), Instance::default()).await;
    let session = Session::open(host.session.transport(), "us-east-1", &host.metadata, &|name| match name {
        "AWS_ACCESS_KEY_ID" => Some("AKIAOPERATOR00000000".into()),
        "AWS_SECRET_ACCESS_KEY" => Some("operators".into()),
        _ => None,
    });
    assert!(session.caller().await.expect("a caller").ends_with(":user/ann"));
}
