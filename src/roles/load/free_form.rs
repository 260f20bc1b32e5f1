//! Arguments written as text: `key=value` pairs and free text (ansible-core `parsing/splitter.py`).

/// A text whose quotes or template marks are not closed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("quotes or template marks are not closed in: {0}")]
pub struct Unbalanced(String);

/// Pairs, and the text that is none.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Pairs {
    /// In order; of a duplicate the last stands.
    pub pairs: Vec<(String, String)>,
    /// The rest, joined as written.
    pub rest: String,
}

/// Arguments that `command` and its kin take as pairs before their text.
const COMMAND_PAIRS: [&str; 8] =
    ["creates", "removes", "chdir", "executable", "warn", "stdin", "stdin_add_newline", "strip_empty_ends"];

/// Reads `key=value` pairs; with `command` only the pairs that belong to a command are taken out of its text.
pub fn parse_pairs(text: &str, command: bool) -> Result<Pairs, Unbalanced> {
    let mut out = Pairs::default();
    let mut rest: Vec<String> = Vec::new();
    for written in split(text)? {
        let plain = unescape(&written);
        let bytes = plain.as_bytes();
        let equals = (1..bytes.len()).find(|&at| bytes[at] == b'=' && bytes[at - 1] != b'\\');
        match equals {
            None if plain.contains('=') => rest.push(plain.replace("\\=", "=")),
            None => rest.push(written),
            Some(at) if command && !COMMAND_PAIRS.contains(&&plain[..at]) => rest.push(written),
            Some(at) => {
                let key = plain[..at].trim().to_owned();
                let value = unquote(plain[at + 1..].trim()).to_owned();
                out.pairs.retain(|(have, _)| *have != key);
                out.pairs.push((key, value));
            }
        }
    }
    for part in rest {
        if !out.rest.is_empty() && !out.rest.ends_with('\n') {
            out.rest.push(' ');
        }
        out.rest.push_str(&part);
    }
    Ok(out)
}

fn unquote(text: &str) -> &str {
    let bytes = text.as_bytes();
    let quoted = bytes.len() > 1 && matches!(bytes[0], b'"' | b'\'') && bytes[0] == bytes[bytes.len() - 1];
    if quoted && bytes[bytes.len() - 2] != b'\\' { &text[1..text.len() - 1] } else { text }
}

/// Backslash escapes as `_decode_escapes` resolves them; an unknown escape stays as it is.
fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let mut chars = rest[1..].chars();
        let simple = chars.next().and_then(|c| {
            Some(match c {
                '\\' | '\'' | '"' => c,
                'a' => '\u{7}',
                'b' => '\u{8}',
                'f' => '\u{c}',
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'v' => '\u{b}',
                _ => return None,
            })
        });
        if let Some(c) = simple {
            out.push(c);
            rest = &rest[2..];
            continue;
        }
        let width = match rest.as_bytes().get(1) {
            Some(b'x') => 2,
            Some(b'u') => 4,
            Some(b'U') => 8,
            _ => 0,
        };
        let code = rest.get(2..2 + width).filter(|hex| !hex.is_empty() && hex.bytes().all(|b| b.is_ascii_hexdigit()));
        match code.and_then(|hex| u32::from_str_radix(hex, 16).ok()).and_then(char::from_u32) {
            Some(c) => {
                out.push(c);
                rest = &rest[2 + width..];
            }
            None => {
                out.push('\\');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

/// Splits at white space, keeping quotes and template marks whole, white space and newlines as written.
pub fn split(text: &str) -> Result<Vec<String>, Unbalanced> {
    let mut state = Splitter::default();
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let lines: Vec<&str> = text.split('\n').collect();
    for (number, line) in lines.iter().enumerate() {
        let mut continued = false;
        for (index, token) in line.split(' ').enumerate() {
            if token.is_empty() && index != 0 {
                state.last().push(' ');
            } else if token == "\\" && state.quote.is_none() {
                continued = true;
            } else {
                state.token(index, token);
            }
        }
        if number + 1 != lines.len() && !continued {
            state.last().push('\n');
        }
    }
    if state.quote.is_some() || state.depths.iter().any(|depth| *depth > 0) {
        return Err(Unbalanced(text.to_owned()));
    }
    Ok(state.parts)
}

/// `{{ }}`, `{% %}`, `{# #}`.
const MARKS: [(&str, &str); 3] = [("{{", "}}"), ("{%", "%}"), ("{#", "#}")];

#[derive(Default)]
struct Splitter {
    parts: Vec<String>,
    quote: Option<char>,
    depths: [usize; 3],
}

impl Splitter {
    fn last(&mut self) -> &mut String {
        if self.parts.is_empty() {
            self.parts.push(String::new());
        }
        let at = self.parts.len() - 1;
        &mut self.parts[at]
    }

    fn token(&mut self, index: usize, token: &str) {
        let was_quoted = self.quote.is_some();
        let mut before = None;
        for c in token.chars() {
            if matches!(c, '"' | '\'') && before != Some('\\') {
                self.quote = match self.quote {
                    None => Some(c),
                    Some(open) if open == c => None,
                    open => open,
                };
            }
            before = Some(c);
        }
        let quoted = self.quote.is_some();
        let in_marks = self.depths.iter().any(|depth| *depth > 0);
        let mut added = true;
        if quoted && !was_quoted && !in_marks {
            self.parts.push(token.to_owned());
        } else if in_marks || quoted || was_quoted {
            let spaced = index > 0;
            let last = self.last();
            if spaced {
                last.push(' ');
            }
            last.push_str(token);
        } else {
            added = false;
        }
        for (depth, (open, close)) in self.depths.iter_mut().zip(MARKS) {
            let next = (*depth + token.matches(open).count()).saturating_sub(token.matches(close).count());
            if next != *depth && !added {
                self.parts.push(token.to_owned());
                added = true;
            }
            *depth = next;
        }
        if !added && !quoted && !token.is_empty() {
            self.parts.push(token.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_split_as_ansible_splits_it() {
        let parts = split("a=b c=\"foo bar\" {{ x y }} tail").expect("balanced");
        assert_eq!(parts, ["a=b", "c=\"foo bar\"", "{{ x y }}", "tail"]);
        assert_eq!(split("echo a \\\n  b").expect("balanced"), ["echo", "a ", "b"]);
        assert!(split("echo \"a").is_err());
        assert_eq!(split("echo  'a  b'\nls").expect("balanced"), ["echo ", "'a  b'\n", "ls"]);
    }

    #[test]
    fn pairs_are_taken_out_of_text() {
        let pairs = parse_pairs("creates=/x echo a=b 'c d'", true).expect("balanced");
        assert_eq!(pairs.pairs, [("creates".to_owned(), "/x".to_owned())]);
        assert_eq!(pairs.rest, "echo a=b 'c d'");
        let pairs = parse_pairs("path=/a mode=0644 line=\"x=1 \\\"q\\\"\"", false).expect("balanced");
        assert_eq!(pairs.pairs[2], ("line".to_owned(), "x=1 \"q\"".to_owned()));
    }
}
