//! The emulator over the wire: signed calls, denials, the log, and each fault beside a call that passes.

use crate::client::{Received, json, query, send};
use crate::request::Request;
use crate::{Builder, Denial, Effect, Fault, Instance, Metadata, Parameter, Running, Secret, Start};
use std::io::ErrorKind;
use std::time::{Duration, Instant};

const ID: &str = "i-0123456789abcdef0";

fn emulator() -> Builder {
    Builder::default().instance(Instance::default()).parameter(Parameter::string("/a", "one"))
}

fn get(aws: &Running) -> std::io::Result<Received> {
    let credentials = aws.credentials_of(ID).expect("a role");
    json(&aws.endpoint_url(), &credentials, "AmazonSSM.GetParameter", r#"{"Name":"/a"}"#)
}

fn metadata(aws: &Running, path: &str) -> std::io::Result<Received> {
    let ttl = ("x-aws-ec2-metadata-token-ttl-seconds".to_owned(), "60".to_owned());
    let ask = |method: &str, path: &str, header| {
        let (method, path, headers) = (method.to_owned(), path.to_owned(), vec![header]);
        send(&aws.imds_url(), &Request { method, path, headers, ..Request::default() })
    };
    let token = ask("PUT", "/latest/api/token", ttl)?;
    ask("GET", path, ("x-aws-ec2-metadata-token".to_owned(), token.body))
}

#[test]
fn metadata_credentials_open_the_services() {
    let aws = emulator().secret(Secret::string("k", "s")).start_blocking().expect("started");
    let body = metadata(&aws, "/latest/meta-data/iam/security-credentials/web").expect("an answer").body;
    let credentials = aws.credentials_of(ID).expect("a role");
    assert!(body.contains(&credentials.access_key_id));
    let answer = get(&aws).expect("an answer");
    assert_eq!(answer.status(), 200, "{}", answer.body);
    assert!(answer.body.contains(r#""Value":"one""#));
    let secret = json(&aws.endpoint_url(), &credentials, "secretsmanager.GetSecretValue", r#"{"SecretId":"k"}"#);
    assert!(secret.expect("an answer").body.contains(r#""SecretString":"s""#));
    let who = query(&aws.endpoint_url(), &credentials, "sts", "Action=GetCallerIdentity&Version=2011-06-15");
    let arn = format!("arn:aws:sts::123456789012:assumed-role/web/{ID}");
    assert!(who.expect("an answer").body.contains(&format!("<GetCallerIdentityResult><Arn>{arn}</Arn>")));
    let log = aws.requests();
    let last = log.last().expect("logged");
    assert_eq!((last.service.as_str(), last.status, last.principal.as_deref()), ("sts", Some(200), Some(arn.as_str())));
    assert_eq!(aws.count("imds", "api/token"), 1);
}

#[test]
fn refusals_come_in_the_protocols_words() {
    let aws = emulator().start_blocking().expect("started");
    let mut credentials = aws.credentials_of(ID).expect("a role");
    aws.deny(Denial::of("ssm:GetParameter"));
    let denied = get(&aws).expect("an answer");
    assert_eq!(denied.status(), 400);
    assert!(denied.body.contains(r#""__type":"AccessDeniedException","Message":"User: arn:aws:sts::"#));
    aws.clear_denials();
    assert_eq!(get(&aws).expect("an answer").status(), 200);
    credentials.secret_access_key.push('x');
    let wrong = query(&aws.endpoint_url(), &credentials, "sts", "Action=GetCallerIdentity&Version=2011-06-15");
    let wrong = wrong.expect("an answer");
    assert_eq!(wrong.status(), 403);
    assert!(wrong.body.contains("<Error><Type>Sender</Type><Code>SignatureDoesNotMatch</Code>"));
}

#[test]
fn sessions_end_when_time_passes() {
    let aws = emulator().start_blocking().expect("started");
    let old = aws.credentials_of(ID).expect("a role");
    aws.advance(Duration::from_secs(7 * 3600));
    let answer = json(&aws.endpoint_url(), &old, "AmazonSSM.GetParameter", r#"{"Name":"/a"}"#).expect("an answer");
    assert!(answer.body.contains("ExpiredTokenException"), "{}", answer.body);
    assert_eq!(get(&aws).expect("an answer").status(), 200);
}

#[test]
fn a_wrong_clock_is_told_the_right_time() {
    let aws = emulator().clock_skew(400).start_blocking().expect("started");
    let answer = get(&aws).expect("an answer");
    assert!(answer.body.contains("InvalidSignatureException") && answer.body.contains("Signature expired: "));
    let date = answer.head.lines().find_map(|line| line.strip_prefix("date: ")).expect("a date");
    let date = jiff::fmt::rfc2822::parse(date.trim()).expect("an HTTP date").timestamp();
    let ahead = date.duration_since(jiff::Timestamp::now()).as_secs();
    assert!((395..=401).contains(&ahead), "{ahead}");
    assert_eq!(get(&emulator().clock_skew(200).start_blocking().expect("started")).expect("an answer").status(), 200);
}

#[test]
fn faults_strike_and_pass() {
    let aws = emulator().start_blocking().expect("started");
    let struck = |effect| {
        aws.fault(Fault::on("ssm", "GetParameter", effect).times(1));
        get(&aws)
    };
    assert!(struck(Effect::Throttle).expect("an answer").body.contains("ThrottlingException"));
    assert_eq!(struck(Effect::Status(500)).expect("an answer").status(), 500);
    assert_eq!(struck(Effect::Status(503)).expect("an answer").status(), 503);
    let before = Instant::now();
    assert_eq!(struck(Effect::Delay(Duration::from_millis(200))).expect("an answer").status(), 200);
    assert!(before.elapsed() >= Duration::from_millis(200));
    let cut = struck(Effect::CutOff).expect("part of an answer");
    assert!(cut.head.contains("content-length: 1") && !cut.body.ends_with('}'), "{}", cut.body);
    assert_eq!(struck(Effect::Reset).map(|_| ()).expect_err("reset").kind(), ErrorKind::ConnectionReset);
    let silence = struck(Effect::Silence).map(|_| ()).expect_err("silence").kind();
    assert!(matches!(silence, ErrorKind::WouldBlock | ErrorKind::TimedOut));
    assert_eq!(get(&aws).expect("an answer").status(), 200);
    assert_eq!(aws.requests().last().expect("logged").status, Some(200));
}

#[test]
fn metadata_may_refuse_connections_at_first() {
    let delay = Duration::from_millis(300);
    let metadata_service = Metadata { start: Start::Refuses(delay), ..Metadata::default() };
    let instance = Instance { metadata: metadata_service, ..Instance::default() };
    let aws = Builder::default().instance(instance).start_blocking().expect("started");
    let refused = metadata(&aws, "/latest/meta-data/mac").map(|_| ()).expect_err("refused").kind();
    assert_eq!(refused, ErrorKind::ConnectionRefused);
    std::thread::sleep(delay * 2);
    assert_eq!(metadata(&aws, "/latest/meta-data/mac").expect("an answer").body, "0a:1b:2c:3d:4e:5f");
}

#[test]
fn each_instance_has_its_own_metadata() {
    let aws = Builder::default().instance(Instance::new("i-1")).instance(Instance::new("i-2"));
    let aws = aws.start_blocking().expect("started");
    assert_ne!(aws.imds_url_of("i-1"), aws.imds_url_of("i-2"));
    assert_ne!(aws.credentials_of("i-1"), aws.credentials_of("i-2"));
    assert_eq!(aws.imds_url_of("i-3"), None);
}
