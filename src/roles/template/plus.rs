//! Unary plus, which minijinja's parser lacks: it is given a minus in its place, and the tree has the plus again.

use minijinja::Error;

/// More of them in one template are refused, because each costs another reading.
const MOST: usize = 100;

/// Reads a text; where that stops at a `+` which stands before an operand, once more with `-` there and the places of
/// those that were replaced.
pub(super) fn tolerant<T>(text: &str, read: impl Fn(&str, &[u32]) -> Result<T, Error>) -> Result<T, Error> {
    let first = match read(text, &[]) {
        Ok(parsed) => return Ok(parsed),
        Err(error) => error,
    };
    let (mut changed, mut places) = (text.to_owned(), Vec::new());
    let mut next = plus_at(&changed, &first);
    while let Some(at) = next.filter(|_| places.len() < MOST) {
        changed.replace_range(at..=at, "-");
        places.push(u32::try_from(at).unwrap_or(u32::MAX));
        match read(&changed, &places) {
            Ok(parsed) => return Ok(parsed),
            Err(error) => next = plus_at(&changed, &error),
        }
    }
    // What is said is of the text as it is written.
    Err(first)
}

/// Where the parser met a `+` that it did not expect.
fn plus_at(text: &str, error: &Error) -> Option<usize> {
    let at = error.range()?.start;
    (text.as_bytes().get(at) == Some(&b'+')).then_some(at)
}
