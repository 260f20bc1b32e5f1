//! The metadata service's manners: tokens, refusals, late credentials.

use super::*;
use crate::reply::Delivery;

fn ask(machine: &mut Machine, method: &str, path: &str, headers: &[(&str, &str)], at: i64) -> Reply {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let request = Request { method: method.to_owned(), path: path.to_owned(), headers, ..Request::default() };
    let now = Timestamp::from_second(at).expect("a time");
    let (account, mut keys) = (Account::default(), Keys::default());
    machine.answer(&request, Around { account: &account, keys: &mut keys, now, target_state: None })
}

fn machine(change: impl FnOnce(&mut Instance)) -> Machine {
    let mut instance = Instance::default();
    change(&mut instance);
    Machine::new(instance, Timestamp::UNIX_EPOCH)
}

fn token(machine: &mut Machine, lifetime: &str) -> Reply {
    ask(machine, "PUT", "/latest/api/token", &[("x-aws-ec2-metadata-token-ttl-seconds", lifetime)], 0)
}

fn get(machine: &mut Machine, path: &str) -> Reply {
    let token = token(machine, "21600").body;
    let token = String::from_utf8(token).expect("text");
    ask(machine, "GET", path, &[("x-aws-ec2-metadata-token", &token)], 0)
}

#[test]
fn a_token_needs_a_lifetime_in_range() {
    let mut machine = machine(|_| {});
    for (lifetime, status) in [("1", 200), ("21600", 200), ("0", 400), ("21601", 400), ("soon", 400), ("", 400)] {
        assert_eq!(token(&mut machine, lifetime).status, status, "{lifetime}");
    }
    let path = "/latest/api/token";
    assert_eq!(ask(&mut machine, "PUT", path, &[], 0).status, 400);
    let forwarded = [("x-forwarded-for", "10.0.0.1"), ("x-aws-ec2-metadata-token-ttl-seconds", "60")];
    assert_eq!(ask(&mut machine, "PUT", path, &forwarded, 0).status, 403);
}

#[test]
fn a_token_opens_for_its_lifetime_only() {
    let mut machine = machine(|_| {});
    let token = String::from_utf8(token(&mut machine, "60").body).expect("text");
    let path = "/latest/meta-data/instance-id";
    let with = [("x-aws-ec2-metadata-token", token.as_str())];
    assert_eq!(ask(&mut machine, "GET", path, &with, 59).body, b"i-0123456789abcdef0");
    assert_eq!(ask(&mut machine, "GET", path, &with, 60).status, 401);
    assert_eq!(ask(&mut machine, "GET", path, &[], 0).status, 401);
    assert_eq!(ask(&mut machine, "GET", path, &[("x-aws-ec2-metadata-token", "x")], 0).status, 401);
}

#[test]
fn off_refuses_and_too_many_hops_never_answers() {
    assert_eq!(token(&mut machine(|instance| instance.metadata.enabled = false), "60").status, 403);
    let far = token(&mut machine(|instance| instance.metadata.too_many_hops = true), "60");
    assert_eq!(far.delivery, Delivery::Silence);
}

#[test]
fn a_slow_start_refuses_at_first() {
    let mut machine = machine(|instance| instance.metadata.start = Start::Answers(503, 2));
    let statuses = [(); 3].map(|()| token(&mut machine, "60").status);
    assert_eq!(statuses, [503, 503, 200]);
}

#[test]
fn what_is_not_there_is_not_found() {
    let mut machine = machine(|instance| instance.metadata.tags = false);
    for path in ["tags/instance", "autoscaling/target-lifecycle-state", "spot/instance-action", "nothing"] {
        assert_eq!(get(&mut machine, &format!("/latest/meta-data/{path}")).status, 404, "{path}");
    }
    assert_eq!(get(&mut machine, "/latest/user-data").status, 404);
    assert_eq!(get(&mut machine, "/2021-03-23/meta-data/placement/region").body, b"us-east-1");
    assert_eq!(get(&mut machine, "/3000-01-01x/meta-data/").status, 404);
}

#[test]
fn credentials_may_be_late() {
    let mut machine = machine(|instance| instance.metadata.credentials_late = 2);
    let path = "/latest/meta-data/iam/security-credentials/";
    let statuses = [(); 3].map(|()| get(&mut machine, path).status);
    assert_eq!(statuses, [404, 404, 200]);
    assert_eq!(get(&mut machine, path).body, b"web");
    let body = get(&mut machine, &format!("{path}web")).body;
    let credentials: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
    assert_eq!(credentials["Code"], "Success");
    assert!(credentials["AccessKeyId"].as_str().expect("a key").starts_with("ASIA"));
}
