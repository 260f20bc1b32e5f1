//! How a run can end other than well.

use crate::failure::{Explain, Failure, Place, Stage};
use crate::roles::load::{LoadError, Refusal};
use crate::roles::template::TemplateError;

/// A task that failed, with nothing to rescue it.
#[derive(Clone, Debug, thiserror::Error)]
#[error("task `{task}`{} failed: {message}", self.beside())]
pub struct TaskFailure {
    /// The task's name.
    pub task: String,
    /// Its role.
    pub role: Option<String>,
    /// Ansible's `msg`; hidden under `no_log`.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
    /// Where the task stands.
    pub place: Place,
    /// Where what failed is written, where that is not the task itself: a line of a template.
    pub written: Option<Box<Place>>,
}

impl TaskFailure {
    /// The task's place, where the caret stands elsewhere.
    fn beside(&self) -> String {
        match &self.written {
            Some(written) if written.file != self.place.file => format!(" ({})", self.place),
            _ => String::new(),
        }
    }
}

/// Why a run did not get to its end.
#[derive(Debug, thiserror::Error)]
pub enum ConvergeError {
    /// The tree cannot be loaded.
    #[error(transparent)]
    Load(Box<LoadError>),
    /// Something that muster does not do is asked for, before anything was changed by it.
    #[error("{first}{more}", first = .0.first().map_or("", |refusal| refusal.message.as_str()), more = more(.0))]
    Refused(Vec<Refusal>),
    /// What must be known for the play itself could not be evaluated.
    #[error(transparent)]
    Template(Box<TemplateError>),
    /// A task failed.
    #[error(transparent)]
    Task(Box<TaskFailure>),
    /// The run's deadline passed: when.
    #[error("the deadline passed {0}")]
    Deadline(String),
    /// A task asked for what the reviewed plan does not have.
    #[error("{0}")]
    NotReviewed(String),
    /// The run was stopped from outside: when.
    #[error("the run was stopped {0}")]
    Stopped(String),
}

impl From<LoadError> for ConvergeError {
    fn from(error: LoadError) -> Self {
        Self::Load(Box::new(error))
    }
}

impl From<TemplateError> for ConvergeError {
    fn from(error: TemplateError) -> Self {
        Self::Template(Box::new(error))
    }
}

fn more(all: &[Refusal]) -> String {
    use std::fmt::Write;
    let mut text = String::new();
    for refusal in all.iter().skip(1).take(20) {
        let _ = write!(text, "\n  {}: {}", refusal.place, refusal.message);
        if let Some(hint) = &refusal.hint {
            let _ = write!(text, " ({hint})");
        }
    }
    if all.len() > 21 {
        let _ = write!(text, "\n  and {} more", all.len() - 21);
    }
    text
}

impl Explain for ConvergeError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Load(error) => error.hint(),
            Self::Refused(all) => all.first().and_then(|refusal| refusal.hint.clone()),
            Self::Template(error) => error.hint(),
            Self::Task(failure) => failure.hint.clone(),
            Self::Deadline(_) => Some("what was done stays done; the next run goes on".into()),
            Self::NotReviewed(_) => Some("the machine moved while the plan was applied; plan again".into()),
            Self::Stopped(_) => None,
        }
    }

    fn place(&self) -> Option<Place> {
        match self {
            Self::Load(error) => error.place(),
            Self::Refused(all) => all.first().map(|refusal| refusal.place.clone()),
            Self::Template(error) => error.place(),
            Self::Task(failure) => Some(failure.written.as_deref().unwrap_or(&failure.place).clone()),
            Self::Deadline(_) | Self::Stopped(_) | Self::NotReviewed(_) => None,
        }
    }
}

impl ConvergeError {
    /// The part of the run that it belongs to.
    pub fn stage(&self) -> Stage {
        match self {
            Self::Refused(all) => {
                let outside: Option<Vec<Stage>> = all.iter().map(|refusal| refusal.outside).collect();
                outside.and_then(|stages| stages.first().copied()).unwrap_or(Stage::Parse)
            }
            Self::Load(_) | Self::Template(_) => Stage::Parse,
            Self::Task(_) | Self::NotReviewed(_) => Stage::Converge,
            Self::Deadline(_) => Stage::Deadline,
            Self::Stopped(_) => Stage::Interrupted,
        }
    }

    /// As the failure that the user sees.
    pub fn into_failure(self) -> Failure {
        Failure::new(self.stage(), self)
    }
}

/// What ends a list of steps early.
pub(super) enum Stop {
    /// A task failed; a block around it may rescue it.
    Failed(Box<TaskFailure>),
    /// `meta: end_play`, `end_host`, `end_batch`.
    EndPlay,
    /// `meta: end_role`, of the role with this identity.
    EndRole(String),
    /// Nothing may go on.
    Fatal(Box<ConvergeError>),
}

impl<E: Into<ConvergeError>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Fatal(Box::new(error.into()))
    }
}
