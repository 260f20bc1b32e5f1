//! The update repository: reached, judged above the image's floor by a clock that may judge, and asked for releases.

mod bake;
mod bucket;
mod clock;
mod directory;
mod lint;
mod look;
mod place;
mod web;

pub use bake::{Baked, Baking, bake};
pub use lint::{Linting, lint};
pub use look::{Looked, Looking, look};
pub(in crate::boot) use web::Web;

use super::reach::Reach;
use crate::cloud::{Instant, Session};
use crate::failure::{Failure, Stage};
use crate::settings::keys;
use crate::trust::tuf::{Client, Floor, Refusal, Remote, TufError, Versions};
use crate::trust::{Realm, Untrusted, Verified};
use jiff::Timestamp;
use place::{Place, Way};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// A descriptor is a page of text.
const DESCRIPTOR: u64 = 256 * 1024;

/// What opening takes.
pub(super) struct Order<'a> {
    pub(super) settings: &'a keys::Updates,
    pub(super) realm: &'a Realm,
    /// muster's state, as this process sees it.
    pub(super) state: &'a Path,
    pub(super) reach: &'a Arc<Reach>,
    /// Who asks, where a bucket is asked.
    pub(super) session: Option<Session>,
    pub(super) deadline: Instant,
    /// Whether what was learned may be kept; a plan alters nothing.
    pub(super) keeps: bool,
}

/// A repository that was refreshed, and may be asked.
pub(super) struct Updates {
    client: Mutex<Client>,
    remote: Arc<dyn Remote>,
    now: Timestamp,
    floor: Floor,
    environment: String,
}

fn refused(error: TufError) -> Failure {
    Failure::new(Stage::Updates, error)
}

/// The realm's TUF root of a repository.
fn anchor<'a>(realm: &'a Realm, settings: &keys::Updates) -> Result<&'a [u8], Failure> {
    let (found, file) = match &settings.root {
        None => (realm.root.as_ref(), "root.json".to_owned()),
        Some(name) => (realm.roots.get(name.as_str()), format!("tuf/{name}.json")),
    };
    found.map(Vec::as_slice).ok_or_else(|| {
        let name = &realm.name;
        let text =
            format!("realm `{name}` of the trust root has no {file}, and settings name a repository that needs it");
        Failure::message(Stage::Updates, text)
            .with_hint(format!("put the repository's root into the trust directory as {file}, and embed it again"))
    })
}

/// Where the floor of a realm's repository is. No realm has `@` in its name.
fn floor_of(state: &Path, realm: &Realm, settings: &keys::Updates) -> PathBuf {
    let name = &realm.name;
    state.join("floor").join(settings.root.as_ref().map_or_else(|| name.clone(), |root| format!("{name}@{root}")))
}

/// The repository that settings name.
fn remote(order: &Order<'_>) -> Result<Arc<dyn Remote>, Failure> {
    let wrong = |text: String| Failure::message(Stage::Settings, format!("updates.repository: {text}"));
    let settings = order.settings;
    let place = Place::parse(&settings.repository).map_err(wrong)?;
    let staging = order.state.join("staging");
    crate::host::durable::make_directory(&staging, 0o700)
        .map_err(|error| Failure::message(Stage::State, format!("making {}: {error}", staging.display())))?;
    let way = Way {
        reach: Arc::clone(order.reach),
        session: order.session.clone(),
        region: settings.bucket_region.as_ref().map(ToString::to_string),
        forbidden_is_missing: settings.treat_403_as_missing,
        staging,
        deadline: order.deadline,
    };
    place.below(&settings.metadata_directory).open(&place.below(&settings.targets_directory), way).map_err(wrong)
}

impl Updates {
    /// Reads the floor, judges the clock, refreshes. What is newer becomes the floor; the time of baking stays.
    pub(super) fn open(order: &Order<'_>) -> Result<Self, Failure> {
        let anchor = anchor(order.realm, order.settings)?;
        let directory = floor_of(order.state, order.realm, order.settings);
        let floor = Floor::read(&directory, anchor).map_err(refused)?;
        let now = clock::now(order, &floor)?;
        let remote = remote(order)?;
        let mut client = Client::above(floor.clone(), anchor, Arc::clone(&remote)).map_err(refused)?;
        client.refresh(now).map_err(refused)?;
        let mut raised = client.raised(anchor, now).map_err(refused)?;
        client.trusted_roots(&order.settings.trusted_roots, &mut raised, now).map_err(refused)?;
        if order.keeps && raised != floor {
            raised.write(&directory).map_err(refused)?;
        }
        Ok(Self { client: Mutex::new(client), remote, now, floor: raised, environment: order.realm.name.clone() })
    }

    /// A release descriptor, as it was signed.
    pub(super) fn descriptor(&self, path: &str) -> Result<Verified<Vec<u8>>, TufError> {
        self.client.lock().unwrap_or_else(PoisonError::into_inner).document(path, DESCRIPTOR, self.now)
    }

    /// An artifact beside the targets, which a descriptor names by its digest.
    pub(super) fn artifact(&self, path: &str, limit: u64) -> Result<Untrusted<File>, TufError> {
        match self.remote.target(path, limit) {
            Ok(Some(file)) => Ok(file),
            Ok(None) => Err(TufError::Missing { file: path.to_owned() }),
            Err(Refusal::TooLarge) => Err(TufError::TooLarge { file: path.to_owned(), limit }),
            Err(Refusal::Failed { message, hint }) => Err(TufError::Fetch { file: path.to_owned(), message, hint }),
        }
    }

    /// The environment whose repository it is: the realm.
    pub(super) fn environment(&self) -> &str {
        &self.environment
    }

    /// What is trusted now, for the run's record.
    pub(super) fn versions(&self) -> Versions {
        self.floor.versions
    }

    /// What the realm believes of releases, with the trusted roots that the repository has.
    pub(super) fn believed(&self, realm: Realm) -> Result<Realm, Failure> {
        let releases = self.floor.believed(realm.releases).map_err(refused)?;
        Ok(Realm { releases, ..realm })
    }
}
