//! A configuration file as it was read: lines that know where they stand.

use std::fmt;
use std::rc::Rc;

/// Where something was read: a file and, where one is meant, its line; or a program that was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct At {
    /// The file, as the machine itself names it, or the program's command line.
    pub file: Rc<str>,
    /// From 1.
    pub line: Option<u32>,
}

impl At {
    /// A whole file, or a program.
    pub fn file(name: &str) -> Self {
        Self { file: name.into(), line: None }
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}", self.file),
            None => f.write_str(&self.file),
        }
    }
}

/// A file's text. Bytes that are no UTF-8 are replaced, so that a line of them equals nothing that is expected; so are
/// blanks beyond ASCII, which no tool takes for blanks.
#[derive(Debug)]
pub struct Text {
    name: Rc<str>,
    text: String,
}

impl Text {
    /// A file's bytes.
    pub fn new(name: &str, bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let foreign = |letter: char| !letter.is_ascii() && letter.is_whitespace();
        let text = if text.is_ascii() { text.into_owned() } else { text.replace(foreign, "\u{fffd}") };
        Self { name: name.into(), text }
    }

    /// The whole text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The file itself.
    pub fn whole(&self) -> At {
        At { file: Rc::clone(&self.name), line: None }
    }

    /// A line of the file.
    pub fn at(&self, line: u32) -> At {
        At { file: Rc::clone(&self.name), line: Some(line) }
    }

    /// Lines as written, with the place of each.
    pub fn lines(&self) -> impl Iterator<Item = (At, &str)> {
        (1_u32..).zip(self.text.lines()).map(|(line, text)| (self.at(line), text))
    }

    /// Lines joined where one ends in a backslash, at the place of their first. A comment continues nothing unless
    /// `comments_continue`.
    pub fn joined(&self, comments_continue: bool) -> Vec<(At, String)> {
        let mut joined: Vec<(At, String)> = Vec::new();
        let mut open = false;
        for (at, line) in self.lines() {
            let comment = !comments_continue && !open && line.trim_start().starts_with(['#', ';']);
            let (body, goes_on) = match line.strip_suffix('\\') {
                Some(body) if !comment => (body, true),
                _ => (line, false),
            };
            match joined.last_mut() {
                Some((_, text)) if open => text.push_str(body),
                _ => joined.push((at, body.to_owned())),
            }
            open = goes_on;
        }
        joined
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_joined_at_the_place_of_the_first() {
        let text = Text::new("/f", b"a \\\nb\n# c \\\nd\nlast \xff");
        let joined: Vec<(Option<u32>, String)> =
            text.joined(false).into_iter().map(|(at, line)| (at.line, line)).collect();
        let want = [(1, "a b"), (3, "# c \\"), (4, "d"), (5, "last \u{fffd}")];
        assert_eq!(joined, want.map(|(line, text)| (Some(line), text.to_owned())));
    }
}
