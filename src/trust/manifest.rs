//! Container image manifests (OCI image specification 1.1): one document that is one thing, before its digest counts.

use super::sealed::{Untrusted, Verified};
use super::sigstore::Subject;
use super::strict::{StrictError, strict};
pub use oci_client::manifest::{OciDescriptor, OciImageIndex, OciImageManifest};
use serde_json::Value;

/// The specification's own limit.
const LIMIT: usize = 4 << 20;
const IMAGES: [&str; 2] =
    ["application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json"];
const INDEXES: [&str; 2] =
    ["application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json"];
/// How the artifact types and media types of Sigstore bundles begin (sigstore/cosign, `specs/BUNDLE_SPEC.md`).
const BUNDLE: &str = "application/vnd.dev.sigstore.bundle";

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
    /// Its bytes are others than those that were named.
    #[error("its SHA-256 is {have}, and {want} was named")]
    Digest {
        /// The digest found.
        have: String,
        /// The digest named.
        want: String,
    },
    /// A name of content that is no SHA-256.
    #[error("`{0}` is no digest of the form sha256:HEX")]
    Name(String),
}

/// What is in it.
#[derive(Debug)]
pub enum Manifest {
    /// One image or artifact.
    Image(Box<OciImageManifest>),
    /// Several, by platform.
    Index(OciImageIndex),
}

/// The members of a digest as registries write it: SHA-256 alone, in lower case.
pub fn digest(name: &str) -> Result<[u8; 32], ManifestError> {
    let hex = name.strip_prefix("sha256:").filter(|hex| !hex.bytes().any(|byte| byte.is_ascii_uppercase()));
    let bytes = hex.and_then(|hex| <[u8; 32]>::try_from(hex::decode(hex).ok()?).ok());
    bytes.ok_or_else(|| ManifestError::Name(name.chars().take(100).flat_map(char::escape_default).collect()))
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    *sigstore_crypto::sha256(bytes).as_bytes()
}

/// The digest of a manifest that is one thing. It names it, and says nothing about whom it is of.
pub fn name(bytes: &Untrusted<Vec<u8>>) -> Result<[u8; 32], ManifestError> {
    one_thing(bytes.inspect())?;
    Ok(sha256(bytes.inspect()))
}

/// Believes a manifest when its digest is the one that something verified names.
pub fn verify(bytes: Untrusted<Vec<u8>>, want: [u8; 32]) -> Result<Verified<Manifest>, ManifestError> {
    let bytes = bytes.judge();
    let have = sha256(&bytes);
    match have == want {
        true => Ok(Verified::seal(Manifest::read(&bytes)?)),
        false => Err(ManifestError::Digest { have: hex::encode(have), want: hex::encode(want) }),
    }
}

/// The digests that a registry's list of referrers has, but for those that it says are no Sigstore bundles. A list proves
/// nothing: what it names is fetched by its digest and judged, and what it hides is missed by whoever must have it.
pub fn referrers(list: &Untrusted<Vec<u8>>) -> Result<Vec<String>, ManifestError> {
    match Manifest::read(list.inspect())? {
        Manifest::Image(_) => Err(ManifestError::Ambiguous { is: "image", why: "stands where a list of referrers is" }),
        Manifest::Index(index) => {
            let bundle = |kind: Option<&str>| kind.is_none_or(|kind| kind.starts_with(BUNDLE));
            let all = index.manifests.into_iter().filter(|one| bundle(one.artifact_type.as_deref()));
            all.map(|one| digest(&one.digest).map(|_| one.digest)).collect()
        }
    }
}

impl Manifest {
    /// Reads one whose bytes were verified.
    pub fn read(bytes: &[u8]) -> Result<Self, ManifestError> {
        let malformed = |error| ManifestError::Json(StrictError::Malformed(error));
        Ok(match one_thing(bytes)? {
            Kind::Image => Self::Image(Box::new(serde_json::from_slice(bytes).map_err(malformed)?)),
            Kind::Index => Self::Index(serde_json::from_slice(bytes).map_err(malformed)?),
        })
    }

    /// An annotation of the whole.
    pub fn annotation(&self, name: &str) -> Option<&str> {
        let annotations = match self {
            Self::Image(image) => image.annotations.as_ref(),
            Self::Index(index) => index.annotations.as_ref(),
        };
        annotations?.get(name).map(String::as_str)
    }
}

/// The bundle that a referrer holds: one layer, of a bundle's media type, about this manifest. `None` where it is
/// something else.
pub fn bundle(referrer: &Manifest, subject: &[u8; 32]) -> Option<([u8; 32], u64)> {
    let Manifest::Image(image) = referrer else { return None };
    let about = image.subject.as_ref().and_then(|about| digest(&about.digest).ok());
    let [layer] = &image.layers[..] else { return None };
    let fits = about == Some(*subject) && layer.media_type.starts_with(BUNDLE);
    Some((digest(&layer.digest).ok()?, u64::try_from(layer.size).ok()?)).filter(|_| fits)
}

enum Kind {
    Image,
    Index,
}

/// The subject that a manifest's bytes are, once they are one image or one index.
pub fn subject(bytes: Untrusted<Vec<u8>>) -> Result<Subject, ManifestError> {
    one_thing(bytes.inspect())?;
    Ok(Subject::bytes(bytes))
}

fn one_thing(text: &[u8]) -> Result<Kind, ManifestError> {
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
        (true, _) => Ok(Kind::Image),
        _ => Ok(Kind::Index),
    }
}
