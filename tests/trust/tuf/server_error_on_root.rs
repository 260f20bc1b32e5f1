//! A server that answers 503 for the next root: the chain has not ended there, it could not be read.

use crate::host::shop;
use crate::repository::Repository;
use muster::trust::tuf::TufError;

#[test]
fn a_root_that_cannot_be_had_ends_the_refresh_and_one_that_is_missing_ends_the_chain() {
    let mut repository = Repository::new();
    repository.rotate(|_| {});
    repository.server.alter(|served| served.failing.push("2.root.json".into()));
    let refused = shop(&repository).unwrap_err();
    assert!(matches!(&refused, TufError::Fetch { file, .. } if file == "2.root.json"), "{refused}");
    repository.server.alter(|served| served.failing.clear());
    shop(&repository).unwrap();
}

#[test]
fn any_other_file_that_is_missing_is_an_error() {
    let repository = Repository::new();
    for file in ["timestamp.json", "1.snapshot.json", "1.targets.json", "1.shop.json"] {
        let bytes = repository.server.read(file);
        repository.server.alter(|served| drop(served.metadata.remove(file)));
        let refused = shop(&repository).unwrap_err();
        assert!(matches!(&refused, TufError::Missing { file: named } if named == file), "{refused}");
        repository.server.alter(|served| drop(served.metadata.insert(file.into(), bytes)));
        shop(&repository).unwrap();
    }
}
