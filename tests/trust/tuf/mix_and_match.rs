//! Files that are each well signed, and were never published together.

use crate::host::shop;
use crate::repository::{Repository, now};
use muster::trust::tuf::TufError;
use serde_json::json;

#[test]
fn a_role_at_another_version_than_the_snapshot_names_is_refused() {
    let mut repository = Repository::new();
    let old = repository.server.read("1.shop.json");
    repository.next(&["shop"]);
    let new = repository.server.read("2.shop.json");
    repository.server.alter(|served| drop(served.metadata.insert("2.shop.json".into(), old)));
    let refused = shop(&repository).unwrap_err();
    assert!(matches!(refused, TufError::Mismatch { .. }), "{refused}");
    repository.server.alter(|served| drop(served.metadata.insert("2.shop.json".into(), new)));
    shop(&repository).unwrap();
}

#[test]
fn a_snapshot_that_forgets_a_role_is_refused_by_who_knew_it() {
    let mut repository = Repository::new();
    let floor = repository.bake(now());
    repository.snapshot["version"] = json!(2);
    repository.timestamp["version"] = json!(2);
    let whole = repository.snapshot["meta"].clone();
    repository.snapshot["meta"].as_object_mut().unwrap().remove("shop.json");
    repository.publish_snapshot();
    let refused = repository.client_above(&floor).refresh(now()).unwrap_err();
    assert!(matches!(&refused, TufError::Mismatch { problem } if problem.contains("shop.json")), "{refused}");
    repository.snapshot["meta"] = whole;
    repository.publish_snapshot();
    repository.client_above(&floor).refresh(now()).unwrap();
}
