//! An application release: where it is named, where it lies, how its descriptor reads, where it goes.

use crate::settings::scalar::{Mode, Name, Path, Region};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An application release. In patterns, `{app}`, `{component}`, `{channel}`, `{release_id}`, `{os}`, `{arch}` and, once
/// the descriptor is read, `{path}` and `{version}` stand for their values.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Release {
    /// The application.
    pub app: Name,
    /// The part of it.
    #[serde(default)]
    pub component: Option<Name>,
    /// The channel. The settings' `channel` where none is written.
    #[serde(default)]
    pub channel: Option<Name>,
    /// The parameter that holds the release id, as a pattern.
    #[serde(default = "parameter")]
    pub parameter: String,
    /// The bucket.
    pub bucket: String,
    /// The bucket's region, where it is not the host's.
    #[serde(default)]
    pub region: Option<Region>,
    /// The descriptor's key, as a pattern.
    #[serde(default = "descriptor")]
    pub descriptor: String,
    /// The key of the descriptor's Sigstore bundle, as a pattern.
    #[serde(default = "bundle")]
    pub bundle: String,
    /// The artifact's key, as a pattern.
    #[serde(default = "artifact")]
    pub artifact: String,
    /// How the descriptor reads.
    #[serde(default)]
    pub layout: DescriptorLayout,
    /// Where the artifact goes.
    pub destination: Path,
    /// Its owner.
    #[serde(default = "root")]
    pub owner: String,
    /// Its group.
    #[serde(default = "root")]
    pub group: String,
    /// Its mode.
    #[serde(default = "mode")]
    pub mode: Mode,
    /// A unit to restart when it changed.
    #[serde(default)]
    pub restart: Option<String>,
}

fn parameter() -> String {
    "/{app}/{component}/{channel}/release_id".into()
}

fn descriptor() -> String {
    "{app}/{component}/{release_id}/release.json".into()
}

fn bundle() -> String {
    "{app}/{component}/{release_id}/release.json.sigstore.json".into()
}

fn artifact() -> String {
    "{app}/{component}/{release_id}/{path}".into()
}

fn root() -> String {
    "root".into()
}

const fn mode() -> Mode {
    Mode(0o755)
}

/// How a descriptor reads: where each value stands, as a JSON pointer (RFC 6901).
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DescriptorLayout {
    /// The application.
    pub app: String,
    /// The component.
    pub component: String,
    /// The version.
    pub version: String,
    /// The release id.
    pub release_id: String,
    /// The channel.
    pub channel: String,
    /// The list of artifacts.
    pub artifacts: String,
    /// An artifact's operating system, within the artifact.
    pub os: String,
    /// Its architecture, within the artifact.
    pub arch: String,
    /// Its path, within the artifact.
    pub path: String,
    /// Its SHA-256, within the artifact.
    pub sha256: String,
    /// Its size in bytes, within the artifact.
    pub size: String,
}

impl Default for DescriptorLayout {
    fn default() -> Self {
        Self {
            app: "/app".into(),
            component: "/component".into(),
            version: "/version".into(),
            release_id: "/release_id".into(),
            channel: "/track".into(),
            artifacts: "/artifacts".into(),
            os: "/os".into(),
            arch: "/arch".into(),
            path: "/binary/path".into(),
            sha256: "/binary/sha256".into(),
            size: "/binary/size".into(),
        }
    }
}

impl Release {
    /// What is wrong, and with which key, for the release at an index.
    pub(in crate::settings) fn faults(&self, index: usize, channel: Option<&Name>) -> Vec<(String, String)> {
        let mut faults = Vec::new();
        let mut fault = |key: &str, message: String| faults.push((format!("releases[{index}]{key}"), message));
        let early = ["app", "component", "channel"];
        let fetched = ["app", "component", "channel", "release_id", "os", "arch"];
        let all = ["app", "component", "channel", "release_id", "os", "arch", "path", "version"];
        let patterns: [(&str, &String, &[&str]); 4] = [
            (".parameter", &self.parameter, &early),
            (".descriptor", &self.descriptor, &fetched),
            (".bundle", &self.bundle, &fetched),
            (".artifact", &self.artifact, &all),
        ];
        for (key, pattern, known) in patterns {
            for name in placeholders(pattern) {
                if !known.contains(&name) {
                    fault(key, format!("`{{{name}}}` stands for nothing here; known are {}", known.join(", ")));
                } else if name == "component" && self.component.is_none() {
                    fault(key, "the pattern names {component}, and the release has none".into());
                } else if name == "channel" && self.channel.is_none() && channel.is_none() {
                    fault(key, "the pattern names {channel}, and neither the release nor the settings name one".into());
                }
            }
        }
        faults
    }
}

fn placeholders(pattern: &str) -> impl Iterator<Item = &str> {
    pattern.split('{').skip(1).map(|rest| rest.split('}').next().unwrap_or(rest))
}
