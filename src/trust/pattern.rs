//! OpenSSH's patterns (ssh_config(5), PATTERNS): `*` is any run of characters, `?` is one.

/// Whether a text matches a pattern, without regard to case where `fold` says so.
pub(super) fn matches(pattern: &str, text: &str, fold: bool) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let same = |a: u8, b: u8| a == b || fold && a.eq_ignore_ascii_case(&b);
    // The last `*` met, and the place in the text that it is tried from: no recursion, at most len * len steps.
    let (mut p, mut t, mut star) = (0, 0, None);
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(&byte) if byte == b'?' || same(byte, text[t]) => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    p = at + 1;
                    t = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|&byte| byte == b'*')
}

/// Whether a pattern surely matches all that another matches: a `*` of it takes any wildcard, a `?` takes none.
pub(super) fn covers(pattern: &str, other: &str) -> bool {
    pattern == other || matches(pattern, other, false) && (!pattern.contains('?') || !other.contains(['*', '?']))
}

#[cfg(test)]
mod tests {
    use super::{covers, matches};

    #[test]
    fn a_pattern_covers_another_that_matches_no_more() {
        for (pattern, other, expected) in [
            ("*", "shop", true),
            ("*", "shop-*", true),
            ("shop-*", "shop-a?", true),
            ("shop-*", "shop*", false),
            ("shop", "*", false),
            ("shop-?", "shop-a", true),
            ("shop-?", "shop-*", false),
            ("shop-?", "shop-?", true),
        ] {
            assert_eq!(covers(pattern, other), expected, "{pattern} {other}");
        }
    }

    #[test]
    fn stars_and_question_marks() {
        for (pattern, text, expected) in [
            ("git", "git", true),
            ("git", "gitx", false),
            ("*", "", true),
            ("*@example.org", "a@example.org", true),
            ("*@example.org", "a@example.org.evil", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*a*b", "xxaxxb", true),
            ("*a*b", "xxbxxa", false),
        ] {
            assert_eq!(matches(pattern, text, false), expected, "{pattern} {text}");
        }
        assert!(matches("*.Example.ORG", "git.example.org", true));
        assert!(!matches("*.Example.ORG", "git.example.org", false));
    }
}
