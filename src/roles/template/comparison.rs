//! Expressions side by side with what ansible-core says of them (`tests/ansible/expressions.json`).

use super::fixture::{Bare, Variables};
use super::{Services, Templar};
use crate::failure::Place;
use crate::host::Linux;
use crate::roles::remote::Offline;
use crate::roles::value::{Template, Value};
use serde_json::Value as Json;
use std::path::Path;
use std::sync::Arc;

#[test]
fn expressions_give_what_ansible_gives() {
    let table: Json =
        serde_json::from_str(include_str!("../../../tests/ansible/expressions.json")).expect("the table is JSON");
    let variables = Variables::from_json(&table["variables"]);
    let host = Linux::new(Path::new("/")).expect("a host");
    let services = Services { remote: &Offline, tree: &Bare, environment: &[], host: &host };
    let templar = Templar::new();
    let mut wrong = Vec::new();
    let cases = table["cases"].as_array().expect("cases");
    for case in cases {
        let text = case["template"].as_str().expect("a template");
        let place = Place { file: "expressions".into(), line: 1, column: 1, excerpt: None };
        let template = Value::Template(Arc::new(Template::new(text, place)));
        let ours = match templar.render(&variables, &services, &template) {
            Ok(value) => serde_json::json!({ "value": value.to_json() }),
            Err(error) if error.is_undefined() => serde_json::json!({ "error": "undefined" }),
            Err(error) => serde_json::json!({ "error": "failed", "why": error.to_string() }),
        };
        let same = match case.get("error") {
            // Which of the two kinds is Ansible's own affair where it wraps one in the other.
            Some(_) => ours.get("error").is_some(),
            None => ours.get("value") == case.get("value"),
        };
        if !same && case.get("differs").is_none() {
            wrong.push(format!("{text:?}\n    ansible: {case}\n    muster:  {ours}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}
