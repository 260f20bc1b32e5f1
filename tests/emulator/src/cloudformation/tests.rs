//! Signals over the query protocol, by all three ways, and each refusal's words.

use super::*;
use crate::client::{Received, query, send};
use crate::encoding::base64;
use crate::request::Request;
use crate::{Builder, Denial, Running};

const ID: &str = "i-0123456789abcdef0";

fn start(stack: Stack) -> Running {
    let instance = Instance::default().tag("aws:cloudformation:stack-name", "web");
    Builder::default().instance(instance).stack(stack).start_blocking().expect("started")
}

fn signal(aws: &Running, form: &str) -> Received {
    let credentials = aws.credentials_of(ID).expect("a role");
    let form = format!("Action=SignalResource&Version=2010-05-15&{form}");
    query(&aws.endpoint_url(), &credentials, "cloudformation", &form).expect("an answer")
}

const GOOD: &str = "StackName=web&LogicalResourceId=Group&UniqueId=i-0123456789abcdef0&Status=SUCCESS";

#[test]
fn a_signal_counts_once_and_comes_late_after_that() {
    let aws = start(Stack::creating("web").awaits("Group", 1));
    assert_eq!(signal(&aws, GOOD).status(), 200);
    assert_eq!(aws.stack("web").expect("a stack").status, "CREATE_COMPLETE");
    let [only] = &aws.signals()[..] else { panic!("one signal") };
    assert_eq!((only.unique_id.as_str(), only.success), (ID, true));
    let late = signal(&aws, GOOD);
    assert_eq!(late.status(), 400);
    let id = aws.stack("web").expect("a stack").id(&Account::default());
    let words =
        format!("<Code>ValidationError</Code><Message>Stack {id} is in CREATE_COMPLETE state and cannot be signaled<");
    assert!(late.body.contains(&words), "{}", late.body);
}

#[test]
fn what_is_wrong_is_named() {
    let aws = start(Stack::creating("web").awaits("Group", 2));
    for (wrong, words) in [
        (GOOD.replace("web", "other"), "Stack &apos;other&apos; does not exist".replace("&apos;", "'")),
        (GOOD.replace("Group", "Nothing"), "Resource Nothing does not exist for stack web".to_owned()),
        (GOOD.replace("SUCCESS", "MAYBE"), "Member must satisfy enum value set: [SUCCESS, FAILURE]".to_owned()),
        (GOOD.replace(ID, &"x".repeat(65)), "Member must have length less than or equal to 64".to_owned()),
        (GOOD.replace("StackName=web&", ""), "Value null at 'stackName'".to_owned()),
        (format!("{GOOD}&Reason=x"), "Unknown parameter: Reason".to_owned()),
    ] {
        let answer = signal(&aws, &wrong);
        assert!(answer.status() == 400 && answer.body.contains(&words), "{wrong}: {}", answer.body);
    }
    aws.deny(Denial::of("cloudformation:SignalResource"));
    let denied = signal(&aws, GOOD);
    assert!(denied.status() == 403 && denied.body.contains("<Code>AccessDenied</Code>"));
    assert!(aws.signals().is_empty());
}

fn identified(aws: &Running, document: &str, signature: &str) -> Received {
    let authorization = format!("CFN_V1 {}:{}", base64(document), signature.replace('\n', ""));
    let headers = [
        ("authorization", authorization.as_str()),
        ("accept", "application/json"),
        ("content-type", "application/x-www-form-urlencoded; charset=utf-8"),
    ];
    let request = Request {
        method: "POST".to_owned(),
        path: "/".to_owned(),
        headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        body: format!("Action=SignalResource&Version=2010-05-15&{GOOD}").into_bytes(),
        ..Request::default()
    };
    send(&aws.endpoint_url(), &request).expect("an answer")
}

#[test]
fn an_identity_document_signals_without_any_role() {
    let aws = start(Stack::creating("web").awaits("Group", 1));
    let (document, signature) = aws.identity_of(ID).expect("an identity");
    let forged = identified(&aws, &document.replace("t3.small", "m7i.large"), &signature);
    assert!(forged.status() == 403 && forged.body.contains(r#"{"Error":{"Code":"SignatureDoesNotMatch""#));
    let answer = identified(&aws, &document, &signature);
    assert!(answer.body.starts_with(r#"{"SignalResourceResponse":{"ResponseMetadata":"#), "{}", answer.body);
    assert_eq!(aws.signals()[0].route, Route::Identity(ID.to_owned()));
    let stranger = Builder::default().instance(Instance::default()).stack(Stack::creating("web").awaits("Group", 1));
    let stranger = stranger.start_blocking().expect("started");
    let (document, signature) = stranger.identity_of(ID).expect("an identity");
    assert_eq!(identified(&stranger, &document, &signature).status(), 403);
}

#[test]
fn a_handle_carries_the_reason_and_refuses_a_content_type() {
    let aws = start(Stack::creating("web").handle("Handle", 1));
    let url = aws.handle_url("web", "Handle").expect("a handle");
    let (path, query) = url.trim_start_matches(&aws.endpoint_url()).split_once('?').expect("a query");
    let put = |headers: &[(&str, &str)]| {
        let request = Request {
            method: "PUT".to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            body: br#"{"Status":"FAILURE","Reason":"disk full","UniqueId":"i-1","Data":""}"#.to_vec(),
        };
        send(&aws.endpoint_url(), &request).expect("an answer")
    };
    let typed = put(&[("content-type", "application/json")]);
    assert!(typed.status() == 403 && typed.body.contains("<Code>SignatureDoesNotMatch</Code>"));
    assert!(aws.signals().is_empty());
    assert_eq!(put(&[]).status(), 200);
    assert_eq!(aws.signals()[0].reason.as_deref(), Some("disk full"));
    let stack = aws.stack("web").expect("a stack");
    assert_eq!(stack.status, "ROLLBACK_IN_PROGRESS");
    assert_eq!(stack.events[0].reason, "WaitCondition received failed message: 'disk full' for uniqueId: i-1");
}
