//! What putting a release in its place begins with and comes to, whichever way it is put there.

use super::record::{Active, Record};
use super::{Descriptor, Order, ReleaseError};
use crate::host::{Attributes, Change, Observe, Stat};
use crate::trust::artifact::VerifiedFile;
use std::path::Path;

/// A release that is to be put in place.
pub(super) struct Place<'a> {
    pub(super) order: &'a Order,
    pub(super) descriptor: &'a Descriptor,
    /// The artifact's, in hexadecimal.
    pub(super) sha256: &'a str,
    /// What was recorded, of the same way to put it there.
    pub(super) before: Option<&'a Record>,
    pub(super) host: &'a dyn Observe,
    /// Fetches and verifies the artifact.
    pub(super) artifact: &'a dyn Fn() -> Result<VerifiedFile, ReleaseError>,
}

/// What it comes to.
pub(super) struct Placed {
    /// The SHA-256 of what is there now.
    pub(super) there: Option<String>,
    pub(super) changes: Vec<Change>,
    /// What is kept for the way back, the newest first.
    pub(super) kept: Vec<Active>,
    /// What is left over.
    pub(super) settle: Vec<Change>,
}

impl Place<'_> {
    /// A fault of the place itself.
    pub(super) fn local(&self, error: std::io::Error) -> ReleaseError {
        let what = format!("looking at {}", self.order.destination.display());
        ReleaseError::Local { what, message: error.to_string() }
    }
}

/// What stands there and nobody wrote down.
pub(super) fn unrecorded(sha256: String) -> Active {
    Active { release_id: "unrecorded".into(), version: "unrecorded".into(), sha256 }
}

/// The directories that a path lacks, the outermost first.
pub(super) fn missing(path: &Path, host: &dyn Observe) -> std::io::Result<Vec<Change>> {
    let mut changes = Vec::new();
    for directory in path.ancestors().filter(|directory| directory.parent().is_some()) {
        if host.stat(directory, true)?.is_some() {
            break;
        }
        let attributes = Attributes { mode: Some(0o755), ..Attributes::default() };
        changes.insert(0, Change::MakeDirectory { path: directory.to_owned(), attributes });
    }
    Ok(changes)
}

/// Whether owner, group or mode are others than these.
pub(super) fn differs(want: &Attributes, have: &Stat) -> bool {
    want.mode.is_some_and(|mode| mode != have.mode)
        || want.uid.is_some_and(|uid| uid != have.uid)
        || want.gid.is_some_and(|gid| gid != have.gid)
}
