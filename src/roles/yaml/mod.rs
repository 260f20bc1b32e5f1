//! Ansible's YAML: YAML 1.1 as PyYAML resolves it, with the place of every node.

mod compose;
mod error;
mod loose;
mod merge;
mod node;
mod scalar;

pub use compose::{read, read_hidden};
pub use error::YamlError;
pub use node::{Content, Document, Node, Warning};
pub use scalar::is_template;

#[cfg(test)]
mod tests;
