//! A date, or a moment, that YAML wrote plainly: as PyYAML reads it, and as Python writes it (`str`, `isoformat`, `repr`).

use super::Text;
use jiff::civil::{Date, DateTime};
use std::fmt::Write;

/// What a plain scalar is that PyYAML takes for a timestamp: what Python's `str` makes of it. What is no day of the calendar
/// is none.
pub fn read(text: &str) -> Option<String> {
    let digits = |part: &str, most: usize| {
        (1..=most).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit()) && part.len() <= most
    };
    let (year, rest) = text.split_once('-').filter(|(year, _)| year.len() == 4 && digits(year, 4))?;
    let (month, rest) = rest.split_once('-').filter(|(month, _)| digits(month, 2))?;
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let (day, rest) = rest.split_at(end);
    if !digits(day, 2) {
        return None;
    }
    let date = Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok()?;
    if rest.is_empty() {
        return (month.len() == 2 && day.len() == 2).then(|| date.to_string());
    }
    let blanks = rest.trim_start_matches([' ', '\t']);
    let time = if blanks.len() < rest.len() { blanks } else { rest.strip_prefix(['T', 't'])? };
    let (hour, rest) = time.split_once(':').filter(|(hour, _)| digits(hour, 2))?;
    let (minute, rest) = rest.split_once(':').filter(|(minute, _)| minute.len() == 2 && digits(minute, 2))?;
    let (second, rest) = rest.split_at_checked(2).filter(|(second, _)| digits(second, 2))?;
    let (micros, rest) = match rest.strip_prefix('.') {
        Some(rest) => {
            let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            let six: String = rest[..end].chars().chain("000000".chars()).take(6).collect();
            (six.parse::<i32>().ok()?, &rest[end..])
        }
        None => (0, rest),
    };
    let number = |part: &str| part.parse::<i8>().ok();
    let moment = jiff::civil::Time::new(number(hour)?, number(minute)?, number(second)?, micros * 1000).ok()?;
    let mut out = format!("{date} {}", moment.strftime("%H:%M:%S"));
    if micros != 0 {
        let _ = write!(out, ".{micros:06}");
    }
    out.push_str(&zone(rest)?);
    Some(out)
}

/// `Z`, `+2`, `-05:00`, or nothing, as Python writes it.
fn zone(text: &str) -> Option<String> {
    let text = match text.trim_start_matches([' ', '\t']) {
        "" if text.is_empty() => return Some(String::new()),
        "Z" => return Some("+00:00".into()),
        other => other,
    };
    let (sign, rest) = text.split_at_checked(1).filter(|(sign, _)| matches!(*sign, "+" | "-"))?;
    let (hours, minutes) = rest.split_once(':').unwrap_or((rest, "00"));
    let good = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if !good(hours) || !good(minutes) || !(1..=2).contains(&hours.len()) || minutes.len() != 2 {
        return None;
    }
    let (hours, minutes) = (hours.parse::<u8>().ok()?, minutes.parse::<u8>().ok()?);
    if hours > 23 || minutes > 59 {
        return None;
    }
    let sign = if (hours, minutes) == (0, 0) { "+" } else { sign };
    Some(format!("{sign}{hours:02}:{minutes:02}"))
}

impl Text {
    /// `isoformat()` of a moment; any other text as it is.
    pub fn iso(&self) -> String {
        if self.is_moment() { self.expose().replacen(' ', "T", 1) } else { self.expose().to_owned() }
    }

    /// A moment without its zone; a date is its first one.
    pub fn moment_of(&self) -> Option<DateTime> {
        let text = self.is_moment().then(|| self.expose())?;
        match text.split_once(' ') {
            None => Some(text.parse::<Date>().ok()?.at(0, 0, 0, 0)),
            Some((date, time)) => {
                let time = time.split(['+', '-']).next().unwrap_or(time);
                format!("{date}T{time}").parse().ok()
            }
        }
    }

    /// Whether it is a moment of a day, as opposed to a day.
    pub fn has_time(&self) -> bool {
        self.is_moment() && self.expose().contains(' ')
    }

    /// `repr()` of a moment.
    pub fn moment_repr(&self) -> Option<String> {
        let at = self.moment_of()?;
        let mut parts = vec![i32::from(at.year()), i32::from(at.month()), i32::from(at.day())];
        if !self.has_time() {
            return Some(format!("datetime.date({})", joined(&parts)));
        }
        parts.extend([i32::from(at.hour()), i32::from(at.minute())]);
        let micros = at.subsec_nanosecond() / 1000;
        if micros != 0 || at.second() != 0 {
            parts.push(i32::from(at.second()));
        }
        if micros != 0 {
            parts.push(micros);
        }
        let time = self.expose().split_once(' ').map_or("", |(_, time)| time);
        let zone = time.find(['+', '-']).map(|at| &time[at..]);
        let zone = zone.map_or(String::new(), |zone| format!(", tzinfo={}", python_zone(zone)));
        Some(format!("datetime.datetime({}{zone})", joined(&parts)))
    }
}

fn joined(parts: &[i32]) -> String {
    parts.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn python_zone(zone: &str) -> String {
    let number = |range: std::ops::Range<usize>| zone.get(range).and_then(|part| part.parse::<i32>().ok()).unwrap_or(0);
    let seconds = (number(1..3) * 60 + number(4..6)) * 60;
    match (seconds, zone.starts_with('-')) {
        (0, _) => "datetime.timezone.utc".into(),
        (seconds, false) => format!("datetime.timezone(datetime.timedelta(seconds={seconds}))"),
        (seconds, true) => {
            format!("datetime.timezone(datetime.timedelta(days=-1, seconds={}))", 86_400 - seconds)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_moments_are_what_pyyaml_and_python_say() {
        for (text, want) in [
            ("2001-12-14", Some("2001-12-14")),
            ("2001-2-4", None),
            ("2026-02-30", None),
            ("2001-12-14 21:59:43", Some("2001-12-14 21:59:43")),
            ("2001-1-4  1:59:43", Some("2001-01-04 01:59:43")),
            ("2001-12-14t21:59:43.10-05:00", Some("2001-12-14 21:59:43.100000-05:00")),
            ("2001-12-14T21:59:43Z", Some("2001-12-14 21:59:43+00:00")),
            ("2001-12-14 21:59:43.1234567 +2", Some("2001-12-14 21:59:43.123456+02:00")),
            ("2001-12-14 21:59", None),
            ("2001-12-14x", None),
            ("20011-12-14", None),
            ("2001-12-14 21:59:43 ", None),
        ] {
            assert_eq!(read(text).as_deref(), want, "{text}");
        }
        let repr = |text: &str| Text::moment(text).moment_repr();
        assert_eq!(repr("2001-12-14").as_deref(), Some("datetime.date(2001, 12, 14)"));
        assert_eq!(
            repr("2001-12-14 21:59:43.100000-05:00").as_deref(),
            Some(
                "datetime.datetime(2001, 12, 14, 21, 59, 43, 100000, tzinfo=datetime.timezone(datetime.timedelta(days=-1, seconds=68400)))"
            )
        );
        assert_eq!(Text::moment("2001-12-14 21:59:43").iso(), "2001-12-14T21:59:43");
    }
}
