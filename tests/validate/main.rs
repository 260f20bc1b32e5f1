//! Small machines on which a lazy check errs, each beside a benign twin with the opposite verdict; reports, waivers, drift;
//! the roles that controls name; and input that is not what it should be.

mod inputs;
mod reports;
mod roles;
mod traps;
