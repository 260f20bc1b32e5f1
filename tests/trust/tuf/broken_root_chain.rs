//! Roots that do not follow one another.

use crate::host::shop;
use crate::repository::{Key, Repository};
use muster::trust::tuf::TufError;
use serde_json::json;

#[test]
fn a_root_signed_by_new_keys_only_is_refused() {
    let mut repository = Repository::new();
    let thief: Vec<Key> = (0..2).map(|number| Key::new(&format!("thief {number}"))).collect();
    let honest = repository.clone();
    repository.keys.insert("root".into(), thief.clone());
    repository.list_keys(2);
    repository.root["version"] = json!(2);
    let forged = Repository::signed_by(&thief, &repository.root);
    repository.server.alter(|served| drop(served.metadata.insert("2.root.json".into(), forged)));
    let refused = shop(&repository).unwrap_err();
    assert!(matches!(&refused, TufError::Threshold { role, found: 0, threshold: 2 } if role == "root"), "{refused}");
    // The twin: the holders before sign the new ones in.
    let mut twin = honest;
    twin.rotate(|this| {
        this.keys.insert("root".into(), thief);
        this.list_keys(2);
    });
    shop(&twin).unwrap();
}

#[test]
fn a_root_that_skips_a_number_is_refused() {
    let mut repository = Repository::new();
    repository.rotate(|_| {});
    repository.rotate(|_| {});
    let third = repository.server.read("3.root.json");
    let second = repository.server.read("2.root.json");
    repository.server.alter(|served| drop(served.metadata.insert("2.root.json".into(), third)));
    let refused = shop(&repository).unwrap_err();
    assert!(matches!(refused, TufError::RootOrder { trusted: 1, found: 3 }), "{refused}");
    repository.server.alter(|served| drop(served.metadata.insert("2.root.json".into(), second)));
    shop(&repository).unwrap();
}

#[test]
fn a_missing_root_in_the_middle_hides_the_ones_after_it() {
    let mut repository = Repository::new();
    repository.rotate(|this| {
        this.keys.insert("timestamp".into(), vec![Key::new("timestamp, new")]);
        this.list_keys(2);
    });
    repository.publish();
    let second = repository.server.read("2.root.json");
    repository.server.alter(|served| drop(served.metadata.remove("2.root.json")));
    // The old root knows no new timestamp key: nothing is believed that it does not reach.
    let refused = shop(&repository).unwrap_err();
    assert!(matches!(&refused, TufError::Threshold { role, .. } if role == "timestamp"), "{refused}");
    repository.server.alter(|served| drop(served.metadata.insert("2.root.json".into(), second)));
    shop(&repository).unwrap();
}
