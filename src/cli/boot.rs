//! `muster boot`: brings this host to duty and tells whoever waits.

use super::config::SettingsArgs;
use super::print;
use crate::boot::{self, Ended, Mode, Request};
use crate::failure::Failure;
use clap::Args;
use std::path::PathBuf;
use std::time::Duration;

/// Bring this host to duty, once an instance, image and root volume
#[derive(Args)]
pub(crate) struct Boot {
    #[command(flatten)]
    settings: SettingsArgs,
    #[command(flatten)]
    ground: Ground,
    /// Do it all again, though it is done for this host
    #[arg(long)]
    again: bool,
    /// Only report what earlier runs still owe
    #[arg(long, conflicts_with = "again")]
    report_only: bool,
}

/// What every run of the config repository takes.
#[derive(Args, Clone, Debug)]
pub(crate) struct Ground {
    /// The root that is brought to duty
    #[arg(long, value_name = "DIR", default_value = "/")]
    pub(crate) root: PathBuf,
    /// Wait so long for another muster to end
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    wait_lock: u64,
    /// Allow the branch to go back to this commit
    #[arg(long, value_name = "COMMIT")]
    allow_rollback: Option<String>,
    /// Print the outcome as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

impl Ground {
    /// The request that these arguments make.
    pub(crate) fn request(
        &self,
        mode: Mode,
        settings: &SettingsArgs,
        tags: (Vec<String>, Vec<String>),
    ) -> Result<Request, Failure> {
        Ok(Request {
            mode,
            sources: settings.sources(&self.root)?,
            root: self.root.clone(),
            wait_lock: Duration::from_secs(self.wait_lock),
            allow_rollback: self.allow_rollback.clone(),
            tags,
            progress: true,
            trust: None,
        })
    }
}

impl Boot {
    pub(crate) fn run(self) -> Result<u8, Failure> {
        let mode = match (self.again, self.report_only) {
            (_, true) => Mode::Report,
            (true, _) => Mode::BootAgain,
            _ => Mode::Boot,
        };
        let request = self.ground.request(mode, &self.settings, (Vec::new(), Vec::new()))?;
        show(&boot::boot(&request)?, self.ground.json);
        Ok(0)
    }
}

/// Prints how a run ended.
pub(crate) fn show(ended: &Ended, json: bool) {
    let value = match ended {
        Ended::Converged { commit, counts, signals } => {
            serde_json::json!({"outcome": "converged", "commit": commit, "counts": counts, "signals": signals})
        }
        Ended::AlreadyDone { done, signals } => {
            serde_json::json!({"outcome": "already-done", "commit": done.tree, "run": done.run, "signals": signals})
        }
        Ended::Reported { signals } => serde_json::json!({"outcome": "reported", "signals": signals}),
    };
    if json {
        print(&format!("{value}\n"));
        return;
    }
    print(&match ended {
        Ended::Converged { commit, counts, .. } => format!(
            "converged at {commit}: ok={} changed={} skipped={} failed={} rescued={} ignored={}\n",
            counts.ok, counts.changed, counts.skipped, counts.failed, counts.rescued, counts.ignored
        ),
        Ended::AlreadyDone { done, .. } => format!("already done by run {} at {}\n", done.run, done.at),
        Ended::Reported { signals } if signals.is_empty() => "nothing was owed\n".to_owned(),
        Ended::Reported { signals } => signals.iter().map(|line| format!("{line}\n")).collect(),
    });
}
