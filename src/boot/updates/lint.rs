//! `muster trust lint`: a repository fetched from where it is, and judged.

use super::super::reach::Reach;
use super::bake::session;
use super::place::{Place, Way};
use super::refused;
use crate::cloud::Instant;
use crate::failure::{Failure, Stage};
use crate::settings::{self, Sources};
use crate::trust::tuf::{Finding, Remote};
use jiff::Timestamp;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Fetching a repository's metadata.
const PATIENCE: Duration = Duration::from_secs(600);
/// The most bytes of a root.
const ROOT: u64 = 512_000;

/// What is judged.
#[derive(Clone, Debug)]
pub struct Linting {
    /// Where network settings come from.
    pub sources: Sources,
    /// Where the repository is.
    pub repository: String,
    /// The directory of its metadata below that.
    pub metadata: String,
    /// The root to begin at; the repository's first one where none is named.
    pub root: Option<PathBuf>,
}

/// Judges it.
pub fn lint(linting: &Linting) -> Result<Vec<Finding>, Failure> {
    let early = settings::load(&linting.sources).and_then(|written| written.early());
    let early = early.map_err(|error| Failure::new(Stage::Settings, error))?;
    let wrong = |text: String| Failure::message(Stage::Usage, text);
    let place = Place::parse(&linting.repository).map_err(wrong)?.below(&linting.metadata);
    let reach = Arc::new(Reach::open(&early.network, &early.metadata)?);
    let way = Way {
        session: session(&reach, &linting.repository)?,
        reach,
        region: None,
        forbidden_is_missing: false,
        staging: std::env::temp_dir(),
        deadline: Instant::now() + PATIENCE,
    };
    let remote = place.open(&place, way).map_err(wrong)?;
    let anchor = match &linting.root {
        Some(path) => std::fs::read(path)
            .map_err(|error| Failure::message(Stage::Usage, format!("reading {}: {error}", path.display())))?,
        None => first(&*remote)?,
    };
    Ok(crate::trust::tuf::lint(&anchor, &remote, Timestamp::now()))
}

/// The repository's own first root: nothing is trusted by it but this judgement.
fn first(remote: &dyn Remote) -> Result<Vec<u8>, Failure> {
    let none = || {
        Failure::message(Stage::Updates, "the repository has no 1.root.json to begin at")
            .with_hint("name a root with --root-json FILE; every N.root.json must stay for ever")
    };
    let opened = crate::trust::tuf::unverified_root(remote, ROOT).map_err(refused)?;
    opened.ok_or_else(none)
}
