//! The emulator, asked by AWS's own SDK: what it answers is what the SDK understands, and its limits hold.

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_autoscaling::error::ProvideErrorMetadata;
use emulator::{Builder, Denial, Effect, Fault, Group, Hook, Instance, Object, Parameter, Running, Secret, Stack};
use std::future::Future;

const ID: &str = "i-0123456789abcdef0";

/// Runs a test against an emulator, with the SDK configured as on the instance: credentials from its metadata.
fn with<F: Future<Output = ()>>(builder: Builder, test: impl FnOnce(Running, SdkConfig) -> F) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let aws = builder.instance(Instance::default()).start().await.expect("started");
        let imds = aws_config::imds::Client::builder().endpoint(aws.imds_url()).expect("an endpoint").build();
        let credentials = aws_config::imds::credentials::ImdsCredentialsProvider::builder().imds_client(imds).build();
        let config = aws_config::defaults(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .endpoint_url(aws.endpoint_url())
            .credentials_provider(credentials)
            .load()
            .await;
        test(aws, config).await;
    });
}

fn numbered(count: usize) -> Vec<Parameter> {
    (0..count).map(|number| Parameter::string(&format!("/app/{number:02}"), "v")).collect()
}

#[test]
fn parameters_come_in_pages_that_may_be_empty() {
    for (builder, pages) in [(Builder::default(), 3), (Builder::default().empty_pages(), 6)] {
        with(builder.parameters(numbered(23)), |aws, config| async move {
            let request = aws_sdk_ssm::Client::new(&config).get_parameters_by_path().path("/app");
            let mut stream = request.into_paginator().send();
            let mut found = 0;
            while let Some(page) = stream.next().await {
                found += page.expect("a page").parameters().len();
            }
            assert_eq!((found, aws.count("ssm", "GetParametersByPath")), (23, pages));
        });
    }
}

#[test]
fn encrypted_values_versions_and_unknown_names() {
    let builder = Builder::default().parameter(Parameter::secure("/s", "old").then("new"));
    with(builder, |_aws, config| async move {
        let ssm = aws_sdk_ssm::Client::new(&config);
        let answer = ssm.get_parameters().names("/s:1").names("/none").with_decryption(true).send().await;
        let answer = answer.expect("an answer");
        assert_eq!(answer.parameters()[0].value(), Some("old"));
        assert_eq!(answer.parameters()[0].selector(), Some(":1"));
        assert_eq!(answer.invalid_parameters(), ["/none"]);
        let missing = ssm.get_parameter().name("/none").send().await.expect_err("missing");
        assert!(missing.into_service_error().is_parameter_not_found());
        let many = ssm.get_parameters().set_names(Some((0..11).map(|n| format!("/{n}")).collect()));
        assert_eq!(many.send().await.expect_err("too many").code(), Some("ValidationException"));
    });
}

#[test]
fn the_quota_throttles_and_the_sdk_tries_again() {
    let builder = Builder::default().parameters(numbered(1)).parameter_quota(2);
    with(builder, |aws, config| async move {
        // With its usual three attempts, short by chance, the SDK may give up within the quota's second.
        let patient = aws_sdk_ssm::config::retry::RetryConfig::standard().with_max_attempts(12);
        let config = aws_sdk_ssm::config::Builder::from(&config).retry_config(patient).build();
        let ssm = aws_sdk_ssm::Client::from_conf(config);
        for _ in 0..3 {
            ssm.get_parameter().name("/app/00").send().await.expect("after a retry");
        }
        let refused =
            aws.requests().iter().filter(|entry| entry.error.as_deref() == Some("ThrottlingException")).count();
        assert!(refused > 0);
    });
}

#[test]
fn a_denial_names_who_what_and_where() {
    with(Builder::default().deny(Denial::of("ssm:GetParameters")), |_aws, config| async move {
        let ssm = aws_sdk_ssm::Client::new(&config);
        let denied = ssm.get_parameters().names("/a").send().await.expect_err("denied");
        assert_eq!(denied.code(), Some("AccessDeniedException"));
        assert_eq!(
            denied.message(),
            Some(
                "User: arn:aws:sts::123456789012:assumed-role/web/i-0123456789abcdef0 is not authorized to perform: \
                 ssm:GetParameters on resource: arn:aws:ssm:us-east-1:123456789012:parameter/a \
                 because no identity-based policy allows the ssm:GetParameters action"
            )
        );
        let sts = aws_sdk_sts::Client::new(&config);
        let me = sts.get_caller_identity().send().await.expect("needs no permission");
        assert_eq!(me.arn(), Some("arn:aws:sts::123456789012:assumed-role/web/i-0123456789abcdef0"));
        let role = "arn:aws:iam::123456789012:role/deploy";
        let assume = sts.assume_role().role_arn(role).role_session_name("boot").send().await;
        assert_eq!(assume.expect_err("untrusted").code(), Some("AccessDenied"));
    });
}

#[test]
fn an_assumed_role_signs() {
    let builder = Builder::default().assumable("arn:aws:iam::123456789012:role/deploy").parameters(numbered(1));
    with(builder, |aws, config| async move {
        let provider = aws_config::sts::AssumeRoleProvider::builder("arn:aws:iam::123456789012:role/deploy")
            .session_name("boot")
            .configure(&config)
            .build()
            .await;
        let assumed = aws_sdk_ssm::config::Builder::from(&config).credentials_provider(provider).build();
        let ssm = aws_sdk_ssm::Client::from_conf(assumed);
        ssm.get_parameter().name("/app/00").send().await.expect("an answer");
        let log = aws.requests();
        let last = log.last().expect("logged").principal.as_deref();
        assert_eq!(last, Some("arn:aws:sts::123456789012:assumed-role/deploy/boot"));
    });
}

#[test]
fn secrets_by_stage_and_in_batches() {
    let key = Secret::string("key", "old").then("AWSCURRENT", "new");
    with(Builder::default().secret(key).secret(Secret::binary("blob", b"\x00\xff")), |_aws, config| async move {
        let secrets = aws_sdk_secretsmanager::Client::new(&config);
        let previous = secrets.get_secret_value().secret_id("key").version_stage("AWSPREVIOUS").send().await;
        assert_eq!(previous.expect("a secret").secret_string(), Some("old"));
        let blob = secrets.get_secret_value().secret_id("blob").send().await.expect("a secret");
        assert_eq!(blob.secret_binary().map(AsRef::as_ref), Some(&b"\x00\xff"[..]));
        let missing = secrets.get_secret_value().secret_id("none").send().await.expect_err("missing");
        assert!(missing.into_service_error().is_resource_not_found_exception());
        let batch = secrets.batch_get_secret_value().secret_id_list("key").secret_id_list("none").send().await;
        let batch = batch.expect("a batch");
        assert_eq!((batch.secret_values().len(), batch.errors().len()), (1, 1));
    });
}

#[test]
fn objects_whole_ranged_and_missing() {
    let builder = Builder::default().object(Object::new("b", "a b/ü+1", "0123456789"));
    with(builder, |aws, config| async move {
        let s3 = aws_sdk_s3::Client::new(&config);
        let get = || s3.get_object().bucket("b").key("a b/ü+1");
        let whole = get().send().await.expect("an object");
        assert!(whole.checksum_sha256().is_some());
        assert_eq!(whole.body.collect().await.expect("a body").to_vec(), b"0123456789");
        let part = get().range("bytes=2-4").send().await.expect("a part");
        assert_eq!(part.body.collect().await.expect("a body").to_vec(), b"234");
        let head = s3.head_object().bucket("b").key("a b/ü+1").send().await.expect("a head");
        assert_eq!(head.content_length(), Some(10));
        let missing = s3.get_object().bucket("b").key("none").send().await.expect_err("missing");
        assert!(missing.into_service_error().is_no_such_key());
        assert!(
            s3.head_object()
                .bucket("b")
                .key("none")
                .send()
                .await
                .expect_err("missing")
                .into_service_error()
                .is_not_found()
        );
        let list = s3.list_objects_v2().bucket("b").prefix("a b/").send().await.expect("a list");
        assert_eq!(list.contents()[0].key(), Some("a b/ü+1"));
        aws.deny(Denial::of("s3:*"));
        assert_eq!(get().send().await.expect_err("denied").code(), Some("AccessDenied"));
        aws.clear_denials();
        aws.fault(Fault::on("s3", "GetObject", Effect::CutOff).times(1));
        let cut = get().send().await.expect("a head");
        assert!(cut.body.collect().await.is_err());
    });
}

#[test]
fn a_stack_hears_one_signal_and_refuses_the_late_one() {
    with(Builder::default().stack(Stack::creating("web").awaits("Group", 1)), |aws, config| async move {
        let cloudformation = aws_sdk_cloudformation::Client::new(&config);
        let signal = || {
            let status = aws_sdk_cloudformation::types::ResourceSignalStatus::Success;
            cloudformation
                .signal_resource()
                .stack_name("web")
                .logical_resource_id("Group")
                .unique_id(ID)
                .status(status)
                .send()
        };
        signal().await.expect("heard");
        assert_eq!(aws.stack("web").expect("a stack").status, "CREATE_COMPLETE");
        let late = signal().await.expect_err("late");
        assert_eq!(late.code(), Some("ValidationError"));
        assert!(
            late.message().is_some_and(|text| text.ends_with("is in CREATE_COMPLETE state and cannot be signaled"))
        );
        assert_eq!(aws.signals().len(), 1);
        let detail =
            cloudformation.describe_stack_resource().stack_name("web").logical_resource_id("Group").send().await;
        let detail = detail.expect("a resource");
        let status = detail.stack_resource_detail().and_then(|detail| detail.resource_status());
        assert_eq!(status.map(|status| status.as_str()), Some("CREATE_COMPLETE"));
    });
}

#[test]
fn a_lifecycle_action_is_heartbeaten_and_completed_once() {
    let group = Group::new("web").hook(Hook::launching("boot").heartbeat(60)).launching(ID);
    with(Builder::default().group(group), |aws, config| async move {
        let scaling = aws_sdk_autoscaling::Client::new(&config);
        let beat = scaling.record_lifecycle_action_heartbeat();
        let beat = beat.auto_scaling_group_name("web").lifecycle_hook_name("boot").instance_id(ID);
        beat.send().await.expect("a heartbeat");
        let complete = || {
            let action = scaling.complete_lifecycle_action().auto_scaling_group_name("web").instance_id(ID);
            action.lifecycle_hook_name("boot").lifecycle_action_result("CONTINUE").send()
        };
        complete().await.expect("completed");
        let again = complete().await.expect_err("over");
        let words = "No active Lifecycle Action found with instance ID i-0123456789abcdef0";
        assert_eq!((again.code(), again.message()), (Some("ValidationError"), Some(words)));
        let described = scaling.describe_auto_scaling_instances().instance_ids(ID).send().await.expect("described");
        assert_eq!(described.auto_scaling_instances()[0].lifecycle_state(), Some("InService"));
        let hooks = scaling.describe_lifecycle_hooks().auto_scaling_group_name("web").send().await.expect("hooks");
        assert_eq!(hooks.lifecycle_hooks()[0].heartbeat_timeout(), Some(60));
        let unhealthy = scaling.set_instance_health().instance_id(ID).health_status("Unhealthy");
        unhealthy.should_respect_grace_period(false).send().await.expect("set");
        assert_eq!(aws.lifecycle(ID).expect("a member").health, "UNHEALTHY");
    });
}

#[test]
fn the_sdk_gets_over_faults_that_pass() {
    with(Builder::default().parameters(numbered(1)), |aws, config| async move {
        let ssm = aws_sdk_ssm::Client::new(&config);
        for effect in [Effect::Status(500), Effect::Status(503), Effect::Throttle, Effect::Reset, Effect::CutOff] {
            aws.fault(Fault::on("ssm", "GetParameter", effect).times(1));
            ssm.get_parameter().name("/app/00").send().await.unwrap_or_else(|error| panic!("{effect:?}: {error:?}"));
        }
        assert_eq!(aws.count("ssm", "GetParameter"), 10);
    });
}
