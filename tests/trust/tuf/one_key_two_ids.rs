//! One stolen key under two ids reaches a threshold of two: a public key counts once, whatever it is called.

use crate::host::shop;
use crate::repository::{Key, Repository, now};
use muster::trust::tuf::{Client, Store, TufError};
use std::sync::Arc;

fn twins() -> Vec<Key> {
    let key = Key::new("one holder");
    vec![key.called("aa"), key.called("bb")]
}

#[test]
fn a_delegation_to_one_key_under_two_ids_is_refused() {
    let mut repository = Repository::new();
    repository.delegate_to("wiki", &["stable/wiki/*"], 2, twins());
    repository.add("wiki", "stable/wiki/release.json", b"wiki");
    repository.next(&["targets"]);
    let refused = repository.client().refresh(now()).unwrap_err();
    assert!(matches!(&refused, TufError::OneKeyTwice { role, .. } if role == "wiki"), "{refused}");
    // The twin: two holders.
    let mut repository = Repository::new();
    repository.delegate_to("wiki", &["stable/wiki/*"], 2, vec![Key::new("one holder"), Key::new("another")]);
    repository.add("wiki", "stable/wiki/release.json", b"wiki");
    repository.next(&["targets"]);
    repository.client().refresh(now()).unwrap();
}

#[test]
fn a_root_with_one_key_under_two_ids_is_refused_embedded_or_served() {
    let mut repository = Repository::new();
    repository.rotate(|this| {
        this.keys.insert("targets".into(), twins());
        this.list_keys(2);
    });
    repository.next(&["targets"]);
    let refused = shop(&repository).unwrap_err();
    assert!(matches!(&refused, TufError::OneKeyTwice { file, role, .. } if file == "2.root.json" && role == "targets"));
    let anchor = repository.server.read("2.root.json");
    let refused = Client::without_floor(&anchor, Arc::new(repository.server.clone()), Store::default()).unwrap_err();
    assert!(matches!(refused, TufError::OneKeyTwice { .. }), "{refused}");
}
