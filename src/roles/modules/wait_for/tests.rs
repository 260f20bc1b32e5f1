//! Waiting, over scripted machines and one real port.

use crate::host::{Effect, Observe};
use crate::roles::modules::fake::{Fake, changes, follow, plan};
use crate::roles::modules::{Failed, Plan};
use crate::roles::value::Key;
use serde_json::json;

fn member(plan: &Plan, name: &str) -> serde_json::Value {
    plan.result.get(&Key::from(name)).expect(name).to_json()
}

#[test]
fn a_file_that_is_there_needs_no_waiting_and_shows_its_groups() {
    let machine = Fake::default().file("/etc/app", "one\nstate=ready now\n");
    let search = r"^state=(?P<state>\w+)( later)?";
    let done = plan(&machine, "wait_for", json!({"path": "/etc/app", "search_regex": search})).expect("there");
    assert!(done.changes.is_empty() && done.changed == Some(false));
    assert_eq!(member(&done, "match_groups"), json!(["ready", null]));
    assert_eq!(member(&done, "match_groupdict"), json!({"state": "ready"}));
    assert_eq!((member(&done, "state"), member(&done, "port")), (json!("file"), json!(null)));
    let gone = plan(&machine, "wait_for", json!({"path": "/nope", "state": "absent"})).expect("absent");
    assert!(gone.changes.is_empty());
}

#[test]
fn it_looks_again_after_a_pause_until_time_is_out() {
    let empty = Fake::default();
    let ask = json!({"path": "/run/app.pid", "sleep": 2, "timeout": 3600});
    let pause = plan(&empty, "wait_for", ask).expect("waits");
    assert_eq!(changes(&pause), ["Wait(1s)"]);
    let second = follow(pause, &empty, &[]).expect("the other second");
    let look = follow(second, &empty, &[]).expect("looks and waits again");
    let there = Fake::default().file("/run/app.pid", "1");
    let look = follow(look, &there, &[]).expect("second slice");
    assert!(follow(look, &there, &[]).expect("there").changes.is_empty());
    let late = plan(&empty, "wait_for", json!({"path": "/x", "timeout": 0})).err().expect("late");
    assert_eq!(late.message, "Timeout when waiting for file /x");
    assert_eq!(late.result.get(&Key::from("elapsed")).expect("elapsed").to_json(), json!(0));
    let said = plan(&empty, "wait_for", json!({"path": "/x", "timeout": 0, "msg": "no app"})).err().expect("late");
    assert_eq!(said.message, "no app");
}

#[test]
fn what_is_only_planned_is_not_waited_for() {
    let empty = Fake::default();
    let pause = plan(&empty, "wait_for", json!({"timeout": 30})).expect("waits");
    let next = pause.next.expect("a next");
    let eyes = crate::roles::modules::fake::eyes(&empty, &crate::roles::remote::Offline);
    let done = next(&eyes, &[Effect::default()]).expect("ends");
    assert!(done.changes.is_empty() && done.next.is_none());
}

#[test]
fn connections_drain() {
    let table = "  sl  local_address rem_address   st\n\
        \x20  0: 0100007F:1F90 0100007F:C350 01 0\n   1: 0100007F:1F90 0A00000A:C350 01 0\n\
        \x20  2: 0100007F:1F90 00000000:0000 0A 0\n";
    let busy = Fake::default().file("/proc/net/tcp", table);
    let ask = |arguments: serde_json::Value| plan(&busy, "wait_for", arguments);
    let waits = ask(json!({"port": 8080, "state": "drained"})).expect("waits");
    assert_eq!(changes(&waits), ["Wait(1s)"]);
    let excluded = ["127.0.0.1", "10.0.0.10"];
    let done = ask(json!({"port": 8080, "state": "drained", "exclude_hosts": excluded})).expect("drained");
    assert!(done.changes.is_empty());
    let none = json!({"port": 8080, "state": "drained", "active_connection_states": ["TIME_WAIT"]});
    assert!(ask(none).expect("none of that state").changes.is_empty());
}

#[test]
fn arguments_that_do_not_go_together_are_refused() {
    let refused = |arguments| plan(&Fake::default(), "wait_for", arguments).err().expect("refused").message;
    assert!(refused(json!({"port": 1, "path": "/x"})).contains("can not both be passed"));
    assert!(refused(json!({"path": "/x", "state": "drained"})).contains("only be used for checking a port"));
    assert!(refused(json!({"port": 1, "exclude_hosts": ["a"]})).contains("only be with state=drained"));
    assert!(refused(json!({"path": "/x", "search_regex": "("})).contains("Invalid regular expression"));
    let states = json!({"port": 1, "state": "drained", "active_connection_states": ["OPEN"]});
    assert!(refused(states).contains("unknown active_connection_state (OPEN) defined"));
}

#[test]
fn a_real_port_is_heard() {
    use std::io::Write;
    let server = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = server.local_addr().expect("address").port();
    let serving = std::thread::spawn(move || {
        for _ in 0..2 {
            let (mut stream, _) = server.accept().expect("a caller");
            let _ = stream.write_all(b"220 mail ready\r\n");
        }
    });
    let host = crate::host::Linux::new(std::path::Path::new("/")).expect("host");
    let ask = |arguments: serde_json::Value| on(&host, arguments);
    assert!(ask(json!({"port": port})).expect("listens").changes.is_empty());
    assert!(
        ask(json!({"port": port, "host": "localhost", "search_regex": "^220 "})).expect("says it").changes.is_empty()
    );
    serving.join().expect("served");
    assert!(ask(json!({"port": port, "state": "stopped"})).expect("stopped").changes.is_empty());
    assert_eq!(changes(&ask(json!({"port": port})).expect("waits")), ["Wait(1s)"]);
}

fn on(host: &dyn Observe, arguments: serde_json::Value) -> Result<Plan, Failed> {
    let row = crate::roles::modules::find("wait_for").expect("a module");
    let value = crate::roles::value::Value::from_json(&arguments);
    let mut args = row.spec.accept(value.as_map().expect("a mapping")).expect("accepted");
    let module = super::wait_for(&mut args).expect("read");
    let base = Fake::default();
    let eyes = crate::roles::modules::fake::eyes(&base, &crate::roles::remote::Offline);
    module.plan(&crate::roles::modules::Eyes { host, ..eyes })
}
