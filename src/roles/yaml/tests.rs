//! Documents whole: merge keys, anchors, tags, places, limits.

use super::*;
use crate::failure::Explain;
use crate::roles::value::{Key, Value};

fn json(text: &str) -> String {
    read("t.yml", text).expect("reads").root.value().to_json().to_string()
}

#[test]
fn merge_keys_lie_below_own_keys_and_the_first_of_a_list_wins() {
    let text = "a: &a {x: 1, y: 2}\nb: &b {x: 3, z: 4}\nc:\n  <<: [*a, *b]\n  y: 5\n";
    let want = r#"{"a":{"x":1,"y":2},"b":{"x":3,"z":4},"c":{"x":1,"z":4,"y":5}}"#;
    assert_eq!(json(text), want);
    let error = read("t.yml", "a: {<<: 1}\n").expect_err("merge");
    assert!(matches!(error, YamlError::Merge { .. }));
}

#[test]
fn the_last_duplicate_stands_with_a_warning() {
    let document = read("t.yml", "a: 1\nb: 2\na: 3\n").expect("reads");
    assert_eq!(document.root.value().to_json().to_string(), r#"{"a":3,"b":2}"#);
    assert_eq!(document.warnings[0].place.line, 3);
}

#[test]
fn text_with_marks_is_a_template_with_its_place_unless_unsafe() {
    let root = read("t.yml", "a: x\nb:\n  - '{{ a }}'\n  - !unsafe '{{ a }}'\nc: !unsafe {d: ['{{ a }}', no]}\n")
        .expect("reads")
        .root;
    let items = root.get("b").and_then(Node::list).expect("list");
    let Value::Template(template) = items[0].value() else { panic!("a template") };
    assert_eq!(template.place.to_string(), "t.yml:3:5");
    assert!(matches!(items[1].value(), Value::Str(_)));
    assert_eq!(root.get("c").expect("c").value().to_json().to_string(), r#"{"d":["{{ a }}",false]}"#);
}

#[test]
fn an_unquoted_template_is_explained() {
    let error = read("t.yml", "- name: x\n  path: {{ a }}\n").expect_err("not hashable");
    assert!(error.hint().expect("hint").contains("must be quoted"), "{error}");
    let error = read("t.yml", "- name: x\n  path: {{ a }}/b\n").expect_err("syntax");
    assert!(error.hint().expect("hint").contains("must be quoted"), "{error}");
    assert_eq!(error.place().expect("place").line, 2);
}

#[test]
fn encrypted_values_wait_and_unknown_tags_are_refused_by_name() {
    let root = read("t.yml", "a: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  6162\n").expect("reads").root;
    assert!(matches!(root.get("a").expect("a").content, super::Content::Sealed(_)));
    assert!(read("t.yml", "a: !vault plain\n").is_err());
    assert!(matches!(read("t.yml", "a: !!python/object:x {}\n"), Err(YamlError::Tag { .. })));
    assert_eq!(json("a: !!str 12\nb: !!int '3'\n"), r#"{"a":"12","b":3}"#);
}

#[test]
fn bombs_and_depth_are_limited() {
    let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..9 {
        let below = format!("*a{}, ", level - 1).repeat(10);
        text.push_str(&format!("a{level}: &a{level} [{below}]\n"));
    }
    assert!(matches!(read("t.yml", &text), Err(YamlError::Limit { .. })));
    assert!(matches!(read("t.yml", &"[".repeat(5000)), Err(YamlError::Limit { .. } | YamlError::Syntax { .. })));
}

#[test]
fn an_empty_text_is_null_and_two_documents_are_refused() {
    assert!(read("t.yml", "---\n# nothing\n").expect("reads").root.is_null());
    assert!(read("t.yml", "").expect("reads").root.is_null());
    assert!(read("t.yml", "--- a\n--- b\n").is_err());
}

/// `tests/ansible/yaml.json`: texts with what ansible-core's loader makes of each.
#[test]
fn texts_are_what_ansible_reads_in_them() {
    let table: serde_json::Value =
        serde_json::from_str(include_str!("../../../tests/ansible/yaml.json")).expect("the table is JSON");
    let mut wrong = Vec::new();
    let cases = table.as_array().expect("cases");
    for case in cases {
        let text = case["text"].as_str().expect("a text");
        let ours = read("t.yml", text).map(|document| document.root.value().to_json());
        let same = match (&ours, case.get("error")) {
            (Ok(value), None) => Some(value) == case.get("value"),
            (ours, error) => ours.is_err() && error.is_some(),
        };
        if !same && case.get("differs").is_none() {
            wrong.push(format!("{text:?}\n    ansible: {case}\n    muster:  {ours:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

#[test]
fn a_last_line_without_its_end_has_none_in_a_block_either() {
    for (text, expected) in [
        ("a: |\n  one\n  two", "one\ntwo"),
        ("a: |+\n  one", "one"),
        ("a: >\n  one\n  two", "one two"),
        ("a: |\n  one\n", "one\n"),
        ("b: |\n  one\na: |\n  one\n\n", "one\n"),
        ("a: |\n  one\n# a comment", "one\n"),
    ] {
        let read = read("t.yml", text).expect(text);
        assert_eq!(read.root.get("a").and_then(Node::text), Some(expected), "{text:?}");
    }
    let twice = read("t.yml", "- |\n  one\n- |\n  one").expect("reads");
    let texts: Vec<_> = twice.root.list().expect("a list").iter().filter_map(Node::text).collect();
    assert_eq!(texts, ["one\n", "one"]);
}

#[test]
fn one_and_true_are_one_key() {
    let read = read("t.yml", "1: a\nyes: b\n0: c\n").expect("reads");
    let pairs = read.root.pairs().expect("a mapping");
    assert_eq!(pairs.len(), 2, "{pairs:?}");
    assert_eq!((pairs[0].0.key(), pairs[0].1.text()), (Key::Int(1), Some("b")));
}
