//! Where releases come from: the cloud that roles have, registries, and the update repository.

use super::lent::Lent;
use super::registries::Registries;
use super::updates::Updates;
use crate::failure::Explain;
use crate::release::{Order, Refused, ReleaseError, Source};
use crate::roles::store::Store;
use crate::trust::{Untrusted, Verified};
use std::fs::File;
use std::sync::Arc;

/// Where releases come from: the cloud that roles have, and the update repository.
pub(super) struct Supply<'a> {
    pub(super) store: Store<'a>,
    pub(super) registries: Registries<'a>,
    pub(super) updates: Option<Arc<Updates>>,
    /// The commit that runs, where nobody has held it against what releases pin.
    pub(super) tree: Option<&'a Lent>,
}

impl Source for Supply<'_> {
    fn parameter(&self, name: &str) -> Result<String, Refused> {
        self.store.parameter(name)
    }

    fn document(&self, order: &Order, key: &str) -> Result<Untrusted<Vec<u8>>, Refused> {
        self.store.document(order, key)
    }

    fn artifact(&self, order: &Order, key: &str, limit: u64) -> Result<Untrusted<File>, Refused> {
        match &self.updates {
            Some(updates) if order.bucket.is_empty() => {
                updates.artifact(key, limit).map_err(|error| (error.to_string(), error.hint()))
            }
            _ => self.store.artifact(order, key, limit),
        }
    }

    fn manifest(&self, _: &Order, address: &str, name: Option<&str>) -> Result<Untrusted<Vec<u8>>, Refused> {
        self.registries.manifest(address, name)
    }

    fn referrers(&self, _: &Order, address: &str, digest: &str) -> Result<Vec<String>, Refused> {
        self.registries.referrers(address, digest)
    }

    fn blob(&self, _: &Order, address: &str, digest: &str, limit: u64) -> Result<Untrusted<File>, Refused> {
        self.registries.blob(address, digest, limit)
    }

    fn environment(&self) -> Option<String> {
        self.updates.as_ref().map(|updates| updates.environment().to_owned())
    }

    fn holds(&self, commit: &str) -> Result<(), String> {
        self.tree.map_or(Ok(()), |tree| tree.holds(commit))
    }

    fn target(&self, path: &str) -> Result<Verified<Vec<u8>>, ReleaseError> {
        let none = "settings name no update repository".to_owned();
        let updates =
            self.updates.as_ref().ok_or(ReleaseError::Descriptor { descriptor: path.to_owned(), why: none })?;
        updates.descriptor(path).map_err(|source| ReleaseError::Target { target: path.to_owned(), source })
    }
}
