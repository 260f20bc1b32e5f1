//! What a revision is called at the remote: a branch, a tag, or nothing of the kind.

use super::asked::Asked;
use crate::roles::modules::{Eyes, Failed};

/// A revision as the remote knows it.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    /// The remote's own choice, with its commit.
    Head(String),
    /// A branch, with its commit.
    Branch(String),
    /// A tag, with its commit.
    Tag(String),
    /// Anything else: a commit, most likely.
    Commit(String),
}

impl Target {
    /// Asks the remote. `branch` is the local branch where `version` is `HEAD` and there is a copy already.
    pub fn find(asked: &Asked, eyes: &Eyes<'_>, address: &str, branch: Option<&str>) -> Result<Self, Failed> {
        let version = &asked.version;
        if version == "HEAD" {
            let name = branch.map_or_else(|| "HEAD".to_owned(), |branch| format!("refs/heads/{branch}"));
            let listed = asked.line(eyes, None, &["ls-remote", address, &name])?;
            let found = commit(&listed, &name);
            let unknown = || Failed::new(format!("Could not determine remote revision for {version}"));
            return found.map(Self::Head).ok_or_else(unknown);
        }
        let (head, tag) = (format!("refs/heads/{version}"), format!("refs/tags/{version}"));
        let peeled = format!("{tag}^{{}}");
        let listed = asked.line(eyes, None, &["ls-remote", address, &head, &tag, &peeled])?;
        let annotated = commit(&listed, &peeled).or_else(|| commit(&listed, &tag));
        Ok(match (commit(&listed, &head), annotated) {
            (Some(commit), _) => Self::Branch(commit),
            (None, Some(commit)) => Self::Tag(commit),
            (None, None) => Self::Commit(version.clone()),
        })
    }

    /// The commit that it names.
    pub fn commit(&self) -> &str {
        match self {
            Self::Head(commit) | Self::Branch(commit) | Self::Tag(commit) | Self::Commit(commit) => commit,
        }
    }
}

fn commit(listed: &str, name: &str) -> Option<String> {
    let pairs = listed.lines().filter_map(|line| line.split_once('\t'));
    pairs.into_iter().find(|(_, have)| *have == name).map(|(commit, _)| commit.to_owned())
}
