//! `muster release`: the releases in place, and the way back.

use super::print;
use crate::failure::{Failure, Stage};
use crate::host::{Linux, Observe};
use crate::release::{Record, rollback};
use clap::{Args, Subcommand};
use std::path::{Path, PathBuf};

/// List releases in place, or put the previous one back
#[derive(Args)]
pub(crate) struct Release {
    #[command(subcommand)]
    what: What,
    /// Where records are kept
    #[arg(long, global = true, value_name = "DIR", default_value = "/var/lib/muster/releases")]
    records: PathBuf,
    /// The root that releases are beneath
    #[arg(long, global = true, value_name = "DIR", default_value = "/")]
    root: PathBuf,
}

#[derive(Subcommand)]
enum What {
    /// Print every release in place
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Put the previous release of an application back, in one step
    Rollback {
        /// The application, as `app` or `app.component`
        name: String,
    },
}

impl Release {
    pub(crate) fn run(self) -> Result<u8, Failure> {
        let failed = |message: String| Failure::message(Stage::Release, message);
        let mut host = Linux::new(&self.root).map_err(|error| failed(format!("--root: {error}")))?;
        match &self.what {
            What::List { json } => {
                let records = self.all(&host)?;
                if *json {
                    print(&format!("{}\n", serde_json::json!(records)));
                } else {
                    records.iter().for_each(|record| print(&line(record)));
                }
            }
            What::Rollback { name } => {
                if name.contains('/') {
                    return Err(failed(format!("`{name}` is no application: write `app` or `app.component`")));
                }
                let path = self.records.join(format!("{name}.json"));
                let record = rollback(&path, &mut host).map_err(|error| Failure::new(Stage::Release, error))?;
                print(&line(&record));
            }
        }
        Ok(0)
    }

    fn all(&self, host: &dyn Observe) -> Result<Vec<Record>, Failure> {
        let failed = |error: std::io::Error| {
            Failure::message(Stage::Release, format!("listing {}: {error}", self.records.display()))
        };
        let mut records = Vec::new();
        for name in host.list(&self.records).map_err(failed)?.unwrap_or_default() {
            let path = self.records.join(&name);
            if Path::new(&name).extension().is_some_and(|extension| extension == "json") {
                records.extend(Record::read(host, &path).map_err(|error| Failure::new(Stage::Release, error))?);
            }
        }
        Ok(records)
    }
}

fn line(record: &Record) -> String {
    let part = record.component.as_ref().map(|part| format!(".{part}")).unwrap_or_default();
    let previous = record.previous.as_ref().map_or("none kept".to_owned(), |previous| previous.version.clone());
    format!(
        "{}{part}  {}  {}  (before it: {previous})\n",
        record.app,
        record.active.version,
        record.destination.display()
    )
}
