//! Shell patterns over a whole name: `*`, `?`, `[...]`. A backslash is a letter like any other.

/// Whether a text has a pattern's letters.
pub fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

/// As Python's `fnmatch.fnmatchcase`: `[!...]` is what is not in the set.
pub fn matches(pattern: &str, name: &str) -> bool {
    whole(pattern, name, &['!'])
}

/// As fnmatch(3): `[^...]` is what is not in the set, too.
pub fn fits(pattern: &str, name: &str) -> bool {
    whole(pattern, name, &['!', '^'])
}

/// Each star but the last is settled once what follows it was found, so that no pattern takes longer than its length
/// times the name's.
fn whole(pattern: &str, name: &str, negations: &[char]) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    let (mut p, mut n) = (0, 0);
    // After a mismatch, the last `*` takes one letter more.
    let mut retry: Option<(usize, usize)> = None;
    while n < name.len() {
        let taken = match pattern.get(p) {
            Some('*') => {
                retry = Some((p + 1, n));
                p += 1;
                continue;
            }
            Some('?') => Some(1),
            Some('[') => match set(&pattern[p..], name[n], negations) {
                Some((true, length)) => Some(length),
                Some((false, _)) => None,
                // A bracket that is never closed stands for itself.
                None => (name[n] == '[').then_some(1),
            },
            Some(letter) => (*letter == name[n]).then_some(1),
            None => None,
        };
        match (taken, retry) {
            (Some(length), _) => {
                p += length;
                n += 1;
            }
            (None, Some((after, start))) => {
                retry = Some((after, start + 1));
                (p, n) = (after, start + 1);
            }
            (None, None) => return false,
        }
    }
    pattern[p..].iter().all(|letter| *letter == '*')
}

/// Whether a set that begins a pattern has the letter, and the set's length; `None` where the bracket is not closed.
fn set(pattern: &[char], letter: char, negations: &[char]) -> Option<(bool, usize)> {
    let negated = pattern.get(1).is_some_and(|first| negations.contains(first));
    let first = if negated { 2 } else { 1 };
    // A bracket right at the beginning is a member.
    let end = first + 1 + pattern.get(first + 1..)?.iter().position(|c| *c == ']')?;
    let members = &pattern[first..end];
    let mut found = false;
    let mut at = 0;
    while at < members.len() {
        if members.get(at + 1) == Some(&'-') && at + 2 < members.len() {
            found |= (members[at]..=members[at + 2]).contains(&letter);
            at += 3;
        } else {
            found |= members[at] == letter;
            at += 1;
        }
    }
    Some((found != negated, end + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_python_s_fnmatch_does() {
        for (pattern, name, expected) in [
            ("*", "", true),
            ("", "", true),
            ("*.conf", "a.conf", true),
            ("*.conf", "a.conf.bak", false),
            ("a*b*c", "aXbXbc", true),
            ("a*b", "abc", false),
            ("a?c", "abc", true),
            ("?[0-9]", "x7", true),
            ("[!a-c]x", "bx", false),
            ("[!a-c]x", "dx", true),
            ("[]x]", "]", true),
            ("[a", "[a", true),
            ("1.2*", "1.2-3", true),
            ("[^a]", "^", true),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn a_caret_negates_where_c_matches() {
        for (pattern, name, expected) in [("[^a-c]*", "bx", false), ("[^a-c]*", "dx", true), ("[!a-c]*", "bx", false)] {
            assert_eq!(fits(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn many_stars_take_no_longer() {
        let name = "a".repeat(10_000);
        assert!(!matches(&"*a".repeat(50).replace("a*", "a*?"), &format!("{name}b")));
        assert!(matches(&"*a".repeat(50), &name));
    }
}
