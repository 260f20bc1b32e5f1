//! Modules about PAM: limits of sessions, and the rules of services.

pub mod limits;
pub mod pamd;
mod service;
