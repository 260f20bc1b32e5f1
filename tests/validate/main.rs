//! Small machines on which a lazy check errs, each beside a benign twin with the opposite verdict; reports, waivers, drift;
//! and the roles that controls name.

mod reports;
mod roles;
mod traps;
