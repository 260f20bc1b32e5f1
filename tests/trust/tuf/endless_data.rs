//! Files without end (CVE-2020-6173): each has a limit, and what goes beyond it is not read.

use crate::host::shop;
use crate::repository::{Repository, now};
use muster::trust::tuf::TufError;

#[test]
fn a_timestamp_with_eight_megabytes_behind_it_is_refused() {
    let repository = Repository::new();
    let whole = repository.server.read("timestamp.json");
    let padded = [whole.clone(), vec![b' '; 8 << 20]].concat();
    repository.server.alter(|served| drop(served.metadata.insert("timestamp.json".into(), padded)));
    let refused = shop(&repository).unwrap_err();
    assert!(matches!(&refused, TufError::TooLarge { file, .. } if file == "timestamp.json"), "{refused}");
    // The twin: the same file with a few blanks behind it.
    let padded = [whole, vec![b' '; 100]].concat();
    repository.server.alter(|served| drop(served.metadata.insert("timestamp.json".into(), padded)));
    shop(&repository).unwrap();
}

#[test]
fn a_target_beyond_its_signed_size_is_refused() {
    let repository = Repository::new();
    repository.server.alter(|served| served.targets.values_mut().for_each(|bytes| bytes.extend_from_slice(&[0; 4096])));
    let refused = shop(&repository).unwrap_err();
    assert!(matches!(&refused, TufError::TooLarge { limit: 8, .. }), "{refused}");
}

#[test]
fn a_descriptor_larger_than_a_descriptor_is_not_fetched() {
    let mut repository = Repository::new();
    repository.add("shop", "stable/shop/release.json", &[b'x'; 2048]);
    repository.next(&["shop"]);
    repository.server.alter(|served| served.targets.clear());
    let mut client = repository.client();
    client.refresh(now()).unwrap();
    let refused = client.document("stable/shop/release.json", 1024, now()).unwrap_err();
    assert!(matches!(refused, TufError::TooLarge { limit: 1024, .. }), "{refused}");
}
