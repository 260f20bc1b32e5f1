//! Parameters to read before the roles start.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Parameters to read before the roles start. Those that the roles name literally are found by themselves.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Parameters {
    /// Paths below which every parameter is read, with all levels.
    pub paths: Vec<String>,
    /// Single parameters by name or ARN, with `:version` or `:label` where wanted.
    pub names: Vec<String>,
    /// Paths whose parameters become plain variables: what is left of the name after the path, slashes as underscores,
    /// behind the prefix written here (which may be empty).
    pub prefix: BTreeMap<String, String>,
}

impl Parameters {
    /// What is wrong, and with which key.
    pub(in crate::settings) fn faults(&self) -> Vec<(String, String)> {
        let mut faults = Vec::new();
        let rooted = |path: &str| path.starts_with('/') && !path.contains("//");
        for (index, path) in self.paths.iter().enumerate().filter(|(_, path)| !rooted(path)) {
            faults.push((format!("parameters.paths[{index}]"), format!("a path starts with a slash, found `{path}`")));
        }
        for (index, _) in self.names.iter().enumerate().filter(|(_, name)| name.is_empty() || name.ends_with('/')) {
            faults.push((
                format!("parameters.names[{index}]"),
                "expected a parameter's name; a path goes to `paths`".into(),
            ));
        }
        let variable = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        for (path, prefix) in &self.prefix {
            if !rooted(path) {
                faults.push((format!("parameters.prefix.{path}"), "a path starts with a slash".into()));
            }
            if !variable(prefix) || prefix.starts_with(|c: char| c.is_ascii_digit()) {
                faults
                    .push((format!("parameters.prefix.{path}"), "expected the beginning of a variable's name".into()));
            }
        }
        faults
    }
}
