//! An old repository is served for ever: its timestamp expires, and a clock that was turned back does not help.

use crate::repository::{Repository, days, now};
use muster::trust::tuf::{TufError, judge_clock};

#[test]
fn a_frozen_repository_is_refused_when_its_timestamp_expires() {
    let repository = Repository::new();
    let floor = repository.bake(now());
    repository.client_above(&floor).refresh(now()).unwrap();
    let refused = repository.client_above(&floor).refresh(days(2)).unwrap_err();
    assert!(matches!(&refused, TufError::Expired { role, .. } if role == "timestamp"), "{refused}");
    // Turned back behind the image's own time, the clock itself is refused.
    let refused = judge_clock(&floor, None, days(-2)).unwrap_err();
    assert!(matches!(refused, TufError::ClockBehind { .. }), "{refused}");
}
