//! What was signed: a small document that names a release's artifacts by digest.

use super::layout::{Layout, member, number, text};
use super::{Order, ReleaseError};
use crate::trust::Verified;
use crate::trust::bundle::Signed;
use crate::trust::strict::strict;

/// A descriptor is a page of text.
pub(super) const LIMIT: usize = 256 * 1024;

/// A release, as its descriptor tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Descriptor {
    /// The application.
    pub app: String,
    /// Its part, where the order has one.
    pub component: Option<String>,
    /// The version, for people.
    pub version: String,
    /// The release id.
    pub release_id: String,
    /// The channel.
    pub channel: String,
    /// The artifact for this host.
    pub artifact: Artifact,
    /// The commit of the config repository that it was made with, where it pins one.
    pub commit: Option<String>,
}

/// One file of a release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifact {
    /// Its path in the bucket.
    pub path: String,
    /// Its SHA-256.
    pub sha256: [u8; 32],
    /// Its bytes.
    pub size: u64,
    /// The digest of the manifest that names it, where it lies in a registry and what is attested is about that.
    pub manifest: Option<[u8; 32]>,
    /// What else must be there, by digest: a registry or bucket cannot hide it.
    pub attestations: Vec<Required>,
}

/// A Sigstore bundle that belongs to an artifact.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Required {
    /// Its path beside the artifact.
    pub path: String,
    /// Its SHA-256 in hexadecimal.
    pub sha256: String,
    /// Its bytes.
    pub size: u64,
}

/// Whether a path leads nowhere but down.
pub(super) fn is_plain(path: &str) -> bool {
    let part = |part: &str| part.is_empty() || part == "." || part == "..";
    !path.split('/').any(part) && !path.chars().any(|c| c.is_control() || c == '\\')
}

impl Descriptor {
    /// Reads a verified descriptor, and holds it against what the host asked for.
    pub fn read(signed: &Verified<Signed>, order: &Order, id: &str, address: &str) -> Result<Self, ReleaseError> {
        let wrong = |why: String| ReleaseError::Descriptor { descriptor: address.to_owned(), why };
        let bytes = &signed.get().bytes;
        strict(bytes, LIMIT).map_err(|error| wrong(error.to_string()))?;
        let json: serde_json::Value = serde_json::from_slice(bytes).map_err(|error| wrong(error.to_string()))?;
        let layout = &order.layout;
        let descriptor = Self {
            app: text(&json, &layout.app).map_err(wrong)?,
            component: order.component.as_ref().map(|_| text(&json, &layout.component)).transpose().map_err(wrong)?,
            version: text(&json, &layout.version).map_err(wrong)?,
            release_id: text(&json, &layout.release_id).map_err(wrong)?,
            channel: text(&json, &layout.channel).map_err(wrong)?,
            artifact: artifact(&json, layout, order).map_err(wrong)?,
            commit: None,
        };
        let part = |component: &Option<String>| component.clone().unwrap_or_default();
        for (field, have, want) in [
            ("application", &descriptor.app, &order.app),
            ("component", &part(&descriptor.component), &part(&order.component)),
            ("channel", &descriptor.channel, &order.channel),
            ("release id", &descriptor.release_id, &id.to_owned()),
        ] {
            if have != want {
                let (descriptor, have, want) = (address.to_owned(), have.to_owned(), want.to_owned());
                return Err(ReleaseError::Mismatch { descriptor, field, have, want });
            }
        }
        Ok(descriptor)
    }
}

/// The one artifact for the host's operating system and architecture.
fn artifact(json: &serde_json::Value, layout: &Layout, order: &Order) -> Result<Artifact, String> {
    let all =
        member(json, &layout.artifacts)?.as_array().ok_or_else(|| format!("`{}` is no list", layout.artifacts))?;
    let mut fitting = Vec::new();
    for item in all {
        if text(item, &layout.os)? == order.os && text(item, &layout.arch)? == order.arch {
            fitting.push(item);
        }
    }
    let [item] = fitting[..] else {
        return Err(format!("it has {} artifacts for {} {}, and must have one", fitting.len(), order.os, order.arch));
    };
    let path = text(item, &layout.path)?;
    if !is_plain(&path) {
        return Err(format!("the artifact's path `{path}` is not a plain relative path"));
    }
    let hex = text(item, &layout.sha256)?;
    let sha256 = <[u8; 32]>::try_from(hex::decode(&hex).unwrap_or_default())
        .map_err(|_| format!("`{}` is no SHA-256 in hexadecimal", layout.sha256))?;
    let size = number(item, &layout.size)?;
    if size > order.limit {
        return Err(format!("the artifact has {size} bytes, and {} are allowed", order.limit));
    }
    Ok(Artifact { path, sha256, size, manifest: None, attestations: Vec::new() })
}
