//! Artifacts of a registry: manifests, what refers to them, and blobs; from ECR by its API, from others as the OCI
//! distribution specification 1.1 has it. Nothing that comes is believed here, and every answer has a limit.

mod challenge;
mod ecr;
mod registry;
mod way;

pub use challenge::token_address;

use super::{CloudError, Instant, Session, Transport};
use crate::secret::Secret;
use oci_client::Reference;
use std::fs::File;

/// The most bytes of a manifest, as the specification recommends.
pub const MANIFEST: u64 = 4 << 20;
/// The most pages of a list of referrers, and the most referrers: a list without end is no list.
const PAGES: usize = 32;
const REFERRERS: usize = 256;
/// The kinds of manifest that are asked for.
const ACCEPTED: [&str; 4] = [
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
];

/// Name and password, of registries that ask for one.
#[derive(Clone, Debug)]
pub struct Login {
    /// The name.
    pub user: String,
    /// The password.
    pub password: Secret<String>,
}

/// What refers to a manifest.
#[derive(Debug)]
pub enum Listing {
    /// Lists as a registry gave them, page by page: documents that nobody has read yet.
    Pages(Vec<File>),
    /// Digests, from ECR's API.
    Digests(Vec<String>),
}

/// A repository of a registry, and how it is asked.
#[derive(Debug)]
pub struct Artifacts {
    reference: Reference,
    backend: Backend,
}

#[derive(Debug)]
enum Backend {
    Ecr(Box<ecr::Ecr>),
    Registry(registry::Registry),
}

/// Makes files without a name, for what is fetched.
pub type Staging<'a> = dyn Fn() -> std::io::Result<File> + Send + Sync + 'a;

impl Artifacts {
    /// The repository of `HOST/NAME[:TAG][@DIGEST]`. ECR's are asked as `session`, which others do without.
    pub fn open(
        text: &str,
        transport: &Transport,
        session: Option<&Session>,
        login: Option<Login>,
    ) -> Result<Self, CloudError> {
        let wrong = |why: String| CloudError::Registry { what: format!("oci://{text}"), status: None, why };
        let reference: Reference = text.parse().map_err(|error| wrong(format!("it is no reference: {error}")))?;
        // Without a host a reference would mean a public registry, which nobody has named.
        if !text.starts_with(reference.registry()) {
            return Err(wrong("it names no registry".into()));
        }
        let backend = match (ecr::Ecr::of(&reference), session) {
            (Some(_), None) => {
                return Err(wrong("ECR is asked by somebody, and this run has no AWS credentials".into()));
            }
            (Some(place), Some(session)) => Backend::Ecr(Box::new(ecr::Ecr::open(place, session))),
            (None, _) => Backend::Registry(registry::Registry::open(&reference, transport.clone(), login)),
        };
        Ok(Self { reference, backend })
    }

    /// The digest that the reference names, or its tag.
    pub fn asked(&self) -> &str {
        self.reference.digest().or(self.reference.tag()).unwrap_or("latest")
    }

    /// A manifest by tag or digest.
    pub async fn manifest(&self, name: &str, staging: &Staging<'_>, until: Instant) -> Result<File, CloudError> {
        match &self.backend {
            Backend::Ecr(ecr) => ecr.manifest(name, staging, until).await,
            Backend::Registry(registry) => registry.manifest(name, staging, until).await,
        }
    }

    /// What refers to a manifest. That there is nothing says nothing: whoever serves the list may leave things out.
    pub async fn referrers(&self, digest: &str, staging: &Staging<'_>, until: Instant) -> Result<Listing, CloudError> {
        match &self.backend {
            Backend::Ecr(ecr) => ecr.referrers(digest, until).await.map(Listing::Digests),
            Backend::Registry(registry) => registry.referrers(digest, staging, until).await.map(Listing::Pages),
        }
    }

    /// A blob, no larger than a limit.
    pub async fn blob(
        &self,
        digest: &str,
        largest: u64,
        staging: &Staging<'_>,
        until: Instant,
    ) -> Result<File, CloudError> {
        match &self.backend {
            Backend::Ecr(ecr) => ecr.blob(digest, largest, staging, until).await,
            Backend::Registry(registry) => registry.blob(digest, largest, staging, until).await,
        }
    }
}

fn staged(staging: &Staging<'_>, what: &str) -> Result<File, CloudError> {
    staging().map_err(|error| CloudError::Staging { what: what.to_owned(), why: error.to_string() })
}

#[cfg(test)]
mod tests;
