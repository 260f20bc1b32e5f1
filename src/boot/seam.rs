//! The machine that a run changes, as tests may have it: a disk that is full at the seventh change, a kill at the tenth.

use crate::host::{Host, Linux};
use std::fmt;
use std::sync::Arc;

/// A machine made of the real one beneath the root.
#[derive(Clone)]
pub struct Machine(Arc<dyn Fn(Linux) -> Box<dyn Host> + Send + Sync>);

impl Machine {
    /// With what stands around the real machine.
    pub fn new(around: impl Fn(Linux) -> Box<dyn Host> + Send + Sync + 'static) -> Self {
        Self(Arc::new(around))
    }

    pub(super) fn around(&self, host: Linux) -> Box<dyn Host> {
        (self.0)(host)
    }
}

impl fmt::Debug for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Machine")
    }
}
