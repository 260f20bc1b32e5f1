//! `muster config`: what the settings come to, what they may be, and whether a file is one.

use super::print;
use crate::failure::{Failure, Stage};
use crate::settings::{self, Sources, Written};
use clap::{Args, Subcommand};
use std::fmt::Write;
use std::path::PathBuf;

/// Where settings come from, for every command that reads them.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct SettingsArgs {
    /// In place of /etc/muster/muster.yaml
    #[arg(long = "settings", value_name = "FILE")]
    file: Option<PathBuf>,
    /// In place of /etc/muster/conf.d
    #[arg(long, value_name = "DIR")]
    conf_dir: Option<PathBuf>,
    /// User-data, in place of what instance metadata has
    #[arg(long, value_name = "FILE")]
    user_data: Option<PathBuf>,
    /// One setting, over all others: a dotted key and a YAML value
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = assignment)]
    set: Vec<(String, String)>,
}

fn assignment(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("expected KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}

impl SettingsArgs {
    /// The sources that the command line names, beneath a root.
    pub(crate) fn sources(&self, root: &std::path::Path) -> Result<Sources, Failure> {
        let user_data = self.user_data.as_deref().map(read).transpose()?;
        Ok(Sources {
            file: self.file.clone(),
            directory: self.conf_dir.clone(),
            user_data,
            flags: self.set.clone(),
            root: root.to_owned(),
        })
    }
}

/// Show, describe or judge settings
#[derive(Args)]
pub(crate) struct Config {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Print the settings as merged, without secrets
    Show {
        #[command(flatten)]
        settings: SettingsArgs,
        /// The root that the standard places are beneath
        #[arg(long, value_name = "DIR", default_value = "/")]
        root: PathBuf,
        /// Say who set each value
        #[arg(long)]
        origin: bool,
        /// Instance facts as JSON, to put into templates
        #[arg(long, value_name = "FILE")]
        facts: Option<PathBuf>,
    },
    /// Print the JSON Schema of muster.yaml, for editors
    Schema,
    /// Judge one settings file alone
    Check {
        /// The file
        file: PathBuf,
        /// Instance facts as JSON: templates are rendered and the result judged too
        #[arg(long, value_name = "FILE")]
        facts: Option<PathBuf>,
    },
}

impl Config {
    /// Does what was asked.
    pub(crate) fn run(self) -> Result<u8, Failure> {
        match self.what {
            What::Show { settings, root, origin, facts } => {
                let facts = facts.as_deref().map(read_facts).transpose()?;
                let written = settings::load(&settings.sources(&root)?)?;
                print(&shown(&written, facts.as_ref(), origin)?);
            }
            What::Schema => print(&format!("{:#}\n", settings::schema())),
            What::Check { file, facts } => {
                let text = settings::text(&file)?;
                let written = Written::of_text(&file.display().to_string(), &text)?;
                let facts = facts.as_deref().map(read_facts).transpose()?;
                if facts.is_some() || !written.has_templates() {
                    written.resolve(&facts.unwrap_or_default())?;
                    print(&format!("{}: ok\n", file.display()));
                } else {
                    print(&format!("{}: ok, but for templates (render them with --facts)\n", file.display()));
                }
            }
        }
        Ok(0)
    }
}

fn read(path: &std::path::Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| unreadable(path, &error.to_string()))
}

fn unreadable(path: &std::path::Path, why: &str) -> Failure {
    Failure::message(Stage::Usage, format!("read {}: {why}", path.display()))
}

fn read_facts(path: &std::path::Path) -> Result<serde_json::Value, Failure> {
    serde_json::from_slice(&read(path)?).map_err(|error| unreadable(path, &error.to_string()))
}

fn shown(written: &Written, facts: Option<&serde_json::Value>, origin: bool) -> Result<String, Failure> {
    let rows = written.show(facts)?;
    let lines: Vec<(String, String)> = rows
        .iter()
        .map(|row| {
            let value = match &row.value {
                serde_json::Value::String(text) if plain(text) => text.clone(),
                other => other.to_string(),
            };
            let origin = row.origin.as_ref().map_or_else(|| "default".to_owned(), ToString::to_string);
            (format!("{}: {value}", row.path), origin)
        })
        .collect();
    let width = lines.iter().map(|(line, _)| line.chars().count()).max().unwrap_or_default().min(60);
    let mut text = String::new();
    for (line, who) in lines {
        let _ = if origin { writeln!(text, "{line:<width$}  # {who}") } else { writeln!(text, "{line}") };
    }
    Ok(text)
}

/// Whether a text reads the same without quotes.
fn plain(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || "._/-@".contains(c)) && text.parse::<f64>().is_err()
}
