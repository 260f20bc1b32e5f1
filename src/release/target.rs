//! A release descriptor as a TUF target: small, signed by the delegation of its channel and application, and closed.
//!
//! It says of itself what it is for, and that must be what the host was baked to be: a path can be served from
//! elsewhere, a field that was signed cannot. It pins the commit of the config repository that it was made with, and
//! the digest of everything else that belongs to it.

use super::descriptor::{Artifact, LIMIT, Required};
use super::{Descriptor, Order, ReleaseError};
use crate::trust::Verified;
use crate::trust::strict::strict;
use serde::Deserialize;

/// What `schema` must say.
pub const SCHEMA: &str = "muster.release/1";

/// The document.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    schema: String,
    application: String,
    #[serde(default)]
    component: Option<String>,
    channel: String,
    /// The realm of the hosts that it is for.
    environment: String,
    version: String,
    /// The commit of the config repository that it was made with; a host runs that one, or one that came after it.
    config_commit: String,
    artifacts: Vec<WrittenArtifact>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenArtifact {
    os: String,
    architecture: String,
    path: String,
    sha256: String,
    size: u64,
    /// The SHA-256 of the manifest that has it as a layer, where it lies in a registry.
    #[serde(default)]
    manifest: Option<String>,
    /// Sigstore bundles that must be there, by digest.
    #[serde(default)]
    attestations: Vec<Required>,
}

impl Descriptor {
    /// Reads a descriptor that TUF verified, and holds it against what this host was baked to be.
    pub fn of_target(signed: &Verified<Vec<u8>>, order: &Order, target: &str) -> Result<Self, ReleaseError> {
        let wrong = |why: String| ReleaseError::Descriptor { descriptor: target.to_owned(), why };
        strict(signed.get(), LIMIT).map_err(|error| wrong(error.to_string()))?;
        let written: Written = serde_json::from_slice(signed.get()).map_err(|error| wrong(error.to_string()))?;
        let part = |component: &Option<String>| component.clone().unwrap_or_default();
        let environment = order.environment.clone().unwrap_or_default();
        for (field, have, want) in [
            ("schema", &written.schema, &SCHEMA.to_owned()),
            ("application", &written.application, &order.app),
            ("component", &part(&written.component), &part(&order.component)),
            ("channel", &written.channel, &order.channel),
            ("environment", &written.environment, &environment),
        ] {
            if have != want {
                let (descriptor, have, want) = (target.to_owned(), have.to_owned(), want.to_owned());
                return Err(ReleaseError::Mismatch { descriptor, field, have, want });
            }
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || ".+-_".contains(c);
        let version = &written.version;
        if version.is_empty() || version.len() > 128 || version.starts_with('.') || !version.chars().all(plain) {
            return Err(wrong(format!(
                "the version `{}` is none: letters, digits and `.+-_` only",
                version.escape_default()
            )));
        }
        let commit = written.config_commit;
        let hexadecimal = commit.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        if !hexadecimal || !matches!(commit.len(), 40 | 64) {
            return Err(wrong("`config_commit` is no full commit id".into()));
        }
        let artifact = artifact(written.artifacts, order).map_err(|error| match error {
            Fault::Architecture(have) => ReleaseError::Mismatch {
                descriptor: target.to_owned(),
                field: "architecture",
                have,
                want: format!("{} {}", order.os, order.arch),
            },
            Fault::Wrong(why) => wrong(why),
        })?;
        Ok(Self {
            app: written.application,
            component: written.component,
            release_id: written.version.clone(),
            version: written.version,
            channel: written.channel,
            artifact,
            commit: Some(commit),
        })
    }
}

enum Fault {
    Architecture(String),
    Wrong(String),
}

/// The one artifact for this host.
fn artifact(all: Vec<WrittenArtifact>, order: &Order) -> Result<Artifact, Fault> {
    let have = all.iter().map(|item| format!("{} {}", item.os, item.architecture)).collect::<Vec<_>>().join(", ");
    let mut fitting = all.into_iter().filter(|item| item.os == order.os && item.architecture == order.arch);
    let Some(item) = fitting.next() else { return Err(Fault::Architecture(have)) };
    if fitting.next().is_some() {
        return Err(Fault::Wrong(format!("it has several artifacts for {} {}", order.os, order.arch)));
    }
    if !super::descriptor::is_plain(&item.path) {
        return Err(Fault::Wrong(format!(
            "the artifact's path `{}` is not a plain relative path",
            item.path.escape_default()
        )));
    }
    let sha256 = <[u8; 32]>::try_from(hex::decode(&item.sha256).unwrap_or_default())
        .map_err(|_| Fault::Wrong("the artifact's sha256 is no SHA-256 in hexadecimal".into()))?;
    let manifest = item.manifest.as_ref().map(|hex| <[u8; 32]>::try_from(hex::decode(hex).unwrap_or_default()));
    let manifest = manifest.transpose().map_err(|_| Fault::Wrong("`manifest` is no SHA-256 in hexadecimal".into()))?;
    if manifest.is_some() && order.registry.is_none() {
        return Err(Fault::Wrong("it names a manifest, and settings name no registry (`source`)".into()));
    }
    if item.size > order.limit {
        return Err(Fault::Wrong(format!("the artifact has {} bytes, and {} are allowed", item.size, order.limit)));
    }
    Ok(Artifact { path: item.path, sha256, size: item.size, manifest, attestations: item.attestations })
}
