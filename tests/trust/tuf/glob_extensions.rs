//! Patterns that some libraries read as more than TUF says: `{a,b}` is four characters, and `**` is a star twice.

use crate::repository::{Repository, now};
use muster::trust::tuf::TufError;

#[test]
fn braces_and_double_stars_match_nothing_more() {
    for (pattern, hit, miss) in [
        ("beta/{wiki,shop}/x", "beta/{wiki,shop}/x", "beta/wiki/x"),
        ("beta/**", "beta/x", "beta/wiki/x"),
        ("**/x", "beta/x", "beta/wiki/x"),
    ] {
        let mut repository = Repository::new();
        repository.delegate("wiki", &[pattern], 1);
        repository.add("wiki", hit, b"hit");
        repository.add("wiki", miss, b"miss");
        repository.next(&["targets"]);
        let mut client = repository.client();
        client.refresh(now()).unwrap();
        let refused = client.document(miss, 1024, now()).unwrap_err();
        assert!(matches!(refused, TufError::NotListed { .. }), "{pattern}: {refused}");
        assert_eq!(client.document(hit, 1024, now()).unwrap().get(), b"hit", "{pattern}");
    }
}
