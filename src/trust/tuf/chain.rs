//! How a byte is known: from the root that a host holds, through what was signed, to one target.

use super::{Client, TufError};
use jiff::Timestamp;
use sigstore_tuf::{DelegatedRole, TrustedMetadataSet};

/// Delegations are followed this deep, as a search for a target is.
const DEEPEST: usize = 32;

/// A target that was fetched, and what it is known by.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Known {
    /// Its path.
    pub path: String,
    /// Its bytes.
    pub length: u64,
    /// SHA-256 of the bytes that were fetched, in hexadecimal.
    pub sha256: String,
    /// The roles that lead to it, the top-level one first.
    pub roles: Vec<String>,
    /// The chain from those roles to the bytes, a link a line.
    pub chain: Vec<String>,
}

impl Client {
    /// The links from a realm's root to the top-level targets, as a refresh has just found them.
    pub fn chain(&self, anchor: &[u8]) -> Result<Vec<String>, TufError> {
        let (trusted, versions) = (self.trusted(), self.versions()?);
        let first = sigstore_tuf::Metadata::<sigstore_tuf::Root>::from_slice(anchor);
        let first = first.map_err(|error| TufError::Malformed { problem: format!("the realm's root: {error}") })?;
        let sha256 = hex::encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, anchor));
        let mut chain = vec![format!("root {} of the realm, sha256 {sha256}", first.signed().version)];
        let root = trusted.root();
        let keys = |role: &str| root.role(role).map_or((0, 0), |keys| (keys.threshold, keys.keyids.len()));
        if root.version > first.signed().version {
            let (least, all) = keys("root");
            let (version, expires) = (root.version, root.expires);
            chain.push(format!("root {version}, through every one between, {least} of {all} keys, until {expires}"));
        }
        let part = || TufError::Malformed { problem: "the refresh did not end".into() };
        let timestamp = trusted.timestamp().ok_or_else(part)?.expires;
        let snapshot = trusted.snapshot().ok_or_else(part)?.expires;
        let targets = trusted.targets_role("targets").ok_or_else(part)?.expires;
        for (role, version, expires) in [
            ("timestamp", versions.timestamp, timestamp),
            ("snapshot", versions.snapshot, snapshot),
            ("targets", versions.targets, targets),
        ] {
            let (least, all) = keys(role);
            chain.push(format!("{role} {version}, {least} of {all} keys, until {expires}"));
        }
        Ok(chain)
    }

    /// Finds a target, fetches it, and tells how it is known.
    pub fn known(&mut self, path: &str, now: Timestamp) -> Result<Known, TufError> {
        let target = self.find(path, now)?;
        let file = self.fetch(&target)?.into_inner();
        let mut via = Vec::new();
        listed(self.trusted(), "targets", path, &mut via, 0);
        let mut chain = Vec::new();
        for role in &via {
            let by = self.trusted().targets_role(&role.name).map(|one| (one.version, one.expires));
            let (version, expires) = by.unwrap_or_default();
            let (name, least, all) = (&role.name, role.threshold, role.keyids.len());
            chain.push(format!("delegated role {name} {version}, {least} of {all} keys, until {expires}"));
        }
        let (length, sha256) = (file.size, hex::encode(file.sha256));
        chain.push(format!("target {path}, {length} bytes, sha256 {sha256}"));
        let roles = std::iter::once("targets".to_owned()).chain(via.into_iter().map(|role| role.name)).collect();
        Ok(Known { path: path.to_owned(), length, sha256, roles, chain })
    }
}

/// The delegations that were followed from a role to the one that lists a target.
fn listed(trusted: &TrustedMetadataSet, name: &str, path: &str, via: &mut Vec<DelegatedRole>, depth: usize) -> bool {
    let Some(targets) = trusted.targets_role(name).filter(|_| depth < DEEPEST) else { return false };
    if targets.targets.contains_key(path) {
        return true;
    }
    for role in targets.delegations.iter().flat_map(|all| &all.roles) {
        via.push(role.clone());
        if listed(trusted, &role.name, path, via, depth + 1) {
            return true;
        }
        via.pop();
    }
    false
}
