//! The machine that muster runs on, or another root directory on it.

pub mod accounts;
mod capture;
mod child;
mod identity;
pub mod packages;
pub mod program;
pub mod units;
