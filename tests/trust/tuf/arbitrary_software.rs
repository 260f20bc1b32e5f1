//! Keys below the threshold: one of the shop's two keys is stolen, and signs a release.

use crate::host::shop;
use crate::repository::Repository;
use muster::trust::tuf::TufError;

#[test]
fn one_of_two_keys_is_not_enough() {
    let mut repository = Repository::new();
    let both = repository.keys["shop"].clone();
    repository.add("shop", "stable/shop/release.json", b"shop, by a thief");
    repository.keys.insert("shop".into(), vec![both[0].clone()]);
    repository.next(&["shop"]);
    let refused = shop(&repository).unwrap_err();
    assert!(matches!(&refused, TufError::Threshold { role, found: 1, threshold: 2 } if role == "shop"), "{refused}");
    // The twin: the second holder signs too.
    repository.keys.insert("shop".into(), both);
    repository.next(&["shop"]);
    assert_eq!(shop(&repository).unwrap(), b"shop, by a thief");
}

#[test]
fn the_keys_of_another_role_are_none() {
    let mut repository = Repository::new();
    let own = repository.keys["shop"].clone();
    let blog = repository.keys["blog"].clone();
    repository.keys.insert("shop".into(), [blog, vec![own[0].clone()]].concat());
    repository.next(&["shop"]);
    let refused = shop(&repository).unwrap_err();
    assert!(matches!(refused, TufError::Threshold { found: 1, threshold: 2, .. }), "{refused}");
    repository.keys.insert("shop".into(), own);
    repository.next(&["shop"]);
    shop(&repository).unwrap();
}
