//! Texts of JSON and YAML as Python's `json` and PyYAML write them.

mod block;
mod inline;
mod json;
mod scalar;
mod yaml;

pub(super) use json::{JsonLayout, json};
pub(super) use yaml::{YamlLayout, yaml};
