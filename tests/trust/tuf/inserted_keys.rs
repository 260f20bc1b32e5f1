//! Signatures that a thief adds under ids that the role lists (GHSA-3633-5h82-39pq): an id proves nothing, the key does.

use crate::host::shop;
use crate::repository::{Key, Repository};
use muster::trust::tuf::TufError;

#[test]
fn a_thief_s_signatures_under_the_holders_ids_are_none() {
    let mut repository = Repository::new();
    repository.add("shop", "stable/shop/release.json", b"shop 6.6");
    let holders = repository.keys["shop"].clone();
    let called = |holder: &Key| Key::new(&format!("thief for {}", holder.id)).called(&holder.id);
    let both: Vec<Key> = holders.iter().map(called).collect();
    for (signers, counted) in [(both.clone(), 0), (vec![holders[0].clone(), both[1].clone()], 1)] {
        repository.keys.insert("shop".into(), signers);
        repository.next(&["shop"]);
        let refused = shop(&repository).unwrap_err();
        assert!(
            matches!(&refused, TufError::Threshold { role, found, threshold: 2 } if role == "shop" && *found == counted),
            "{refused}"
        );
    }
    // The twin: the holders themselves.
    repository.keys.insert("shop".into(), holders);
    repository.next(&["shop"]);
    assert_eq!(shop(&repository).unwrap(), b"shop 6.6");
}
