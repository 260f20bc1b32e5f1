//! Which system a root holds, by its own account.

use super::error::ValidateError;
use super::profile::Profile;
use crate::host::Observe;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// What `os-release` says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct System {
    /// `ubuntu`, `debian`, `rhel`.
    pub id: String,
    /// `24.04`, `12`, `9.4`.
    pub version: String,
    /// For people.
    pub name: String,
}

impl System {
    /// Reads it; a root that has no `os-release` is none of a Linux system.
    pub fn of(observe: &dyn Observe, root: &Path) -> Result<Self, ValidateError> {
        let not_linux = |why: String| ValidateError::NotLinux { root: root.to_owned(), why };
        for file in ["/etc/os-release", "/usr/lib/os-release"] {
            let bytes = observe.read(Path::new(file)).map_err(|error| not_linux(format!("{file}: {error}")))?;
            let Some(bytes) = bytes else { continue };
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let value = |key: &str| {
                // The last of a name counts, as where a shell reads the file (os-release(5)).
                let line = text.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix('=')).next_back();
                line.map(|value| value.trim().trim_matches(['"', '\'']).to_owned()).unwrap_or_default()
            };
            let system = Self { id: value("ID"), version: value("VERSION_ID"), name: value("PRETTY_NAME") };
            if system.id.is_empty() {
                return Err(not_linux(format!("{file} says no ID")));
            }
            return Ok(system);
        }
        Err(not_linux("etc/os-release is not there".into()))
    }

    /// Whether a profile is for this system: `rhel 9` is for 9.4, and `debian 12` not for 1.
    pub fn fits(&self, profile: &Profile) -> Result<(), ValidateError> {
        let fits = |system: &String| {
            let (id, version) = system.split_once(' ').unwrap_or((system, ""));
            let rest = self.version.strip_prefix(version);
            id == self.id && (version.is_empty() || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.')))
        };
        if profile.systems.is_empty() || profile.systems.iter().any(fits) {
            return Ok(());
        }
        let is = format!("{} {}", self.id, self.version);
        Err(ValidateError::OtherSystem { profile: profile.name.clone(), for_these: profile.systems.join(", "), is })
    }
}
