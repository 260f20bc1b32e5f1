//! White space that libyaml, which Ansible reads with, does not mind and YAML 1.2 forbids: indentation within brackets
//! and quotes, and tabs after a colon.

use saphyr_parser::{Marker, ScanError};
use std::borrow::Cow;
use std::collections::BTreeSet;

/// Further in than any block.
const FAR: usize = 120;
/// How many such places a text may have, and how long it may be: each costs one more reading.
const MOST: usize = 200;
const LARGEST: usize = 1 << 20;

/// Lines that are read as if they were indented further.
#[derive(Default)]
pub(super) struct Loose {
    lines: BTreeSet<usize>,
    /// Lines whose first tab after a colon is read as a space.
    tabs: BTreeSet<usize>,
    tries: usize,
}

impl Loose {
    /// The text with those lines indented.
    pub(super) fn apply<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if self.lines.is_empty() && self.tabs.is_empty() {
            return Cow::Borrowed(text);
        }
        let pad = " ".repeat(FAR);
        let lines = text.split_inclusive('\n').enumerate();
        let padded = lines.map(|(index, line)| {
            let blank = line.trim().is_empty();
            let spaced = self.tabs.contains(&(index + 1)).then(|| line.replacen(":\t", ": ", 1));
            let line = spaced.as_deref().unwrap_or(line);
            if self.lines.contains(&(index + 1)) && !blank { format!("{pad}{line}") } else { line.to_owned() }
        });
        Cow::Owned(padded.collect())
    }

    /// Where a mark stands in the text as written, both from 1.
    pub(super) fn position(&self, mark: &Marker) -> (u32, u32) {
        let moved = if self.lines.contains(&mark.line()) { FAR } else { 0 };
        let column = mark.col().saturating_sub(moved) + 1;
        (u32::try_from(mark.line()).unwrap_or(u32::MAX), u32::try_from(column).unwrap_or(u32::MAX))
    }

    /// Whether an error is about such indentation; the text is then worth another reading.
    pub(super) fn forgive(&mut self, text: &str, error: &ScanError) -> bool {
        self.tries += 1;
        if self.tries > MOST || text.len() > LARGEST {
            return false;
        }
        let line = error.marker().line();
        match error.info() {
            "':' must be followed by a valid YAML whitespace" => self.tabs.insert(line),
            // The last is said of tabs in quotes alone.
            "invalid indentation" | "invalid indentation in flow construct" | "tab cannot be used as indentation" => {
                self.lines.insert(line)
            }
            "invalid indentation in quoted scalar" => {
                let (_, column) = self.position(error.marker());
                let end = line + quoted_lines(text, line, column as usize);
                let before = self.lines.len();
                self.lines.extend(line + 1..=end);
                self.lines.len() > before
            }
            _ => false,
        }
    }
}

/// How many lines a quoted scalar goes on after the one on which it begins, at a column from 1.
fn quoted_lines(text: &str, line: usize, column: usize) -> usize {
    let rest = text.split_inclusive('\n').skip(line - 1).collect::<String>();
    let mut chars = rest.chars().skip(column - 1).peekable();
    let Some(quote) = chars.next() else { return 0 };
    let mut count = 0;
    while let Some(c) = chars.next() {
        match c {
            '\n' => count += 1,
            '\\' if quote == '"' => {
                count += usize::from(chars.next() == Some('\n'));
            }
            _ if c == quote && quote == '\'' && chars.peek() == Some(&'\'') => {
                chars.next();
            }
            _ if c == quote => break,
            _ => {}
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use crate::roles::yaml::read;

    #[test]
    fn brackets_and_quotes_may_stand_further_out() {
        let text = "a:\n  b: [\n1,\n  2\n]\n  c: \"x\ny 'z\n\nw\"\n  d: 'it''s\nso'\n";
        let root = read("t.yml", text).expect("reads").root;
        let json = root.value().to_json().to_string();
        assert_eq!(json, r#"{"a":{"b":[1,2],"c":"x y 'z\nw","d":"it's so"}}"#);
        let first = root.get("a").and_then(|a| a.get("b")).and_then(|b| b.list()).expect("list")[0].place();
        assert_eq!((first.line, first.column), (3, 1));
        assert!(read("t.yml", "a: [1\nb: 2\n").is_err());
        let tabbed = read("t.yml", "a:\n  b: 'x\n\t y'\n").expect("reads").root;
        assert_eq!(tabbed.value().to_json().to_string(), r#"{"a":{"b":"x y"}}"#);
        assert!(read("t.yml", "a:\n\tb: 1\n").is_err());
    }
}
