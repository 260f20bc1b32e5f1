//! Artifacts by digest, served twice: by ECR's API, and as the OCI distribution specification 1.1 has it.

mod ecr;
mod http;

pub(crate) use ecr::Caller;

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// What is in it, and how it is served.
#[derive(Debug)]
pub struct Registry {
    /// Whether the referrers API is there; without it a tag stands for the list.
    pub referrers: bool,
    /// Referrers on a page, and no more than were asked for.
    pub page: usize,
    /// Whether the pages end.
    pub endless: bool,
    /// The login that is asked for, and answered with a token.
    pub login: Option<(String, String)>,
    /// Who is served nothing, whoever asks.
    pub forbidden: bool,
    /// Where whoever wants a blob is sent on to.
    pub onward: Option<String>,
    /// Where whoever wants a manifest is sent on to.
    pub manifests_onward: Option<String>,
    /// Digests of manifests that ECR has archived.
    pub archived: BTreeSet<String>,
    manifests: BTreeMap<(String, String), Vec<u8>>,
    tags: BTreeMap<(String, String), String>,
    blobs: BTreeMap<(String, String), Vec<u8>>,
}

impl Default for Registry {
    fn default() -> Self {
        Self {
            referrers: true,
            page: 20,
            endless: false,
            login: None,
            forbidden: false,
            onward: None,
            manifests_onward: None,
            archived: BTreeSet::new(),
            manifests: BTreeMap::new(),
            tags: BTreeMap::new(),
            blobs: BTreeMap::new(),
        }
    }
}

/// As registries write digests.
fn name(bytes: &[u8]) -> String {
    let hex: String = digest(&SHA256, bytes).as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

impl Registry {
    /// Puts a blob, and gives its digest.
    pub fn put_blob(&mut self, repository: &str, bytes: &[u8]) -> String {
        let name = name(bytes);
        self.blobs.insert((repository.to_owned(), name.clone()), bytes.to_vec());
        name
    }

    /// Puts other bytes where a digest leads.
    pub fn corrupt(&mut self, repository: &str, digest: &str, bytes: &[u8]) {
        let key = (repository.to_owned(), digest.to_owned());
        let shelf = if self.manifests.contains_key(&key) { &mut self.manifests } else { &mut self.blobs };
        shelf.insert(key, bytes.to_vec());
    }

    /// Puts a manifest as it is, under a tag where one is given, and gives its digest.
    pub fn put(&mut self, repository: &str, tag: Option<&str>, bytes: &[u8]) -> String {
        let name = name(bytes);
        self.manifests.insert((repository.to_owned(), name.clone()), bytes.to_vec());
        if let Some(tag) = tag {
            self.tags.insert((repository.to_owned(), tag.to_owned()), name.clone());
        }
        name
    }

    /// Removes a manifest or a blob.
    pub fn forget(&mut self, repository: &str, digest: &str) {
        let key = (repository.to_owned(), digest.to_owned());
        self.manifests.remove(&key);
        self.blobs.remove(&key);
    }

    /// The list that stands under a tag where a registry has no referrers API.
    pub fn put_fallback(&mut self, repository: &str, subject: &str) -> String {
        let list = list(&self.about(repository, subject)).to_string();
        self.put(repository, Some(&subject.replacen(':', "-", 1)), list.as_bytes())
    }

    fn manifest(&self, repository: &str, reference: &str) -> Option<(String, &[u8])> {
        let named = (repository.to_owned(), reference.to_owned());
        let digest = self.tags.get(&named).map_or(reference, String::as_str);
        let bytes = self.manifests.get(&(repository.to_owned(), digest.to_owned()))?;
        Some((digest.to_owned(), bytes))
    }

    fn has(&self, repository: &str) -> bool {
        self.manifests.keys().chain(self.blobs.keys()).any(|(known, _)| known == repository)
    }

    /// The descriptors of what refers to a manifest.
    fn about(&self, repository: &str, subject: &str) -> Vec<Value> {
        let all = self.manifests.iter().filter(|((known, _), _)| known == repository);
        let all = all.filter_map(|((_, digest), bytes)| {
            let manifest: Value = serde_json::from_slice(bytes).ok()?;
            (manifest["subject"]["digest"] == subject).then(|| {
                json!({
                    "mediaType": manifest["mediaType"], "digest": digest, "size": bytes.len(),
                    "artifactType": manifest["artifactType"],
                })
            })
        });
        all.collect()
    }
}

fn list(all: &[Value]) -> Value {
    json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": all})
}
