//! The conditions of a task: which one does not hold, and what its result is then.

use super::end::End;
use super::result;
use super::run::{Run, Stage};
use crate::failure::Place;
use crate::roles::load::Said;
use crate::roles::template::TemplateError;
use crate::roles::value::Value;

impl Run<'_> {
    pub(super) fn all(&self, stage: &Stage<'_>, conditions: &[Said]) -> Result<bool, TemplateError> {
        let view = self.view(stage);
        for said in conditions {
            if !view.condition(&said.value, &said.place)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The condition that does not hold, where there is one.
    pub(super) fn skipped(&self, stage: &Stage<'_>) -> Result<Option<Value>, Box<(TemplateError, Place)>> {
        let view = self.view(stage);
        for said in stage.task.frame.conditions() {
            match view.condition(&said.value, &said.place) {
                Ok(true) => {}
                Ok(false) => return Ok(Some(said.value.clone())),
                Err(error) => return Err(Box::new((error, said.place.clone()))),
            }
        }
        Ok(None)
    }

    /// The result where a condition does not hold or cannot be evaluated; `None` where the task runs.
    pub(super) fn condition_end(&self, stage: &Stage<'_>) -> Option<End> {
        match self.skipped(stage) {
            Ok(None) => None,
            Ok(Some(condition)) => Some(End::new(result::of_skip(&condition))),
            Err(trouble) => {
                let (error, place) = *trouble;
                let mut failed = super::view::failed(&error);
                failed.message = if failed.undecided {
                    format!("the condition at {place} needs a value that is not known yet")
                } else {
                    format!("the condition at {place} could not be evaluated: {error}")
                };
                Some(End::failed(failed))
            }
        }
    }
}
