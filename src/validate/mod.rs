//! Judges a machine or an image by a benchmark: each control to a verdict, with what was read and where.
//!
//! A **control** (`control`) is data; its **mechanism** (`mechanisms`) asks **readers** (`readers`), each of which
//! understands one tool's configuration as that tool does, and finds up to three facts: what is stored, what is live,
//! what the next start makes of it. `machine` reads each file once. What could not be looked at is never a pass.

pub mod benchmark;
pub mod control;
pub mod drift;
mod error;
mod input;
pub mod judge;
pub mod machine;
pub mod mechanisms;
pub mod profile;
mod readers;
pub mod report;
pub mod reports;
pub mod site;
mod system;
mod text;
mod verdict;
pub mod waivers;
mod wanted;

pub use control::Control;
pub use error::ValidateError;
pub use machine::Machine;
pub use profile::Profile;
pub use report::{Report, Subject};
pub use system::System;
pub use verdict::{Aspect, Evidence, Finding, State, Verdict};

use report::Judgement;
use std::time::Instant;

/// Judges a machine by a profile.
pub fn validate(machine: &Machine<'_>, profile: &Profile, subject: Subject) -> Report {
    let begun = Instant::now();
    let started = jiff::Timestamp::try_from(machine.observe().now()).unwrap_or_default();
    let judged = profile.controls.iter().map(|control| {
        let judged = judge::judge(control, machine, &subject.system.id);
        Judgement::of(control, judged)
    });
    let results = judged.collect();
    Report::new(profile, subject, started, begun.elapsed(), results)
}
