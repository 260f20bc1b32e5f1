//! The machine that a run works on: looked at while a plan is made, and changed.

use super::Machine;
use crate::failure::{Failure, Stage};
use crate::host::{Host, Linux};
use std::path::Path;

/// The machine beneath a root, twice.
pub(super) struct Machines {
    /// To be changed.
    pub(super) host: Box<dyn Host>,
    /// To be looked at while a plan is made over it.
    pub(super) below: Box<dyn Host>,
}

/// The machine beneath a root.
pub(super) fn machines(root: &Path, chroot: bool, seam: Option<&Machine>) -> Result<Machines, Failure> {
    let open = || -> Result<Box<dyn Host>, Failure> {
        let host = Linux::new(root)
            .map_err(|error| Failure::message(Stage::Usage, format!("the root {}: {error}", root.display())))?;
        let host = if chroot { host.allow_chroot() } else { host };
        Ok(match seam {
            Some(seam) => seam.around(host),
            None => Box::new(host),
        })
    };
    Ok(Machines { host: open()?, below: open()? })
}
