//! Decides what may be believed.

mod sealed;

pub use sealed::{Untrusted, Verified};
