//! What a run did.

use super::error::ConvergeError;
use crate::failure::Place;

/// Ansible's counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Recap {
    /// Tasks that ran and did not fail, changed ones included.
    pub ok: u32,
    /// Tasks that changed something.
    pub changed: u32,
    /// Tasks that failed.
    pub failed: u32,
    /// Tasks whose condition did not hold.
    pub skipped: u32,
    /// Failures that a block rescued.
    pub rescued: u32,
    /// Failures that were ignored.
    pub ignored: u32,
    /// Tasks of a plan whose outcome shows when it is applied.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub undecided: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// A handler that was notified and has not run.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct PendingHandler {
    /// Its name.
    pub name: String,
    /// Its role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
}

/// A task that changed something.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Completed {
    /// Its name.
    pub task: String,
    /// Its role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Where it stands.
    pub place: Place,
}

/// What a run did, and how it ended.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Counts.
    pub recap: Recap,
    /// What is still due; the next run takes it in.
    pub pending_handlers: Vec<PendingHandler>,
    /// What was changed, in order.
    pub completed: Vec<Completed>,
    /// Why it did not get to its end.
    pub error: Option<ConvergeError>,
}
