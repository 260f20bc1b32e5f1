//! Small machines on which a lazy check errs, each beside a benign twin with the opposite verdict; reports, waivers, drift.

mod reports;
mod traps;
