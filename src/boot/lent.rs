//! The update repository as roles may ask for it: opened when the first of them does, above the image's floor as any other.

use super::remote::CloudRemote;
use super::updates::{Order, Updates};
use crate::failure::Failure;
use crate::fetch::Repository;
use crate::settings::keys;
use crate::trust::Realm;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// What opening it takes, and the commit that runs.
pub(super) struct Lent {
    pub(super) settings: keys::Updates,
    pub(super) realm: Realm,
    /// muster's state, as this process sees it.
    pub(super) state: PathBuf,
    /// The commit of the config repository that runs.
    pub(super) tree: String,
    /// Whether what was learned may be kept; a plan alters nothing.
    pub(super) keeps: bool,
    /// Once somebody has asked.
    pub(super) opened: Mutex<Option<Arc<Updates>>>,
}

impl Lent {
    /// The repository, refreshed once a run.
    pub(super) fn open(&self, remote: &CloudRemote) -> Result<Arc<Updates>, Failure> {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(there) = &*opened {
            return Ok(Arc::clone(there));
        }
        let session = remote.session(&|| self.settings.repository.clone()).ok().cloned();
        let updates = Arc::new(Updates::open(&Order {
            settings: &self.settings,
            realm: &self.realm,
            state: &self.state,
            reach: &remote.reach,
            session,
            deadline: remote.end(),
            keeps: self.keeps,
        })?);
        Ok(Arc::clone(opened.insert(updates)))
    }

    /// Whether the commit that runs is this one, or came after it; else which one runs.
    pub(super) fn holds(&self, commit: &str) -> Result<(), String> {
        let copy = || Repository::open_or_init(&self.state.join("repository")).ok();
        match self.tree == commit || copy().is_some_and(|copy| copy.has(&self.tree, commit)) {
            true => Ok(()),
            false => Err(self.tree.clone()),
        }
    }
}
