//! `muster verify tuf`: the update repository as a host would see it now, and how what it has is known. Nothing is kept.

use super::bake::session;
use super::place::{Place, Way};
use super::{Order, anchor, clock, floor_of, refused};
use crate::boot::footing::Footing;
use crate::boot::reach::Reach;
use crate::cloud::Instant;
use crate::failure::{Failure, Stage};
use crate::settings::{Early, Sources, keys};
use crate::trust::TrustRoot;
use crate::trust::tuf::{Client, Floor, Known, Store, Versions};
use jiff::Timestamp;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Fetching a repository's metadata, and a few targets.
const PATIENCE: Duration = Duration::from_secs(600);

/// What is looked at.
#[derive(Clone, Debug)]
pub struct Looking {
    /// Where settings come from.
    pub sources: Sources,
    /// The root of the image.
    pub root: PathBuf,
    /// The realm, where settings name another or none.
    pub realm: Option<String>,
    /// What is believed; `None` is this binary's own trust root.
    pub trust: Option<TrustRoot>,
    /// Whether an image's floor is not asked for: away from the host.
    pub without_floor: bool,
    /// Whether it is the repository of Sigstore's trusted roots, and not the releases'.
    pub sigstore: bool,
    /// Where it is, in place of where settings say.
    pub repository: Option<String>,
    /// Targets to fetch.
    pub targets: Vec<String>,
}

/// The settings of the repository that is looked at.
fn chosen(looking: &Looking, early: &Early) -> Result<keys::Updates, Failure> {
    let (key, found) = match looking.sigstore {
        true => ("sigstore_updates", &early.sigstore_updates),
        false => ("updates", &early.updates),
    };
    let mut updates = found.clone().ok_or_else(|| {
        Failure::message(Stage::Settings, format!("settings name no repository in `{key}`"))
            .with_hint(format!("set `{key}: {{repository: ...}}`, or give it with `--set {key}.repository=...`"))
    })?;
    if let Some(repository) = &looking.repository {
        updates.repository.clone_from(repository);
    }
    Ok(updates)
}

/// What was found.
#[derive(Clone, Debug)]
pub struct Looked {
    /// The realm.
    pub realm: String,
    /// Where the trust root came from.
    pub source: String,
    /// The repository.
    pub repository: String,
    /// What a host would trust now.
    pub versions: Versions,
    /// The least that it must have, and when that was baked.
    pub floor: Option<(Versions, Timestamp)>,
    /// The links from the realm's root to the top-level targets.
    pub chain: Vec<String>,
    /// The targets that were asked for.
    pub targets: Vec<Known>,
}

/// Refreshes above the floor, and fetches what is asked for.
pub fn look(looking: &Looking) -> Result<Looked, Failure> {
    let trust = (looking.trust.as_ref(), looking.realm.as_deref());
    let Footing { early, realm, source, state } = &Footing::find(&looking.sources, &looking.root, trust.0, trust.1)?;
    let updates = &chosen(looking, early)?;
    let reach = Arc::new(Reach::open(&early.network, &early.metadata)?);
    let order = Order {
        settings: updates,
        realm,
        state,
        reach: &reach,
        session: session(&reach, &updates.repository)?,
        deadline: Instant::now() + PATIENCE,
        keeps: false,
    };
    let wrong = |text: String| Failure::message(Stage::Settings, format!("updates.repository: {text}"));
    let place = Place::parse(&updates.repository).map_err(wrong)?;
    let way = Way {
        reach: Arc::clone(&reach),
        session: order.session.clone(),
        region: updates.bucket_region.as_ref().map(ToString::to_string),
        forbidden_is_missing: updates.treat_403_as_missing,
        staging: std::env::temp_dir(),
        deadline: order.deadline,
    };
    let targets = place.below(&updates.targets_directory);
    let remote = place.below(&updates.metadata_directory).open(&targets, way).map_err(wrong)?;
    let anchor = anchor(realm, updates)?;
    let (client, now, floor) = if looking.without_floor {
        (Client::without_floor(anchor, remote, Store::default()), Timestamp::now(), None)
    } else {
        let floor = Floor::read(&floor_of(state, realm, updates), anchor).map_err(refused)?;
        let now = clock::now(&order, &floor)?;
        let least = (floor.versions, floor.baked);
        (Client::above(floor, anchor, remote), now, Some(least))
    };
    let mut client = client.map_err(refused)?;
    client.refresh(now).map_err(refused)?;
    let targets =
        looking.targets.iter().map(|path| client.known(path, now)).collect::<Result<_, _>>().map_err(refused)?;
    Ok(Looked {
        realm: realm.name.clone(),
        source: source.clone(),
        repository: updates.repository.clone(),
        versions: client.versions().map_err(refused)?,
        floor,
        chain: client.chain(anchor).map_err(refused)?,
        targets,
    })
}
