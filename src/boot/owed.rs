//! Handlers that are still due: kept from one run to the next.

use super::work::Work;
use crate::failure::{Failure, Stage};
use crate::roles::converge::PendingHandler;

impl Work {
    /// Handlers that an earlier run left.
    pub(super) fn owed(&self) -> Result<Vec<PendingHandler>, Failure> {
        let path = &self.grounds.handlers;
        let failed = |error: String| Failure::message(Stage::Converge, format!("reading {}: {error}", path.display()));
        match std::fs::read(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(failed(error.to_string())),
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| failed(error.to_string())),
        }
    }

    pub(super) fn keep(&self, handlers: &[PendingHandler]) -> Result<(), Failure> {
        let path = &self.grounds.handlers;
        super::observer::keep(path, handlers).map_err(|error| {
            Failure::message(Stage::Converge, format!("keeping pending handlers in {}: {error}", path.display()))
        })
    }
}
