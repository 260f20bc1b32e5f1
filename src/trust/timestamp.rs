//! The timestamps of `valid-after` and `valid-before` (ssh-keygen(1), ALLOWED SIGNERS).

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// Reads `YYYYMMDD`, `YYYYMMDDHHMM` or `YYYYMMDDHHMMSS`, each with or without a final `Z`.
///
/// OpenSSH reads a time without `Z` in the zone of the machine that verifies. A host's time zone must not decide what
/// is believed, so here it is UTC either way; `muster trust show` prints the instant.
pub(super) fn parse(text: &str) -> Option<Timestamp> {
    let digits = text.strip_suffix(['Z', 'z']).unwrap_or(text);
    if !matches!(digits.len(), 8 | 12 | 14) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let part = |from: usize, length: usize| digits.get(from..from + length).map_or(Some(0), |text| text.parse().ok());
    let date =
        DateTime::new(digits[..4].parse().ok()?, part(4, 2)?, part(6, 2)?, part(8, 2)?, part(10, 2)?, part(12, 2)?, 0);
    date.ok()?.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_documented_form_is_read_and_others_are_not() {
        for (text, instant) in [
            ("20260203", "2026-02-03T00:00:00Z"),
            ("20260203Z", "2026-02-03T00:00:00Z"),
            ("202602030405", "2026-02-03T04:05:00Z"),
            ("202602030405Z", "2026-02-03T04:05:00Z"),
            ("20260203040506", "2026-02-03T04:05:06Z"),
            ("20260203040506Z", "2026-02-03T04:05:06Z"),
        ] {
            assert_eq!(parse(text).map(|at| at.to_string()).as_deref(), Some(instant), "{text}");
        }
        for text in ["", "Z", "2026", "20260230", "202602032505", "2026-02-03", "202602030", "20260203ZZ", "+2602030"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
