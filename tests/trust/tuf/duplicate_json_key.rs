//! Signed metadata in which a key stands twice: two readers could read two things.

use crate::host::shop;
use crate::repository::Repository;
use muster::trust::tuf::TufError;

#[test]
fn a_key_that_stands_twice_is_refused_in_every_role() {
    let repository = Repository::new();
    shop(&repository).unwrap();
    for file in ["timestamp.json", "1.snapshot.json", "1.targets.json", "1.shop.json"] {
        let whole = repository.server.read(file);
        // The library would take the last of two, and the signature is good for it.
        let text = String::from_utf8(whole.clone()).unwrap().replace("\"version\":1", "\"version\":9,\"version\":1");
        repository.server.alter(|served| drop(served.metadata.insert(file.into(), text.into_bytes())));
        let refused = shop(&repository).unwrap_err();
        assert!(matches!(&refused, TufError::Json { file: named, .. } if named == file), "{file}: {refused}");
        assert!(refused.to_string().contains("is there twice"), "{refused}");
        repository.server.alter(|served| drop(served.metadata.insert(file.into(), whole)));
        shop(&repository).unwrap();
    }
}

#[test]
fn nesting_without_end_is_refused() {
    let repository = Repository::new();
    let deep = "[".repeat(10_000).into_bytes();
    repository.server.alter(|served| drop(served.metadata.insert("timestamp.json".into(), deep)));
    let refused = shop(&repository).unwrap_err();
    assert!(matches!(&refused, TufError::Json { .. }) && refused.to_string().contains("too deep"), "{refused}");
}
