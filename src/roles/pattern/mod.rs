//! Regular expressions as Python's `re` understands them: patterns, flags, replacements.

mod replacement;
mod translate;

pub use replacement::Replacement;

use fancy_regex::{Captures, Regex};
use std::ops::Range;

/// What `re` is told beside the pattern; inline flags such as `(?i)` add to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    /// `re.IGNORECASE`
    pub ignore_case: bool,
    /// `re.MULTILINE`
    pub multi_line: bool,
    /// `re.DOTALL`
    pub dot_all: bool,
}

/// A pattern or replacement that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// It does not compile.
    #[error("the pattern `{pattern}` is not valid: {problem}")]
    Pattern {
        /// As written.
        pattern: String,
        /// What is wrong.
        problem: String,
    },
    /// The replacement's text is wrong.
    #[error("the replacement `{text}` is not valid: {problem}")]
    Replacement {
        /// As written.
        text: String,
        /// What is wrong.
        problem: String,
    },
    /// It took too many steps on a text.
    #[error("the pattern `{pattern}` takes too long: {problem}")]
    Runaway {
        /// As written.
        pattern: String,
        /// Which limit.
        problem: String,
    },
}

/// A compiled pattern.
#[derive(Clone, Debug)]
pub struct Pattern {
    regex: Regex,
    text: String,
}

impl Pattern {
    /// `re.compile`
    pub fn new(text: &str, flags: Flags) -> Result<Self, PatternError> {
        let wrong = |problem: String| PatternError::Pattern { pattern: text.to_owned(), problem };
        let rust = translate::translate(text, flags).map_err(wrong)?;
        // A role's text has a bounded size; a runaway pattern is stopped by the limit on steps.
        let regex = Regex::new(&rust).map_err(|error| wrong(error.to_string()))?;
        Ok(Self { regex, text: text.to_owned() })
    }

    /// Whether the whole text matches, as a pattern of its own: `re.fullmatch`.
    pub fn full(text: &str, flags: Flags) -> Result<Self, PatternError> {
        let mut whole = Self::new(text, flags)?;
        let anchored = format!("\\A(?:{})\\z", whole.regex.as_str());
        whole.regex = Regex::new(&anchored)
            .map_err(|error| PatternError::Pattern { pattern: text.to_owned(), problem: error.to_string() })?;
        Ok(whole)
    }

    /// As `fancy_regex` has it, for who matches without Python's notation.
    pub fn translated(&self) -> &str {
        self.regex.as_str()
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    fn runaway<T>(&self, result: fancy_regex::Result<T>) -> Result<T, PatternError> {
        result.map_err(|error| PatternError::Runaway { pattern: self.text.clone(), problem: error.to_string() })
    }

    /// Whether it matches anywhere: `re.search`.
    pub fn is_match(&self, text: &str) -> Result<bool, PatternError> {
        self.runaway(self.regex.is_match(text))
    }

    /// Whether it matches at the start: `re.match`. The leftmost match starts there if any does.
    pub fn is_match_at_start(&self, text: &str) -> Result<bool, PatternError> {
        Ok(self.find(text)?.is_some_and(|range| range.start == 0))
    }

    /// Where it matches first.
    pub fn find(&self, text: &str) -> Result<Option<Range<usize>>, PatternError> {
        Ok(self.runaway(self.regex.find(text))?.map(|found| found.range()))
    }

    /// The first match with its groups.
    pub fn captures<'t>(&self, text: &'t str) -> Result<Option<Captures<'t, str>>, PatternError> {
        self.runaway(self.regex.captures(text))
    }

    /// Every match with its groups, as `re.finditer` finds them: an empty match may touch the match before it.
    pub fn captures_all<'t>(&self, text: &'t str) -> Result<Vec<Captures<'t, str>>, PatternError> {
        let mut all = Vec::new();
        let (mut from, mut advance) = (0, false);
        while from <= text.len() {
            let Some(found) = self.runaway(self.regex.captures_from_pos(text, from))? else { break };
            let Some(range) = found.get(0).map(|whole| whole.range()) else { break };
            if advance && range == (from..from) {
                from += text[from..].chars().next().map_or(1, char::len_utf8);
                advance = false;
                continue;
            }
            (from, advance) = (range.end, range.is_empty());
            all.push(found);
        }
        Ok(all)
    }

    /// The groups' names and numbers.
    pub fn groups(&self) -> Vec<Option<String>> {
        self.regex.capture_names().map(|name| name.map(str::to_owned)).collect()
    }

    /// `re.subn`: the new text and how many matches were replaced, at most `limit` (0 is all).
    pub fn replace(&self, text: &str, by: &Replacement, limit: usize) -> Result<(String, usize), PatternError> {
        by.check(self)?;
        let (mut out, mut last, mut count) = (String::with_capacity(text.len()), 0, 0);
        for found in self.captures_all(text)? {
            if limit != 0 && count == limit {
                break;
            }
            let Some(range) = found.get(0).map(|whole| whole.range()) else { continue };
            out.push_str(&text[last..range.start]);
            by.expand(&found, &mut out);
            last = range.end;
            count += 1;
        }
        out.push_str(&text[last..]);
        Ok((out, count))
    }

    /// `re.sub` with a replacement's text.
    pub fn replace_all(&self, text: &str, by: &str) -> Result<String, PatternError> {
        Ok(self.replace(text, &Replacement::new(by)?, 0)?.0)
    }

    /// `re.split`, at most `limit` times (0 is always); groups stand between the parts, `None` where they took no part.
    pub fn split(&self, text: &str, limit: usize) -> Result<Vec<Option<String>>, PatternError> {
        let (mut parts, mut last) = (Vec::new(), 0);
        for (count, found) in self.captures_all(text)?.into_iter().enumerate() {
            if limit != 0 && count == limit {
                break;
            }
            let Some(range) = found.get(0).map(|whole| whole.range()) else { continue };
            parts.push(Some(text[last..range.start].to_owned()));
            parts.extend((1..found.len()).map(|at| found.get(at).map(|group| group.as_str().to_owned())));
            last = range.end;
        }
        parts.push(Some(text[last..].to_owned()));
        Ok(parts)
    }
}

/// `re.escape`
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if "()[]{}?*+-|^$\\.&~# \t\n\r\u{b}\u{c}".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const MULTI: Flags = Flags { ignore_case: false, multi_line: true, dot_all: false };

    /// Pattern, replacement, text, and CPython 3.11's `re.sub(pattern, replacement, text)`.
    const SUBSTITUTIONS: &[(&str, &str, &str, &str)] = &[
        ("x*", "-", "abxd", "-a-b--d-"),
        (r"(\w+) (\w+)", r"\2 \1", "hello world", "world hello"),
        (r"(?P<a>\d+)", r"<\g<a>|\g<0>|\g<1>0>", "a12b", "a<12|12|120>b"),
        (r"(?!.*#)foo$", "bar", "foo\n", "bar\n"),
        (r"foo\Z", "bar", "foo\n", "foo\n"),
        (r"a{,2}b", "X", "aaab", "aX"),
        (r"{{ x }}", "y", "{{ x }}", "y"),
        (r"[[]x[]]", "y", "[x]", "y"),
        (r"[]a]+", "-", "]a]b", "-b"),
        (r"[a&&b]+", "-", "a&b", "-"),
        (r"\<b\>", "-", "<b> b", "- b"),
        (r"(a)|b", r"[\1]", "ab", "[a][]"),
        (r"(?i)FOO", "x", "foo", "x"),
        (r"(?x) a b # comment [", "x", "ab", "x"),
        (r"(?<=a)b", "x", "ab", "ax"),
        (r"(.)\1", "<>", "aab", "<>b"),
        (r"\x41\u0042\103", "-", "ABC", "-"),
        ("a", r"\n\.\\", "a", "\n\\.\\"),
        ("é+", "e", "éé", "e"),
        (r"[^\n\]]+", "-", "ab]c", "-]-"),
    ];

    #[test]
    fn substitutions_are_as_pythons() {
        for (pattern, by, text, expected) in SUBSTITUTIONS {
            let pattern = Pattern::new(pattern, Flags::default()).expect(pattern);
            assert_eq!(pattern.replace_all(text, by).expect("replaced"), *expected, "{pattern:?}");
        }
    }

    #[test]
    fn lines_anchor_where_asked() {
        let pattern = Pattern::new("^b$", MULTI).expect("compiles");
        assert_eq!(pattern.replace_all("a\nb\nc\n", "X").expect("replaced"), "a\nX\nc\n");
        let once = Pattern::new("^b$", Flags::default()).expect("compiles");
        assert!(!once.is_match("a\nb").expect("runs") && once.is_match("b\n").expect("runs"));
        assert!(!Pattern::new("(?m:^b)$", Flags::default()).expect("compiles").is_match("b\nc").expect("runs"));
    }

    #[test]
    fn what_python_refuses_is_refused() {
        for bad in ["(", r"\q", "*a", "[a", r"a\", "(?a)x", r"\g"] {
            assert!(Pattern::new(bad, Flags::default()).is_err(), "{bad}");
        }
        let pattern = Pattern::new("(a)", Flags::default()).expect("compiles");
        for bad in [r"\2", r"\g<b>", r"\q", r"\g<1", "\\"] {
            assert!(pattern.replace_all("a", bad).is_err(), "{bad}");
        }
        assert_eq!(pattern.replace_all("a", r"\g<1>").expect("benign twin"), "a");
    }

    #[test]
    fn splits_and_whole_matches() {
        let comma = Pattern::new(r"(,) *", Flags::default()).expect("compiles");
        let parts: Vec<_> = comma.split("a, b,c", 0).expect("split").into_iter().flatten().collect();
        assert_eq!(parts, ["a", ",", "b", ",", "c"]);
        let full = Pattern::full("a|ab", Flags::default()).expect("compiles");
        assert!(full.is_match("ab").expect("runs") && !full.is_match("abc").expect("runs"));
        assert_eq!(escape("a.b-c_d"), r"a\.b\-c_d");
    }
}
