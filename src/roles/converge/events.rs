//! What a run tells while it goes on.

use super::outcome::{PendingHandler, Recap};
use crate::failure::Place;
use std::time::Duration;

/// How a task, or one item of its loop, ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Nothing was to be done.
    Ok,
    /// Something was changed.
    Changed,
    /// Its condition did not hold.
    Skipped,
    /// It failed.
    Failed,
    /// It failed, and `ignore_errors` says that this is no matter.
    Ignored,
    /// Only planned: what it does shows when the plan is applied.
    Undecided,
}

/// Something that happened. Results are redacted already.
#[derive(Debug)]
pub enum Event<'a> {
    /// A play begins.
    Play {
        /// Its name.
        name: &'a str,
    },
    /// A play is left out: its `hosts` do not mean this host.
    PlaySkipped {
        /// Its name.
        name: &'a str,
        /// Its hosts.
        hosts: &'a str,
    },
    /// A task begins.
    Task {
        /// Its name.
        name: &'a str,
        /// Its role.
        role: Option<&'a str>,
        /// Where it stands.
        place: &'a Place,
        /// Whether it is a handler.
        handler: bool,
        /// Whether it brings tasks of its own.
        include: bool,
    },
    /// An item of a loop, or a task without a loop, has failed: its result follows.
    Error {
        /// Why.
        message: &'a str,
        /// Where the task stands.
        place: &'a Place,
        /// The lines before it, two at most; none where the file is encrypted.
        before: &'a [String],
    },
    /// An item of a loop, or a task without a loop, ended.
    Result {
        /// How.
        status: Status,
        /// The item's label.
        item: Option<&'a str>,
        /// Its result.
        result: &'a serde_json::Value,
        /// What it did, or would show: only for people.
        diff: &'a [crate::roles::modules::Diff],
        /// What it altered, or would.
        changes: &'a [crate::host::Change],
        /// Whether `no_log` hides it.
        hidden: bool,
        /// Why it is undecided.
        undecided: Option<&'a str>,
        /// Whether the result itself is what the task is for (`debug`).
        shown: bool,
    },
    /// A task with a loop ended.
    Loop {
        /// How.
        status: Status,
        /// Its message, where it failed or has no items.
        message: &'a str,
    },
    /// A task is tried again.
    Retry {
        /// Its name.
        name: &'a str,
        /// How many tries are left.
        left: u64,
    },
    /// The run waits.
    Wait {
        /// For how long.
        time: Duration,
    },
    /// A file or role is included.
    Include {
        /// Which.
        name: &'a str,
        /// The item's label.
        item: Option<&'a str>,
    },
    /// Something odd.
    Warning {
        /// What.
        text: &'a str,
        /// Where.
        place: Option<&'a Place>,
    },
    /// The handlers that are due changed: a run that is killed now owes these.
    Pending(&'a [PendingHandler]),
    /// A play with its tasks, as `--list-tasks` tells of them.
    Listing(&'a str),
    /// The end.
    Recap(&'a Recap),
}

/// Who is told.
pub trait Observer {
    /// Something happened.
    fn event(&mut self, event: &Event<'_>);
}

/// Nobody.
impl Observer for () {
    fn event(&mut self, _: &Event<'_>) {}
}
