//! Container image manifests (OCI image specification 1.1): one document that is one thing, before its digest counts.

use super::sealed::Untrusted;
use super::sigstore::Subject;
use super::strict::{StrictError, strict};
use serde_json::Value;

/// The specification's own limit.
const LIMIT: usize = 4 << 20;
const IMAGES: [&str; 2] =
    ["application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json"];
const INDEXES: [&str; 2] =
    ["application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json"];

/// Why bytes are no manifest.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// Not one JSON document with one meaning.
    #[error(transparent)]
    Json(#[from] StrictError),
    /// A media type that is none of an image's.
    #[error("its mediaType is `{0}`, which is no image's")]
    MediaType(String),
    /// Something that could be taken for two things (CVE-2021-41190).
    #[error("it calls itself an {is} and {why}")]
    Ambiguous {
        /// What its media type says.
        is: &'static str,
        /// What its members say.
        why: &'static str,
    },
}

/// The subject that a manifest's bytes are, once they are one image or one index.
pub fn subject(bytes: Untrusted<Vec<u8>>) -> Result<Subject, ManifestError> {
    let text = bytes.inspect();
    strict(text, LIMIT)?;
    let manifest: Value = serde_json::from_slice(text).map_err(StrictError::Malformed)?;
    let has = |name: &str| manifest.get(name).is_some();
    let kind = manifest.get("mediaType").and_then(Value::as_str).unwrap_or_default();
    let ambiguous = |is, why| Err(ManifestError::Ambiguous { is, why });
    match (IMAGES.contains(&kind), INDEXES.contains(&kind)) {
        (true, _) if has("manifests") => ambiguous("image", "has `manifests`"),
        (true, _) if !has("layers") || !has("config") => ambiguous("image", "has no `layers` or no `config`"),
        (_, true) if has("layers") || has("config") => ambiguous("index", "has `layers` or `config`"),
        (_, true) if !has("manifests") => ambiguous("index", "has no `manifests`"),
        (false, false) => Err(ManifestError::MediaType(kind.escape_default().to_string())),
        _ => Ok(Subject::bytes(bytes)),
    }
}
