//! One boot with a clock two days ahead: it fails, and the next one, with a right clock, does not.

use crate::repository::{Repository, days, now};
use muster::trust::tuf::{Floor, TufError, judge_clock};

#[test]
fn a_clock_that_was_wrong_once_leaves_no_trace() {
    let repository = Repository::new();
    let scratch = tempfile::tempdir().unwrap();
    repository.bake(now()).write(scratch.path()).unwrap();
    let floor = Floor::read(scratch.path(), &repository.anchor).unwrap();
    judge_clock(&floor, None, days(2)).unwrap();
    let mut ahead = repository.client_above(&floor);
    let refused = ahead.refresh(days(2)).unwrap_err();
    assert!(matches!(&refused, TufError::Expired { role, .. } if role == "timestamp"), "{refused}");
    // Even where such a run keeps what it verified, the time of baking does not move.
    let again = Floor::read(scratch.path(), &repository.anchor).unwrap();
    assert_eq!(again.baked, now());
    judge_clock(&again, None, now()).unwrap();
    let mut right = repository.client_above(&again);
    right.refresh(now()).unwrap();
    assert_eq!(right.raised(&repository.anchor, days(900)).unwrap().baked, now());
}
