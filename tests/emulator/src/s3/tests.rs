//! Reads of objects and listings, and who is told what.

use super::*;
use crate::policy::Denial;

fn ask(policy: &Policy, method: &str, target: &str, headers: &[(&str, &str)]) -> Result<Reply, ApiError> {
    let objects = vec![
        Object::new("b", "a/1", "0123456789"),
        Object::new("b", "a/2", "old").then("new"),
        Object::new("b", "c d", "x").in_one_piece(),
    ];
    let store = Store { objects, modified: Timestamp::UNIX_EPOCH };
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let request = Request {
        method: method.to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        body: Vec::new(),
    };
    let principal = Principal { arn: "arn:me".to_owned(), user_id: String::new() };
    let caller = Caller { principal: &principal, account: &Account::default(), policy };
    store.answer(&caller, &action(&request), &request)
}

fn get(target: &str, headers: &[(&str, &str)]) -> Reply {
    ask(&Policy::default(), "GET", target, headers).expect("an object")
}

fn code(policy: &Policy, target: &str) -> (u16, &'static str) {
    ask(policy, "GET", target, &[]).expect_err("refused").spelled(crate::error::Protocol::S3)
}

fn header<'a>(reply: &'a Reply, name: &str) -> &'a str {
    reply.headers.iter().find(|(have, _)| have == name).map(|(_, value)| value.as_str()).unwrap_or_default()
}

#[test]
fn objects_come_whole_or_in_part() {
    assert_eq!(get("/b/a/1", &[]).body, b"0123456789");
    let part = get("/b/a/1", &[("range", "bytes=2-4")]);
    assert_eq!((part.status, part.body.as_slice(), header(&part, "content-range")), (206, &b"234"[..], "bytes 2-4/10"));
    let etag = header(&part, "etag").to_owned();
    assert_eq!(get("/b/a/1", &[("if-none-match", &etag)]).status, 304);
    assert_eq!(get("/b/a/1", &[("if-match", &etag)]).status, 200);
    assert!(ask(&Policy::default(), "GET", "/b/a/1", &[("if-match", "\"x\"")]).is_err());
    let small = get("/b/c%20d", &[("x-amz-checksum-mode", "ENABLED")]);
    assert!(!header(&small, "x-amz-checksum-sha256").is_empty());
    assert_eq!(header(&small, "etag"), "\"9dd4e461268c8034f5c8564e155c67a6\"");
}

#[test]
fn a_bucket_tells_its_region() {
    let reply = ask(&Policy::default(), "HEAD", "/b", &[]).expect("a bucket");
    assert_eq!((reply.status, header(&reply, "x-amz-bucket-region")), (200, "us-east-1"));
    assert_eq!(
        ask(&Policy::default(), "HEAD", "/none", &[]).expect_err("none").spelled(crate::error::Protocol::S3).0,
        404
    );
}

#[test]
fn versions_are_chosen_by_id() {
    let current = get("/b/a/2", &[]);
    assert_eq!(current.body, b"new");
    let first = Object::new("b", "a/2", "").version_id(0);
    assert_eq!(get(&format!("/b/a/2?versionId={first}"), &[]).body, b"old");
    assert_eq!(code(&Policy::default(), "/b/a/2?versionId=x"), (404, "NoSuchVersion"));
}

#[test]
fn what_is_missing_is_told_only_to_those_who_may_list() {
    let free = Policy::default();
    assert_eq!(code(&free, "/b/none"), (404, "NoSuchKey"));
    assert_eq!(code(&free, "/none/x"), (404, "NoSuchBucket"));
    let no_list = Policy(vec![Denial::of("s3:ListBucket")]);
    assert_eq!(code(&no_list, "/b/none"), (403, "AccessDenied"));
    assert!(ask(&no_list, "GET", "/b/a/1", &[]).is_ok());
    let no_get = Policy(vec![Denial::of("s3:GetObject").on("arn:aws:s3:::b/a/*")]);
    assert_eq!(code(&no_get, "/b/a/1"), (403, "AccessDenied"));
}

#[test]
fn listings_come_in_pages() {
    let page = String::from_utf8(get("/b?list-type=2&max-keys=2&prefix=", &[]).body).expect("text");
    assert!(page.contains("<IsTruncated>true</IsTruncated>") && page.contains("<Key>a/2</Key>"));
    let token = page.split("NextContinuationToken>").nth(1).expect("a token").trim_end_matches("</");
    let rest = get(&format!("/b?list-type=2&encoding-type=url&continuation-token={token}"), &[]).body;
    let rest = String::from_utf8(rest).expect("text");
    assert!(rest.contains("<Key>c%20d</Key>") && rest.contains("<KeyCount>1</KeyCount>"));
    let rolled = String::from_utf8(get("/b?list-type=2&delimiter=%2F", &[]).body).expect("text");
    assert!(rolled.contains("<CommonPrefixes><Prefix>a/</Prefix></CommonPrefixes>"));
    assert!(ask(&Policy::default(), "GET", "/b?list-type=2&max-keys=x", &[]).is_err());
}
