//! `muster release`: the releases in place, the newest ones, and the way back.

use super::boot::Ground;
use super::config::SettingsArgs;
use super::print;
use crate::boot::{self, Ended, Mode};
use crate::failure::{Failure, Stage};
use crate::host::Linux;
use crate::release::Record;
use clap::{Args, Subcommand};
use std::path::{Path, PathBuf};

/// List releases in place, bring them to the newest, or put the previous one back
#[derive(Args)]
pub(crate) struct Release {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Print every release in place
    List {
        #[command(flatten)]
        settings: SettingsArgs,
        /// The root that releases are beneath
        #[arg(long, value_name = "DIR", default_value = "/")]
        root: PathBuf,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Bring releases that come from the update repository to the newest of their channel, as a boot would
    ///
    /// The repository is refreshed above the image's floor, artifacts are verified and put in place, units restarted and
    /// health checked; what fails gives its place back to the release before it. Roles do not run.
    Update {
        #[command(flatten)]
        settings: SettingsArgs,
        #[command(flatten)]
        ground: Ground,
    },
    /// Put the previous release of an application back, in one step, and restart its unit
    Rollback {
        #[command(flatten)]
        settings: SettingsArgs,
        #[command(flatten)]
        ground: Ground,
        /// The application, as `app` or `app.component`
        name: String,
    },
}

impl Release {
    pub(crate) fn run(self) -> Result<u8, Failure> {
        match self.what {
            What::List { settings, root, json } => list(&settings, &root, json)?,
            What::Update { settings, ground } => {
                let request = ground.request(Mode::Update, &settings, Default::default())?;
                return super::boot::told(boot::update(&request), ground.json);
            }
            What::Rollback { settings, ground, name } => {
                let request = ground.request(Mode::Rollback, &settings, Default::default())?;
                let Ended::RolledBack { record } = boot::roll_back(&request, &name)? else { return Ok(0) };
                if ground.json {
                    print(&format!("{}\n", serde_json::json!(record)));
                } else {
                    print(&line(&record));
                }
            }
        }
        Ok(0)
    }
}

fn list(settings: &SettingsArgs, root: &Path, json: bool) -> Result<(), Failure> {
    let host = Linux::new(root)
        .map_err(|error| Failure::message(Stage::Usage, format!("--root {}: {error}", root.display())))?;
    let early = crate::settings::load(&settings.sources(root)?).and_then(|written| written.early());
    let early = early.map_err(|error| Failure::new(Stage::Settings, error))?;
    let directory = early.state_directory.as_path().join("releases");
    let records = Record::all(&host, &directory).map_err(|error| Failure::new(Stage::Release, error))?;
    let records: Vec<Record> = records.into_iter().map(|(_, record)| record).collect();
    if json {
        print(&format!("{}\n", serde_json::json!(records)));
    } else {
        records.iter().for_each(|record| print(&line(record)));
    }
    Ok(())
}

fn line(record: &Record) -> String {
    let previous = record.previous.as_ref().map_or("none kept".to_owned(), |previous| previous.version.clone());
    format!(
        "{}  {}  {}  (before it: {previous})\n",
        record.label(),
        record.active.version,
        record.destination.display()
    )
}
