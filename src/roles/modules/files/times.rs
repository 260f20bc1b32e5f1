//! Access and modification times as `file` takes them: `preserve`, `now`, or a time in a format.

use super::draft::Draft;
use crate::host::Change;
use crate::roles::modules::{ArgError, Args, Failed};
use crate::roles::value::Value;
use std::path::Path;
use std::time::SystemTime;

/// One time that was asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Time {
    /// As it is.
    Preserve,
    /// When the task runs.
    Now,
    /// Seconds since the epoch.
    At(f64),
}

/// Both times.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    access: Time,
    modification: Time,
}

impl Times {
    /// Reads the arguments; `absent_means` is for those that are not written.
    pub fn read(args: &Args, absent_means: Time) -> Result<Self, ArgError> {
        let read = |name: &'static str, format: &'static str| match args.text(name).as_deref() {
            None => Ok(absent_means),
            Some("preserve") => Ok(Time::Preserve),
            Some("now") => Ok(Time::Now),
            Some(text) => at(text, &args.must(format)?).map_err(|problem| args.wrong(name, problem)),
        };
        Ok(Self {
            access: read("access_time", "access_time_format")?,
            modification: read("modification_time", "modification_time_format")?,
        })
    }

    /// Sets what differs; whether anything did.
    pub fn settle(self, draft: &mut Draft<'_>, path: &Path) -> Result<bool, Failed> {
        if (self.access, self.modification) == (Time::Preserve, Time::Preserve) {
            return Ok(false);
        }
        let Some(stat) = draft.stat(path, true)? else { return Ok(false) };
        let now = draft.machine().now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        let pick = |time: Time, before: f64| match time {
            Time::Preserve => before,
            Time::Now => now,
            Time::At(seconds) => seconds,
        };
        let (atime, mtime) = (pick(self.access, stat.atime), pick(self.modification, stat.mtime));
        // Two times of now count as a change even where the clock has not moved.
        let both_now = (self.access, self.modification) == (Time::Now, Time::Now);
        if !both_now && same(atime, stat.atime) && same(mtime, stat.mtime) {
            return Ok(false);
        }
        if !same(mtime, stat.mtime) {
            draft.tell("mtime", Value::Float(stat.mtime), Value::Float(mtime));
        }
        if !same(atime, stat.atime) {
            draft.tell("atime", Value::Float(stat.atime), Value::Float(atime));
        }
        draft.change(Change::SetTimes { path: path.to_owned(), atime: Some(atime), mtime: Some(mtime) })?;
        Ok(true)
    }
}

/// A double holds about a quarter of a microsecond at today's times.
fn same(one: f64, other: f64) -> bool {
    (one - other).abs() < 1e-6
}

fn at(text: &str, format: &str) -> Result<Time, String> {
    let wrong = |error: jiff::Error| format!("`{text}` is no time in the format `{format}`: {error}");
    let civil = jiff::civil::DateTime::strptime(format, text).map_err(wrong)?;
    let zoned = civil.to_zoned(jiff::tz::TimeZone::system()).map_err(wrong)?;
    #[expect(clippy::cast_precision_loss, reason = "Python's `time.mktime` gives a double too")]
    Ok(Time::At(zoned.timestamp().as_second() as f64))
}
