//! Looks again until every check has passed, or one cannot.

use super::{Check, HealthError, Look, Network};
use crate::host::Observe;
use std::time::{Duration, Instant, SystemTime};

/// Time, as a parameter.
pub trait Clock {
    /// For how long.
    fn now(&self) -> Instant;
    /// At what time of day.
    fn wall(&self) -> SystemTime;
    /// Lets time pass, no longer than the run goes on.
    fn sleep(&self, time: Duration);
    /// Whether the run is asked to end.
    fn stopped(&self) -> bool {
        false
    }
}

/// A check that passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passed {
    /// Its name.
    pub name: String,
    /// How long it took.
    pub after: Duration,
    /// How many looks.
    pub looks: u32,
}

/// A check under way.
struct Watched<'a> {
    check: &'a Check,
    looks: u32,
    in_a_row: u32,
    next: Instant,
    last: String,
}

/// Watches all checks at the same time. Fails with the first that cannot pass: nobody is served by waiting for the rest.
/// `limit` is what the run has left; a check's own deadline never reaches past it. `waiting` hears what is waited for.
pub fn watch(
    checks: &[Check],
    host: &dyn Observe,
    network: &dyn Network,
    clock: &dyn Clock,
    limit: Duration,
    waiting: &mut dyn FnMut(&str, &str),
) -> Result<Vec<Passed>, HealthError> {
    let start = clock.now();
    let mut pending: Vec<Watched<'_>> = checks
        .iter()
        .map(|check| Watched { check, looks: 0, in_a_row: 0, next: start, last: "not looked at yet".into() })
        .collect();
    let mut passed = Vec::new();
    while !pending.is_empty() {
        let mut still = Vec::new();
        for mut watched in pending {
            if clock.now() < watched.next {
                still.push(watched);
                continue;
            }
            if watched.look(host, network, clock, start, limit)? {
                let check = watched.check;
                passed.push(Passed { name: check.name.clone(), after: clock.now() - start, looks: watched.looks });
            } else if clock.stopped() {
                return Err(watched.stopped());
            } else {
                waiting(&watched.check.name, &watched.last);
                still.push(watched);
            }
        }
        pending = still;
        if let Some(next) = pending.iter().map(|watched| watched.next).min() {
            clock.sleep(next.saturating_duration_since(clock.now()));
        }
        if let Some(watched) = pending.first().filter(|_| clock.stopped()) {
            return Err(watched.stopped());
        }
    }
    Ok(passed)
}

impl Watched<'_> {
    fn stopped(&self) -> HealthError {
        let (name, probe) = (self.check.name.clone(), self.check.probe.to_string());
        HealthError::Stopped { name, probe, last: self.last.clone() }
    }

    /// Looks once; true when the check has passed.
    fn look(
        &mut self,
        host: &dyn Observe,
        network: &dyn Network,
        clock: &dyn Clock,
        start: Instant,
        limit: Duration,
    ) -> Result<bool, HealthError> {
        let check = self.check;
        let deadline = start + check.deadline.min(limit);
        let left = deadline.saturating_duration_since(clock.now()).max(Duration::from_millis(100));
        self.looks += 1;
        match check.probe.look(host, network, clock.wall(), check.timeout.min(left)) {
            Look::Pass => self.in_a_row += 1,
            Look::NotYet(seen) => (self.in_a_row, self.last) = (0, seen),
            Look::Never(seen) => {
                let (name, probe) = (check.name.clone(), check.probe.to_string());
                return Err(HealthError::Final { name, probe, seen });
            }
        }
        if self.in_a_row >= check.successes.max(1) {
            return Ok(true);
        }
        if self.in_a_row > 0 {
            self.last = format!("passed {} of {} looks in a row", self.in_a_row, check.successes);
        }
        self.next = clock.now() + check.interval.max(Duration::from_millis(50));
        if self.next > deadline {
            return Err(HealthError::Deadline {
                name: check.name.clone(),
                probe: check.probe.to_string(),
                waited: clock.now() - start,
                looks: self.looks,
                last: self.last.clone(),
            });
        }
        Ok(false)
    }
}
