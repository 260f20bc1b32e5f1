//! A target whose path leads out of the repository (CVE-2026-6968, CVE-2026-24137): it is not even asked for.

use crate::repository::{Repository, now};
use muster::trust::tuf::TufError;

#[test]
fn a_target_outside_the_repository_is_not_fetched() {
    let mut repository = Repository::new();
    let paths = ["../../etc/cron.d/evil", "a/../../evil", "..", "evil/.."];
    for path in paths.into_iter().chain(["good/file", "..good"]) {
        repository.add("targets", path, b"evil");
    }
    repository.next(&["targets"]);
    let mut client = repository.client();
    client.refresh(now()).unwrap();
    for path in paths {
        let refused = client.document(path, 1024, now()).unwrap_err();
        assert!(
            matches!(&refused, TufError::Target { problem, .. } if problem.contains("out of the repository")),
            "{path}: {refused}"
        );
    }
    for path in ["good/file", "..good"] {
        client.document(path, 1024, now()).unwrap();
    }
}
