//! A role that is called like a path (CVE-2021-41131): its file is asked for, and kept, by a name without one.

use crate::repository::{Repository, now};
use muster::trust::tuf::TufError;

const ROLE: &str = "../../etc/cron.d/evil";

#[test]
fn a_role_called_like_a_path_leads_nowhere() {
    let mut repository = Repository::new();
    repository.delegate(ROLE, &["stable/evil/*"], 1);
    repository.add(ROLE, "stable/evil/release.json", b"evil");
    repository.next(&["targets"]);
    let document = || {
        let mut client = repository.client();
        client.refresh(now())?;
        client.document("stable/evil/release.json", 1024, now()).map(|found| (found.into_inner(), client))
    };
    let refused = document().unwrap_err();
    let TufError::Missing { file } = refused else { panic!("{refused}") };
    repository.server.alter(|served| {
        assert!(served.asked.iter().all(|name| !name.contains('/')), "{:?}", served.asked);
    });
    // The twin: published by the name that is asked for, it is a role as any other.
    repository.put(&file, repository.server.read(&format!("1.{ROLE}.json")));
    let (found, client) = document().unwrap();
    assert_eq!(found, b"evil");
    let (scratch, floor) = (tempfile::tempdir().unwrap(), client.raised(&repository.anchor, now()).unwrap());
    floor.write(&scratch.path().join("a/b/c")).unwrap();
    let kept = std::fs::read_dir(scratch.path().join("a/b/c")).unwrap().count();
    assert!(kept > 1 && std::fs::read_dir(scratch.path()).unwrap().count() == 1, "{kept}");
}
