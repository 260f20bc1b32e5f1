//! `muster trust`: what is believed, and putting it into a binary.

mod show;

use super::config::SettingsArgs;
use crate::boot::{self, Baked, Baking, Linting};
use crate::failure::{Failure, Stage};
use crate::host::durable;
use crate::trust::tuf::Finding;
use crate::trust::{TrustError, TrustRoot};
use serde_json::json;
use std::path::PathBuf;

/// What is believed, and putting it into a binary.
#[derive(clap::Subcommand)]
pub enum Trust {
    /// Prints what is believed: realms, signers, host keys, release keys, with fingerprints.
    Show(show::Show),
    /// Puts a trust directory into a copy of this binary, as the ELF section .muster.trust.
    Embed(Embed),
    /// Makes the image's floor: what the update repository has now is the least that a host accepts later.
    Bake(Bake),
    /// Judges a TUF repository as an operator publishes it.
    Lint(Lint),
}

/// `muster trust embed`.
#[derive(clap::Args)]
pub struct Embed {
    /// The trust directory: DIR/REALM/{allowed_signers,known_hosts,revoked_keys,keys/*.pem,trusted_root.json,trusted_roots/*.json,root.json,tuf/*.json,policy.yaml}.
    directory: PathBuf,
    /// Where to write the new binary.
    #[arg(short, long)]
    output: PathBuf,
    /// The muster binary to start from, instead of the one that runs.
    #[arg(long, default_value = "/proc/self/exe")]
    binary: PathBuf,
}

/// `muster trust bake`.
#[derive(clap::Args)]
pub struct Bake {
    #[command(flatten)]
    settings: SettingsArgs,
    /// The root of the image.
    #[arg(long, value_name = "DIR", default_value = "/")]
    root: PathBuf,
    /// Make a new floor in place of one that is there, though that one is higher or damaged.
    #[arg(long)]
    replace: bool,
    /// Print one JSON document.
    #[arg(long)]
    json: bool,
}

/// `muster trust lint`. The exit code is 0 when there is nothing to mend, 1 when there is.
#[derive(clap::Args)]
pub struct Lint {
    #[command(flatten)]
    settings: SettingsArgs,
    /// Where it is: s3://BUCKET/PREFIX, https://HOST/PATH or a directory.
    repository: String,
    /// The directory of its metadata, below that.
    #[arg(long, value_name = "NAME", default_value = "metadata")]
    metadata_directory: String,
    /// The root to begin at, instead of the repository's own first one.
    #[arg(long, value_name = "FILE")]
    root_json: Option<PathBuf>,
    /// Print one JSON document.
    #[arg(long)]
    json: bool,
}

impl Bake {
    fn run(&self) -> Result<u8, Failure> {
        let (root, replace, trust) = (self.root.clone(), self.replace, None);
        let baked = boot::bake(&Baking { sources: self.settings.sources(&root)?, root, replace, trust })?;
        let text = |one: &Baked| {
            let now = one.versions;
            format!(
                "floor of realm {}: root {}, timestamp {}, snapshot {}, targets {}, baked {} in {}\n",
                one.realm,
                now.root,
                now.timestamp,
                now.snapshot,
                now.targets,
                one.baked,
                one.directory.display()
            )
        };
        super::print(&match self.json {
            true => format!("{:#}\n", json!(baked)),
            false => format!("{}{}", text(&baked), baked.sigstore.as_deref().map(text).unwrap_or_default()),
        });
        Ok(0)
    }
}

impl Lint {
    fn run(&self) -> Result<u8, Failure> {
        let found = boot::lint(&Linting {
            sources: self.settings.sources(std::path::Path::new("/"))?,
            repository: self.repository.clone(),
            metadata: self.metadata_directory.clone(),
            root: self.root_json.clone(),
        })?;
        let text = |finding: &Finding| {
            format!("{} [{}]: {}\n  hint: {}\n", finding.role, finding.rule, finding.message, finding.hint)
        };
        super::print(&match self.json {
            true => format!("{:#}\n", json!({"findings": found})),
            false => format!("{}{} to mend\n", found.iter().map(text).collect::<String>(), found.len()),
        });
        Ok(u8::from(!found.is_empty()))
    }
}

impl Trust {
    /// Runs the command.
    pub fn run(self) -> Result<u8, Failure> {
        let text = match self {
            Self::Bake(bake) => return bake.run(),
            Self::Lint(lint) => return lint.run(),
            Self::Show(show) => show.run(),
            Self::Embed(embed) => embed.run(),
        };
        super::print(&text.map_err(|error| Failure::new(Stage::Verify, error))?);
        Ok(0)
    }
}

impl Embed {
    fn run(&self) -> Result<String, TrustError> {
        let (root, bytes) = TrustRoot::embed(&self.binary, &self.directory)?;
        durable::write(&self.output, &bytes, 0o755).map_err(|source| TrustError::Io {
            attempt: "write",
            path: self.output.clone(),
            source,
        })?;
        let realms = root.realms.iter().map(|realm| realm.name.as_str()).collect::<Vec<_>>().join(", ");
        Ok(format!("{}: realms {realms}, archive sha256 {}\n", self.output.display(), root.sha256))
    }
}
