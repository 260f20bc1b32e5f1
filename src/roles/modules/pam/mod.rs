//! Modules about PAM: limits of sessions, and the rules of services.

pub mod limits;
#[cfg(test)]
mod oracle;
pub mod pamd;
mod service;
