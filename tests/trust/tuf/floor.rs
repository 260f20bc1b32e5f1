//! The image's floor: missing, of another trust root, above the repository, ahead of the clock, or too old.

use crate::repository::{Key, Repository, days, now};
use jiff::SignedDuration;
use muster::trust::tuf::{Floor, TufError, judge_clock};

#[test]
fn a_repository_below_the_floor_is_refused() {
    let mut repository = Repository::new();
    let old = repository.clone();
    let before = old.server.read("timestamp.json");
    repository.next(&["shop"]);
    let floor = repository.bake(now());
    repository.client_above(&floor).refresh(now()).unwrap();
    repository.server.alter(|served| drop(served.metadata.insert("timestamp.json".into(), before)));
    // A host without a floor cannot know better; this is what the floor is for.
    repository.client().refresh(now()).unwrap();
    let refused = repository.client_above(&floor).refresh(now()).unwrap_err();
    assert!(matches!(&refused, TufError::Rollback { role, trusted: 2, found: 1 } if role == "timestamp"), "{refused}");
}

#[test]
fn a_chain_of_roots_that_ends_below_the_floor_is_refused() {
    let mut repository = Repository::new();
    repository.rotate(|_| {});
    let floor = repository.bake(now());
    repository.server.alter(|served| drop(served.metadata.remove("2.root.json")));
    // The floor keeps the chain, so a server that withholds it withholds nothing.
    let mut client = repository.client_above(&floor);
    client.refresh(now()).unwrap();
    assert_eq!(client.versions().unwrap().root, 2);
}

#[test]
fn a_floor_that_is_missing_is_refused() {
    let repository = Repository::new();
    let scratch = tempfile::tempdir().unwrap();
    let refused = Floor::read(scratch.path(), &repository.anchor).unwrap_err();
    assert!(matches!(refused, TufError::NoFloor { .. }), "{refused}");
    let floor = repository.bake(now());
    floor.write(scratch.path()).unwrap();
    assert_eq!(Floor::read(scratch.path(), &repository.anchor).unwrap(), floor);
}

#[test]
fn a_floor_of_another_root_is_refused() {
    let repository = Repository::new();
    let scratch = tempfile::tempdir().unwrap();
    repository.bake(now()).write(scratch.path()).unwrap();
    let mut other = Repository::new();
    other.keys.insert("root".into(), vec![Key::new("another"), Key::new("organisation")]);
    other.list_keys(2);
    let anchor = other.signed("root", &other.root);
    let refused = Floor::read(scratch.path(), &anchor).unwrap_err();
    assert!(matches!(refused, TufError::OtherFloor { .. }), "{refused}");
    Floor::read(scratch.path(), &repository.anchor).unwrap();
}

#[test]
fn a_clock_before_the_floor_is_refused() {
    let floor = Repository::new().bake(now());
    let refused = judge_clock(&floor, None, days(-1)).unwrap_err();
    assert!(matches!(refused, TufError::ClockBehind { .. }), "{refused}");
    judge_clock(&floor, None, now()).unwrap();
}

#[test]
fn an_image_past_its_maximum_age_is_refused() {
    let floor = Repository::new().bake(now());
    let limit = Some(SignedDuration::from_hours(24 * 90));
    let refused = judge_clock(&floor, limit, days(91)).unwrap_err();
    assert!(matches!(refused, TufError::ImageTooOld { days: 90, .. }), "{refused}");
    judge_clock(&floor, limit, days(89)).unwrap();
    judge_clock(&floor, None, days(3650)).unwrap();
}

#[test]
fn a_floor_that_is_written_again_keeps_only_what_it_names() {
    let mut repository = Repository::new();
    let scratch = tempfile::tempdir().unwrap();
    repository.bake(now()).write(scratch.path()).unwrap();
    let count = || std::fs::read_dir(scratch.path()).unwrap().count();
    let first = count();
    repository.next(&["shop"]);
    let mut client = repository.client_above(&Floor::read(scratch.path(), &repository.anchor).unwrap());
    client.refresh(now()).unwrap();
    let raised = client.raised(&repository.anchor, days(1)).unwrap();
    raised.write(scratch.path()).unwrap();
    let again = Floor::read(scratch.path(), &repository.anchor).unwrap();
    assert_eq!((again.versions.timestamp, again.baked, count()), (2, now(), first));
}
