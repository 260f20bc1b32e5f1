//! A repository that goes back while a host looks on (CVE-2022-29173, CVE-2025-2887).

use crate::repository::{Repository, now};
use muster::trust::tuf::TufError;
use serde_json::json;

#[test]
fn a_snapshot_that_goes_back_is_refused() {
    let mut repository = Repository::new();
    repository.next(&["shop"]);
    let mut client = repository.client();
    client.refresh(now()).unwrap();
    repository.snapshot["version"] = json!(1);
    repository.timestamp["version"] = json!(3);
    repository.publish_snapshot();
    let refused = client.refresh(now()).unwrap_err();
    assert!(
        matches!(&refused, TufError::Rollback { role, trusted: 2, found: 1 } if role.contains("snapshot")),
        "{refused}"
    );
    repository.snapshot["version"] = json!(3);
    repository.publish_snapshot();
    client.refresh(now()).unwrap();
}

#[test]
fn a_delegated_role_that_goes_back_is_refused() {
    let mut repository = Repository::new();
    repository.next(&["shop"]);
    let floor = repository.bake(now());
    repository.roles.get_mut("shop").unwrap()["version"] = json!(1);
    repository.next(&[]);
    let refused = repository.client_above(&floor).refresh(now()).unwrap_err();
    assert!(matches!(&refused, TufError::Rollback { role, .. } if role.contains("shop.json")), "{refused}");
    repository.roles.get_mut("shop").unwrap()["version"] = json!(3);
    repository.next(&[]);
    repository.client_above(&floor).refresh(now()).unwrap();
}

#[test]
fn a_timestamp_that_was_refused_is_not_kept() {
    // CVE-2025-2888: what did not verify must not become what is trusted.
    let mut repository = Repository::new();
    let mut client = repository.client();
    client.refresh(now()).unwrap();
    let kept = client.store().files()["timestamp.json"].clone();
    repository.timestamp["version"] = json!(99);
    repository.keys.insert("timestamp".into(), repository.keys["blog"].clone());
    repository.publish_timestamp();
    assert!(matches!(client.refresh(now()).unwrap_err(), TufError::Threshold { .. }));
    assert_eq!(client.store().files()["timestamp.json"], kept);
}
