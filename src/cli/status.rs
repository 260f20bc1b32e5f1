//! `muster status`: how the run stands or ended, for people, for scripts and for whoever waits.

use super::config::SettingsArgs;
use super::{period, print};
use crate::failure::{Failure, Stage};
use crate::journal::{History, Outbox, Record, State, Status as Standing};
use crate::secret::Redactor;
use crate::settings::{self, Period};
use clap::Args;
use jiff::Timestamp;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Nothing has ever run here.
const NEVER: u8 = 3;
/// A run goes on.
const RUNNING: u8 = 4;
/// The exit codes beside those of the stages.
pub(crate) const CODES: &[(u8, &str)] = &[(NEVER, "nothing has run"), (RUNNING, "a run goes on")];
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// Say how the last run ended, or how the present one stands
///
/// The exit code is 0 when the last run ended well, the failed stage's when it failed (24 when it was stopped from
/// outside), 3 when nothing has run, 4 while a run goes on.
#[derive(Args)]
pub(crate) struct Status {
    /// Wait until a run has ended, and for one to begin where none has since the machine started
    #[arg(long)]
    wait: bool,
    /// With --wait: how long at most
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = period)]
    timeout: Period,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// The root that the state is beneath
    #[arg(long, value_name = "DIR", default_value = "/")]
    root: PathBuf,
    #[command(flatten)]
    settings: SettingsArgs,
}

/// Where state is, beneath a root.
struct Places {
    state: PathBuf,
    run: PathBuf,
}

impl Status {
    /// Does what was asked.
    pub(crate) fn run(self) -> Result<u8, Failure> {
        let places = self.places();
        let deadline = Instant::now() + self.timeout.get();
        let look = loop {
            let look = Look::at(&places)?;
            if !self.wait || look.ended() || Instant::now() >= deadline {
                break look;
            }
            std::thread::sleep(LOOK_AGAIN);
        };
        print(&if self.json { look.json(&places) } else { look.text(&places) });
        // Who waited for this start's run is not told how one before it ended.
        Ok(if self.wait && !look.ended() { look.unended() } else { look.exit_code() })
    }

    /// Settings that do not load must not hide how their run failed: the standard places are then looked at.
    fn places(&self) -> Places {
        let early = self.settings.sources(&self.root).and_then(|sources| Ok(settings::load(&sources)?.early()?));
        let default = settings::Settings::default();
        let (state, run) = match &early {
            Ok(early) => (&early.state_directory, &early.run_directory),
            Err(_) => (&default.state_directory, &default.run_directory),
        };
        let beneath = |path: &Path| self.root.join(path.strip_prefix("/").unwrap_or(path));
        Places { state: beneath(state.as_path()), run: beneath(run.as_path()) }
    }
}

/// What one look saw.
struct Look {
    standing: Option<Standing>,
    record: Option<Record>,
}

impl Look {
    fn at(places: &Places) -> Result<Self, Failure> {
        let standing = Standing::read(&places.run)?;
        let history = History::open(&places.state);
        // The records are root's; the status is everyone's and says enough.
        let record = match &standing {
            Some(standing) => history.read(&standing.run).ok(),
            None => history.newest()?,
        };
        let standing =
            standing.or_else(|| record.as_ref().map(|record| Standing::of(record, Timestamp::now()).noticed()));
        Ok(Self { standing, record })
    }

    /// Whether there is nothing to wait for. A run before the machine's last start says nothing of this one.
    fn ended(&self) -> bool {
        let of_this_start = |standing: &Standing| standing.state != State::Running && standing.process.same_boot();
        self.standing.as_ref().is_some_and(of_this_start)
    }

    /// The code of a wait that was in vain.
    fn unended(&self) -> u8 {
        match &self.standing {
            Some(Standing { state: State::Running, .. }) => RUNNING,
            _ => NEVER,
        }
    }

    fn exit_code(&self) -> u8 {
        match &self.standing {
            None => NEVER,
            Some(Standing { state: State::Running, .. }) => RUNNING,
            Some(standing) => standing.exit_code.unwrap_or(Stage::Internal.exit_code()),
        }
    }

    fn json(&self, places: &Places) -> String {
        let unsent: Option<Vec<String>> = unsent(places);
        let all = serde_json::json!({ "status": self.standing, "run": self.record, "unsent": unsent });
        format!("{all:#}\n")
    }

    fn text(&self, places: &Places) -> String {
        let Some(standing) = &self.standing else { return "muster has not run here\n".into() };
        let mut text = String::new();
        let _ = writeln!(text, "{}: {}", standing.command, outcome(standing));
        let _ = writeln!(text, "  run      {}, began {:.0}", standing.run, standing.started);
        if let Some(tree) = &standing.tree {
            let _ = writeln!(text, "  tree     {tree}");
        }
        if let Some(failure) = &standing.failure {
            let _ = writeln!(text, "  failed   {}", failure.message);
            let hint = failure.hint.iter().map(|hint| format!("  hint     {hint}\n"));
            text.extend(hint);
        }
        let counts = standing.counts;
        let _ = writeln!(text, "  tasks    {} ok, {} changed, {} failed", counts.ok, counts.changed, counts.failed);
        for stage in self.record.iter().flat_map(|record| &record.stages) {
            let took = stage.seconds.map_or_else(|| "...".into(), |seconds| format!("{seconds:.2}s"));
            let _ = writeln!(text, "  {took:>8} {}", stage.stage);
        }
        for change in self.record.iter().flat_map(|record| &record.changes) {
            let _ = writeln!(text, "  changed  {change}");
        }
        for message in unsent(places).into_iter().flatten() {
            let _ = writeln!(text, "  unsent   {message}");
        }
        text
    }
}

fn outcome(standing: &Standing) -> String {
    let stage = standing.stage.map_or("its start", Stage::name);
    match standing.state {
        State::Done => "done".into(),
        State::Failed => {
            let stage = standing.failure.as_ref().map_or(stage, |failure| failure.stage.name());
            format!("failed at {stage}")
        }
        State::Interrupted => format!("stopped from outside at {stage}"),
        State::Running => {
            let doing = standing.waiting.as_ref().map(|what| format!(", waiting for {what}"));
            let doing = doing.or_else(|| standing.task.as_ref().map(|task| format!(", {task}"))).unwrap_or_default();
            format!("running, {}%, at {stage}{doing}", standing.percent)
        }
    }
}

/// What is still to be said about outcomes; `None` where only root may look.
fn unsent(places: &Places) -> Option<Vec<String>> {
    let pending = Outbox::open(&places.state, Redactor::default()).waiting().ok()?;
    let damaged = pending.unreadable.iter().map(ToString::to_string);
    Some(pending.entries.iter().map(|entry| entry.message.to_string()).chain(damaged).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{Progress, Run};

    fn run(places: &Places) -> Run {
        let (state, directory) = (&places.state, &places.run);
        let (run, kept) =
            Run::begin("muster boot", state, directory, Redactor::default(), Progress::silent(), Timestamp::now());
        kept.expect("is kept");
        run.apart()
    }

    #[test]
    fn the_exit_code_tells_how_it_stands() {
        let root = tempfile::tempdir().expect("scratch");
        let places = Places { state: root.path().join("state"), run: root.path().join("run") };
        let code = || Look::at(&places).expect("looks").exit_code();
        assert_eq!(code(), NEVER);
        let running = run(&places);
        running.enter(Stage::Health);
        running.waiting(Some("unit nginx.service"));
        assert_eq!(code(), RUNNING);
        let text = Look::at(&places).expect("looks").text(&places);
        assert!(text.starts_with("muster boot: running, 85%, at health, waiting for unit nginx.service"), "{text}");
        running.end(Err(&Failure::message(Stage::Health, "it never passed").with_hint("look"))).expect("ends");
        assert_eq!(code(), Stage::Health.exit_code());
        let text = Look::at(&places).expect("looks").text(&places);
        assert!(text.contains("failed at health") && text.contains("hint     look"), "{text}");
        run(&places).end(Ok(())).expect("ends");
        assert_eq!(code(), 0);
        let json: serde_json::Value =
            serde_json::from_str(&Look::at(&places).expect("looks").json(&places)).expect("is JSON");
        assert_eq!((&json["status"]["state"], &json["unsent"]), (&"done".into(), &serde_json::json!([])));
    }

    #[test]
    fn its_codes_are_no_stage_s() {
        for (code, meaning) in CODES {
            assert!(crate::failure::STAGES.iter().all(|row| row.2 != *code), "{meaning}");
        }
    }

    #[test]
    fn after_a_reboot_the_records_tell() {
        let root = tempfile::tempdir().expect("scratch");
        let places = Places { state: root.path().join("state"), run: root.path().join("run") };
        run(&places).end(Ok(())).expect("ends");
        crate::host::durable::remove_directory(&places.run).expect("reboots");
        assert_eq!(Look::at(&places).expect("looks").exit_code(), 0);
    }
}
