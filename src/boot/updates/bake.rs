//! `muster trust bake`: at image build, the repository's present state becomes the image's floor.

use super::super::footing::Footing;
use super::super::reach::Reach;
use super::super::who::Who;
use super::{Order, anchor, floor_of, refused, remote};
use crate::cloud::{Instant, Session};
use crate::failure::{Failure, Stage};
use crate::settings::{Sources, keys};
use crate::trust::TrustRoot;
use crate::trust::tuf::{Client, Floor, Store, Versions};
use jiff::Timestamp;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Fetching a repository's metadata.
const PATIENCE: Duration = Duration::from_secs(600);

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Baking {
    /// Where settings come from.
    pub sources: Sources,
    /// The root of the image.
    pub root: PathBuf,
    /// Whether a floor that is there and cannot be used gives way.
    pub replace: bool,
    /// What is believed; `None` is this binary's own trust root.
    pub trust: Option<TrustRoot>,
}

/// What was baked.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Baked {
    /// The realm.
    pub realm: String,
    /// Where the floor is.
    pub directory: PathBuf,
    /// The least that a repository may have from now on.
    pub versions: Versions,
    /// When.
    pub baked: Timestamp,
    /// The same of the repository of Sigstore's trusted roots, where that is another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sigstore: Option<Box<Baked>>,
}

/// The session in which a bucket is asked; none is needed for anything else.
pub(super) fn session(reach: &Reach, repository: &str) -> Result<Option<Session>, Failure> {
    if !repository.starts_with("s3://") {
        return Ok(None);
    }
    let who = Who::unknown();
    let session = who.session(reach, &|| repository.to_owned());
    let session = session.map_err(|error| {
        let failure = Failure::message(Stage::Identity, error.message);
        Failure { hint: error.hint, ..failure }
    })?;
    Ok(Some(session.clone()))
}

/// Refreshes, and writes the floor. A repository below a floor that is there already is refused.
pub fn bake(baking: &Baking) -> Result<Baked, Failure> {
    let footing = Footing::find(&baking.sources, &baking.root, baking.trust.as_ref(), None)?;
    let Footing { early, realm, state, .. } = &footing;
    let named = [early.updates.as_ref(), early.sigstore_updates.as_ref()];
    let reach = Arc::new(Reach::open(&early.network, &early.metadata)?);
    let one = |updates: &keys::Updates| {
        let order = Order {
            settings: updates,
            realm,
            state,
            reach: &reach,
            session: session(&reach, &updates.repository)?,
            deadline: Instant::now() + PATIENCE,
            keeps: true,
        };
        of(&order, baking.replace)
    };
    let mut baked = named.into_iter().flatten().map(one).collect::<Result<Vec<_>, _>>()?.into_iter();
    let first = baked.next().ok_or_else(|| {
        Failure::message(Stage::Settings, "settings name no update repository")
            .with_hint("set `updates: {repository: ...}` in /etc/muster/muster.yaml")
    })?;
    Ok(Baked { sigstore: baked.next().map(Box::new), ..first })
}

/// One repository's floor.
fn of(order: &Order<'_>, replace: bool) -> Result<Baked, Failure> {
    let (updates, realm) = (order.settings, order.realm);
    let (anchor, directory) = (anchor(realm, updates)?, floor_of(order.state, realm, updates));
    let now = Timestamp::now();
    let there = match Floor::read(&directory, anchor) {
        Ok(floor) => Some(floor),
        Err(crate::trust::tuf::TufError::NoFloor { .. }) => None,
        Err(_) if replace => None,
        Err(error) => {
            return Err(
                refused(error).with_hint("`muster trust bake --replace` makes a new floor in place of this one")
            );
        }
    };
    let remote = remote(order)?;
    let client = match there {
        Some(floor) if !replace => Client::above(floor, anchor, remote),
        _ => Client::without_floor(anchor, remote, Store::default()),
    };
    let mut client = client.map_err(refused)?;
    client.refresh(now).map_err(refused)?;
    let mut floor = client.raised(anchor, now).map_err(refused)?;
    client.trusted_roots(&updates.trusted_roots, &mut floor, now).map_err(refused)?;
    floor.baked = now;
    floor.write(&directory).map_err(refused)?;
    Ok(Baked { realm: realm.name.clone(), directory, versions: floor.versions, baked: now, sigstore: None })
}
