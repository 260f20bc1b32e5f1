//! How a task, or one item of it, ended.

use super::events::Status;
use super::result::{self, flag};
use crate::failure::Place;
use crate::host::Change;
use crate::roles::modules::{Diff, Failed};
use crate::roles::value::{Map, Value};

/// How a task, or one item of it, ended.
pub(super) struct End {
    pub(super) result: Map,
    pub(super) notify: Vec<String>,
    pub(super) ignored: bool,
    pub(super) hidden: bool,
    pub(super) hint: Option<String>,
    /// Where what failed is written, where that is not the task itself.
    pub(super) place: Option<Box<Place>>,
    pub(super) diff: Vec<Diff>,
    pub(super) changes: Vec<Change>,
    /// Why what it does is not known before the plan is applied.
    pub(super) undecided: Option<String>,
}

impl End {
    pub(super) fn new(result: Map) -> Self {
        let (notify, diff, changes) = (Vec::new(), Vec::new(), Vec::new());
        let (hint, place, undecided) = (None, None, None);
        Self { result, notify, ignored: false, hidden: false, hint, place, diff, changes, undecided }
    }

    pub(super) fn failed(failed: Failed) -> Self {
        if failed.undecided {
            return Self::undecided(failed.message);
        }
        let (hint, place) = (failed.hint.clone(), failed.place.clone());
        Self { hint, place, ..Self::new(result::of_failure(failed)) }
    }

    /// A task of a plan whose outcome shows when the plan is applied.
    pub(super) fn undecided(why: impl Into<String>) -> Self {
        Self { undecided: Some(why.into()), ..Self::new(Map::new()) }
    }

    /// What `register` keeps.
    pub(super) fn registered(&self) -> Value {
        if self.undecided.is_some() { Value::Unknown } else { result::value(&self.result) }
    }

    pub(super) fn status(&self) -> Status {
        if self.undecided.is_some() {
            Status::Undecided
        } else if result::failed(&self.result) {
            if self.ignored { Status::Ignored } else { Status::Failed }
        } else if flag(&self.result, "skipped") {
            Status::Skipped
        } else if flag(&self.result, "changed") {
            Status::Changed
        } else {
            Status::Ok
        }
    }
}
