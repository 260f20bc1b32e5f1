//! Signatures against the published test suite's facts, and each refusal beside a request that passes.

use super::*;
use crate::credentials::Credentials;

const AT: &str = "20150830T123600Z";

fn keys() -> Keys {
    let mut keys = Keys::default();
    let credentials = Credentials {
        access_key_id: "AKIDEXAMPLE".to_owned(),
        secret_access_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_owned(),
        session_token: None,
    };
    keys.user("arn:aws:iam::123456789012:user/alice", credentials);
    keys
}

fn at(text: &str) -> Timestamp {
    clock::from_compact(text).expect("a time")
}

fn expected(now: &str) -> Expected<'static> {
    let (now, session_now) = (at(now), at(now));
    Expected { service: "service", region: "us-east-1", protocol: Protocol::Query, now, session_now }
}

fn request(method: &str, query: &str, body: &str, headers: &[(&str, &str)]) -> Request {
    let mut all = vec![("host", "example.amazonaws.com"), ("x-amz-date", AT)];
    all.extend(headers);
    Request {
        method: method.to_owned(),
        path: "/".to_owned(),
        query: query.to_owned(),
        headers: all.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        body: body.as_bytes().to_vec(),
    }
}

fn authorized(mut request: Request, signed: &str, signature: &str) -> Request {
    let credential = "AKIDEXAMPLE/20150830/us-east-1/service/aws4_request";
    let value = format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={signed}, Signature={signature}");
    request.headers.push(("authorization".to_owned(), value));
    request
}

/// AWS's signing test suite, cases get-vanilla, get-vanilla-query-order-key-case and post-x-www-form-urlencoded.
fn published() -> [Request; 3] {
    let hash = "9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e";
    let form = [("content-type", "application/x-www-form-urlencoded"), ("content-length", "13")];
    let form = [form[0], form[1], ("x-amz-content-sha256", hash)];
    [
        authorized(
            request("GET", "", "", &[]),
            "host;x-amz-date",
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
        ),
        authorized(
            request("GET", "Param2=value2&Param1=value1", "", &[]),
            "host;x-amz-date",
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        ),
        authorized(
            request("POST", "", "Param1=value1", &form),
            "content-length;content-type;host;x-amz-content-sha256;x-amz-date",
            "d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b",
        ),
    ]
}

fn refused(request: &Request, now: &str) -> String {
    verify(request, &keys(), &expected(now)).expect_err("refused").message().to_owned()
}

#[test]
fn published_signatures_are_good() {
    for request in published() {
        let principal = verify(&request, &keys(), &expected(AT)).expect("good");
        assert_eq!(principal.arn, "arn:aws:iam::123456789012:user/alice");
    }
}

#[test]
fn anything_altered_is_refused() {
    for request in published() {
        let mut body = request.clone();
        body.body.push(b' ');
        let mut query = request.clone();
        query.query.push_str("&x=1");
        let mut host = request.clone();
        host.headers[0].1 = "elsewhere".to_owned();
        for altered in [body, query, host] {
            assert!(refused(&altered, AT).starts_with("The request signature we calculated does not match"));
        }
    }
}

#[test]
fn a_clock_five_minutes_off_is_refused_with_the_times() {
    let [request, ..] = published();
    assert!(verify(&request, &keys(), &expected("20150830T124059Z")).is_ok());
    assert_eq!(
        refused(&request, "20150830T124601Z"),
        "Signature expired: 20150830T123600Z is now earlier than 20150830T124101Z (20150830T124601Z - 5 min.)"
    );
    assert_eq!(
        refused(&request, "20150830T123059Z"),
        "Signature not yet current: 20150830T123600Z is still later than 20150830T123559Z (20150830T123059Z + 5 min.)"
    );
}

#[test]
fn scope_and_signed_headers_are_required() {
    let [good, ..] = published();
    let mut wrong = expected(AT);
    wrong.service = "ssm";
    let error = verify(&good, &keys(), &wrong).expect_err("refused");
    assert_eq!(error.message(), "Credential should be scoped to correct service: 'ssm'. ");
    assert_eq!(
        refused(&authorized(request("GET", "", "", &[]), "x-amz-date", "00"), AT),
        "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."
    );
    assert_eq!(refused(&request("GET", "", "", &[]), AT), "Request is missing Authentication Token");
    let mut garbled = request("GET", "", "", &[]);
    garbled.headers.push(("authorization".to_owned(), "AWS4-HMAC-SHA256 Credential=x".to_owned()));
    assert!(refused(&garbled, AT).starts_with("Authorization header requires 'SignedHeaders' parameter."));
}

#[test]
fn sessions_end_and_tokens_must_fit() {
    let mut keys = Keys::default();
    let key = keys.session(&crate::Account::default(), "web", "i-0", at("20150830T130000Z"));
    let scope = Scope { date: "20150830", region: "us-east-1", service: "service" };
    let send = |token: &str| {
        let mut request = request("GET", "", "", &[("x-amz-security-token", token)]);
        let signed = ["host", "x-amz-date", "x-amz-security-token"];
        let text = canonical::request(&request, &signed, &sha256_hex(b""), Paths::Normalized);
        let signature = sign(&key.credentials.secret_access_key, AT, &scope, &text);
        let id = &key.credentials.access_key_id;
        let value = format!(
            "AWS4-HMAC-SHA256 Credential={id}/{}, SignedHeaders={}, Signature={signature}",
            scope.text(),
            signed.join(";")
        );
        request.headers.push(("authorization".to_owned(), value));
        request
    };
    let token = key.credentials.session_token.clone().expect("a session");
    assert!(verify(&send(&token), &keys, &expected(AT)).is_ok());
    let other = verify(&send("other"), &keys, &expected(AT)).expect_err("refused");
    assert_eq!(other.spelled(Protocol::Query), (403, "InvalidClientTokenId"));
    let mut later = expected(AT);
    later.session_now = at("20150830T130000Z");
    let ended = verify(&send(&token), &keys, &later).expect_err("refused");
    assert_eq!(ended.spelled(Protocol::Json), (400, "ExpiredTokenException"));
}
