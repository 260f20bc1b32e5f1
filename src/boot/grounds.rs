//! What the work of a run stands on: its way out, its journal, its time, and where it keeps things.

use super::deadline::Deadline;
use super::reach::Reach;
use super::vitals::{Looking, RunClock, checks};
use crate::failure::{Failure, Stage};
use crate::health;
use crate::host::Observe;
use crate::journal::Run;
use crate::secret::Redactor;
use crate::settings::Settings;
use std::path::PathBuf;
use std::sync::Arc;

/// What the work stands on.
pub(super) struct Grounds {
    pub(super) reach: Arc<Reach>,
    pub(super) run: Arc<Run>,
    pub(super) redactor: Redactor,
    pub(super) deadline: Deadline,
    pub(super) root: PathBuf,
    pub(super) tags: (Vec<String>, Vec<String>),
    /// As release descriptors name it.
    pub(super) architecture: &'static str,
    /// Where records of releases are, as the root itself sees it.
    pub(super) records: PathBuf,
    /// The file that keeps handlers which are still due.
    pub(super) handlers: PathBuf,
}

impl Grounds {
    /// Ends the work where the run is asked to end, or its time is over.
    pub(super) fn go_on(&self) -> Result<(), Failure> {
        if self.reach.is_stopped() {
            return Err(Failure::message(Stage::Interrupted, "the run was stopped from outside"));
        }
        if self.deadline.left().is_zero() {
            return Err(Failure::message(Stage::Deadline, "the run's deadline passed")
                .with_hint("what was done stays done; raise `deadline`, or see why it took so long"));
        }
        Ok(())
    }

    /// Watches the checks that settings name until they pass.
    pub(super) fn check_health(&self, settings: &Settings, host: &dyn Observe) -> Result<(), Failure> {
        if settings.health.is_empty() {
            return Ok(());
        }
        let run = &self.run;
        run.enter(Stage::Health);
        let (looking, clock) = (Looking(&self.reach), RunClock(&self.reach));
        let left = self.deadline.left();
        let passed = health::watch(&checks(&settings.health), host, &looking, &clock, left, &mut |name, seen| {
            run.waiting(Some(&format!("health check {name}: {seen}")));
        })
        .map_err(|error| Failure::new(Stage::Health, error))?;
        run.waiting(None);
        for check in passed {
            run.line(&format!("healthy: {} after {:.1} s", check.name, check.after.as_secs_f64()));
        }
        Ok(())
    }
}
