//! Sigstore's trusted roots as TUF targets: authorities and logs come and go faster than images do.
//!
//! A root that is fetched was listed by metadata above the floor, so that it is never older than the one before it; the
//! floor keeps it, under its seal, for whoever judges without a network.

use super::{Client, Floor, TufError};
use crate::trust::bundle::BundlePolicy;
use crate::trust::strict::strict;
use jiff::Timestamp;
use sigstore_trust_root::TrustedRoot;
use std::collections::BTreeMap;

/// The name of the realm's own `trusted_root.json`; other names are those of `trusted_roots/NAME.json`, and `public-good`.
pub const OWN: &str = "trusted_root";
/// The most bytes of one.
const LIMIT: u64 = 1 << 20;

impl Client {
    /// Fetches trusted roots, by name and target, and keeps them in a floor.
    pub fn trusted_roots(
        &mut self,
        wanted: &BTreeMap<String, String>,
        floor: &mut Floor,
        now: Timestamp,
    ) -> Result<(), TufError> {
        let mut found = BTreeMap::new();
        for (name, target) in wanted {
            let bytes = self.document(target, LIMIT, now)?.into_inner();
            parse(&bytes).map_err(|problem| TufError::Target { target: target.clone(), problem })?;
            found.insert(name.clone(), bytes);
        }
        floor.trusted_roots = found;
        Ok(())
    }
}

impl Floor {
    /// What a realm believes with the trusted roots that were fetched last in place of those of the image.
    pub fn believed(&self, mut releases: BundlePolicy) -> Result<BundlePolicy, TufError> {
        for (name, bytes) in &self.trusted_roots {
            let root = parse(bytes).map_err(|problem| TufError::Malformed { problem: format!("{name}: {problem}") })?;
            match name.as_str() {
                OWN => releases.trusted_root = Some(root),
                _ => drop(releases.trusted_roots.insert(name.clone(), root)),
            }
        }
        Ok(releases)
    }
}

fn parse(bytes: &[u8]) -> Result<TrustedRoot, String> {
    strict(bytes, LIMIT as usize).map_err(|error| error.to_string())?;
    let text = std::str::from_utf8(bytes).map_err(|_| "it is no UTF-8".to_owned())?;
    TrustedRoot::from_json(text).map_err(|error| format!("it is no trusted root: {error}"))
}
