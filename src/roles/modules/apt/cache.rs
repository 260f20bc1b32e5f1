//! The package lists: how old they are, and fetching them.

use super::{Args, Eyes, Failed, Plan};
use crate::host::{Change, Command};
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

/// When and how the lists are fetched.
#[derive(Clone)]
pub struct Cache {
    asked: bool,
    valid: u64,
    retries: u32,
    longest: u64,
    lock_timeout: i64,
    undo: Vec<Change>,
}

/// What became of the lists.
#[derive(Clone, Copy)]
pub struct Refreshed {
    /// Whether the task asks for fresh lists.
    pub asked: bool,
    /// Whether they were fetched and differ.
    pub updated: bool,
    /// When they were fetched last, in seconds since the epoch.
    pub time: i64,
}

/// What follows.
pub type Then = Box<dyn FnOnce(&Eyes<'_>, Refreshed) -> Result<Plan, Failed>>;

impl Cache {
    /// Reads the arguments.
    pub fn read(args: &Args) -> Self {
        let number = |name: &str| u64::try_from(args.int(name).unwrap_or(0)).unwrap_or(0);
        Self {
            asked: args.flag("update_cache") || number("cache_valid_time") > 0,
            valid: number("cache_valid_time"),
            retries: u32::try_from(number("update_cache_retries")).unwrap_or(u32::MAX),
            longest: number("update_cache_retry_max_delay"),
            lock_timeout: args.int("lock_timeout").unwrap_or(600),
            undo: Vec::new(),
        }
    }

    /// The same with what to do when they cannot be fetched, before that is a failure.
    pub fn undoing(self, undo: Vec<Change>) -> Self {
        Self { undo, ..self }
    }

    /// Lists fetched now, and what follows.
    pub fn fetched(&self, eyes: &Eyes<'_>, then: Then) -> Result<Plan, Failed> {
        self.attempt(eyes, 0, whole(fetched(eyes)?), then)
    }

    /// Fetched lists, and what follows: at once where they are young enough.
    pub fn refreshed(&self, eyes: &Eyes<'_>, then: Then) -> Result<Plan, Failed> {
        let before = fetched(eyes)?;
        let now = eyes.host.now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "an age in seconds")]
        let stale = before + (self.valid as f64) < now;
        if !self.asked || !stale {
            return then(eyes, Refreshed { asked: self.asked, updated: false, time: whole(before) });
        }
        self.attempt(eyes, 0, whole(before), then)
    }

    fn attempt(&self, eyes: &Eyes<'_>, tries: u32, before: i64, then: Then) -> Result<Plan, Failed> {
        let cache = self.clone();
        let mut changes = vec![Change::Packages(update(eyes, self.lock_timeout))];
        if tries > 0 {
            let delay = 1u64.checked_shl(tries - 1).unwrap_or(u64::MAX).min(self.longest);
            changes.insert(0, Change::Wait(Duration::from_secs(delay) + Duration::from_millis(fastrand::u64(..1000))));
        }
        Ok(Plan {
            changes,
            // Whether it changed anything is known only from the lists' time.
            changed: Some(false),
            next: Some(Box::new(move |eyes, effects| {
                let output = effects.last().and_then(|effect| effect.output.as_ref());
                if let Some(output) = output.filter(|output| !output.ok()) {
                    let error = String::from_utf8_lossy(&output.stderr).trim().to_owned();
                    let tries = tries.saturating_add(1);
                    if tries >= cache.retries {
                        let message = format!("Failed to update apt cache after {tries} retries: {error}");
                        return cache.given_up(message);
                    }
                    tracing::warn!(tries, error, "fetching package lists failed, trying again");
                    return cache.attempt(eyes, tries, before, then);
                }
                let time = whole(fetched(eyes)?);
                // What has only been planned is taken to change them.
                let updated = output.is_none() || time != before;
                let mut plan = then(eyes, Refreshed { asked: true, updated, time })?;
                if plan.changed.is_none() && plan.changes.is_empty() {
                    plan.changed = Some(false);
                }
                Ok(plan)
            })),
            ..Plan::default()
        })
    }

    fn given_up(self, message: String) -> Result<Plan, Failed> {
        if self.undo.is_empty() {
            return Err(Failed::new(message));
        }
        let next: crate::roles::modules::Next = Box::new(|_, _| Err(Failed::new(message)));
        Ok(Plan { changes: self.undo, next: Some(next), recovers: true, ..Plan::default() })
    }
}

/// `apt-get update` that fails where a list could not be fetched, as python-apt does.
pub fn update(eyes: &Eyes<'_>, lock_timeout: i64) -> Command {
    let timeout = format!("DPkg::Lock::Timeout={lock_timeout}");
    let mut command = eyes.command(["apt-get", "-q", "-o", &timeout, "-o", "APT::Update::Error-Mode=any", "update"]);
    command.environment.push(("LC_ALL".into(), "C.UTF-8".into()));
    command
}

/// When the lists were fetched last; 0 where that is not known.
fn fetched(eyes: &Eyes<'_>) -> Result<f64, Failed> {
    for path in ["/var/lib/apt/periodic/update-success-stamp", "/var/lib/apt/lists"] {
        let stat = eyes.host.stat(Path::new(path), true);
        let stat = stat.map_err(|error| Failed::new(format!("looking at {path}: {error}")))?;
        if let Some(stat) = stat {
            return Ok(stat.mtime);
        }
    }
    Ok(0.0)
}

#[expect(clippy::cast_possible_truncation, reason = "a time in seconds, saturating")]
fn whole(time: f64) -> i64 {
    time as i64
}
