//! An image that is three years old: its root has expired, and forty roots lie between it and the newest.

use crate::host::shop;
use crate::repository::{Key, Repository, days, now};
use muster::trust::tuf::TufError;
use serde_json::json;

#[test]
fn an_expired_root_is_a_beginning_and_forty_rotations_are_walked() {
    let mut repository = Repository::new();
    let first = repository.clone();
    // The image's root ran out long ago.
    let mut old = first.root.clone();
    old["expires"] = json!(days(-730).to_string());
    let anchor = first.signed("root", &old);
    repository.server.alter(|served| drop(served.metadata.insert("1.root.json".into(), anchor.clone())));
    repository.anchor = anchor;
    for year in 0..40 {
        repository.rotate(|this| {
            let keys = (0..2).map(|number| Key::new(&format!("root {number} of {year}"))).collect();
            this.keys.insert("root".into(), keys);
            this.list_keys(2);
        });
    }
    assert_eq!(shop(&repository).unwrap(), b"shop 1.0");
    let floor = repository.bake(now());
    assert_eq!(floor.versions.root, 41);
    // The last root's own expiry is the one that counts.
    repository.rotate(|this| this.root["expires"] = json!(days(-1).to_string()));
    let refused = shop(&repository).unwrap_err();
    assert!(matches!(&refused, TufError::Expired { role, .. } if role == "root"), "{refused}");
}

#[test]
fn roots_without_end_are_refused() {
    let mut repository = Repository::new();
    for _ in 0..1025 {
        repository.rotate(|_| {});
    }
    let refused = shop(&repository).unwrap_err();
    assert!(matches!(refused, TufError::Rotations { limit: 1024 }), "{refused}");
    repository.server.alter(|served| drop(served.metadata.remove("1025.root.json")));
    shop(&repository).unwrap();
}
