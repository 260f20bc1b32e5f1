//! Whether this host has been brought to duty already.

use super::error::JournalError;
use super::record::RunId;
use crate::host::durable;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// What makes a host the same one: an image made from it, or a replaced root volume, is another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostKey {
    /// The instance's id.
    pub instance: String,
    /// The image's id.
    pub image: String,
    /// The root volume's id, or what tells it from another.
    pub volume: String,
}

/// A boot that ended well.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// Of which host.
    pub host: HostKey,
    /// Which run.
    pub run: RunId,
    /// The commit that ran.
    pub tree: String,
    /// When.
    pub at: Timestamp,
    /// The stretch of the instance's life in its Auto Scaling group whose lifecycle action was completed.
    #[serde(default)]
    pub stretch: Option<String>,
}

/// The marker of a state directory.
#[derive(Clone, Debug)]
pub struct Marker {
    path: PathBuf,
}

impl Marker {
    /// That of a state directory.
    pub fn open(state: &Path) -> Self {
        Self { path: state.join("done.json") }
    }

    /// The boot that brought this very host to duty, if there was one. A marker that cannot be read is none: the boot
    /// is done again, which changes nothing that is right already.
    pub fn read(&self, host: &HostKey) -> Option<Done> {
        let text = std::fs::read(&self.path).ok()?;
        serde_json::from_slice::<Done>(&text).ok().filter(|done| done.host == *host)
    }

    /// Says that it is done.
    pub fn write(&self, done: &Done) -> Result<(), JournalError> {
        let failed = |error| JournalError::state("write", &self.path, error);
        let text = serde_json::to_vec_pretty(done).map_err(|error| JournalError::content(&self.path, error))?;
        let directory = self.path.parent().unwrap_or(Path::new("/"));
        durable::make_directory(directory, 0o755)
            .and_then(|()| durable::write(&self.path, &text, 0o644))
            .map_err(failed)
    }

    /// Takes it back, before a boot that is asked for again.
    pub fn clear(&self) -> Result<(), JournalError> {
        durable::remove(&self.path).map_err(|error| JournalError::state("remove", &self.path, error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_volume_is_another_host() {
        let state = tempfile::tempdir().expect("scratch");
        let marker = Marker::open(state.path());
        let host = HostKey { instance: "i-1".into(), image: "ami-1".into(), volume: "vol-1".into() };
        assert_eq!(marker.read(&host), None);
        let at = Timestamp::UNIX_EPOCH;
        let done = Done { host: host.clone(), run: RunId::new(at), tree: "abc".into(), at, stretch: None };
        marker.write(&done).expect("writes");
        assert_eq!(marker.read(&host), Some(done));
        assert_eq!(marker.read(&HostKey { volume: "vol-2".into(), ..host.clone() }), None);
        marker.clear().expect("clears");
        assert_eq!(marker.read(&host), None);
    }
}
