//! Is the host doing its job: checks with deadlines.

mod probe;
mod watch;

pub use probe::{Look, Network, Probe};
pub use watch::{Clock, Passed, watch};

use std::time::Duration;

/// One check: what to look at, and for how long it may take to come right.
#[derive(Clone, Debug)]
pub struct Check {
    /// What people call it.
    pub name: String,
    /// What is looked at.
    pub probe: Probe,
    /// How long one look may take.
    pub timeout: Duration,
    /// Between two looks.
    pub interval: Duration,
    /// From the start of the checks to the last look.
    pub deadline: Duration,
    /// Looks in a row that must pass.
    pub successes: u32,
}

/// A check that did not pass.
#[derive(Debug, thiserror::Error)]
pub enum HealthError {
    /// Its deadline passed.
    #[error("health check `{name}` ({probe}) did not pass within {waited:.0?}, after {looks} looks: {last}")]
    Deadline {
        /// The check.
        name: String,
        /// What was looked at.
        probe: String,
        /// For how long.
        waited: Duration,
        /// How often.
        looks: u32,
        /// What the last look saw.
        last: String,
    },
    /// The run was asked to end before it passed.
    #[error("health check `{name}` ({probe}) had not passed when the run was stopped from outside: {last}")]
    Stopped {
        /// The check.
        name: String,
        /// What was looked at.
        probe: String,
        /// What the last look saw.
        last: String,
    },
    /// What was seen will not come right by waiting.
    #[error("health check `{name}` ({probe}) failed: {seen}")]
    Final {
        /// The check.
        name: String,
        /// What was looked at.
        probe: String,
        /// What was seen.
        seen: String,
    },
}

impl crate::failure::Explain for HealthError {
    fn hint(&self) -> Option<String> {
        let (Self::Deadline { probe, .. } | Self::Final { probe, .. }) = self else { return None };
        Some(match probe.strip_prefix("unit ") {
            Some(unit) => format!("see `journalctl -u {unit} -b`"),
            None => "look at the service behind it; if it only needs longer, raise the check's `deadline`".into(),
        })
    }
}
