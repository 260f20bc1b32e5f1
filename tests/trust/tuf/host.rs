//! Hosts that look at a repository, and what its operators and thieves do to it beside publishing.

use crate::repository::{Key, Repository, now};
use jiff::Timestamp;
use muster::trust::tuf::{Client, Floor, Store};
use serde_json::json;
use std::sync::Arc;

impl Key {
    /// The same key under another id.
    pub fn called(&self, id: &str) -> Self {
        Self { id: id.to_owned(), ..self.clone() }
    }
}

impl Repository {
    /// The next root, with what a change makes of it, signed by the keys before and after.
    pub fn rotate(&mut self, change: impl FnOnce(&mut Self)) {
        let before = self.keys["root"].clone();
        change(self);
        self.root["version"] = json!(self.root["version"].as_u64().unwrap() + 1);
        let mut signers = before;
        for key in &self.keys["root"] {
            if !signers.iter().any(|known| known.id == key.id) {
                signers.push(key.clone());
            }
        }
        self.put(&format!("{}.root.json", self.root["version"]), Self::signed_by(&signers, &self.root));
    }

    /// A host that has no floor.
    pub fn client(&self) -> Client {
        Client::without_floor(&self.anchor, Arc::new(self.server.clone()), Store::default()).unwrap()
    }

    /// A host above a floor.
    pub fn client_above(&self, floor: &Floor) -> Client {
        Client::above(floor.clone(), &self.anchor, Arc::new(self.server.clone())).unwrap()
    }

    /// The floor that baking now gives.
    pub fn bake(&self, at: Timestamp) -> Floor {
        let mut client = self.client();
        client.refresh(at).unwrap();
        client.raised(&self.anchor, at).unwrap()
    }
}

/// The shop's release, as a host without a floor gets it.
pub fn shop(repository: &Repository) -> Result<Vec<u8>, muster::trust::tuf::TufError> {
    let mut client = repository.client();
    client.refresh(now())?;
    client.document("stable/shop/release.json", 1024, now()).map(muster::trust::Verified::into_inner)
}
