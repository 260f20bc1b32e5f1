//! Another application's trouble is not the shop's: its expired or overreaching role takes nobody else's release away.

use crate::host::shop;
use crate::repository::{Repository, days, now};
use muster::trust::tuf::TufError;
use serde_json::json;

#[test]
fn an_expired_delegation_stops_its_own_application_only() {
    let mut repository = Repository::new();
    repository.roles.get_mut("blog").unwrap()["expires"] = json!(days(-1).to_string());
    repository.next(&["blog"]);
    assert_eq!(shop(&repository).unwrap(), b"shop 1.0");
    let mut client = repository.client();
    client.refresh(now()).unwrap();
    let refused = client.document("stable/blog/release.json", 1024, now()).unwrap_err();
    assert!(matches!(&refused, TufError::Expired { role, .. } if role == "blog"), "{refused}");
}

#[test]
fn a_target_outside_a_delegation_s_paths_stops_nobody() {
    let mut repository = Repository::new();
    repository.add("blog", "stable/wiki/release.json", b"a wiki, says the blog");
    repository.next(&["blog"]);
    assert_eq!(shop(&repository).unwrap(), b"shop 1.0");
    let mut client = repository.client();
    client.refresh(now()).unwrap();
    assert_eq!(client.document("stable/blog/release.json", 1024, now()).unwrap().get(), b"blog 1.0");
    let refused = client.document("stable/wiki/release.json", 1024, now()).unwrap_err();
    assert!(matches!(refused, TufError::NotListed { .. }), "{refused}");
}
