//! The run's deadline, split: time for work, time for what a failure asks for, time to report.

use crate::cloud::Instant;
use crate::failure::{Failure, Stage};
use std::time::Duration;

/// The run's end: work stops early enough to put things right and to report.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline {
    end: Instant,
    reserve: Duration,
    /// For what follows a failure: the previous release, and the hook `on_failure`.
    share: Duration,
}

impl Deadline {
    /// Kept back for the report: a tenth of the run, and no less than ten seconds of a run that has them, nor more than
    /// five minutes.
    pub(super) fn after(whole: Duration) -> Self {
        let reserve = (whole / 10).clamp(Duration::from_secs(10).min(whole / 2), Duration::from_secs(300));
        Self { end: Instant::now() + whole, reserve, share: Duration::ZERO }
    }

    /// The same, or sooner where less time is given from now on.
    pub(super) fn no_later_than(self, whole: Duration) -> Self {
        let other = Self::after(whole);
        if other.end < self.end { other } else { self }
    }

    /// The same with time kept back for what follows a failure, a third of what work has at most.
    pub(super) fn keeping(self, share: Duration) -> Self {
        let left = Self { share: Duration::ZERO, ..self }.left();
        Self { share: share.min(left / 3), ..self }
    }

    /// Work has failed: what was kept back for that may be used.
    pub(super) fn of_failure(self) -> Self {
        Self { share: Duration::ZERO, ..self }
    }

    /// When work must have ended.
    pub(super) fn work(&self) -> Instant {
        self.end.checked_sub(self.reserve + self.share).unwrap_or(self.end)
    }

    /// When all must have ended.
    pub(super) fn end(&self) -> Instant {
        self.end
    }

    /// What is left for work.
    pub(super) fn left(&self) -> Duration {
        self.work().saturating_duration_since(Instant::now())
    }

    /// What a failure is called once it is known whether the run was stopped or its time over: then that is the cause.
    pub(super) fn judge(&self, failure: Failure, stopped: bool) -> Failure {
        let reason = failure.reason();
        match failure.stage {
            Stage::Interrupted | Stage::Deadline => failure,
            _ if stopped => Failure::message(Stage::Interrupted, format!("stopped from outside: {reason}"))
                .with_hint("what was done stays done; the next run goes on"),
            _ if self.left().is_zero() => {
                Failure::message(Stage::Deadline, format!("the run's deadline passed: {reason}"))
                    .with_hint("raise `deadline`, or see why it took so long; what was done before stays done")
            }
            _ => failure,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_leaves_time_for_what_follows_a_failure_and_for_the_report() {
        let whole = Deadline::after(Duration::from_secs(600));
        let kept = whole.keeping(Duration::from_secs(100));
        let between = |from: Instant, to: Instant| to.saturating_duration_since(from).as_secs();
        assert_eq!(between(whole.work(), whole.end()), 60);
        assert_eq!(between(kept.work(), kept.end()), 160);
        assert_eq!(kept.of_failure().work(), whole.work());
        // A hook that asks for more than there is does not starve the work.
        let greedy = whole.keeping(Duration::from_secs(6000));
        assert_eq!(between(greedy.work(), greedy.end()), 60 + 179);
    }

    #[test]
    fn the_cause_is_the_stop_or_the_deadline_where_there_was_one() {
        let failed = || Failure::message(Stage::Health, "it never passed");
        let deadline = Deadline::after(Duration::from_secs(600));
        assert_eq!(deadline.judge(failed(), false).stage, Stage::Health);
        assert_eq!(deadline.judge(failed(), true).stage, Stage::Interrupted);
        let over = Deadline::after(Duration::ZERO).judge(failed(), false);
        assert!(over.stage == Stage::Deadline && over.to_string().contains("it never passed"), "{over}");
    }
}
