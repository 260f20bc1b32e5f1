//! `meta/main.yml` of a role.

use super::error::LoadError;
use super::loader::Loader;
use crate::roles::value::Value;
use crate::roles::yaml::{Content, Node, Warning};
use std::path::Path;

/// What a role says of itself.
#[derive(Default)]
pub(super) struct Meta {
    pub(super) dependencies: Vec<Node>,
    pub(super) allow_duplicates: bool,
}

impl Loader {
    pub(super) fn meta(&self, role: &Path) -> Result<Meta, LoadError> {
        let directory = role.join("meta");
        if let Some(path) = self.with_extension(&directory, "argument_specs", false) {
            self.warn(Warning {
                text: "argument_specs are not validated: the role's own checks stand alone".into(),
                place: crate::failure::Place { file: self.shown(&path), line: 1, column: 1, excerpt: None },
            });
        }
        let Some(path) = self.with_extension(&directory, "main", false).filter(|path| self.source.is_file(path)) else {
            return Ok(Meta::default());
        };
        let root = self.document(&path)?.root;
        let mut meta = Meta::default();
        if root.is_null() {
            return Ok(meta);
        }
        let shape = |what: &str, wanted, node: &Node| LoadError::Shape {
            what: what.into(),
            wanted,
            have: node.describe(),
            place: node.place(),
        };
        root.pairs().ok_or_else(|| shape("meta/main.yml", "a mapping", &root))?;
        if let Some(node) = root.get("dependencies").filter(|node| !node.is_null()) {
            meta.dependencies = node.list().ok_or_else(|| shape("`dependencies`", "a list", node))?.to_vec();
        }
        if let Some(node) = root.get("allow_duplicates") {
            meta.allow_duplicates = match &node.content {
                Content::Plain(Value::Bool(truth)) => *truth,
                _ => return Err(shape("`allow_duplicates`", "a truth value", node)),
            };
        }
        Ok(meta)
    }
}
