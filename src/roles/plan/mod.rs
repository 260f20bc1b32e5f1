//! Plans: what a converge would do, as data that people review and that [`guard::Guard`] holds the machine to.
//!
//! A plan is made by a converge over [`crate::host::Overlay`] that is watched by [`Recorder`]. It is bound to what it
//! was made from ([`Inputs`]) and to what it saw at each place that it alters; [`moved`] names what differs.

mod file;
mod guard;
mod moved;
mod record;
mod seen;
mod step;

pub use file::{FORMAT, Inputs, PlanError, PlanFile};
pub use guard::{Guard, Guarded};
pub use moved::moved;
pub use record::Recorder;
pub use step::Step;

#[cfg(test)]
mod tests;
