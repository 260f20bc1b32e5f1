//! Requests and what becomes of their answers, over a scripted network.

use crate::host::{Content, Effect};
use crate::roles::modules::fake::{Fake, eyes, plan, plan_values};
use crate::roles::modules::files::stage::{Stage, Web};
use crate::roles::modules::{Failed, Plan};
use crate::roles::remote::{Remote, RemoteError, Request, Response};
use crate::roles::value::{Key, Value};
use serde_json::{Value as Json, json};
use std::sync::Mutex;

/// A server with one answer, which remembers what it was asked.
struct Server {
    status: u16,
    headers: Vec<(String, String)>,
    body: &'static str,
    heard: Mutex<Vec<Request>>,
}

impl Server {
    fn new(status: u16, media: &str, body: &'static str) -> Self {
        let headers = vec![("content-type".into(), media.into()), ("content-length".into(), body.len().to_string())];
        Self { status, headers, body, heard: Mutex::default() }
    }

    fn heard(&self) -> Request {
        self.heard.lock().expect("heard").last().expect("a request").clone()
    }
}

impl Remote for Server {
    fn http(&self, request: &Request) -> Result<Response, RemoteError> {
        self.heard.lock().expect("heard").push(request.clone());
        let (headers, size) = (self.headers.clone(), self.body.len() as u64);
        let body = Content::Bytes(self.body.as_bytes().into());
        Ok(Response { status: self.status, url: request.url.clone(), headers, body, size })
    }
}

fn ask(server: &Server, arguments: Json) -> Result<Plan, Failed> {
    let machine = Fake::default();
    let plan = plan_values(&machine, server, "uri", &Value::from_json(&arguments))?;
    match plan.next {
        // What is not a mere question is asked once the way is free.
        Some(next) => {
            next(&eyes(&machine, server), &[Effect { started: Some(std::time::UNIX_EPOCH), ..Effect::default() }])
        }
        None => Ok(plan),
    }
}

fn member(result: &crate::roles::value::Map, name: &str) -> Json {
    result.get(&Key::from(name)).map_or(Json::Null, Value::to_json)
}

#[test]
fn an_answer_becomes_the_result() {
    let server = Server::new(200, "application/json", "{\"a\": [1]}");
    let done = ask(&server, json!({"url": "https://u:p@h/x", "return_content": true})).expect("answered");
    let told = |name| member(&done.result, name);
    assert_eq!((told("status"), told("json"), told("content")), (json!(200), json!({"a": [1]}), json!("{\"a\": [1]}")));
    assert_eq!((told("msg"), told("url")), (json!("OK (10 bytes)"), json!("https://u:********@h/x")));
    assert_eq!(
        (told("redirected"), told("content_type"), told("elapsed")),
        (json!(false), json!("application/json"), json!(0))
    );
    assert_eq!((told("cookies"), done.changed), (json!({}), Some(false)));
    let quiet = ask(&Server::new(200, "text/plain", "x"), json!({"url": "https://h/x"})).expect("answered");
    assert!(quiet.result.get(&Key::from("content")).is_none());
}

#[test]
fn another_status_is_a_failure_that_tells_all() {
    let server = Server::new(404, "text/html", "gone");
    let failed = ask(&server, json!({"url": "https://h/x", "return_content": true})).err().expect("failed");
    assert_eq!(failed.message, "Status code was 404 and not [200]: HTTP Error 404: Not Found");
    assert_eq!((member(&failed.result, "status"), member(&failed.result, "content")), (json!(404), json!("gone")));
    let wanted = ask(&server, json!({"url": "https://h/x", "status_code": [200, 404]})).expect("wanted");
    assert_eq!((member(&wanted.result, "status"), member(&wanted.result, "body")), (json!(404), json!("gone")));
    let json = Server::new(500, "application/json", "{\"e\": 1}");
    let json = ask(&json, json!({"url": "https://h/x", "status_code": [200, 500]})).expect("wanted");
    assert_eq!((member(&json.result, "json"), member(&json.result, "body")), (json!({"e": 1}), json!(null)));
    let mut moved = Server::new(302, "text/plain", "");
    moved.headers.push(("location".into(), "/there".into()));
    let arguments = json!({"url": "https://h/x", "follow_redirects": "none", "status_code": 302});
    let moved = ask(&moved, arguments).expect("wanted");
    assert_eq!(
        (member(&moved.result, "location"), member(&moved.result, "msg")),
        (json!("https://h/there"), json!("HTTP Error 302: Found"))
    );
    assert!(ask(&server, json!({"url": "https://h/x", "status_code": "404"})).is_ok());
    let nobody = plan(&Fake::default(), "uri", json!({"url": "https://h/x"})).err().expect("no network");
    assert!(nobody.message.starts_with("Status code was -1 and not [200]: Request failed: "), "{}", nobody.message);
    assert_eq!(member(&nobody.result, "status"), json!(-1));
}

#[test]
fn a_request_carries_what_the_task_says() {
    let server = Server::new(201, "text/plain", "");
    let post = json!({"url": "https://h/x", "method": "post", "body": {"a": 1}, "body_format": "json", "status_code": 201,
        "headers": {"X-A": 1}, "user": "u", "password": "p", "use_proxy": false, "timeout": 3});
    ask(&server, post).expect("created");
    let heard = server.heard();
    let header = |name: &str| heard.headers.iter().find(|(have, _)| have == name).map(|(_, value)| value.clone());
    assert_eq!((heard.method.as_str(), heard.follow, heard.direct), ("POST", false, true));
    assert_eq!(heard.body.as_ref().map(|body| body.expose().clone()), Some(b"{\"a\": 1}".to_vec()));
    assert_eq!((header("Content-Type").as_deref(), header("X-A").as_deref()), (Some("application/json"), Some("1")));
    assert_eq!(heard.basic.map(|(user, _)| user).as_deref(), Some("u"));
    ask(&server, json!({"url": "https://h", "status_code": 201, "force": true})).expect("asked");
    assert!(server.heard().follow && server.heard().body.is_none());
    assert!(server.heard().headers.contains(&("Cache-Control".into(), "no-cache".into())));
}

#[test]
fn only_questions_are_asked_while_planning() {
    let server = Server::new(200, "text/plain", "");
    let machine = Fake::default();
    let delete = Value::from_json(&json!({"url": "https://h/x", "method": "DELETE"}));
    let planned = plan_values(&machine, &server, "uri", &delete).expect("planned");
    let next = planned.next.expect("a next");
    next(&eyes(&machine, &server), &[Effect::default()]).expect("not carried out");
    assert!(server.heard.lock().expect("heard").is_empty());
}

#[test]
fn a_body_is_kept_and_guards_are_looked_at() {
    let mut stage = Stage::new().file("/d/", "").file("/etc/done", "").source("up.txt", b"up");
    stage.remote = Box::new(Web::new([("https://h/app", "foo")]));
    let done = stage.run("uri", json!({"url": "https://h/app", "dest": "/d", "mode": "0600"})).expect("kept");
    assert_eq!((stage.text("/d/app").as_str(), stage.mode("/d/app")), ("foo", 0o600));
    assert_eq!((&done.result["path"], done.changed), (&json!("/d/app"), true));
    let again = stage.run("uri", json!({"url": "https://h/app", "dest": "/d/app"})).expect("same");
    // As in Ansible, writing what is there already counts as a change.
    assert!(again.changed && again.changes == 0);
    let skipped = stage.run("uri", json!({"url": "https://h/none", "creates": "/etc/done"})).expect("skipped");
    assert_eq!(skipped.result["stdout"], "skipped, since '/etc/done' exists");
    assert!(stage.run("uri", json!({"url": "https://h/none", "removes": "/etc/none"})).is_ok());
    assert!(stage.run("uri", json!({"url": "https://h/app", "src": "up.txt"})).is_ok());
    assert!(stage.run("uri", json!({"url": "https://h/app", "src": "none"})).is_err());
}

#[test]
fn arguments_that_make_no_sense_are_refused() {
    let refused = |arguments| plan(&Fake::default(), "uri", arguments).err().expect("refused").message;
    assert!(refused(json!({"url": "x", "method": "GET IT"})).contains("single word in uppercase"));
    assert!(refused(json!({"url": "x", "body": "a", "src": "b"})).contains("mutually exclusive"));
    assert!(refused(json!({"url": "x", "client_cert": "/c"})).contains("client certificates"));
    assert!(refused(json!({"url": "x", "status_code": ["ok"]})).contains("is no number"));
}
