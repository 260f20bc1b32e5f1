//! Decides what may be believed.

pub mod artifact;
pub mod bundle;
mod sealed;
pub mod strict;

pub use sealed::{Untrusted, Verified};
