//! `muster verify tuf`: the update repository, from the realm's root to the bytes of a target.

use super::By;
use super::verdict::Verdict;
use crate::boot::{self, Looking};
use crate::cli::config::SettingsArgs;
use crate::failure::{Failure, Stage};
use crate::trust::TrustRoot;
use clap::Args;
use std::path::PathBuf;

/// `muster verify tuf`.
#[derive(Args)]
pub(crate) struct Tuf {
    /// Look at the repository of Sigstore's trusted roots (`sigstore_updates`) in place of the releases' (`updates`)
    #[arg(long)]
    sigstore: bool,
    /// Look here in place of where settings say it is: a mirror, or what is to be published
    #[arg(long, value_name = "ADDRESS|DIR")]
    repository: Option<String>,
    /// Targets to fetch, such as stable/shop/release.json; without one the metadata alone is judged
    targets: Vec<String>,
    #[command(flatten)]
    settings: SettingsArgs,
    /// The root of the image
    #[arg(long, value_name = "DIR", default_value = "/")]
    root: PathBuf,
    /// Judge without the floor that an image is baked with, away from the host
    #[arg(long)]
    without_floor: bool,
    #[command(flatten)]
    pub(super) by: By,
}

impl Tuf {
    pub(super) fn judge(&self) -> Result<Verdict, Failure> {
        let trust = self.by.trust_dir.as_deref().map(TrustRoot::read).transpose();
        let looked = boot::look(&Looking {
            sources: self.settings.sources(&self.root)?,
            root: self.root.clone(),
            realm: self.by.realm.clone(),
            trust: trust.map_err(|error| Failure::new(Stage::Verify, error))?,
            without_floor: self.without_floor,
            sigstore: self.sigstore,
            repository: self.repository.clone(),
            targets: self.targets.clone(),
        })?;
        Ok(Verdict::repository(&looked))
    }
}
