//! The floor: what an image knew of the repository when it was baked. A first boot has no history of its own, and without
//! one every rollback check passes.
//!
//! A directory with `floor.json`, which names the versions, the time of baking and each metadata file by its SHA-256, and
//! those files under their digests. `floor.json` ends with a digest of itself and is replaced last, by one rename: a kill
//! at any instant leaves the old floor or the new one.

use super::{TufError, Versions};
use crate::host::durable;
use aws_lc_rs::digest::{SHA256, digest};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sigstore_tuf::Root;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;
use std::path::Path;

const FILE: &str = "floor.json";
/// The most bytes of one file of it.
const LIMIT: u64 = 8 << 20;
/// What is kept of metadata: the roots since the embedded one, and the three that guard against rollback.
const KEPT: [&str; 3] = ["timestamp.json", "snapshot.json", "targets.json"];
const ROOTS: &str = "root_history/";

/// What an image knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Floor {
    /// When the image was baked. It never moves.
    pub baked: Timestamp,
    /// The least that a repository may have.
    pub versions: Versions,
    /// SHA-256 of the realm's root.
    anchor: String,
    /// The newest root that was trusted.
    root: Vec<u8>,
    files: BTreeMap<String, Vec<u8>>,
    /// Sigstore's trusted roots as they were fetched last, by name.
    pub(super) trusted_roots: BTreeMap<String, Vec<u8>>,
}

/// `floor.json`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    format: u8,
    baked: Timestamp,
    versions: Versions,
    anchor: String,
    root: String,
    files: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    trusted_roots: BTreeMap<String, String>,
    /// SHA-256 of this document without this member, as compact JSON.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    seal: String,
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(digest(&SHA256, bytes))
}

impl Floor {
    /// Puts one together.
    pub(super) fn of(
        anchor: &[u8],
        baked: Timestamp,
        versions: Versions,
        root: &[u8],
        files: &BTreeMap<String, Vec<u8>>,
    ) -> Self {
        let keep = |name: &str| name.starts_with(ROOTS) || KEPT.contains(&name);
        let files = files.iter().filter(|(name, _)| keep(name));
        let files = files.map(|(name, bytes)| (name.clone(), bytes.clone())).collect();
        let trusted_roots = BTreeMap::new();
        Self { baked, versions, anchor: sha256(anchor), root: root.to_vec(), files, trusted_roots }
    }

    /// Reads it. One that is missing or damaged, or was baked for another root, is an error and never ignored.
    pub fn read(directory: &Path, anchor: &[u8]) -> Result<Self, TufError> {
        let path = directory.join(FILE);
        let damaged = |problem: String| TufError::DamagedFloor { path: path.clone(), problem };
        let bytes = match read(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(TufError::NoFloor { path }),
            Err(source) => return Err(TufError::Io { attempt: "read", path, source }),
            Ok(bytes) => bytes,
        };
        let mut written: Written = serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
        let seal = std::mem::take(&mut written.seal);
        if written.format != 1 || sha256(&compact(&written)) != seal {
            return Err(damaged("its content is not what its seal says".into()));
        }
        let own = sha256(anchor);
        if written.anchor != own {
            return Err(TufError::OtherFloor { path, floor: written.anchor, own });
        }
        let take = |name: &str, digest: &str| -> Result<Vec<u8>, TufError> {
            let bytes = read(&directory.join(format!("{digest}.json")));
            let bytes = bytes.map_err(|error| damaged(format!("{name}: {error}")))?;
            if sha256(&bytes) != digest {
                return Err(damaged(format!("{name} is not the file that was baked")));
            }
            Ok(bytes)
        };
        let root = take("root.json", &written.root)?;
        let all = |named: &BTreeMap<String, String>| {
            let taken = named.iter().map(|(name, digest)| Ok((name.clone(), take(name, digest)?)));
            taken.collect::<Result<BTreeMap<_, _>, TufError>>()
        };
        let (files, trusted_roots) = (all(&written.files)?, all(&written.trusted_roots)?);
        let (baked, versions, anchor) = (written.baked, written.versions, written.anchor);
        Ok(Self { baked, versions, anchor, root, files, trusted_roots })
    }

    /// Writes it, whole or not at all.
    pub fn write(&self, directory: &Path) -> Result<(), TufError> {
        let failed = |attempt, path: &Path| {
            let path = path.to_owned();
            move |source| TufError::Io { attempt, path, source }
        };
        durable::make_directory(directory, 0o700).map_err(failed("make", directory))?;
        let mut kept = BTreeSet::from([FILE.to_owned()]);
        for bytes in self.files.values().chain(self.trusted_roots.values()).chain([&self.root]) {
            let name = format!("{}.json", sha256(bytes));
            let path = directory.join(&name);
            if !path.exists() {
                durable::write(&path, bytes, 0o600).map_err(failed("write", &path))?;
            }
            kept.insert(name);
        }
        let digests = |all: &BTreeMap<String, Vec<u8>>| {
            all.iter().map(|(name, bytes)| (name.clone(), sha256(bytes))).collect::<BTreeMap<_, _>>()
        };
        let mut written = Written {
            format: 1,
            baked: self.baked,
            versions: self.versions,
            anchor: self.anchor.clone(),
            root: sha256(&self.root),
            files: digests(&self.files),
            trusted_roots: digests(&self.trusted_roots),
            seal: String::new(),
        };
        written.seal = sha256(&compact(&written));
        let path = directory.join(FILE);
        durable::write(&path, &compact(&written), 0o600).map_err(failed("write", &path))?;
        // What no floor names any more is only room on the disk.
        for entry in std::fs::read_dir(directory).map_err(failed("list", directory))?.flatten() {
            if !entry.file_name().to_str().is_some_and(|name| kept.contains(name)) {
                let _ = durable::remove(&entry.path());
            }
        }
        Ok(())
    }

    /// Metadata by name.
    pub(super) fn files(&self) -> &BTreeMap<String, Vec<u8>> {
        &self.files
    }

    /// Refuses a repository below it. Where the keys of timestamp or snapshot were replaced by a newer root, their
    /// versions begin anew (TUF 1.0.34, 5.3.11): that is how a repository recovers from versions that a thief raised.
    pub(super) fn judge(&self, root: &Root, found: Versions) -> Result<(), TufError> {
        let below = |role, floor, found| TufError::BelowFloor { role, floor, found };
        if found.root < self.versions.root {
            return Err(below("root", self.versions.root, found.root));
        }
        let then = sigstore_tuf::Metadata::<Root>::from_slice(&self.root);
        let then = then.map_err(|error| TufError::Malformed { problem: format!("the floor's root: {error}") })?;
        let same = |role: &str| match (then.signed().role(role), root.role(role)) {
            (Some(old), Some(new)) => {
                let ids = |keys: &sigstore_tuf::RoleKeys| keys.keyids.iter().cloned().collect::<BTreeSet<_>>();
                ids(old) == ids(new)
            }
            _ => false,
        };
        if !same("timestamp") || !same("snapshot") {
            return Ok(());
        }
        let floor = self.versions;
        let rows = [
            ("timestamp", floor.timestamp, found.timestamp),
            ("snapshot", floor.snapshot, found.snapshot),
            ("targets", floor.targets, found.targets),
        ];
        match rows.into_iter().find(|(_, floor, found)| found < floor) {
            Some((role, floor, found)) => Err(below(role, floor, found)),
            None => Ok(()),
        }
    }
}

fn compact(written: &Written) -> Vec<u8> {
    // Strings, numbers and maps of strings: nothing of it can fail to be written.
    serde_json::to_vec(written).unwrap_or_default()
}

fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(LIMIT).read_to_end(&mut bytes)?;
    Ok(bytes)
}
