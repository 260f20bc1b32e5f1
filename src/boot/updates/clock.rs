//! The clock by which freshness is judged: synchronised, or waited for with a bound; and not before the image itself.

use super::{Order, refused};
use crate::failure::{Failure, Stage};
use crate::host::linux::clock::synchronised;
use crate::settings::keys::ClockRule;
use crate::trust::tuf::{Floor, TufError, judge_clock};
use jiff::{SignedDuration, Timestamp};
use std::time::{Duration, Instant};

/// How often the kernel is asked.
const LOOK: Duration = Duration::from_millis(500);

/// What time it is, once it may be believed.
pub(super) fn now(order: &Order<'_>, floor: &Floor) -> Result<Timestamp, Failure> {
    let settings = order.settings;
    if settings.clock == ClockRule::Synchronised {
        let sleep = |time: Duration| order.reach.unless_stopped(tokio::time::sleep(time)).is_some();
        wait(settings.clock_wait.get(), synchronised, sleep)?;
    }
    let limit = settings.maximum_age.map(|age| SignedDuration::try_from(age.get()).unwrap_or(SignedDuration::MAX));
    let now = Timestamp::now();
    judge_clock(floor, limit, now).map_err(refused)?;
    Ok(now)
}

/// Asks until the kernel vouches for its clock. A kernel that does not say is no kernel that says no: then the floor's
/// own limits are what holds.
fn wait(
    patience: Duration,
    mut ask: impl FnMut() -> Option<bool>,
    mut sleep: impl FnMut(Duration) -> bool,
) -> Result<(), Failure> {
    let begun = Instant::now();
    while ask() == Some(false) {
        let waited = begun.elapsed();
        if waited >= patience {
            return Err(refused(TufError::ClockAlone { waited: waited.as_secs() }));
        }
        if !sleep(LOOK.min(patience - waited)) {
            return Err(Failure::message(Stage::Interrupted, "the run was stopped from outside"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sleep(time: Duration) -> bool {
        std::thread::sleep(time.min(Duration::from_millis(5)));
        true
    }

    #[test]
    fn a_clock_that_nobody_vouches_for_is_waited_for_and_then_refused() {
        let refused = wait(Duration::from_millis(20), || Some(false), sleep).expect_err("alone");
        assert_eq!(refused.stage, Stage::Updates);
        assert!(refused.to_string().contains("not synchronised"), "{refused}");
        let mut looks = 0;
        let later = || {
            looks += 1;
            Some(looks > 3)
        };
        wait(Duration::from_secs(60), later, sleep).expect("synchronised in the end");
        assert_eq!(looks, 4);
        wait(Duration::ZERO, || None, sleep).expect("a kernel that does not say");
    }

    #[test]
    fn a_run_that_is_stopped_waits_no_longer() {
        let stopped = wait(Duration::from_secs(60), || Some(false), |_| false).expect_err("stopped");
        assert_eq!(stopped.stage, Stage::Interrupted);
    }
}
