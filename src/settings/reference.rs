//! Which commit of the config repository: a branch, a tag or a commit.

use super::scalar::Word;
use std::fmt;

/// A git reference, with what it is where the settings say so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reference {
    /// A name that the remote decides on: a branch first, then a tag, as `git fetch` does.
    Name(String),
    /// `branch:main` or `refs/heads/main`.
    Branch(String),
    /// `tag:v1` or `refs/tags/v1`.
    Tag(String),
    /// A full commit id, with or without `commit:`.
    Commit(String),
}

impl Reference {
    /// Its name without its kind.
    pub fn name(&self) -> &str {
        match self {
            Self::Name(name) | Self::Branch(name) | Self::Tag(name) | Self::Commit(name) => name,
        }
    }
}

impl Word for Reference {
    const NAME: &'static str = "Reference";
    const EXAMPLE: &'static str = "main";
    const EXPECTED: &'static str =
        "a branch, a tag or a full commit id, as `branch:NAME`, `tag:NAME`, `commit:ID` or alone";

    fn parse(text: &str) -> Option<Self> {
        let commit = |id: &str| matches!(id.len(), 40 | 64) && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        if let Some(id) = text.strip_prefix("commit:") {
            return commit(id).then(|| Self::Commit(id.to_ascii_lowercase()));
        }
        if commit(text) {
            return Some(Self::Commit(text.to_ascii_lowercase()));
        }
        for (prefix, make) in [
            ("branch:", Self::Branch as fn(String) -> Self),
            ("refs/heads/", Self::Branch),
            ("tag:", Self::Tag),
            ("refs/tags/", Self::Tag),
        ] {
            if let Some(name) = text.strip_prefix(prefix) {
                return well_formed(name).then(|| make(name.to_owned()));
            }
        }
        (well_formed(text) && !text.starts_with("refs/")).then(|| Self::Name(text.to_owned()))
    }
}

/// The rules of git-check-ref-format(1), and no leading dash.
fn well_formed(name: &str) -> bool {
    let component =
        |part: &str| !part.is_empty() && !part.starts_with('.') && !part.ends_with('.') && !part.ends_with(".lock");
    !name.starts_with('-')
        && name != "@"
        && name.len() <= 255
        && name.split('/').all(component)
        && !name.contains("..")
        && !name.contains("@{")
        && !name.contains(|c: char| c.is_control() || " ~^:?*[\\".contains(c))
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Branch(name) => write!(f, "branch:{name}"),
            Self::Tag(name) => write!(f, "tag:{name}"),
            Self::Commit(id) => write!(f, "commit:{id}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_told_apart() {
        let id = "0123456789abcdef0123456789ABCDEF01234567";
        assert_eq!(Reference::parse("main"), Some(Reference::Name("main".into())));
        assert_eq!(Reference::parse("tag:v1.2"), Reference::parse("refs/tags/v1.2"));
        assert_eq!(Reference::parse(id), Some(Reference::Commit(id.to_ascii_lowercase())));
        assert_eq!(Reference::parse("release/2026").map(|r| r.to_string()), Some("release/2026".into()));
    }

    #[test]
    fn what_git_would_refuse_is_refused() {
        for text in ["", "-x", "a..b", "a b", "a.lock", "/a", "a//b", "refs/notes/x", "commit:abc", "HEAD^", "a@{1}"] {
            assert_eq!(Reference::parse(text), None, "{text}");
        }
    }
}
