//! The blog signs a release for the shop.

use crate::host::shop;
use crate::repository::Repository;
use muster::trust::tuf::TufError;
use serde_json::json;

#[test]
fn another_application_cannot_supply_a_release() {
    let mut repository = Repository::new();
    repository.roles.get_mut("shop").unwrap()["targets"] = json!({});
    repository.add("blog", "stable/shop/release.json", b"a shop, says the blog");
    repository.next(&["shop", "blog"]);
    let refused = shop(&repository).unwrap_err();
    assert!(matches!(&refused, TufError::NotListed { target } if target == "stable/shop/release.json"), "{refused}");
    repository.add("shop", "stable/shop/release.json", b"a shop, says the shop");
    repository.next(&["shop"]);
    assert_eq!(shop(&repository).unwrap(), b"a shop, says the shop");
}
