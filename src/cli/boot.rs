//! `muster boot`: brings this host to duty and tells whoever waits.

use super::config::SettingsArgs;
use super::{period, print};
use crate::boot::{self, Ended, Mode, Request};
use crate::failure::Failure;
use crate::settings::Period;
use clap::Args;
use std::path::PathBuf;

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
    #[arg(long, value_name = "DIR", default_value = "/", value_parser = directory)]
    pub(crate) root: PathBuf,
    /// Wait so long for another muster to end
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = period)]
    wait_lock: Period,
    /// Allow the branch to go back to this commit
    #[arg(long, value_name = "COMMIT", value_parser = commit)]
    allow_rollback: Option<String>,
    /// Print the outcome as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

impl Default for Ground {
    /// This host, as it is.
    fn default() -> Self {
        Self { root: "/".into(), wait_lock: Period(std::time::Duration::ZERO), allow_rollback: None, json: false }
    }
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
            wait_lock: self.wait_lock.get(),
            allow_rollback: self.allow_rollback.clone(),
            tags,
            progress: true,
            trust: None,
            machine: None,
            planning: boot::Planning::default(),
            redactor: crate::secret::Redactor::default(),
        })
    }
}

/// A root is never made: a name that is not there is a slip.
fn directory(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    match std::fs::metadata(&path) {
        Ok(found) if found.is_dir() => Ok(path),
        Ok(_) => Err("it is no directory".into()),
        Err(error) => Err(error.to_string()),
    }
}

/// A commit, in full or as git shortens it.
fn commit(text: &str) -> Result<String, String> {
    if (7..=64).contains(&text.len()) && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
        return Ok(text.to_owned());
    }
    Err("a commit is 7 or more of its hexadecimal digits, in lower case".into())
}

impl Boot {
    pub(crate) fn run(self) -> Result<u8, Failure> {
        let mode = match (self.again, self.report_only) {
            (_, true) => Mode::Report,
            (true, _) => Mode::BootAgain,
            _ => Mode::Boot,
        };
        let request = self.ground.request(mode, &self.settings, (Vec::new(), Vec::new()))?;
        told(boot::boot(&request), self.ground.json)
    }
}

/// Prints how a run ended, well or not; a failure's text is the command line's own to print.
pub(crate) fn told(ended: Result<Ended, Failure>, json: bool) -> Result<u8, Failure> {
    match &ended {
        Ok(ended) => show(ended, json),
        Err(failure) if json => print(&format!("{}\n", failed(failure))),
        Err(_) => {}
    }
    ended.map(|_| 0)
}

fn failed(failure: &Failure) -> serde_json::Value {
    let place = failure.place.as_ref().map(ToString::to_string);
    serde_json::json!({
        "outcome": "failed", "stage": failure.stage.name(), "exit_code": failure.stage.exit_code(),
        "reason": failure.reason(), "place": place, "rule": failure.rule, "hint": failure.hint,
    })
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
        Ended::Planned { plan } => serde_json::json!({"outcome": "planned", "steps": plan.steps.len()}),
        Ended::RolledBack { record } => serde_json::json!({"outcome": "rolled-back", "release": record}),
        Ended::Updated { releases } => serde_json::json!({"outcome": "updated", "releases": releases}),
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
        Ended::Planned { plan } => super::plan::text(plan),
        Ended::Updated { releases } => {
            releases.iter().map(|record| format!("{} is at {}\n", record.label(), record.active.version)).collect()
        }
        Ended::RolledBack { record } => format!("{} is back at {}\n", record.label(), record.active.version),
    });
}

#[cfg(test)]
mod tests {
    use super::super::Cli;
    use super::*;
    use crate::settings::{Sources, load};
    use clap::Parser;
    use std::time::Duration;

    const BOOT: &str = include_str!("../../systemd/muster-boot.service");
    const FAILURE: &str = include_str!("../../systemd/muster-failure.service");
    const CONVERGE: &str = include_str!("../../systemd/muster-converge.service");

    fn value<'a>(unit: &'a str, key: &str) -> &'a str {
        unit.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('=')).expect("the unit has it")
    }

    /// systemd's own spelling: bare numbers are seconds, `min` is a minute.
    fn time(unit: &str, key: &str) -> Duration {
        let text = value(unit, key).replace("min", "m");
        let text = if text.ends_with(|c: char| c.is_ascii_digit()) { format!("{text}s") } else { text };
        Period::read(&text).expect("a length of time").get()
    }

    fn command(unit: &str) -> Cli {
        let line = value(unit, "ExecStart").split(' ');
        Cli::try_parse_from(line).expect("muster takes the unit's command line")
    }

    #[test]
    fn the_units_limits_fit_one_another() {
        let super::super::Command::Boot(report) = command(FAILURE).command else { panic!("another command") };
        assert!(report.report_only && !report.again);
        let request = report.ground.request(Mode::Report, &report.settings, Default::default()).expect("a request");
        let flags = Sources { root: "/nowhere".into(), ..request.sources };
        let deadline = load(&flags).and_then(|written| written.early()).expect("settings").deadline.get();
        assert!(request.wait_lock > time(BOOT, "TimeoutStopSec"), "a boot that is being stopped ends before");
        assert!(request.wait_lock > time(CONVERGE, "TimeoutStopSec"));
        assert!(time(FAILURE, "TimeoutStartSec") > request.wait_lock + deadline, "and the report ends by itself");
        let super::super::Command::Boot(boot) = command(BOOT).command else { panic!("another command") };
        assert!(!boot.report_only && boot.ground.wait_lock.get().is_zero());
        assert!(time(BOOT, "TimeoutStartSec") > Duration::from_secs(12 * 3600), "the longest deadline");
    }

    #[test]
    fn times_are_written_as_in_settings() {
        for (text, seconds) in [("90s", 90), ("5m", 300), ("1h30m", 5400)] {
            let cli = Cli::try_parse_from(["muster", "boot", "--wait-lock", text]).expect("taken");
            let super::super::Command::Boot(boot) = cli.command else { panic!("another command") };
            assert_eq!(boot.ground.wait_lock.get().as_secs(), seconds);
        }
        let refused = Cli::try_parse_from(["muster", "boot", "--wait-lock", "300"]).err().expect("no unit");
        assert!(refused.to_string().contains("90s, 10m or 1h"), "{refused}");
    }
}
