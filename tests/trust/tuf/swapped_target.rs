//! The bytes of a target are other ones than were signed, or none that were signed at all.

use crate::host::shop;
use crate::repository::Repository;
use muster::trust::tuf::TufError;
use serde_json::json;

#[test]
fn other_bytes_of_the_same_size_are_refused() {
    let repository = Repository::new();
    repository.server.alter(|served| served.targets.values_mut().for_each(|bytes| bytes[0] ^= 1));
    let refused = shop(&repository).unwrap_err();
    assert!(matches!(&refused, TufError::Target { problem, .. } if problem.contains("sha256")), "{refused}");
    repository.server.alter(|served| served.targets.values_mut().for_each(|bytes| bytes[0] ^= 1));
    shop(&repository).unwrap();
}

#[test]
fn a_target_without_a_digest_that_is_known_is_refused() {
    let mut repository = Repository::new();
    let entry = &mut repository.roles.get_mut("shop").unwrap()["targets"]["stable/shop/release.json"];
    entry["hashes"] = json!({"md5": "d41d8cd98f00b204e9800998ecf8427e"});
    repository.next(&["shop"]);
    let refused = shop(&repository).unwrap_err();
    assert!(matches!(&refused, TufError::Target { problem, .. } if problem.contains("neither sha256")), "{refused}");
}

#[test]
fn a_target_that_is_missing_or_cut_off_is_refused() {
    let repository = Repository::new();
    repository.server.alter(|served| served.targets.values_mut().for_each(|bytes| bytes.truncate(bytes.len() - 1)));
    let refused = shop(&repository).unwrap_err();
    assert!(matches!(&refused, TufError::Target { problem, .. } if problem.contains("8 were signed")), "{refused}");
    repository.server.alter(|served| served.targets.clear());
    assert!(matches!(shop(&repository).unwrap_err(), TufError::Missing { .. }));
}
