//! Shell patterns, as Python's `glob` has them.

use crate::host::{Kind, Observe};
use std::io;
use std::path::Path;

/// Files of the machine whose path matches.
pub(super) fn files(host: &dyn Observe, pattern: &str) -> io::Result<Vec<String>> {
    let mut found = vec![String::new()];
    for part in pattern.split('/').filter(|part| !part.is_empty()) {
        let mut next = Vec::new();
        for base in found {
            if part.contains(['*', '?', '[']) {
                let directory = if base.is_empty() { "/" } else { base.as_str() };
                for name in host.list(Path::new(directory))?.unwrap_or_default() {
                    let name = name.to_string_lossy();
                    let hidden = name.starts_with('.') && !part.starts_with('.');
                    if !hidden && matches(part, &name) {
                        next.push(format!("{base}/{name}"));
                    }
                }
            } else {
                next.push(format!("{base}/{part}"));
            }
        }
        found = next;
    }
    let mut out = Vec::new();
    for path in found {
        if host.stat(Path::new(&path), true)?.is_some_and(|stat| stat.kind == Kind::File) {
            out.push(path);
        }
    }
    Ok(out)
}

/// `fnmatch`: `*`, `?`, `[...]`.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    fn step(pattern: &[char], name: &[char]) -> bool {
        match (pattern.first(), name.first()) {
            (None, None) => true,
            (Some('*'), _) => step(&pattern[1..], name) || (!name.is_empty() && step(pattern, &name[1..])),
            (Some('?'), Some(_)) => step(&pattern[1..], &name[1..]),
            (Some('['), Some(c)) => match set(&pattern[1..], *c) {
                Some((inside, length)) => inside && step(&pattern[1 + length..], &name[1..]),
                None => *c == '[' && step(&pattern[1..], &name[1..]),
            },
            (Some(p), Some(c)) => p == c && step(&pattern[1..], &name[1..]),
            _ => false,
        }
    }
    /// Whether a character is in the set that starts here, and how long the set is with its bracket.
    fn set(rest: &[char], c: char) -> Option<(bool, usize)> {
        let negated = rest.first() == Some(&'!');
        let start = usize::from(negated);
        let end = (start + 1..rest.len()).find(|at| rest[*at] == ']')?;
        let (mut inside, mut at) = (false, start);
        while at < end {
            if at + 2 < end && rest[at + 1] == '-' {
                inside |= (rest[at]..=rest[at + 2]).contains(&c);
                at += 3;
            } else {
                inside |= rest[at] == c;
                at += 1;
            }
        }
        Some((inside != negated, end + 1))
    }
    // A long run of stars would be tried in every way.
    if pattern.matches('*').count() > 16 {
        return false;
    }
    step(&pattern.chars().collect::<Vec<_>>(), &name.chars().collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns_match_as_the_shell_does() {
        for (pattern, name, answer) in
            [("*.conf", "a.conf", true), ("*.conf", "a.con", false), ("a?c", "abc", true), ("[!a-c]x", "dx", true)]
        {
            assert_eq!(matches(pattern, name), answer, "{pattern} {name}");
        }
    }
}
