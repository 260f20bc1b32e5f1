//! muster brings an EC2 host to duty: one static binary that learns who the host is, fetches and verifies its
//! configuration, applies Ansible roles, checks health, and reports how it went.
//!
//! The rooms, in reading order. `ARCHITECTURE.md` is the map; `tests/tidy.rs` holds who may know whom.

pub mod cli;

pub mod boot;

pub mod cloud;
pub mod fetch;
pub mod health;
pub mod release;
pub mod roles;
pub mod settings;
pub mod validate;

pub mod host;
pub mod trust;

pub mod dns;
pub mod failure;
pub mod fnmatch;
pub mod journal;
pub mod package_version;
pub mod secret;
