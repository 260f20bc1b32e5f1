//! Versions of packages in order, for those who install them and for those who judge them.

use std::cmp::Ordering;

/// The order of two versions: `EPOCH:UPSTREAM-REVISION`, as deb-version(7) defines it. rpm orders its own alike, and has a
/// caret beside, which no Debian version may hold.
pub fn compare(left: &str, right: &str) -> Ordering {
    let ((left_epoch, left), (right_epoch, right)) = (epoch(left), epoch(right));
    let ((left, left_revision), (right, right_revision)) = (revision(left), revision(right));
    left_epoch.cmp(&right_epoch).then_with(|| part(left, right)).then_with(|| part(left_revision, right_revision))
}

fn epoch(version: &str) -> (u64, &str) {
    match version.split_once(':') {
        Some((epoch, rest)) => (epoch.parse().unwrap_or(0), rest),
        None => (0, version),
    }
}

fn revision(version: &str) -> (&str, &str) {
    version.rsplit_once('-').unwrap_or((version, ""))
}

/// Letters sort before other characters, `^` before all of them, and `~` before everything, the end included.
fn weight(byte: Option<&u8>) -> i32 {
    match byte {
        None => 0,
        Some(b'~') => -1,
        Some(b'^') => 1,
        Some(byte) if byte.is_ascii_digit() => 0,
        Some(byte) if byte.is_ascii_alphabetic() => i32::from(*byte),
        Some(byte) => i32::from(*byte) + 256,
    }
}

fn part(left: &str, right: &str) -> Ordering {
    let (mut left, mut right) = (left.as_bytes(), right.as_bytes());
    while !left.is_empty() || !right.is_empty() {
        let is_text = |part: &[u8]| part.first().is_some_and(|byte| !byte.is_ascii_digit());
        while is_text(left) || is_text(right) {
            let order = weight(left.first()).cmp(&weight(right.first()));
            if order.is_ne() {
                return order;
            }
            left = left.get(1..).unwrap_or_default();
            right = right.get(1..).unwrap_or_default();
        }
        let order = number(&mut left).cmp(&number(&mut right));
        if order.is_ne() {
            return order;
        }
    }
    Ordering::Equal
}

/// Takes the digits at the beginning: without leading zeros, a longer number is a larger one.
fn number<'a>(part: &mut &'a [u8]) -> (usize, &'a [u8]) {
    let length = part.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = part.split_at(length);
    *part = rest;
    let zeros = digits.iter().take_while(|byte| **byte == b'0').count();
    (length - zeros, &digits[zeros..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_as_dpkg_does() {
        // Each was given to `dpkg --compare-versions`.
        for (left, right, expected) in [
            ("1.0", "1.0", Ordering::Equal),
            ("1.0~rc1", "1.0", Ordering::Less),
            ("1.0-1", "1.0-1+b1", Ordering::Less),
            ("1:0.9", "2.0", Ordering::Greater),
            ("2:1.0", "10.0", Ordering::Greater),
            ("1.10", "1.9", Ordering::Greater),
            ("1.0a", "1.0+", Ordering::Less),
            ("1.0", "1.00-0", Ordering::Equal),
            ("1.5.2-6", "1.5.3-5", Ordering::Less),
            ("1.5.3-5ubuntu5.1", "1.5.3-5", Ordering::Greater),
            ("7.88.1-10+deb12u5", "7.88.1-10+deb12u12", Ordering::Less),
            // Longer than any integer of the machine.
            ("1.0.340282366920938463463374607431768211457", "1.0.2", Ordering::Greater),
        ] {
            assert_eq!(compare(left, right), expected, "{left} {right}");
            assert_eq!(compare(right, left), expected.reverse(), "{right} {left}");
        }
    }

    #[test]
    fn versions_compare_as_rpm_does() {
        // Each was given to rpm's own `rpm.vercmp`.
        for (left, right, expected) in [
            ("1.0^git", "1.0", Ordering::Greater),
            ("1.0^git", "1.0.1", Ordering::Less),
            ("1.0^git", "1.0a", Ordering::Less),
            ("3.0.7-25.el9", "3.0.7-24.el9_2", Ordering::Greater),
            ("1.5.1-12.el9", "1.5.1-2.el9", Ordering::Greater),
            ("5.1.8-6.el9_1", "5.1.8-6.el9", Ordering::Greater),
        ] {
            assert_eq!(compare(left, right), expected, "{left} {right}");
        }
    }
}
