//! A thief of the timestamp key raises its version to the highest number; a new key takes that back, and only a new key.

use crate::repository::{Key, Repository, now};
use muster::trust::tuf::TufError;
use serde_json::json;

#[test]
fn a_raised_version_is_taken_back_by_a_new_key() {
    let mut repository = Repository::new();
    let honest = repository.clone();
    repository.timestamp["version"] = json!(u64::from(u32::MAX));
    repository.publish_timestamp();
    let floor = repository.bake(now());
    repository.timestamp["version"] = honest.timestamp["version"].clone();
    repository.next(&["shop"]);
    let refused = repository.client_above(&floor).refresh(now()).unwrap_err();
    assert!(matches!(&refused, TufError::Rollback { role, .. } if role == "timestamp"), "{refused}");
    repository.rotate(|this| {
        this.keys.insert("timestamp".into(), vec![Key::new("timestamp, after the theft")]);
        this.list_keys(2);
    });
    repository.publish();
    let mut client = repository.client_above(&floor);
    client.refresh(now()).unwrap();
    assert_eq!(client.versions().unwrap().root, 2);
    // And from there on nothing goes back again.
    let raised = client.raised(&repository.anchor, now()).unwrap();
    assert_eq!(raised.versions.timestamp, 2);
    repository.client_above(&raised).refresh(now()).unwrap();
}
