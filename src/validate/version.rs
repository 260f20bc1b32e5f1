//! Versions of packages, in their order.

use std::cmp::Ordering;

/// The order of versions: `EPOCH:UPSTREAM-REVISION`, as dpkg compares them; rpm's differ only where a tilde or a caret
/// stands, which order the same here.
pub fn order(a: &str, b: &str) -> Ordering {
    let parts = |text: &str| -> (u64, String, String) {
        let (epoch, rest) = text.split_once(':').map_or((0, text), |(epoch, rest)| (epoch.parse().unwrap_or(0), rest));
        let (upstream, revision) = rest.rsplit_once('-').unwrap_or((rest, ""));
        (epoch, upstream.to_owned(), revision.to_owned())
    };
    let (a, b) = (parts(a), parts(b));
    a.0.cmp(&b.0).then_with(|| part(&a.1, &b.1)).then_with(|| part(&a.2, &b.2))
}

fn part(a: &str, b: &str) -> Ordering {
    // A tilde is before the end, and letters are before other signs.
    let rank = |letter: Option<char>| match letter {
        Some('~') => -1,
        None => 0,
        Some(letter) if letter.is_ascii_digit() => 0,
        Some(letter) if letter.is_ascii_alphabetic() => letter as i32,
        Some(letter) => letter as i32 + 256,
    };
    let (mut left, mut right) = (a, b);
    while !left.is_empty() || !right.is_empty() {
        let digit = |text: &str| text.chars().next().is_some_and(|letter| letter.is_ascii_digit());
        while (!left.is_empty() && !digit(left)) || (!right.is_empty() && !digit(right)) {
            let (one, other) = (left.chars().next(), right.chars().next());
            match rank(one).cmp(&rank(other)) {
                Ordering::Equal => {}
                unequal => return unequal,
            }
            left = one.map_or("", |letter| &left[letter.len_utf8()..]);
            right = other.map_or("", |letter| &right[letter.len_utf8()..]);
        }
        let run = |text: &str| text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
        let (first, second) = (run(left), run(right));
        let number = |text: &str| text.parse::<u128>().unwrap_or(0);
        match number(&left[..first]).cmp(&number(&right[..second])) {
            Ordering::Equal => (left, right) = (&left[first..], &right[second..]),
            unequal => return unequal,
        }
    }
    Ordering::Equal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered_as_dpkg_orders_them() {
        for (a, b, want) in [
            ("1.5.3-5ubuntu5.1", "1.5.3-5", Ordering::Greater),
            ("1.5.2-6", "1.5.3-5", Ordering::Less),
            ("1:0.9", "2.0", Ordering::Greater),
            ("1.0~rc1", "1.0", Ordering::Less),
            ("1.10", "1.9", Ordering::Greater),
            ("1.0", "1.0", Ordering::Equal),
        ] {
            assert_eq!(order(a, b), want, "{a} {b}");
        }
    }
}
