//! What can be wrong with a YAML text.

use crate::failure::{Explain, Place};

/// A YAML text that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum YamlError {
    /// Not YAML at all.
    #[error("this is not valid YAML: {problem}")]
    Syntax {
        /// What the parser says.
        problem: String,
        /// Where it gave up.
        place: Place,
    },
    /// A mapping or list where a mapping's key belongs.
    #[error("a mapping's key must be a plain value")]
    Key {
        /// The key.
        place: Place,
    },
    /// A tag that Ansible does not know, or that muster does not do.
    #[error("the tag `{tag}` is not supported: {why}")]
    Tag {
        /// The tag as written.
        tag: String,
        /// Why.
        why: &'static str,
        /// The tagged node.
        place: Place,
    },
    /// `<<` with something that cannot be merged.
    #[error("`<<` takes a mapping or a list of mappings")]
    Merge {
        /// The merged value.
        place: Place,
    },
    /// Past a limit on size, depth or expansion.
    #[error("{what}")]
    Limit {
        /// Which limit.
        what: &'static str,
        /// Where it was passed.
        place: Place,
    },
}

impl Explain for YamlError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Syntax { problem, place } => Some(syntax_hint(problem, place)),
            Self::Key { place } => Some(
                if place.excerpt.as_deref().is_some_and(|line| line.contains("{{")) {
                    "a value that begins with `{{` must be quoted: \"{{ name }}\""
                } else {
                    "quote the key if it is meant as text"
                }
                .to_owned(),
            ),
            Self::Tag { .. } => Some("Ansible knows `!unsafe` and `!vault`".to_owned()),
            Self::Merge { .. } => Some("name an anchor: `<<: *defaults`".to_owned()),
            Self::Limit { .. } => None,
        }
    }

    fn place(&self) -> Option<Place> {
        match self {
            Self::Syntax { place, .. }
            | Self::Key { place }
            | Self::Tag { place, .. }
            | Self::Merge { place }
            | Self::Limit { place, .. } => Some(place.clone()),
        }
    }
}

/// What most often lies behind a syntax error on a line.
fn syntax_hint(problem: &str, place: &Place) -> String {
    let line = place.excerpt.as_deref().unwrap_or_default();
    let value = line.split_once(": ").map_or(line, |(_, value)| value).trim();
    let text = if line.trim_start_matches(' ').starts_with('\t') || problem.contains("tab") {
        "YAML is indented with spaces; a tab stands here"
    } else if value.starts_with("{{") || value.starts_with("{%") {
        "a value that begins with `{{` must be quoted: \"{{ name }}\""
    } else if value.contains(": ") || value.ends_with(':') {
        "a value that contains `: ` must be quoted"
    } else if value.starts_with(['"', '\'']) {
        "if a value begins with a quote, the whole value must be quoted"
    } else if value.starts_with(['@', '`', '%']) {
        "a value that begins with `@`, `%` or a backquote must be quoted"
    } else {
        "look at this line and the one above it: indentation, a missing quote, a missing `:`"
    };
    text.to_owned()
}
