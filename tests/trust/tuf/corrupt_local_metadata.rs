//! What a host keeps is damaged, so that an old repository may pass: it is refused as damaged, and never forgotten.

use crate::repository::{Repository, now};
use muster::host::durable;
use muster::trust::tuf::{Floor, TufError};

fn damaged(alter: impl Fn(&std::path::Path)) -> TufError {
    let mut repository = Repository::new();
    repository.next(&["shop"]);
    let scratch = tempfile::tempdir().unwrap();
    repository.bake(now()).write(scratch.path()).unwrap();
    Floor::read(scratch.path(), &repository.anchor).unwrap();
    alter(scratch.path());
    Floor::read(scratch.path(), &repository.anchor).unwrap_err()
}

/// The kept file that is a timestamp.
fn timestamp(directory: &std::path::Path) -> std::path::PathBuf {
    let files = std::fs::read_dir(directory).unwrap().flatten().map(|entry| entry.path());
    let mut found = files.filter(|path| std::fs::read_to_string(path).unwrap().contains("\"_type\":\"timestamp\""));
    found.next().unwrap()
}

#[test]
fn a_local_timestamp_that_is_damaged_does_not_let_the_repository_go_back() {
    let refused = damaged(|directory| {
        let path = timestamp(directory);
        let mut bytes = std::fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        durable::write(&path, &bytes, 0o600).unwrap();
    });
    assert!(matches!(refused, TufError::DamagedFloor { .. }), "{refused}");
    let refused = damaged(|directory| durable::remove(&timestamp(directory)).unwrap());
    assert!(matches!(refused, TufError::DamagedFloor { .. }), "{refused}");
}

#[test]
fn a_floor_with_another_number_in_it_is_refused() {
    let refused = damaged(|directory| {
        let path = directory.join("floor.json");
        let text = std::fs::read_to_string(&path).unwrap();
        let lower = text.replace("\"timestamp\":2", "\"timestamp\":1");
        assert_ne!(text, lower);
        durable::write(&path, lower.as_bytes(), 0o600).unwrap();
    });
    assert!(matches!(refused, TufError::DamagedFloor { .. }), "{refused}");
    let refused = damaged(|directory| durable::write(&directory.join("floor.json"), b"{", 0o600).unwrap());
    assert!(matches!(refused, TufError::DamagedFloor { .. }), "{refused}");
}
