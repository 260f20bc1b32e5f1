//! An application release: which one, is it ours, is it what this host asked for, put in place, roll back.
//!
//! The release id comes from a parameter, the descriptor with its bundle and the artifact from object storage. The
//! bundle is judged first, then the descriptor is read, then the artifact's size and digest; only then is anything
//! changed.

mod content;
mod descriptor;
mod judge;
mod layout;
mod place;
mod plan;
mod program;
mod proof;
mod record;
mod registry;
mod target;

pub use descriptor::{Artifact, Descriptor, Required};
pub use judge::{Asking, Judged, judge};
pub use layout::Layout;
pub use plan::{Planned, Refused, Source, plan, resolve};
pub use record::{Active, Record, put_back, rollback};
pub use target::SCHEMA;

use crate::trust::bundle::BundleError;
use std::path::PathBuf;

/// What a host asks for.
#[derive(Clone, Debug)]
pub struct Order {
    /// The application.
    pub app: String,
    /// Its part, where it has parts.
    pub component: Option<String>,
    /// `canary`, `stable`, ...
    pub channel: String,
    /// The operating system, as descriptors name it.
    pub os: String,
    /// The architecture, as descriptors name it: `amd64`, `arm64`.
    pub arch: String,
    /// The TUF target that is the descriptor, as a pattern; with it, neither parameter nor bundle are asked.
    pub target: Option<String>,
    /// The environment that the host was baked for: its realm.
    pub environment: Option<String>,
    /// The parameter that holds the release id; `{app}`, `{component}`, `{channel}`, `{os}` and
    /// `{arch}` stand for themselves.
    pub parameter: String,
    /// The bucket; empty where artifacts lie beside the TUF targets.
    pub bucket: String,
    /// The repository of a registry that has it, as a pattern of `HOST/NAME[:TAG]`, in place of a bucket.
    pub registry: Option<String>,
    /// The bucket's region, where it is not the host's.
    pub region: Option<String>,
    /// The descriptor's key; `{release_id}` too.
    pub descriptor_key: String,
    /// The bundle's key.
    pub bundle_key: String,
    /// The artifact's key; `{path}` and `{version}` are what the descriptor says.
    pub artifact_key: String,
    /// Where the descriptor keeps what.
    pub layout: Layout,
    /// Where the artifact goes.
    pub destination: PathBuf,
    /// With which owner, group and mode.
    pub attributes: crate::host::Attributes,
    /// The largest artifact that is accepted, in bytes.
    pub limit: u64,
    /// Where records are kept.
    pub records: PathBuf,
    /// The unit that runs it.
    pub restart: Option<String>,
    /// Unpack the artifact beneath the destination, and keep so many releases of it, the one in use among them; without
    /// it the artifact is put there as it is.
    pub unpack: Option<usize>,
}

impl Order {
    /// The TUF target that is the descriptor.
    pub fn target_path(&self) -> Option<String> {
        self.target.as_ref().map(|target| self.fill(target, &[]))
    }

    /// Fills a pattern's placeholders.
    fn fill(&self, pattern: &str, more: &[(&str, &str)]) -> String {
        let component = self.component.as_deref().unwrap_or_default();
        let own = [("app", self.app.as_str()), ("component", component), ("channel", &self.channel)];
        let host = [("os", self.os.as_str()), ("arch", &self.arch)];
        own.iter()
            .chain(&host)
            .chain(more)
            .fold(pattern.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
    }
}

/// Why a release was not put in place.
#[derive(Debug, thiserror::Error)]
pub enum ReleaseError {
    /// Something could not be fetched.
    #[error("fetching {what}: {message}")]
    Fetch {
        /// What: the parameter's name or the object's address.
        what: String,
        /// What came back.
        message: String,
        /// What to do next.
        hint: Option<String>,
    },
    /// The id would lead to another object.
    #[error("the release id `{id}` from parameter {parameter} is none: letters, digits and `.+-_` only")]
    Id {
        /// What the parameter holds.
        id: String,
        /// Its name.
        parameter: String,
    },
    /// The bundle is not believed.
    #[error("verifying {descriptor} by {bundle}: {source}")]
    Bundle {
        /// The descriptor's address.
        descriptor: String,
        /// The bundle's address.
        bundle: String,
        /// Why.
        source: BundleError,
    },
    /// The update repository is not believed, or lists no such release.
    #[error("resolving {target}: {source}")]
    Target {
        /// The target.
        target: String,
        /// Why.
        source: crate::trust::tuf::TufError,
    },
    /// An attestation that the descriptor requires is not there, or is another.
    #[error("verifying the attestation {attestation}: {source}")]
    Attestation {
        /// Its address.
        attestation: String,
        /// Why.
        source: crate::trust::artifact::ArtifactError,
    },
    /// The descriptor does not say what it must.
    #[error("reading the verified descriptor {descriptor}: {why}")]
    Descriptor {
        /// Its address.
        descriptor: String,
        /// What is wrong.
        why: String,
    },
    /// A registry's manifest is none, or not the one that was named.
    #[error("verifying the manifest {manifest}: {source}")]
    Manifest {
        /// Its address.
        manifest: String,
        /// Why.
        source: crate::trust::manifest::ManifestError,
    },
    /// A validly signed descriptor of something else.
    #[error("the descriptor {descriptor} is of {field} `{have}`, and this host asked for `{want}`")]
    Mismatch {
        /// Its address.
        descriptor: String,
        /// Which field.
        field: &'static str,
        /// What it says.
        have: String,
        /// What was asked for.
        want: String,
    },
    /// Made with a commit of the config repository that this host has not come to.
    #[error("{release} pins commit {commit} of the config repository, and {have} runs here")]
    Commit {
        /// Its target.
        release: String,
        /// What it pins.
        commit: String,
        /// What runs.
        have: String,
    },
    /// The artifact is not the one that was signed.
    #[error("verifying the artifact {artifact}: {source}")]
    Artifact {
        /// Its address.
        artifact: String,
        /// Why.
        source: crate::trust::artifact::ArtifactError,
    },
    /// The place could not be looked at, or a record not be read.
    #[error("{what}: {message}")]
    Local {
        /// What was attempted, on what.
        what: String,
        /// Why not.
        message: String,
    },
}

impl crate::failure::Explain for ReleaseError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Fetch { hint, .. } => hint.clone(),
            Self::Bundle { source, .. } => source.hint(),
            Self::Target { source, .. } => source.hint(),
            Self::Attestation { .. } => {
                Some("nothing of it was put in place; publish what the descriptor names, unaltered".into())
            }
            Self::Manifest { .. } => Some("nothing of it was put in place; push it again, unaltered".into()),
            Self::Descriptor { descriptor, .. } if descriptor.starts_with("oci://") => {
                Some("push it with the annotations that say what it is of (README, registries)".into())
            }
            Self::Descriptor { descriptor, .. } if !descriptor.starts_with("s3://") => {
                Some("sign a descriptor of the schema `muster.release/1` (README, updates)".into())
            }
            Self::Descriptor { .. } => Some("map its fields with `layout:` in the release's settings".into()),
            Self::Commit { .. } => Some(
                "publish the config repository's commit with the release: hosts never run what came before it".into(),
            ),
            Self::Mismatch { .. } => Some("the parameter or the object key leads to another release".into()),
            Self::Artifact { .. } => {
                Some("nothing of it was put in place, and what ran before goes on; publish it again, unaltered".into())
            }
            Self::Local { .. } => {
                Some("`muster release list` says what is recorded; the next converge mends it".into())
            }
            Self::Id { .. } => None,
        }
    }

    fn rule(&self) -> Option<&'static str> {
        match self {
            Self::Target { source, .. } => source.rule(),
            Self::Bundle { .. }
            | Self::Artifact { .. }
            | Self::Mismatch { .. }
            | Self::Attestation { .. }
            | Self::Manifest { .. }
            | Self::Commit { .. }
            | Self::Descriptor { .. }
            | Self::Fetch { .. } => Some("nothing unverified reaches root (ARCHITECTURE.md, promise 2)"),
            Self::Id { .. } | Self::Local { .. } => None,
        }
    }
}
