//! Lines of `authorized_keys`: options, type, key, comment.

/// A line, taken apart; what is no key is kept as it is.
#[derive(Clone, Debug, PartialEq)]
pub enum Line {
    /// A comment, or what cannot be read; with its line end.
    Other(String),
    /// A key.
    Key(Key),
}

/// A key as the file gives it.
#[derive(Clone, Debug, PartialEq)]
pub struct Key {
    /// The key itself, by which lines are told apart.
    pub key: String,
    /// Its type.
    pub kind: String,
    /// Its options in order, each with its value as written.
    pub options: Vec<(String, Option<String>)>,
    /// What follows it.
    pub comment: String,
}

const KINDS: [&str; 8] = [
    "sk-ecdsa-sha2-nistp256@openssh.com",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com",
    "ssh-ed25519",
    "ssh-dss",
    "ssh-rsa",
];

/// Options, split at the commas that stand outside quotes.
pub fn options(text: &str) -> Vec<(String, Option<String>)> {
    let mut parts = vec![String::new()];
    let mut quote = None;
    for letter in text.chars() {
        match quote {
            None if letter == ',' => parts.push(String::new()),
            _ => {
                if let Some(part) = parts.last_mut() {
                    part.push(letter);
                }
            }
        }
        quote = match (quote, letter) {
            (None, '"' | '\'') => Some(letter),
            (Some(open), close) if open == close => None,
            (quote, _) => quote,
        };
    }
    let pair = |part: String| match part.split_once('=') {
        Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
        None => (part, None),
    };
    parts.into_iter().filter(|part| !part.is_empty()).map(pair).collect()
}

impl Key {
    /// Of a line; `None` where it names no type of key.
    pub fn of(line: &str) -> Option<Self> {
        let line = line.replace("\\#", "#");
        let words: Vec<&str> = line.split_whitespace().collect();
        if words.first() == Some(&"#") {
            return None;
        }
        let at = words.iter().position(|word| KINDS.contains(word))?;
        Some(Self {
            key: (*words.get(at + 1)?).to_owned(),
            kind: words[at].to_owned(),
            options: options(&words[..at].join(" ")),
            comment: words[at + 2..].join(" "),
        })
    }

    /// As a line.
    pub fn line(&self) -> String {
        let options: Vec<String> = self
            .options
            .iter()
            .map(|(name, value)| value.as_ref().map_or_else(|| name.clone(), |value| format!("{name}={value}")))
            .collect();
        let options = if options.is_empty() { String::new() } else { format!("{} ", options.join(",")) };
        format!("{options}{} {} {}\n", self.kind, self.key, self.comment)
    }
}

impl Line {
    /// Every line of a file. Of two lines with one key the latter stands, in the former's place.
    pub fn all(text: &str) -> Vec<Self> {
        let mut all: Vec<Self> = Vec::new();
        for line in text.split_inclusive('\n') {
            let line = Key::of(line).map_or_else(|| Self::Other(line.to_owned()), Self::Key);
            match all.iter_mut().find(|have| have.name() == line.name()) {
                Some(have) => *have = line,
                None => all.push(line),
            }
        }
        all
    }

    fn name(&self) -> &str {
        match self {
            Self::Other(line) => line,
            Self::Key(key) => &key.key,
        }
    }

    /// Whether it is this key.
    pub fn is(&self, key: &str) -> bool {
        matches!(self, Self::Key(have) if have.key == key)
    }

    /// As text.
    pub fn text(&self) -> String {
        match self {
            Self::Other(line) => line.clone(),
            Self::Key(key) => key.line(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_taken_apart_and_put_together() {
        let line = "command=\"a, b\",no-pty ssh-ed25519 AAAA me @ home\n";
        let key = Key::of(line).expect("a key");
        assert_eq!(key.options, [("command".into(), Some("\"a, b\"".into())), ("no-pty".into(), None)]);
        assert_eq!((key.comment.as_str(), key.line().as_str()), ("me @ home", line));
        assert!(
            Key::of("# ssh-rsa AAAA").is_none() && Key::of("ssh-what AAAA").is_none() && Key::of("ssh-rsa").is_none()
        );
        assert_eq!(Key::of("ssh-rsa A").expect("a key").line(), "ssh-rsa A \n");
    }
}
