//! From an offset in a template's text to the file, line and column that a user can go to.

use crate::failure::Place;
use std::sync::Arc;

/// A text and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Source {
    pub(super) text: Arc<str>,
    place: Arc<Place>,
    /// Whether the text is a whole file, so that lines and columns are its own.
    whole: bool,
}

impl Source {
    /// A scalar of a YAML document, at the place of its node.
    pub(super) fn scalar(text: &str, place: &Place) -> Self {
        Self { text: text.into(), place: Arc::new(place.clone()), whole: false }
    }

    /// A whole file.
    pub(super) fn file(text: &str, name: &str) -> Self {
        let place = Place { file: name.to_owned(), line: 1, column: 1, excerpt: None };
        Self { text: text.into(), place: Arc::new(place), whole: true }
    }

    /// The place of a byte offset. In a scalar of several lines the column counts within the text's line, since the
    /// block's indentation is not kept; in one of a single line it is found in the excerpt, quotes and key included.
    pub(super) fn place(&self, offset: u32) -> Place {
        let mut offset = (offset as usize).min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        let before = &self.text[..offset];
        let row = before.matches('\n').count();
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        let column = before[start..].chars().count();
        let line = self.text[start..].lines().next().unwrap_or_default();
        let several = self.text.trim_end().contains('\n');
        if self.whole || several {
            // A block scalar's text starts on the line after its indicator; a quoted one's on its own line.
            let block = self.place.excerpt.as_deref().is_some_and(|e| e.trim_end().ends_with(['|', '>', '-', '+']));
            let skip = usize::from(!self.whole && block);
            return Place {
                file: self.place.file.clone(),
                line: self.place.line + u32::try_from(row + skip).unwrap_or(0),
                column: u32::try_from(column + 1).unwrap_or(1),
                excerpt: Some(line.to_owned()),
            };
        }
        let mut place = (*self.place).clone();
        match place.excerpt.as_deref().and_then(|e| e.find(self.text.trim_end()).map(|at| e[..at].chars().count())) {
            Some(lead) => place.column = u32::try_from(lead + column + 1).unwrap_or(1),
            None => place.column += u32::try_from(column).unwrap_or(0),
        }
        place
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_within_a_scalar_is_found() {
        let at = Place { file: "t.yml".into(), line: 4, column: 10, excerpt: Some("    path: \"{{ nope }}\"".into()) };
        let one = Source::scalar("{{ nope }}", &at).place(3);
        assert_eq!((one.line, one.column), (4, 15));
        let at = Place { file: "t.yml".into(), line: 4, column: 10, excerpt: Some("    text: |".into()) };
        let second = Source::scalar("a\n{{ nope }}\n", &at).place(5);
        assert_eq!((second.line, second.column), (6, 4));
        assert_eq!(second.excerpt.as_deref(), Some("{{ nope }}"));
        let file = Source::file("a\nb {{ x }}", "t.j2").place(7);
        assert_eq!((file.line, file.column), (2, 6));
    }
}
