//! A root that failed verification is not trusted afterwards (CVE-2020-15163).

use crate::repository::{Key, Repository, now};
use muster::trust::tuf::TufError;
use serde_json::json;

#[test]
fn a_root_that_was_refused_is_neither_trusted_nor_kept() {
    let mut repository = Repository::new();
    let mut client = repository.client();
    client.refresh(now()).unwrap();
    let thief: Vec<Key> = (0..2).map(|number| Key::new(&format!("thief {number}"))).collect();
    let mut forged = repository.root.clone();
    forged["version"] = json!(2);
    let bytes = Repository::signed_by(&thief, &forged);
    repository.server.alter(|served| drop(served.metadata.insert("2.root.json".into(), bytes)));
    assert!(matches!(client.refresh(now()).unwrap_err(), TufError::Threshold { .. }));
    assert_eq!(client.trusted().root().version, 1);
    assert!(!client.store().files().contains_key("root_history/2.root.json"));
    repository.server.alter(|served| drop(served.metadata.remove("2.root.json")));
    repository.next(&["shop"]);
    client.refresh(now()).unwrap();
}
