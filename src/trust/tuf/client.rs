//! A refresh: from the embedded root through every later one to the newest targets, and from there to one target.

use super::adapter::{self, Guarded, limits, run};
use super::{Floor, Remote, Store, Target, TufError};
use crate::trust::Verified;
use crate::trust::artifact::VerifiedFile;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sigstore_tuf::{TrustedMetadataSet, Updater};
use std::io::Read;
use std::sync::Arc;

/// The versions of the four top-level roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Versions {
    /// Of the root.
    pub root: u64,
    /// Of the timestamp.
    pub timestamp: u64,
    /// Of the snapshot.
    pub snapshot: u64,
    /// Of the top-level targets.
    pub targets: u64,
}

/// A TUF repository as one host trusts it.
pub struct Client {
    remote: Arc<dyn Remote>,
    updater: Updater,
    store: Store,
    floor: Option<Floor>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("updater", &self.updater).field("floor", &self.floor).finish_non_exhaustive()
    }
}

impl Client {
    /// Begins at the realm's root, and never goes below the floor.
    pub fn above(floor: Floor, anchor: &[u8], remote: Arc<dyn Remote>) -> Result<Self, TufError> {
        let client = Self::open(anchor, remote, Store::of(floor.files().clone()))?;
        Ok(Self { floor: Some(floor), ..client })
    }

    /// Begins at a root, above no floor: for baking the first one, for judging a repository, for the conformance suite.
    pub fn without_floor(anchor: &[u8], remote: Arc<dyn Remote>, store: Store) -> Result<Self, TufError> {
        Self::open(anchor, remote, store)
    }

    fn open(anchor: &[u8], remote: Arc<dyn Remote>, store: Store) -> Result<Self, TufError> {
        adapter::judge("root.json", anchor)?;
        let updater = Updater::new(Guarded(Arc::clone(&remote)), anchor);
        let updater = updater.map_err(|error| adapter::told(error, Timestamp::UNIX_EPOCH))?;
        let updater = updater.with_config(limits()).with_store(store.clone());
        Ok(Self { remote, updater, store, floor: None })
    }

    /// Brings the metadata up to date, judged at a time. What was verified before a failure stays in the store.
    pub fn refresh(&mut self, now: Timestamp) -> Result<(), TufError> {
        run(self.updater.refresh(now), now)?;
        match &self.floor {
            Some(floor) => floor.judge(self.updater.trusted().root(), self.versions()?),
            None => Ok(()),
        }
    }

    /// Finds a target through the delegations.
    pub fn find(&mut self, path: &str, now: Timestamp) -> Result<Verified<Target>, TufError> {
        let listed = run(self.updater.get_target_info(path, now), now)?;
        let listed = listed.ok_or_else(|| TufError::NotListed { target: path.to_owned() })?;
        Ok(Verified::seal(Target { path: path.to_owned(), length: listed.length, listed }))
    }

    /// Streams a target to disk; it is believed when it has the signed size and digests.
    pub fn fetch(&self, target: &Verified<Target>) -> Result<Verified<VerifiedFile>, TufError> {
        target.get().fetch(&*self.remote, self.updater.trusted().root().consistent_snapshot)
    }

    /// A small target, in memory.
    pub fn document(&mut self, path: &str, limit: u64, now: Timestamp) -> Result<Verified<Vec<u8>>, TufError> {
        let target = self.find(path, now)?;
        if target.get().length > limit {
            return Err(TufError::TooLarge { file: path.to_owned(), limit });
        }
        let file = self.fetch(&target)?.into_inner();
        let mut bytes = Vec::new();
        file.file
            .take(limit)
            .read_to_end(&mut bytes)
            .map_err(|error| TufError::Target { target: path.to_owned(), problem: format!("reading it: {error}") })?;
        Ok(Verified::seal(bytes))
    }

    /// What is trusted now.
    pub fn trusted(&self) -> &TrustedMetadataSet {
        self.updater.trusted()
    }

    /// Metadata that was verified, by name.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The versions that a refresh ended with.
    pub fn versions(&self) -> Result<Versions, TufError> {
        let trusted = self.updater.trusted();
        let part = || TufError::Malformed { problem: "the refresh did not end".into() };
        Ok(Versions {
            root: trusted.root().version,
            timestamp: trusted.timestamp().ok_or_else(part)?.version,
            snapshot: trusted.snapshot().ok_or_else(part)?.version,
            targets: trusted.targets_role("targets").ok_or_else(part)?.version,
        })
    }

    /// The floor that this refresh gives: the one before with newer versions, or a first one, baked now.
    pub fn raised(&self, anchor: &[u8], now: Timestamp) -> Result<Floor, TufError> {
        // No stored time moves forward by itself: only baking sets it.
        let baked = self.floor.as_ref().map_or(now, |floor| floor.baked);
        Ok(Floor::of(anchor, baked, self.versions()?, self.updater.trusted().root_bytes(), &self.store.files()))
    }
}
