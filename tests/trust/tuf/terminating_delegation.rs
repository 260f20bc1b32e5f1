//! A delegation that ends the search (CVE-2025-2886, CVE-2024-47534): what comes after it may not speak for its paths.

use crate::repository::{Repository, now};
use muster::trust::tuf::TufError;
use serde_json::json;

fn repository(terminating: bool) -> Repository {
    let mut repository = Repository::new();
    repository.delegate("first", &["beta/wiki/*"], 1);
    repository.delegate("second", &["beta/wiki/*"], 1);
    repository.add("second", "beta/wiki/release.json", b"says the second");
    let roles = &mut repository.roles.get_mut("targets").unwrap()["delegations"]["roles"];
    roles[2]["terminating"] = json!(terminating);
    repository.next(&["targets"]);
    repository
}

#[test]
fn a_terminating_delegation_has_the_last_word() {
    let find = |repository: &Repository| {
        let mut client = repository.client();
        client.refresh(now()).unwrap();
        client.document("beta/wiki/release.json", 1024, now())
    };
    let refused = find(&repository(true)).unwrap_err();
    assert!(matches!(refused, TufError::NotListed { .. }), "{refused}");
    assert_eq!(find(&repository(false)).unwrap().get(), b"says the second");
}
