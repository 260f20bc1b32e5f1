//! One signature counted twice (CVE-2020-6174, CVE-2020-15093, CVE-2026-6966).

use crate::host::shop;
use crate::repository::Repository;
use muster::trust::tuf::TufError;

#[test]
fn a_key_that_signs_twice_is_refused_at_the_top_and_in_a_delegation() {
    for role in ["targets", "shop"] {
        let mut repository = Repository::new();
        let both = repository.keys[role].clone();
        repository.keys.insert(role.into(), vec![both[0].clone(), both[0].clone()]);
        repository.next(&[role]);
        let refused = shop(&repository).unwrap_err();
        assert!(matches!(&refused, TufError::SignedTwice { role: named, .. } if named == role), "{refused}");
        repository.keys.insert(role.into(), both);
        repository.next(&[role]);
        shop(&repository).unwrap();
    }
}
