//! What a command away from a boot stands on: the image's settings, whom it believes, and where its state is.

use super::ground::beneath;
use crate::failure::{Failure, Stage};
use crate::settings::keys::Early;
use crate::settings::{self, Sources};
use crate::trust::{Realm, TrustRoot};
use std::path::{Path, PathBuf};

/// Settings that need no instance, and what they name.
pub(super) struct Footing {
    pub(super) early: Early,
    pub(super) realm: Realm,
    /// Where the trust root came from.
    pub(super) source: String,
    pub(super) state: PathBuf,
}

impl Footing {
    /// Reads them. Without a trust root it is this binary's own; a realm that is named comes before that of settings.
    pub(super) fn find(
        sources: &Sources,
        root: &Path,
        trust: Option<&TrustRoot>,
        realm: Option<&str>,
    ) -> Result<Self, Failure> {
        let early = settings::load(sources).and_then(|written| written.early());
        let early = early.map_err(|error| Failure::new(Stage::Settings, error))?;
        let untrusted = |error| Failure::new(Stage::Verify, error);
        let trust = trust.cloned().map_or_else(TrustRoot::load, Ok).map_err(untrusted)?;
        let named = early.trust.realm.as_ref().map(|name| name.as_str());
        let realm = trust.realm(realm.or(named)).map_err(untrusted)?.clone();
        let state = beneath(root, early.state_directory.as_path());
        Ok(Self { early, realm, source: trust.source.to_string(), state })
    }
}
