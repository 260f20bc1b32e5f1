//! From when and until when a certificate is valid: `+3650d`, `-1w2d`, `20300101000000Z`.

use jiff::Timestamp;
use jiff::civil::DateTime;

const UNITS: [(char, i64); 5] = [('w', 604_800), ('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];

/// Seconds since the epoch.
pub fn moment(written: &str, now: i64) -> Option<i64> {
    if let Some(rest) = written.strip_prefix('+') {
        return now.checked_add(span(rest)?);
    }
    if let Some(rest) = written.strip_prefix('-') {
        return now.checked_sub(span(rest)?);
    }
    let (digits, offset) = match written.strip_suffix('Z') {
        Some(digits) => (digits, 0),
        None => {
            let at = written.len().checked_sub(5).filter(|at| written.is_char_boundary(*at))?;
            let (digits, zone) = written.split_at(at);
            let sign = if zone.starts_with('-') { -1 } else { 1 };
            let hours: i64 = zone.get(1..3)?.parse().ok()?;
            let minutes: i64 = zone.get(3..5)?.parse().ok()?;
            (digits, sign * (hours * 3600 + minutes * 60))
        }
    };
    let format = if digits.len() == 14 { "%Y%m%d%H%M%S" } else { "%Y%m%d%H%M" };
    let time = DateTime::strptime(format, digits).ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(time.timestamp().as_second() - offset)
}

fn span(written: &str) -> Option<i64> {
    let mut rest = written;
    let mut total = 0_i64;
    let mut units = UNITS.iter();
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let number: i64 = rest[..end].parse().ok()?;
        let unit = rest[end..].chars().next().unwrap_or('s').to_ascii_lowercase();
        let (_, seconds) = units.find(|(name, _)| *name == unit)?;
        total = total.checked_add(number.checked_mul(*seconds)?)?;
        rest = rest.get(end + 1..).unwrap_or_default();
    }
    (!written.is_empty()).then_some(total)
}

/// As results give it.
pub fn shown(moment: i64) -> String {
    Timestamp::from_second(moment).unwrap_or_default().strftime("%Y%m%d%H%M%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::moment;

    #[test]
    fn moments_are_read_as_community_crypto_reads_them() {
        let cases = [
            ("+0s", Some(1000)),
            ("+10", Some(1010)),
            ("+1w2d3h4m5s", Some(1000 + 604_800 + 172_800 + 10_800 + 240 + 5)),
            ("-1d", Some(1000 - 86_400)),
            ("20300102030405Z", Some(1_893_553_445)),
            ("203001020304Z", Some(1_893_553_440)),
            ("20300102030405+0100", Some(1_893_549_845)),
            ("+", None),
            ("+1s1d", None),
            ("1d", None),
            ("soon", None),
        ];
        for (written, seconds) in cases {
            assert_eq!(moment(written, 1000), seconds, "{written}");
        }
    }
}
