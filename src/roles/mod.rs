//! Ansible roles, executed natively.

pub mod converge;
pub mod facts;
pub(crate) mod glob;
pub mod items;
pub mod lint;
pub mod load;
pub mod modules;
pub mod pattern;
pub mod plan;
pub mod remote;
pub mod specification;
pub mod store;
pub mod template;
pub mod value;
pub mod vault;
pub mod yaml;
