//! Why muster's own state could not be kept, and who holds the lock.

use crate::failure::{Explain, Failure, Stage};
use std::path::PathBuf;

/// State that could not be read or written, or a lock that another holds.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The operating system refused.
    #[error("{attempt} {}: {source}", path.display())]
    State {
        /// What was attempted.
        attempt: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A state file is not what muster wrote.
    #[error("read {}: {message}", path.display())]
    Content {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// Another muster is running.
    #[error("another muster is running: {holder}")]
    Locked {
        /// Who, as far as the lock file tells.
        holder: String,
        /// Whether this run waited for it.
        waited: bool,
    },
}

impl JournalError {
    pub(crate) fn state(attempt: &'static str, path: &std::path::Path, source: std::io::Error) -> Self {
        Self::State { attempt, path: path.to_owned(), source }
    }

    pub(crate) fn content(path: &std::path::Path, message: impl ToString) -> Self {
        Self::Content { path: path.to_owned(), message: message.to_string() }
    }
}

impl Explain for JournalError {
    fn hint(&self) -> Option<String> {
        use std::io::ErrorKind;
        match self {
            Self::State { source, path, .. } => match source.kind() {
                ErrorKind::PermissionDenied => Some("muster keeps its state as root".into()),
                ErrorKind::StorageFull => Some("the disk that holds muster's state is full".into()),
                ErrorKind::ReadOnlyFilesystem => {
                    let of_run = path.file_name().is_some_and(|name| name == "lock" || name == "status.json");
                    let key = if of_run { "run_directory" } else { "state_directory" };
                    Some(format!("`{key}` must be on a file system that can be written"))
                }
                _ if source.raw_os_error() == Some(nix::libc::ELOOP) => {
                    Some("it is a symbolic link, and muster's own state never is: remove it".into())
                }
                _ => None,
            },
            Self::Content { .. } => Some("look at the file, then take it away: muster starts without it".into()),
            Self::Locked { waited: false, .. } => {
                Some("see `muster status`; `--wait-lock 5m` waits for it to end".into())
            }
            Self::Locked { .. } => Some("see `muster status`".into()),
        }
    }
}

impl From<JournalError> for Failure {
    fn from(error: JournalError) -> Self {
        let stage = match error {
            JournalError::Locked { .. } => Stage::Lock,
            _ => Stage::State,
        };
        Self::new(stage, error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn the_directory_that_cannot_be_written_is_named_by_its_key() {
        for (path, key) in [
            ("/run/muster/lock", "run_directory"),
            ("/run/muster/status.json", "run_directory"),
            ("/var/lib/muster/runs/1.json", "state_directory"),
        ] {
            let error = std::io::Error::from(std::io::ErrorKind::ReadOnlyFilesystem);
            let hint = JournalError::state("write", Path::new(path), error).hint().unwrap_or_default();
            assert!(hint.contains(key), "{path}: {hint}");
        }
    }
}
