//! The emulated account's time: the machine's own, plus what a test has let pass.

use jiff::Timestamp;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// What tokens, sessions, quotas and lifecycle hooks are measured by. Clones share one time.
#[derive(Clone, Debug, Default)]
pub struct Clock(Arc<Mutex<Duration>>);

impl Clock {
    /// The present.
    pub fn now(&self) -> Timestamp {
        let ahead = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Timestamp::now() + ahead
    }

    /// Lets time pass at once: sessions end, hooks time out.
    pub fn advance(&self, by: Duration) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) += by;
    }
}

/// `2026-01-31T12:00:00Z`, as AWS writes times in documents.
pub(crate) fn rfc3339(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// `20260131T120000Z`, as signatures write them.
pub(crate) fn compact(at: Timestamp) -> String {
    at.strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// Reads what [`compact`] writes.
pub(crate) fn from_compact(text: &str) -> Option<Timestamp> {
    let time = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", text).ok()?;
    Some(time.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
}

/// `Sat, 31 Jan 2026 12:00:00 GMT`, as HTTP's `Date` header writes times (RFC 9110, 5.6.7).
pub(crate) fn http_date(at: Timestamp) -> String {
    at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// Seconds since the epoch, as the JSON services write times.
pub(crate) fn epoch(at: Timestamp) -> f64 {
    at.as_millisecond() as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_passes_when_told() {
        let clock = Clock::default();
        let before = clock.now();
        clock.clone().advance(Duration::from_secs(3600));
        assert!(clock.now().duration_since(before).as_secs() >= 3600);
    }

    #[test]
    fn a_compact_time_reads_back() {
        let at = from_compact("20150830T123600Z").expect("a time");
        assert_eq!((compact(at).as_str(), rfc3339(at).as_str()), ("20150830T123600Z", "2015-08-30T12:36:00Z"));
        assert_eq!(http_date(at), "Sun, 30 Aug 2015 12:36:00 GMT");
        assert_eq!(from_compact("yesterday"), None);
    }
}
