//! Merge keys and duplicate keys: what a mapping holds in the end (PyYAML's `flatten_mapping`).

use super::error::YamlError;
use super::node::{Content, Node, Warning};
use crate::roles::value::Key;
use indexmap::IndexMap;

/// A mapping's members as written; `<<` stands apart.
#[derive(Default)]
pub(super) struct Written {
    pub(super) own: Vec<(Node, Node)>,
    pub(super) merged: Vec<Node>,
}

impl Written {
    /// Merged members first, own members over them; of a duplicate key the last stands, with a warning.
    pub(super) fn settle(self, warnings: &mut Vec<Warning>) -> Result<Vec<(Node, Node)>, YamlError> {
        let mut members: IndexMap<Key, (Node, Node)> = IndexMap::new();
        let mut lay = |key: &Node, value: &Node| match members.entry(key.key()) {
            indexmap::map::Entry::Occupied(mut held) => held.get_mut().1 = value.clone(),
            indexmap::map::Entry::Vacant(free) => {
                free.insert((key.clone(), value.clone()));
            }
        };
        for node in &self.merged {
            let mappings = match &node.content {
                Content::Map(_) => std::slice::from_ref(node),
                // Of several mappings the first wins.
                Content::List(items) => items,
                _ => return Err(YamlError::Merge { place: node.place() }),
            };
            for mapping in mappings.iter().rev() {
                let pairs = mapping.pairs().ok_or_else(|| YamlError::Merge { place: mapping.place() })?;
                pairs.iter().for_each(|(key, value)| lay(key, value));
            }
        }
        let mut seen = std::collections::HashSet::new();
        for (key, value) in &self.own {
            if !matches!(key.content, Content::Plain(_) | Content::Template(_)) {
                return Err(YamlError::Key { place: key.place() });
            }
            if !seen.insert(key.key()) {
                let text = format!("Found duplicate mapping key '{}'. The last one stands.", key.key());
                warnings.push(Warning { text, place: key.place() });
            }
            lay(key, value);
        }
        Ok(members.into_values().collect())
    }
}
