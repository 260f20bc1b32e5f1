//! An application release: where it is named, where it lies, how its descriptor reads, where it goes.

use crate::settings::scalar::{Mode, Name, Path, Region};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An application release. In patterns, `{app}`, `{component}`, `{channel}`, `{release_id}`, `{os}`, `{arch}` and, once
/// the descriptor is read, `{path}`, `{sha256}` and `{version}` stand for their values.
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
    /// The TUF target that names the release, as a pattern such as `{channel}/{app}/release.json`. With it the release
    /// comes from the repository of `updates`, and neither `parameter`, `descriptor`, `bundle` nor `layout` is asked.
    #[serde(default)]
    pub target: Option<String>,
    /// The bucket. With `target` it may be left out: then artifacts lie beside the repository's targets.
    #[serde(default)]
    pub bucket: Option<String>,
    /// The repository of a registry, in place of a bucket: `oci://HOST/NAME[:TAG]`, as a pattern such as
    /// `oci://123456789012.dkr.ecr.eu-west-1.amazonaws.com/{app}:{channel}`. With `target` artifacts and attestations are
    /// blobs of it, by the digests that the target names; without it the manifest is the release's descriptor.
    #[serde(default)]
    pub source: Option<String>,
    /// The login of that registry, where it asks for one; ECR is asked as the host.
    #[serde(default)]
    pub login: Option<RegistryLogin>,
    /// The bucket's region, where it is not the host's.
    #[serde(default)]
    pub region: Option<Region>,
    /// The descriptor's key, as a pattern.
    #[serde(default = "descriptor")]
    pub descriptor: String,
    /// The key of the descriptor's Sigstore bundle, as a pattern.
    #[serde(default = "bundle")]
    pub bundle: String,
    /// The artifact's key, as a pattern. `{app}/{component}/{release_id}/{path}`, or with `target` `{app}/{path}`,
    /// where none is written.
    #[serde(default)]
    pub artifact: Option<String>,
    /// How the descriptor reads.
    #[serde(default)]
    pub layout: DescriptorLayout,
    /// Where the artifact goes; with `unpack` the directory that has `current` and `releases`.
    pub destination: Path,
    /// Unpack the artifact, a .tar, .tar.gz or .tar.zst, into `releases/SHA256` of the destination; `current` leads to it.
    #[serde(default)]
    pub unpack: bool,
    /// How many unpacked releases are kept, the one in use among them: 2 or more; 3 where nothing is written.
    #[serde(default)]
    pub keep: Option<u8>,
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

/// Unpacked releases, the one in use among them.
const KEEP: u8 = 3;

fn parameter() -> String {
    "/{app}/{component}/{channel}/release_id".into()
}

fn descriptor() -> String {
    "{app}/{component}/{release_id}/release.json".into()
}

fn bundle() -> String {
    "{app}/{component}/{release_id}/release.json.sigstore.json".into()
}

fn root() -> String {
    "root".into()
}

const fn mode() -> Mode {
    Mode(0o755)
}

/// A user's name, and the secret that holds the password.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RegistryLogin {
    /// The user's name.
    pub user: String,
    /// The secret's name or ARN.
    pub secret: String,
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
    /// The artifact's key, as a pattern.
    pub fn artifact_pattern(&self) -> String {
        let default = if self.target.is_some() { "{app}/{path}" } else { "{app}/{component}/{release_id}/{path}" };
        self.artifact.clone().unwrap_or_else(|| default.to_owned())
    }

    /// The repository, as a pattern without `oci://`.
    pub fn registry(&self) -> Option<String> {
        self.source.as_ref().map(|source| source.strip_prefix("oci://").unwrap_or(source).to_owned())
    }

    /// How many releases are kept where the artifact is unpacked.
    pub fn unpacking(&self) -> Option<usize> {
        self.unpack.then(|| usize::from(self.keep.unwrap_or(KEEP)))
    }

    /// What is wrong, and with which key, for the release at an index.
    pub(in crate::settings) fn faults(&self, index: usize, channel: Option<&Name>) -> Vec<(String, String)> {
        let mut faults = Vec::new();
        let mut fault = |key: &str, message: String| faults.push((format!("releases[{index}]{key}"), message));
        let early = ["app", "component", "channel"];
        let fetched = ["app", "component", "channel", "release_id", "os", "arch"];
        let all = ["app", "component", "channel", "release_id", "os", "arch", "path", "sha256", "version"];
        let artifact = self.artifact_pattern();
        // A registry has artifacts by their digests: the pattern is not asked there.
        let asked = self.source.is_none() || self.artifact.is_some();
        let mut patterns: Vec<(&str, &String, &[&str])> =
            asked.then_some((".artifact", &artifact, all.as_slice())).into_iter().collect();
        match &self.target {
            Some(target) => patterns.push((".target", target, &early)),
            None if self.source.is_some() => {
                let asked = self.source.iter().any(|source| source.contains("{release_id}"));
                patterns.extend(asked.then_some((".parameter", &self.parameter, early.as_slice())));
            }
            None => patterns.extend([
                (".parameter", &self.parameter, early.as_slice()),
                (".descriptor", &self.descriptor, fetched.as_slice()),
                (".bundle", &self.bundle, fetched.as_slice()),
            ]),
        }
        let more: &[&str] = if self.target.is_some() { &all } else { &fetched };
        match &self.source {
            Some(source) if !source.starts_with("oci://") => fault(".source", "it must begin with oci://".into()),
            Some(_) if self.bucket.is_some() => fault(".source", "write a bucket or a source, not both".into()),
            Some(source) => patterns.push((".source", source, more)),
            None if self.login.is_some() => fault(".login", "only a registry (`source`) asks for it".into()),
            None if self.target.is_none() && self.bucket.is_none() => {
                fault("", "the key `bucket` is missing; without it a release needs a `target` or a `source`".into());
            }
            None => {}
        }
        match self.keep {
            Some(_) if !self.unpack => {
                fault(".keep", "only releases that are unpacked (`unpack: true`) are kept".into())
            }
            Some(0 | 1) => fault(".keep", "2 or more: the release in use, and one for the way back".into()),
            _ => {}
        }
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
