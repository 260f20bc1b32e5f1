//! Parameter Store's reads: selectors, pages, limits, the quota.

use super::*;
use crate::policy::Denial;
use crate::secrets::Secret;

struct Desk {
    store: Store,
    policy: Policy,
    now: Timestamp,
}

impl Desk {
    fn new(parameters: Vec<Parameter>) -> Self {
        let now = Timestamp::UNIX_EPOCH;
        let mut store = Store::new(now);
        store.parameters = parameters;
        Self { store, policy: Policy::default(), now }
    }

    fn ask(&mut self, action: &str, input: Value) -> Result<Value, ApiError> {
        let principal = Principal { arn: "arn:me".to_owned(), user_id: String::new() };
        let secrets = secrets::Store { secrets: vec![Secret::string("key", "k")], created: self.now };
        let account = Account::default();
        let images = ec2::Store { images: vec![ec2::Image::new("ami-0123456789abcdef0", "us-east-1")] };
        let (policy, now) = (&self.policy, self.now);
        let caller =
            Caller { principal: &principal, account: &account, policy, secrets: &secrets, images: &images, now };
        self.now += SignedDuration::from_millis(30);
        self.store.answer(&caller, action, &input)
    }

    fn value(&mut self, name: &str) -> Value {
        self.ask("GetParameter", json!({ "Name": name, "WithDecryption": true })).expect("found")["Parameter"]["Value"]
            .clone()
    }

    fn pages(&mut self, input: &Value) -> Vec<Vec<String>> {
        let (mut pages, mut input) = (Vec::new(), input.clone());
        loop {
            let page = self.ask("GetParametersByPath", input.clone()).expect("a page");
            let names = page["Parameters"].as_array().into_iter().flatten();
            pages.push(names.map(|found| found["Name"].as_str().unwrap_or_default().to_owned()).collect());
            if page["NextToken"].is_null() {
                return pages;
            }
            input["NextToken"] = page["NextToken"].clone();
        }
    }
}

#[test]
fn selectors_choose_versions() {
    let mut desk = Desk::new(vec![
        Parameter::string("/a/x", "one").label("live").then("two"),
        Parameter::string("/shared", "theirs").shared_by("999988887777"),
    ]);
    for (name, value) in [
        ("/a/x", "two"),
        ("/a/x:1", "one"),
        ("/a/x:live", "one"),
        ("arn:aws:ssm:us-east-1:123456789012:parameter/a/x:2", "two"),
        ("arn:aws:ssm:us-east-1:999988887777:parameter/shared", "theirs"),
        ("/aws/reference/secretsmanager/key", "k"),
    ] {
        assert_eq!(desk.value(name), value, "{name}");
    }
    let mut code = |name: &str| {
        let error = desk.ask("GetParameter", json!({ "Name": name })).expect_err("refused");
        error.spelled(crate::error::Protocol::Json).1
    };
    assert_eq!(code("/a/x:3"), "ParameterVersionNotFound");
    assert_eq!(code("/shared"), "ParameterNotFound");
    assert_eq!(code("arn:aws:ssm:us-east-1:111122223333:parameter/a/x"), "ParameterNotFound");
    assert_eq!(code("/aws/reference/secretsmanager/key"), "ValidationException");
}

#[test]
fn ten_names_at_most_and_unknown_ones_are_listed() {
    let mut desk = Desk::new(vec![Parameter::string("/a", "1")]);
    let answer = desk.ask("GetParameters", json!({ "Names": ["/a", "/b", "/a:9"] })).expect("an answer");
    assert_eq!(answer["Parameters"][0]["Value"], "1");
    assert_eq!(answer["InvalidParameters"], json!(["/b", "/a:9"]));
    let eleven: Vec<String> = (0..11).map(|number| format!("/{number}")).collect();
    assert!(desk.ask("GetParameters", json!({ "Names": eleven })).is_err());
    assert!(desk.ask("GetParameters", json!({ "Names": ["/a", "/a"] })).is_err());
    assert!(desk.ask("GetParameters", json!({})).is_err());
    assert!(desk.ask("GetParameters", json!({ "Names": ["/a"], "Decrypt": true })).is_err());
}

#[test]
fn encrypted_values_stay_so_unless_asked() {
    let mut desk = Desk::new(vec![Parameter::secure("/s", "hunter2")]);
    let sealed = desk.ask("GetParameter", json!({ "Name": "/s" })).expect("found")["Parameter"]["Value"].to_string();
    assert!(sealed.contains("AQICAHh") && !sealed.contains("hunter2"));
    assert_eq!(desk.value("/s"), "hunter2");
    desk.policy = Policy(vec![Denial::of("kms:Decrypt")]);
    assert!(desk.ask("GetParameter", json!({ "Name": "/s", "WithDecryption": true })).is_err());
    assert!(desk.ask("GetParameter", json!({ "Name": "/s" })).is_ok());
}

#[test]
fn subtrees_come_in_pages_and_some_are_empty() {
    let names = (0..23).map(|number| Parameter::string(&format!("/p/{number:02}"), "v"));
    let mut desk =
        Desk::new(names.chain([Parameter::string("/p/deep/x", "v"), Parameter::string("/pq", "v")]).collect());
    let sizes = |pages: Vec<Vec<String>>| pages.iter().map(Vec::len).collect::<Vec<_>>();
    assert_eq!(sizes(desk.pages(&json!({ "Path": "/p" }))), [10, 10, 3]);
    assert_eq!(sizes(desk.pages(&json!({ "Path": "/p/", "Recursive": true, "MaxResults": 9 }))), [9, 9, 6]);
    desk.store.empty_pages = true;
    assert_eq!(sizes(desk.pages(&json!({ "Path": "/p" }))), [0, 10, 0, 10, 0, 3]);
    for bad in
        [json!({ "Path": "p" }), json!({ "Path": "/p", "MaxResults": 11 }), json!({ "Path": "/p", "NextToken": "x" })]
    {
        assert!(desk.ask("GetParametersByPath", bad).is_err());
    }
}

#[test]
fn a_label_filters_a_subtree() {
    let labelled = Parameter::string("/p/a", "old").label("live").then("new");
    let mut desk = Desk::new(vec![labelled, Parameter::string("/p/b", "x")]);
    let filter = json!([{ "Key": "Label", "Values": ["live"] }]);
    let answer = desk.ask("GetParametersByPath", json!({ "Path": "/p", "ParameterFilters": filter })).expect("a page");
    assert_eq!(answer["Parameters"].as_array().map(Vec::len), Some(1));
    assert_eq!(answer["Parameters"][0]["Value"], "old");
    let unknown = json!([{ "Key": "Name", "Values": ["x"] }]);
    assert!(desk.ask("GetParametersByPath", json!({ "Path": "/p", "ParameterFilters": unknown })).is_err());
}

#[test]
fn the_account_shares_its_calls_a_second() {
    let mut desk = Desk::new(vec![Parameter::string("/a", "1")]);
    desk.store.quota = 3;
    let mut ask = || desk.ask("GetParameter", json!({ "Name": "/a" })).is_ok();
    assert_eq!([ask(), ask(), ask(), ask()], [true, true, true, false]);
    desk.now += SignedDuration::from_secs(1);
    assert!(desk.ask("GetParameter", json!({ "Name": "/a" })).is_ok());
}

#[test]
fn a_write_is_judged_as_aws_judges_it() {
    let mut desk = Desk::new(vec![Parameter::string("/a", "1")]);
    let put = |extra: Value| {
        let mut input = json!({ "Name": "/b", "Value": "1", "Type": "String" });
        extra.as_object().into_iter().flatten().for_each(|(name, value)| input[name] = value.clone());
        input
    };
    for (input, code) in [
        (put(json!({ "Name": "/a" })), "ParameterAlreadyExists"),
        (put(json!({ "Name": "/aws/x" })), "ValidationException"),
        (put(json!({ "Name": "/b:1" })), "HierarchyLevelLimitExceededException"),
        (put(json!({ "Type": "Number" })), "UnsupportedParameterType"),
        (put(json!({ "Type": null })), "ValidationException"),
        (put(json!({ "DataType": "aws:ec2:image" })), "ValidationException"),
        (put(json!({ "DataType": "image" })), "ValidationException"),
        (put(json!({ "Colour": "red" })), "ValidationException"),
    ] {
        let error = desk.ask("PutParameter", input.clone()).expect_err("refused");
        assert_eq!(error.spelled(crate::error::Protocol::Json).1, code, "{input}");
    }
    assert_eq!(desk.ask("PutParameter", put(json!({}))).expect("new")["Version"], 1);
    assert_eq!(desk.ask("PutParameter", put(json!({ "Value": "2", "Overwrite": true }))).expect("again")["Version"], 2);
    assert_eq!(desk.value("/b"), "2");
    let image = |id: &str| put(json!({ "Name": "/i", "DataType": "aws:ec2:image", "Value": id, "Overwrite": true }));
    desk.ask("PutParameter", image("ami-0123456789abcdef0")).expect("an image");
    desk.ask("PutParameter", image("ami-0fffffffffffffff0")).expect("accepted");
    assert_eq!(desk.value("/i"), "ami-0123456789abcdef0", "what is no image here never appears");
}

#[test]
fn compliance_is_taken_within_its_limits() {
    let mut desk = Desk::new(Vec::new());
    let put = |kind: &str, item: Value| {
        json!({ "ResourceId": "i-1", "ResourceType": "ManagedInstance", "ComplianceType": kind,
                "ExecutionSummary": { "ExecutionTime": 1.0 }, "Items": [item] })
    };
    let item =
        |status: &str, severity: &str| json!({ "Id": "1", "Title": "t", "Status": status, "Severity": severity });
    let good = item("COMPLIANT", "HIGH");
    desk.ask("PutComplianceItems", put("Custom:muster_x", good.clone())).expect("taken");
    for input in [
        put("Custom:muster-x", good.clone()),
        put("Custom:x y", good.clone()),
        put("Custom:muster_x", item("PASS", "HIGH")),
        put("Custom:muster_x", item("COMPLIANT", "high")),
        put(
            "Custom:muster_x",
            json!({ "Status": "COMPLIANT", "Severity": "LOW", "Details": { "a": "b".repeat(4097) } }),
        ),
        put("Custom:muster_x", json!({ "Status": "COMPLIANT", "Severity": "LOW", "Title": "t".repeat(501) })),
    ] {
        assert!(desk.ask("PutComplianceItems", input.clone()).is_err(), "{input}");
    }
    for number in 1..10 {
        desk.ask("PutComplianceItems", put(&format!("Custom:t{number}"), good.clone())).expect("taken");
    }
    assert!(desk.ask("PutComplianceItems", put("Custom:t10", good)).is_err(), "an eleventh type");
}
