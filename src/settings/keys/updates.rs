//! The TUF repository that says which release a host should have, and what the host's clock must be to judge it.

use crate::settings::scalar::{Name, Period, Region};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A TUF repository. Releases with a `target` come from it, above the floor that `muster trust bake` made.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Updates {
    /// Where it is: `s3://bucket/prefix`, `https://host/path` or `file:///directory`.
    pub repository: String,
    /// The TUF root that it begins at: `tuf/NAME.json` of the realm. The realm's `root.json` where none is named.
    #[serde(default)]
    pub root: Option<Name>,
    /// The directory of its metadata, below that; empty where it is that itself.
    #[serde(default = "metadata")]
    pub metadata_directory: String,
    /// The directory of its targets, below that.
    #[serde(default = "targets")]
    pub targets_directory: String,
    /// The bucket's region, where it is not the host's.
    #[serde(default)]
    pub bucket_region: Option<Region>,
    /// Whether 403 for the next root says that there is none, as S3 answers without `s3:ListBucket`. Better allow that.
    #[serde(default)]
    pub treat_403_as_missing: bool,
    /// Sigstore's trusted roots that are targets of the repository, brought up to date with it: the target of
    /// `trusted_root`, which is the realm's `trusted_root.json`, of `public-good`, and of the names of `trusted_roots/`.
    #[serde(default)]
    pub trusted_roots: BTreeMap<String, String>,
    /// How old an image may be that is still launched. Without it, as old as its root's keys last.
    #[serde(default)]
    pub maximum_age: Option<Period>,
    /// Which clock may judge freshness.
    #[serde(default)]
    pub clock: ClockRule,
    /// How long a clock that is not synchronised yet is waited for.
    #[serde(default = "patience")]
    pub clock_wait: Period,
}

/// Which clock may judge freshness. One that is before the image's own time may never.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ClockRule {
    /// One that the kernel says is synchronised.
    #[default]
    Synchronised,
    /// Any, for where nothing tells the kernel.
    Any,
}

fn metadata() -> String {
    "metadata".into()
}

fn targets() -> String {
    "targets".into()
}

const fn patience() -> Period {
    Period::seconds(120)
}

impl Updates {
    /// What is wrong, and with which key below `place`.
    pub(in crate::settings) fn faults(&self, place: &str) -> Vec<(String, String)> {
        let mut faults = Vec::new();
        let mut fault = |key: &str, message: &str| faults.push((format!("{place}.{key}"), message.to_owned()));
        if place == "sigstore_updates" {
            if self.root.is_none() {
                fault(
                    "root",
                    "a repository beside that of `updates` begins at a root of its own: `tuf/NAME.json` of the realm",
                );
            }
            if self.trusted_roots.is_empty() {
                fault("trusted_roots", "it is there for Sigstore's trusted roots, and names none");
            }
        }
        if !["s3://", "https://", "file:///", "http://127.0.0.1", "http://localhost"]
            .iter()
            .any(|scheme| self.repository.starts_with(scheme))
        {
            fault("repository", "expected s3://bucket/prefix, https://host/path or file:///directory");
        }
        let outside = |name: &str| name.starts_with('/') || name.split('/').any(|part| part == "..");
        for (name, target) in &self.trusted_roots {
            let plain =
                |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "._-/".contains(c));
            if !plain(name) || name.contains('/') || !plain(target) || outside(target) {
                fault("trusted_roots", "expected names of trusted roots, and targets within the repository");
            }
        }
        for (key, name) in
            [("metadata_directory", &self.metadata_directory), ("targets_directory", &self.targets_directory)]
        {
            if outside(name) {
                fault(key, "expected a directory within the repository");
            }
        }
        faults
    }
}
