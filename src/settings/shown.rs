//! Settings to look at: every value with who set it, and no secret.

use super::keys::Settings;
use super::node::{Content, Node, Origin, secret_name};
use crate::secret::REDACTED;
use serde_json::Value as Json;

/// One value and who set it.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    /// Its dotted path.
    pub path: String,
    /// What it is; what may be a secret is redacted.
    pub value: Json,
    /// Who set it; `None` for a default.
    pub origin: Option<Origin>,
}

/// Every value that is set, in the order of the documents, then the defaults of what is not.
pub(crate) fn show(root: &Node) -> Vec<Shown> {
    let mut shown: Vec<Shown> = Vec::new();
    for (path, node) in root.leaves() {
        if !path.is_empty() {
            let value = redacted(&path, json(node));
            shown.push(Shown { path, value, origin: Some(node.mark.origin()) });
        }
    }
    // A draft holds the defaults within what is set too, as `repository.depth`; what templates give is set, so it is
    // not taken from the draft.
    let draft: Settings = super::typed::read(root, true).unwrap_or_default();
    let defaults = serde_json::to_value(draft).unwrap_or_default();
    let mut rest = Vec::new();
    leaves(&defaults, String::new(), &mut rest);
    for (path, value) in rest {
        if root.at(&path).is_none() && !value.is_null() {
            shown.push(Shown { path, value, origin: None });
        }
    }
    shown
}

fn json(node: &Node) -> Json {
    match &node.content {
        Content::Null => Json::Null,
        Content::List(_) => Json::Array(Vec::new()),
        Content::Map(_) => Json::Object(serde_json::Map::new()),
        Content::Scalar(scalar) => scalar
            .bool()
            .map(Json::from)
            .or_else(|| scalar.int().map(Json::from))
            .unwrap_or_else(|| Json::from(scalar.text.as_str())),
    }
}

fn leaves(value: &Json, path: String, found: &mut Vec<(String, Json)>) {
    match value {
        Json::Object(members) if !members.is_empty() => {
            for (key, member) in members {
                let below = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                leaves(member, below, found);
            }
        }
        Json::Array(items) if !items.is_empty() => {
            for (index, item) in items.iter().enumerate() {
                leaves(item, format!("{path}[{index}]"), found);
            }
        }
        other => found.push((path, other.clone())),
    }
}

/// A value without what it may hold of secrets: one whose key says so, and the login of an address.
fn redacted(path: &str, value: Json) -> Json {
    let Json::String(text) = &value else { return value };
    let reference = path.starts_with("repository.") && path.ends_with(".secret") || text.contains("{{");
    if secret_name(path) && !reference {
        return Json::from(REDACTED);
    }
    if let Some((scheme, rest)) = text.split_once("://")
        && let Some((login, host)) = rest.split_once('@')
        && login.contains(':')
    {
        return Json::from(format!("{scheme}://{REDACTED}@{host}"));
    }
    value
}
