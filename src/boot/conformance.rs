//! The TUF conformance suite's client: a refresh or downloads above no floor, with metadata kept where the suite looks.

use super::reach::Reach;
use super::updates::Web;
use crate::cloud::{Instant, Network};
use crate::failure::{Failure, Stage};
use crate::host::durable;
use crate::trust::tuf::{Client, Store};
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// What the suite asks for.
#[derive(Clone, Debug)]
pub struct Conformance {
    /// Where trusted metadata is kept, by unversioned names.
    pub metadata: PathBuf,
    /// Where the repository's metadata is.
    pub url: String,
    /// Where its targets are.
    pub targets_url: String,
    /// The targets to fetch; none for a refresh.
    pub targets: Vec<String>,
    /// Where they go.
    pub directory: PathBuf,
    /// What time it is.
    pub now: Timestamp,
}

/// A whole run of the client.
const PATIENCE: Duration = Duration::from_secs(120);

fn failed(error: impl std::fmt::Display) -> Failure {
    Failure::message(Stage::Verify, error.to_string())
}

/// Refreshes, and fetches targets where any are named.
pub fn conformance(asked: &Conformance) -> Result<(), Failure> {
    let root = std::fs::read(asked.metadata.join("root.json")).map_err(failed)?;
    let reach = Reach::over(Network::default(), Duration::from_secs(1))?;
    let slashed = |url: &str| if url.ends_with('/') { url.to_owned() } else { format!("{url}/") };
    let remote = Web {
        reach: Arc::new(reach),
        metadata: slashed(&asked.url),
        targets: slashed(&asked.targets_url),
        staging: asked.metadata.clone(),
        deadline: Instant::now() + PATIENCE,
    };
    let store = Store::of(known(&asked.metadata)?);
    let client = Client::without_floor(&root, Arc::new(remote), store.clone());
    let result = client.map_err(|error| Failure::new(Stage::Verify, error)).and_then(|mut client| {
        client.refresh(asked.now).map_err(|error| Failure::new(Stage::Verify, error))?;
        asked.targets.iter().try_for_each(|name| bring(&mut client, name, asked))
    });
    keep(&store, &asked.metadata)?;
    result
}

/// Metadata of earlier runs.
fn known(directory: &Path) -> Result<BTreeMap<String, Vec<u8>>, Failure> {
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(directory).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if let Some(name) = entry.file_name().to_str().filter(|name| name.ends_with(".json")) {
            files.insert(name.to_owned(), std::fs::read(entry.path()).map_err(failed)?);
        }
    }
    Ok(files)
}

/// The suite looks for `timestamp.json`, never for `3.timestamp.json`.
fn keep(store: &Store, directory: &Path) -> Result<(), Failure> {
    for (name, bytes) in store.files() {
        let first = name.split('.').next().unwrap_or_default();
        let versioned = !first.is_empty() && first.bytes().all(|byte| byte.is_ascii_digit());
        if !name.contains('/') && !versioned {
            durable::write(&directory.join(name), &bytes, 0o600).map_err(failed)?;
        }
    }
    Ok(())
}

fn bring(client: &mut Client, name: &str, asked: &Conformance) -> Result<(), Failure> {
    let refused = |error| Failure::new(Stage::Verify, error);
    let target = client.find(name, asked.now).map_err(refused)?;
    let path = asked.directory.join(hex::encode(name));
    if let Ok(file) = std::fs::File::open(&path)
        && target.get().judge(crate::trust::Untrusted::new(file)).is_ok()
    {
        return Ok(());
    }
    let mut bytes = Vec::new();
    let mut file = client.fetch(&target).map_err(refused)?.into_inner().file;
    file.read_to_end(&mut bytes).map_err(failed)?;
    durable::write(&path, &bytes, 0o600).map_err(failed)
}
