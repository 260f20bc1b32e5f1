//! Profiles of the config repository: those of the commit that ran here last, which is verified anew. Nothing is fetched.

use super::footing::Footing;
use crate::failure::{Failure, Stage};
use crate::fetch::{self, Kind};
use crate::journal::History;
use crate::settings::Sources;
use crate::trust::{TrustRoot, verify_commit};
use std::path::Path;
use std::time::SystemTime;

/// Where a repository keeps them.
const DIRECTORY: &str = "benchmarks";

/// The name and the text of each, by `benchmarks/NAME.yaml`; none where no repository's commit ran here.
pub fn profiles(sources: &Sources, root: &Path, trust: Option<&TrustRoot>) -> Result<Vec<(String, String)>, Failure> {
    let footing = Footing::find(sources, root, trust, None)?;
    let Some(commit) = History::open(&footing.state).last_done()?.and_then(|record| record.tree) else {
        return Ok(Vec::new());
    };
    let directory = footing.state.join("repository");
    let lost = |error| Failure::new(Stage::Repository, error).or_hint("`muster converge` brings the repository anew");
    let candidate = fetch::candidate(&directory, &commit).map_err(lost)?;
    let commit = verify_commit(candidate, &footing.realm, SystemTime::now())
        .map_err(|error| Failure::new(Stage::Verify, error))?;
    let tree = fetch::files(&directory, &commit).map_err(lost)?;
    let mut found = Vec::new();
    if tree.follow(DIRECTORY).map_err(lost)? != Some(Kind::Directory) {
        return Ok(found);
    }
    for (file, _) in tree.list(DIRECTORY).map_err(lost)? {
        if let Some(name) = file.strip_suffix(".yaml").or_else(|| file.strip_suffix(".yml")) {
            let text = tree.read(&format!("{DIRECTORY}/{file}")).map_err(lost)?;
            let refused = |_| Failure::message(Stage::Validate, format!("{DIRECTORY}/{file} is not UTF-8"));
            found.push((name.to_owned(), String::from_utf8(text).map_err(refused)?));
        }
    }
    Ok(found)
}
