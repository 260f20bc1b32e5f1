//! Tests on what tasks returned.

use super::Test;
use crate::roles::template::python;
use crate::roles::value::{Key, Map, Value};

type Outcome = Result<bool, String>;

pub(super) static TESTS: &[Test] = &[
    Test::values("failed", &[], |v, _| Ok(truth(result(v, "failed")?, "failed"))),
    Test::values("failure", &[], |v, _| Ok(truth(result(v, "failed")?, "failed"))),
    Test::values("success", &[], |v, _| Ok(!truth(result(v, "success")?, "failed"))),
    Test::values("succeeded", &[], |v, _| Ok(!truth(result(v, "success")?, "failed"))),
    Test::values("successful", &[], |v, _| Ok(!truth(result(v, "success")?, "failed"))),
    Test::values("changed", &[], |v, _| changed(v)),
    Test::values("change", &[], |v, _| changed(v)),
    Test::values("skipped", &[], |v, _| Ok(truth(result(v, "skipped")?, "skipped"))),
    Test::values("skip", &[], |v, _| Ok(truth(result(v, "skipped")?, "skipped"))),
    Test::values("unreachable", &[], |v, _| Ok(truth(result(v, "unreachable")?, "unreachable"))),
    Test::values("reachable", &[], |v, _| Ok(!truth(result(v, "reachable")?, "unreachable"))),
    // Ansible's own, of which its suite makes use: whether a text is one of the tree's.
    Test::values("ansible._protomatter.tagged_with", &["tag"], |v, args| match args.text_or(0, "").as_str() {
        "TrustedAsTemplate" => Ok(matches!(v, Value::Str(text) if text.is_trusted())),
        tag => Err(format!("unknown tag '{tag}'")),
    }),
    Test::values("timedout", &[], |v, _| {
        Ok(result(v, "timedout")?.get(&Key::from("timedout")).is_some_and(python::truth))
    }),
    Test::values("started", &[], |v, _| {
        let map = result(v, "started")?;
        // What ran in the foreground was started.
        Ok(map.get(&Key::from("started")).is_none_or(python::truth))
    }),
    Test::values("finished", &[], |v, _| {
        let map = result(v, "finished")?;
        Ok(map.get(&Key::from("finished")).is_none_or(python::truth))
    }),
];

fn result<'v>(value: &'v Value, test: &str) -> Result<&'v Map, String> {
    value.as_map().ok_or_else(|| format!("The '{test}' test expects a dictionary, got {}", value.type_name()))
}

fn truth(map: &Map, key: &str) -> bool {
    map.get(&Key::from(key)).is_some_and(python::truth)
}

/// Of a loop's result that does not say itself: whether any item changed something.
fn changed(value: &Value) -> Outcome {
    let map = result(value, "changed")?;
    if map.contains_key(&Key::from("changed")) {
        return Ok(truth(map, "changed"));
    }
    let results = map.get(&Key::from("results")).and_then(Value::as_list).unwrap_or_default();
    Ok(results.iter().filter_map(Value::as_map).any(|one| truth(one, "changed")))
}
