//! What user-data may choose.

use crate::settings::scalar::VariableName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What user-data may choose. It may always name a shorter `deadline`; it can never set anything else than what stands
/// here.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Launch {
    /// The choices that it has.
    pub allow: Allow,
}

/// The choices that user-data has. In patterns `*` stands for any text. A list that is written here also holds for
/// what templates make of the instance's tags.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Allow {
    /// Roles that it may add after those of the image.
    pub roles: Option<Vec<String>>,
    /// Channels that it may choose.
    pub channels: Option<Vec<String>>,
    /// References of the repository that it may choose.
    pub refs: Option<Vec<String>>,
    /// Environment variables that it may set. Their values are plain text.
    pub environment: Vec<VariableName>,
    /// Whether it may say who hears about the outcome.
    pub signal: bool,
    /// Hosts that a wait-condition handle in it may lead to.
    pub wait_handle_hosts: Vec<String>,
}

impl Default for Allow {
    fn default() -> Self {
        Self {
            roles: None,
            channels: None,
            refs: None,
            environment: Vec::new(),
            signal: true,
            wait_handle_hosts: vec![
                "cloudformation-waitcondition-*.s3.amazonaws.com".into(),
                "cloudformation-waitcondition-*.s3.*.amazonaws.com".into(),
                "cloudformation-waitcondition-*.s3.*.amazonaws.com.cn".into(),
            ],
        }
    }
}

/// Whether a text is one of the patterns, in which `*` stands for any text.
pub(in crate::settings) fn matches(patterns: &[String], text: &str) -> bool {
    patterns.iter().any(|pattern| glob(pattern, text))
}

fn glob(pattern: &str, text: &str) -> bool {
    let mut pieces = pattern.split('*');
    let Some(mut rest) = pieces.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let Some(last) = pieces.next_back() else { return rest.is_empty() };
    for piece in pieces {
        let Some(at) = rest.find(piece) else { return false };
        rest = &rest[at + piece.len()..];
    }
    rest.len() >= last.len() && rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text_and_nothing_else_does() {
        for (pattern, text, expected) in [
            ("web", "web", true),
            ("web", "webx", false),
            ("web*", "web", true),
            ("release/*", "release/2026", true),
            ("release/*", "main", false),
            ("*-x-*", "a-x-b", true),
            ("ab*b", "ab", false),
            ("w.b", "web", false),
        ] {
            assert_eq!(glob(pattern, text), expected, "{pattern} {text}");
        }
    }
}
