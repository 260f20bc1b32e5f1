//! A delegation that no signature satisfies (CVE-2026-23992): a threshold of zero is none.

use crate::repository::{Key, Repository, now};
use muster::trust::tuf::TufError;

#[test]
fn a_threshold_of_zero_is_refused() {
    for (threshold, passes) in [(0, false), (1, true)] {
        let mut repository = Repository::new();
        repository.delegate_to("wiki", &["stable/wiki/*"], threshold, vec![Key::new("wiki")]);
        repository.add("wiki", "stable/wiki/release.json", b"wiki");
        if !passes {
            repository.keys.insert("wiki".into(), Vec::new());
        }
        repository.next(&["targets"]);
        let mut client = repository.client();
        client.refresh(now()).unwrap();
        let found = client.document("stable/wiki/release.json", 1024, now());
        match passes {
            true => assert_eq!(found.unwrap().get(), b"wiki"),
            false => assert!(
                matches!(found.unwrap_err(), TufError::Malformed { problem } if problem.contains("threshold 0"))
            ),
        }
    }
}
