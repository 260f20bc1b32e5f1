//! `meta/main.yml` and `meta/argument_specs.yml` of a role.

use super::error::LoadError;
use super::frame::Said;
use super::keyword::said;
use super::loader::Loader;
use crate::roles::value::Value;
use crate::roles::yaml::{Content, Node};
use std::path::Path;

/// What a role says of itself.
#[derive(Default)]
pub(super) struct Meta {
    pub(super) dependencies: Vec<Node>,
    pub(super) allow_duplicates: bool,
    /// `collections`: where short names are looked for.
    pub(super) collections: Option<Said>,
    /// `argument_specs`: by entry point.
    pub(super) specs: Option<Node>,
}

impl Loader {
    pub(super) fn meta(&self, role: &Path) -> Result<Meta, LoadError> {
        let directory = role.join("meta");
        let mut meta = Meta::default();
        let shape = |what: &str, wanted, node: &Node| LoadError::Shape {
            what: what.into(),
            wanted,
            have: node.describe(),
            place: node.place(),
        };
        if let Some(path) = self.with_extension(&directory, "main", false).filter(|path| self.source.is_file(path)) {
            let root = self.document(&path)?.root;
            if !root.is_null() {
                root.pairs().ok_or_else(|| shape("meta/main.yml", "a mapping", &root))?;
            }
            if let Some(node) = root.get("dependencies").filter(|node| !node.is_null()) {
                meta.dependencies = node.list().ok_or_else(|| shape("`dependencies`", "a list", node))?.to_vec();
            }
            if let Some(node) = root.get("allow_duplicates") {
                meta.allow_duplicates = match &node.content {
                    Content::Plain(Value::Bool(truth)) => *truth,
                    _ => return Err(shape("`allow_duplicates`", "a truth value", node)),
                };
            }
            meta.collections = root.get("collections").filter(|node| !node.is_null()).map(said);
            meta.specs = root.get("argument_specs").cloned();
        }
        // A file of its own stands in place of what `main.yml` says.
        let specs = self.with_extension(&directory, "argument_specs", false);
        if let Some(path) = specs.filter(|path| self.source.is_file(path)) {
            let root = self.document(&path)?.root;
            meta.specs = root.get("argument_specs").cloned().or(meta.specs);
        }
        if let Some(specs) = meta.specs.as_ref().filter(|specs| !specs.is_null()) {
            specs.pairs().ok_or_else(|| shape("`argument_specs`", "a mapping of entry points", specs))?;
        }
        Ok(meta)
    }
}
