//! Shell patterns: Python's `fnmatch`, and `glob.glob` over what is observed.

use crate::host::Observe;
use std::io;
use std::path::{Path, PathBuf};

/// Whether a text has a pattern's letters.
pub fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

/// Whether `name` as a whole matches `pattern`: `*`, `?`, `[set]`, `[!set]`, as `fnmatch.fnmatchcase` does.
pub fn matches(pattern: &str, name: &str) -> bool {
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
            Some('[') => match set(&pattern[p..], name[n]) {
                Some((true, length)) => Some(length),
                Some((false, _)) => None,
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
fn set(pattern: &[char], letter: char) -> Option<(bool, usize)> {
    let negated = pattern.get(1) == Some(&'!');
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

/// The paths that a pattern names, sorted; a path without a pattern names itself where it exists.
pub fn paths(host: &dyn Observe, pattern: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = vec![PathBuf::new()];
    for part in pattern.components() {
        let text = part.as_os_str().to_string_lossy();
        let mut next = Vec::new();
        for base in found {
            if !is_pattern(&text) {
                next.push(base.join(part));
                continue;
            }
            for name in host.list(&base)?.unwrap_or_default() {
                let shown = name.to_string_lossy();
                if (!shown.starts_with('.') || text.starts_with('.')) && matches(&text, &shown) {
                    next.push(base.join(&name));
                }
            }
        }
        found = next;
    }
    let mut there = Vec::new();
    for path in found {
        if host.stat(&path, false)?.is_some() {
            there.push(path);
        }
    }
    Ok(there)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roles::modules::fake::Fake;

    #[test]
    fn patterns_match_as_fnmatch_does() {
        for (pattern, name, expected) in [
            ("*", "", true),
            ("a*b*c", "aXbXbc", true),
            ("a*b", "abc", false),
            ("?[0-9]", "x7", true),
            ("[!a-c]x", "bx", false),
            ("[]x]", "]", true),
            ("[a", "[a", true),
            ("1.2*", "1.2-3", true),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn paths_are_found_below_directories() {
        let machine =
            Fake::default().file("/etc/a.d/one.conf", "").file("/etc/b.d/two.conf", "").file("/etc/a.d/.x", "");
        let found = |pattern: &str| paths(&machine, Path::new(pattern)).expect("paths");
        assert_eq!(found("/etc/*.d/*.conf"), [PathBuf::from("/etc/a.d/one.conf"), "/etc/b.d/two.conf".into()]);
        assert_eq!(found("/etc/a.d/*"), [PathBuf::from("/etc/a.d/one.conf")]);
        assert_eq!(found("/etc/a.d"), [PathBuf::from("/etc/a.d")]);
        assert!(found("/nope/*").is_empty() && found("/nope").is_empty());
    }
}
