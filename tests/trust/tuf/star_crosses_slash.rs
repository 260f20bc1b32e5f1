//! `stable/*` is no permission for `stable/app/file`: a star ends at a slash.

use crate::repository::{Repository, now};
use muster::trust::tuf::TufError;

#[test]
fn a_star_ends_at_a_slash() {
    let mut repository = Repository::new();
    repository.delegate("wiki", &["beta/*"], 1);
    repository.add("wiki", "beta/notes", b"notes");
    repository.add("wiki", "beta/shop/release.json", b"a shop, says the wiki");
    repository.next(&["targets"]);
    let mut client = repository.client();
    client.refresh(now()).unwrap();
    let refused = client.document("beta/shop/release.json", 1024, now()).unwrap_err();
    assert!(matches!(refused, TufError::NotListed { .. }), "{refused}");
    assert_eq!(client.document("beta/notes", 1024, now()).unwrap().get(), b"notes");
}
