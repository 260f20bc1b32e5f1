//! Command lines as words: Python's `shlex.split`, `os.path.expandvars` and `os.path.expanduser`, `str.splitlines`.

/// Splits as `shlex.split` does in its POSIX mode; the error is Python's.
pub fn split(line: &str) -> Result<Vec<String>, &'static str> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match letter {
            ' ' | '\t' | '\r' | '\n' => words.extend(word.take()),
            '\\' => word.get_or_insert_default().push(letters.next().ok_or("No escaped character")?),
            '\'' | '"' => quoted(letter, &mut letters, word.get_or_insert_default())?,
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    Ok(words)
}

fn quoted(quote: char, letters: &mut std::str::Chars<'_>, word: &mut String) -> Result<(), &'static str> {
    loop {
        match letters.next().ok_or("No closing quotation")? {
            letter if letter == quote => return Ok(()),
            '\\' if quote == '"' => {
                let next = letters.next().ok_or("No escaped character")?;
                if next != '"' && next != '\\' {
                    word.push('\\');
                }
                word.push(next);
            }
            letter => word.push(letter),
        }
    }
}

/// Replaces `$NAME` and `${NAME}` where `lookup` knows the name, and leaves the others.
pub fn expand_variables(text: &str, lookup: impl Fn(&str) -> Option<String>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let (name, length) = match after.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
            Some((name, _)) => (name, name.len() + 2),
            None => {
                let name = after.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap_or_default();
                (name, name.len())
            }
        };
        match lookup(name).filter(|_| !name.is_empty()) {
            Some(value) => out.push_str(&value),
            None => out.push_str(&rest[at..=at + length]),
        }
        rest = &after[length..];
    }
    out.push_str(rest);
    out
}

/// Replaces a leading `~` or `~user` by the home directory that `home` knows; the name is empty for `~`.
pub fn expand_home(text: &str, home: impl Fn(&str) -> Option<String>) -> String {
    let Some(rest) = text.strip_prefix('~') else { return text.to_owned() };
    let (user, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    home(user).map_or_else(|| text.to_owned(), |home| format!("{}{path}", home.trim_end_matches('/')))
}

/// The lines of a text as `str.splitlines` gives them.
pub fn lines(text: &str) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut rest = text;
    let is_end =
        |c: char| matches!(c, '\n' | '\r' | '\x0b' | '\x0c' | '\x1c'..='\x1e' | '\u{85}' | '\u{2028}' | '\u{2029}');
    while let Some((at, end)) = rest.char_indices().find(|(_, c)| is_end(*c)) {
        lines.push(&rest[..at]);
        let length = if rest[at..].starts_with("\r\n") { 2 } else { end.len_utf8() };
        rest = &rest[at + length..];
    }
    if !rest.is_empty() {
        lines.push(rest);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_split_as_shlex_does() {
        // Expected values from CPython 3.11's shlex.split.
        let cases: &[(&str, &[&str])] = &[
            ("a b  c\n", &["a", "b", "c"]),
            (r#"a\ b "x\ny" 'x\ny' "q\"\\""#, &["a b", r"x\ny", r"x\ny", "q\"\\"]),
            ("a'b'\"c\" '' # d", &["abc", "", "#", "d"]),
        ];
        for (line, expected) in cases {
            assert_eq!(split(line).expect(line), *expected, "{line}");
        }
        assert_eq!(split("'a"), Err("No closing quotation"));
        assert_eq!(split("a\\"), Err("No escaped character"));
    }

    #[test]
    fn variables_and_homes_are_expanded() {
        let lookup = |name: &str| (name == "FOO").then(|| "bar".to_owned());
        assert_eq!(
            expand_variables("$FOO/${FOO}x $NOPE ${NOPE} $ $FOO_ ${FOO", lookup),
            "bar/barx $NOPE ${NOPE} $ $FOO_ ${FOO"
        );
        let home = |user: &str| (user != "nobody").then(|| format!("/home/{user}"));
        assert_eq!(expand_home("~app/x", home), "/home/app/x");
        assert_eq!(expand_home("~nobody", home), "~nobody");
        assert_eq!(expand_home("a~", home), "a~");
    }

    #[test]
    fn lines_end_as_python_ends_them() {
        assert_eq!(lines("a\r\n\nb\x0bc\rd\n"), ["a", "", "b", "c", "d"]);
        assert!(lines("").is_empty());
    }
}
