//! The client of theupdateframework/tuf-conformance: the one that has no floor.

use super::super::print;
use crate::boot::{self, Conformance as Asked};
use crate::failure::{Failure, Stage};
use crate::host::durable;
use clap::{Args, Subcommand};
use jiff::Timestamp;
use std::path::{Path, PathBuf};

/// The suite's client
#[derive(Args)]
pub(crate) struct Tuf {
    /// Where trusted metadata is kept
    #[arg(long, value_name = "DIR")]
    metadata_dir: PathBuf,
    /// Where the repository's metadata is
    #[arg(long, value_name = "URL")]
    metadata_url: Option<String>,
    /// A target to fetch
    #[arg(long, value_name = "PATH")]
    target_name: Vec<String>,
    /// Where the repository's targets are
    #[arg(long, value_name = "URL")]
    target_base_url: Option<String>,
    /// Where targets go
    #[arg(long, value_name = "DIR")]
    target_dir: Option<PathBuf>,
    /// What time it is: a static binary does not see what `faketime` preloads
    #[arg(long, value_name = "TIME")]
    now: Option<Timestamp>,
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Trust a root
    Init {
        /// The root
        root: PathBuf,
    },
    /// Bring metadata up to date
    Refresh,
    /// Bring metadata up to date, and fetch targets
    Download,
}

impl Tuf {
    pub(crate) fn run(self) -> Result<u8, Failure> {
        match self.perform() {
            Ok(()) => Ok(0),
            // The suite's protocol knows 0 and 1.
            Err(failure) => {
                print(&format!("{failure}\n"));
                Ok(1)
            }
        }
    }

    fn perform(self) -> Result<(), Failure> {
        let missing = |flag: &str| Failure::message(Stage::Usage, format!("{flag} is missing"));
        let targets = match self.what {
            What::Init { root } => return init(&root, &self.metadata_dir),
            What::Refresh => Vec::new(),
            What::Download if self.target_name.is_empty() => return Err(missing("--target-name")),
            What::Download => self.target_name,
        };
        boot::conformance(&Asked {
            metadata: self.metadata_dir,
            url: self.metadata_url.ok_or_else(|| missing("--metadata-url"))?,
            targets_url: self.target_base_url.unwrap_or_default(),
            targets,
            directory: self.target_dir.unwrap_or_default(),
            now: self.now.unwrap_or_else(Timestamp::now),
        })
    }
}

fn init(root: &Path, directory: &Path) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::message(Stage::Usage, format!("{}: {error}", root.display()));
    let bytes = std::fs::read(root).map_err(failed)?;
    durable::write(&directory.join("root.json"), &bytes, 0o600).map_err(failed)
}
