//! What a text must be: exactly this, or a pattern that matches the whole of it.

use fancy_regex::{Regex, RegexBuilder};
use std::fmt;

/// The longest pattern.
const PATTERN_LIMIT: usize = 1024;
/// Steps after which a pattern has not matched: it is judged against text that a stranger chose.
const STEPS: usize = 100_000;

/// What a text must be.
#[derive(Clone, Debug)]
pub enum Text {
    /// This, byte for byte.
    Exact(String),
    /// What the pattern matches from its first byte to its last.
    Pattern {
        /// As written.
        source: String,
        /// With anchors at both ends, unless it is cosign's.
        regex: Box<Regex>,
    },
}

impl Text {
    /// A pattern. It is anchored here, whatever it says itself, so that no look-alike around a match passes.
    pub fn pattern(source: &str) -> Result<Self, String> {
        if source.len() > PATTERN_LIMIT {
            return Err(format!("the pattern has more than {PATTERN_LIMIT} bytes"));
        }
        // On its own first: a pattern such as `a)|(b` must not close the group that anchors it.
        let refuse = |error: fancy_regex::Error| format!("`{source}` is no regular expression: {error}");
        Regex::new(source).map_err(refuse)?;
        let regex = RegexBuilder::new(&format!(r"\A(?:{source})\z")).backtrack_limit(STEPS).build().map_err(refuse)?;
        Ok(Self::Pattern { source: source.to_owned(), regex: Box::new(regex) })
    }

    /// A pattern that matches somewhere within, as cosign's flags have it and nothing else here does.
    pub fn within(source: &str) -> Result<Self, String> {
        if source.len() > PATTERN_LIMIT {
            return Err(format!("the pattern has more than {PATTERN_LIMIT} bytes"));
        }
        let refuse = |error: fancy_regex::Error| format!("`{source}` is no regular expression: {error}");
        let regex = RegexBuilder::new(source).backtrack_limit(STEPS).build().map_err(refuse)?;
        Ok(Self::Pattern { source: source.to_owned(), regex: Box::new(regex) })
    }

    /// Whether a text is what it must be. A pattern that takes too long has not matched.
    pub fn matches(&self, text: &str) -> bool {
        match self {
            Self::Exact(exact) => exact == text,
            Self::Pattern { regex, .. } => regex.is_match(text).unwrap_or(false),
        }
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(exact) => write!(f, "`{exact}`"),
            Self::Pattern { source, .. } => write!(f, "what matches `{source}`"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_the_whole_text_or_not_at_all() {
        let pattern = Text::pattern(r"https://github\.com/acme/[a-z]+").expect("pattern");
        assert!(pattern.matches("https://github.com/acme/shop"));
        for other in ["https://github.com/acme/shop/evil", "xhttps://github.com/acme/shop", "https://githubXcom/acme/a"]
        {
            assert!(!pattern.matches(other), "{other}");
        }
        assert!(!Text::pattern("a|b").expect("pattern").matches("ab"), "alternatives are anchored too");
        assert!(!Text::pattern("a$").expect("pattern").matches("a\n"));
        assert!(Text::pattern("a)|(b").is_err());
        assert!(Text::pattern("(").is_err());
    }

    #[test]
    fn a_pattern_that_takes_too_long_has_not_matched() {
        let pattern = Text::pattern(r"(?:(a+)+\1?)+b(?=c)").expect("pattern");
        assert!(!pattern.matches(&"a".repeat(5000)));
    }
}
