//! What to fetch: a branch, a tag, a commit, or what the server's `HEAD` names.

use super::FetchError;
use git2::Oid;
use std::fmt;

/// What to fetch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reference {
    /// The server's default branch.
    Head,
    /// A name that the server decides on: a branch first, then a tag, as `git fetch` does.
    Name(String),
    /// A branch, without `refs/heads/`.
    Branch(String),
    /// A tag, without `refs/tags/`.
    Tag(String),
    /// A commit's whole id, in hexadecimal.
    Commit(String),
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Head => f.write_str("default branch"),
            Self::Name(name) => write!(f, "branch or tag `{}`", name.escape_default()),
            Self::Branch(name) => write!(f, "branch `{}`", name.escape_default()),
            Self::Tag(name) => write!(f, "tag `{}`", name.escape_default()),
            Self::Commit(id) => write!(f, "commit `{}`", id.escape_default()),
        }
    }
}

/// A ref as the server advertises it.
#[derive(Clone, Debug)]
pub(super) struct Advertised {
    pub(super) name: String,
    pub(super) id: Oid,
}

/// What to ask the server for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    /// The ref's full name; a commit that no ref names has none.
    pub(super) name: Option<String>,
    /// What it names: a commit, or a tag object.
    pub(super) id: Oid,
}

impl Reference {
    /// Finds it among the server's refs.
    pub(super) fn find(&self, address: &str, advertised: &[Advertised]) -> Result<Wanted, FetchError> {
        if advertised.is_empty() {
            return Err(FetchError::Empty { address: address.to_owned() });
        }
        let named = |name: &str| {
            let found = advertised.iter().find(|have| have.name == name)?;
            Some(Wanted { name: Some(found.name.clone()), id: found.id })
        };
        let found = match self {
            Self::Head => named("HEAD"),
            Self::Name(name) => named(&format!("refs/heads/{name}")).or_else(|| named(&format!("refs/tags/{name}"))),
            Self::Branch(name) => named(&format!("refs/heads/{name}")),
            Self::Tag(name) => named(&format!("refs/tags/{name}")),
            Self::Commit(text) => {
                let id = Oid::from_str(text).ok().filter(|_| text.len() == 40);
                let id = id.ok_or_else(|| self.missing(address, "write all 40 hexadecimal digits".into()))?;
                let usual = |have: &&Advertised| have.id == id && have.name.starts_with("refs/");
                // An annotated tag's `^{}` line shows what it names, and cannot be asked for.
                let name = advertised.iter().filter(|have| !have.name.ends_with("^{}")).find(usual);
                Some(Wanted { name: name.map(|have| have.name.clone()), id })
            }
        };
        found.ok_or_else(|| self.missing(address, self.nearest(advertised)))
    }

    pub(super) fn missing(&self, address: &str, hint: String) -> FetchError {
        FetchError::NoReference { address: address.to_owned(), reference: self.to_string(), hint }
    }

    /// The names of the same kind that are most like it, or what there is.
    fn nearest(&self, advertised: &[Advertised]) -> String {
        let (prefix, wanted) = match self {
            Self::Branch(name) | Self::Name(name) => ("refs/heads/", name.as_str()),
            Self::Tag(name) => ("refs/tags/", name.as_str()),
            Self::Head | Self::Commit(_) => ("refs/heads/", "main"),
        };
        let mut names: Vec<&str> = advertised
            .iter()
            .filter_map(|have| have.name.strip_prefix(prefix))
            .filter(|name| !name.ends_with("^{}"))
            .collect();
        names.sort_by(|a, b| strsim::jaro(wanted, b).total_cmp(&strsim::jaro(wanted, a)));
        let kind = if prefix == "refs/tags/" { "tags" } else { "branches" };
        match names.len() {
            0 => format!("it has no {kind}"),
            count => {
                let shown: Vec<String> = names.iter().take(3).map(|name| name.escape_default().to_string()).collect();
                format!("it has {count} {kind}; the nearest: {}", shown.join(", "))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Explain;

    fn server() -> Vec<Advertised> {
        let id = |digit: &str| Oid::from_str(&digit.repeat(40)).expect("id");
        [
            ("HEAD", "1"),
            ("refs/heads/main", "1"),
            ("refs/heads/release/1", "2"),
            ("refs/tags/v1", "3"),
            ("refs/tags/v1^{}", "2"),
        ]
        .map(|(name, digit)| Advertised { name: name.into(), id: id(digit) })
        .to_vec()
    }

    #[test]
    fn refs_are_found_by_kind() {
        let find = |reference: Reference| reference.find("h", &server()).map(|wanted| wanted.name);
        assert_eq!(find(Reference::Head).expect("there").as_deref(), Some("HEAD"));
        assert_eq!(
            find(Reference::Branch("release/1".into())).expect("there").as_deref(),
            Some("refs/heads/release/1")
        );
        let name = |name: &str| find(Reference::Name(name.into())).expect("there");
        assert_eq!((name("main").as_deref(), name("v1").as_deref()), (Some("refs/heads/main"), Some("refs/tags/v1")));
        assert_eq!(find(Reference::Tag("v1".into())).expect("there").as_deref(), Some("refs/tags/v1"));
        assert_eq!(find(Reference::Commit("2".repeat(40))).expect("there").as_deref(), Some("refs/heads/release/1"));
        assert_eq!(find(Reference::Commit("9".repeat(40))).expect("unnamed"), None);
    }

    #[test]
    fn what_is_not_there_names_the_nearest() {
        let error = Reference::Branch("mian".into()).find("h", &server()).expect_err("missing");
        assert!(error.hint().expect("hint").contains("nearest: main"), "{:?}", error.hint());
        assert!(matches!(Reference::Tag("main".into()).find("h", &server()), Err(FetchError::NoReference { .. })));
        assert!(matches!(Reference::Commit("22".into()).find("h", &server()), Err(FetchError::NoReference { .. })));
        assert!(matches!(Reference::Head.find("h", &[]), Err(FetchError::Empty { .. })));
    }
}
