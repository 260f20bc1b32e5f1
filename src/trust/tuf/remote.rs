//! Where a TUF repository's files come from, as this room asks for them.

use super::TufError;
use crate::trust::Untrusted;
use std::fs::File;

/// Why a file did not come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It has more bytes than it may have.
    TooLarge,
    /// Anything else.
    Failed {
        /// What happened.
        message: String,
        /// What to do next.
        hint: Option<String>,
    },
}

impl Refusal {
    /// What happened, with nothing to be done about it.
    pub fn new(message: impl Into<String>) -> Self {
        Self::Failed { message: message.into(), hint: None }
    }

    /// The same, of a file.
    pub(super) fn of(self, file: &str, limit: u64) -> TufError {
        let file = file.to_owned();
        match self {
            Self::TooLarge => TufError::TooLarge { file, limit },
            Self::Failed { message, hint } => TufError::Fetch { file, message, hint },
        }
    }
}

/// A TUF repository: a directory, a web server or a bucket. Every method blocks, ends within the limits that its maker
/// set, and gives no more than `limit` bytes; what is larger is an error.
pub trait Remote: Send + Sync {
    /// A metadata file by its name (`3.root.json`). `None` says that there is none, and never that it could not be had:
    /// the chain of roots ends where a file is missing.
    fn metadata(&self, name: &str, limit: u64) -> Result<Option<Untrusted<Vec<u8>>>, Refusal>;

    /// A target by its path in the repository, in a file that no one else can open. The bytes are on disk, not in memory.
    fn target(&self, path: &str, limit: u64) -> Result<Option<Untrusted<File>>, Refusal>;
}
