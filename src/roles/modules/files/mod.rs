//! Modules about files, and what they share.

pub mod copy;
mod draft;
pub mod file;
mod links;
mod mode;
mod placement;
mod remote;
pub mod stat;
pub mod template;
mod times;
mod wanted;

#[cfg(test)]
pub mod stage;
