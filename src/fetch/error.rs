//! What can go wrong on the way to the config repository: what was attempted, on what, and what to do next.

use crate::failure::Explain;
use crate::trust::TrustError;
use std::path::PathBuf;
use std::time::Duration;

/// A repository that could not be fetched or read.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// An address that is none, or of a kind that is not supported.
    #[error("repository address `{address}`: {problem}")]
    Address {
        /// As it was written, without a password.
        address: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A release pins a commit that the fetched one does not have.
    #[error(
        "the release pins commit {pin} of the config repository, and commit {found} does not have it in its history"
    )]
    Pinned {
        /// The commit that the release's descriptor names.
        pin: String,
        /// The commit that was served.
        found: String,
    },
    /// A secret that is not a key.
    #[error("the deploy key cannot be used: {problem}")]
    Key {
        /// What it is instead; never a part of it.
        problem: String,
    },
    /// A CA bundle or proxy that cannot be used.
    #[error("{what} cannot be used: {problem}")]
    Setting {
        /// Which.
        what: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A name that does not resolve.
    #[error(transparent)]
    Resolve(#[from] crate::dns::DnsError),
    /// A connection that could not be made.
    #[error("connecting to {host}: {problem}")]
    Connect {
        /// Where, with the port; with the proxy where there is one.
        host: String,
        /// Why not.
        problem: String,
    },
    /// A wait that took too long.
    #[error("{attempt} {host}: nothing within {limit:?}")]
    Timeout {
        /// As "connecting to", "waiting for data from".
        attempt: &'static str,
        /// Whom.
        host: String,
        /// How long was waited.
        limit: Duration,
    },
    /// The run was asked to end.
    #[error("{attempt} {host}: the wait was ended, because the run was stopped from outside")]
    Stopped {
        /// As "connecting to", "waiting for data from".
        attempt: &'static str,
        /// Whom.
        host: String,
    },
    /// The whole fetch took too long.
    #[error("fetching from {host} took longer than {limit:?}")]
    Deadline {
        /// From where.
        host: String,
        /// How long it was given.
        limit: Duration,
    },
    /// The server sends without end.
    #[error("{host} sent more than {limit} bytes")]
    TooMuch {
        /// From where.
        host: String,
        /// How many bytes were allowed.
        limit: u64,
    },
    /// The SSH conversation broke before authentication.
    #[error("SSH with {host}: {problem}")]
    Ssh {
        /// Whom.
        host: String,
        /// What happened.
        problem: String,
    },
    /// The host is not the pinned one, or the realm cannot say.
    #[error("the identity of {host} is refused: {source}")]
    Host {
        /// Whom.
        host: String,
        /// Why.
        #[source]
        source: Box<TrustError>,
    },
    /// The server does not know these credentials.
    #[error("{host} refused {who}")]
    Refused {
        /// Whom.
        host: String,
        /// As "deploy key SHA256:... for user git".
        who: String,
    },
    /// The server answered, with something else than the repository.
    #[error("{host} answered: {said}")]
    Server {
        /// Whom.
        host: String,
        /// What it said, cleaned and shortened.
        said: String,
    },
    /// The answer ended too early.
    #[error("{host} ended the connection in the middle of its answer")]
    CutOff {
        /// Whom.
        host: String,
    },
    /// libgit2 refused what came.
    #[error("{attempt} {what}: {problem}")]
    Git {
        /// As "fetching", "opening".
        attempt: &'static str,
        /// What.
        what: String,
        /// libgit2's message.
        problem: String,
    },
    /// A repository without a commit.
    #[error("the repository at {address} is empty")]
    Empty {
        /// Where.
        address: String,
    },
    /// A branch, tag or commit that is not there.
    #[error("the repository at {address} has no {reference}")]
    NoReference {
        /// Where.
        address: String,
        /// As "branch `main`".
        reference: String,
        /// The nearest names, or how to reach a commit.
        hint: String,
    },
    /// Something other than a commit.
    #[error("{reference} names {found}, not a commit")]
    NotCommit {
        /// As "tag `v1`".
        reference: String,
        /// As "a tree", "another tag".
        found: String,
    },
    /// The branch moved where it may not.
    #[error("{reference} moved {movement} commit {last}, which ran last here, to {found}")]
    Rollback {
        /// As "branch `main`".
        reference: String,
        /// "back behind", "aside from", "in a way that its history does not show, from".
        movement: &'static str,
        /// What ran last.
        last: String,
        /// What came.
        found: String,
    },
    /// An object that is missing or damaged.
    #[error("the repository lacks {object} of commit {commit}")]
    Incomplete {
        /// As "blob 0123... (roles/a/tasks/main.yml)".
        object: String,
        /// Which commit needs it.
        commit: String,
    },
    /// A path that the tree does not have, or has as something else.
    #[error("{path} in the repository: {problem}")]
    Path {
        /// Within the tree.
        path: String,
        /// What is wrong.
        problem: String,
    },
    /// The operating system refused.
    #[error("{attempt} {path}: {source}", path = path.display())]
    Io {
        /// What was attempted.
        attempt: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
}

impl Explain for FetchError {
    fn hint(&self) -> Option<String> {
        let text = match self {
            Self::Address { .. } => {
                "write git@HOST:PATH, ssh://USER@HOST[:PORT]/PATH, https://HOST/PATH or a local path"
            }
            Self::Key { .. } => {
                "store an unencrypted private key as OpenSSH or PEM writes it: ed25519, ECDSA P-256/384/521 or RSA"
            }
            Self::Setting { .. } | Self::Path { .. } | Self::Stopped { .. } => return None,
            Self::Resolve(_) => "is the name right, and does the VPC's DNS answer? (`resolvectl query HOST`)",
            Self::Connect { .. } => "do the security group, the route and the proxy let this host reach it?",
            Self::Timeout { .. } | Self::Deadline { .. } => {
                "do the security group, the route and the proxy let this host reach it? `repository.timeout` can give it longer"
            }
            Self::TooMuch { .. } => {
                "a config repository is small: is this the right one? Artifacts are published as releases"
            }
            Self::Ssh { .. } => "is there an SSH server at this address and port?",
            Self::Host { source, .. } => return source.hint(),
            Self::Refused { .. } => {
                "add the deploy key's public half to the repository (read access is enough), or mend the credentials"
            }
            Self::Server { .. } => "does the repository exist, and may these credentials read it?",
            Self::CutOff { .. } => "try again; if it stays so, look at the server's log or the proxy's",
            Self::Git { .. } => "if the local copy is damaged, remove /var/lib/muster/repository: it is fetched again",
            Self::Empty { .. } => "push a signed commit first",
            Self::NoReference { hint, .. } => return Some(hint.clone()),
            Self::NotCommit { .. } => "name a branch, a tag of a commit, or a commit",
            Self::Rollback { found, .. } => {
                return Some(format!("if that is meant, run once with `--allow-rollback {found}`"));
            }
            Self::Pinned { .. } => {
                "push the config repository's commits before the release that was made with them; if they are there, something serves an old copy"
            }
            Self::Incomplete { .. } => {
                "run again: everything is fetched anew; if it stays so, look at the server (`git fsck`)"
            }
            Self::Io { .. } => "is the disk full or read-only?",
        };
        Some(text.to_owned())
    }

    fn rule(&self) -> Option<&'static str> {
        match self {
            Self::Rollback { .. } => Some("the config repository never goes back"),
            _ => None,
        }
    }
}

/// What a server said: one line of printable text, shortened.
pub(super) fn clean(said: &[u8]) -> String {
    let text = String::from_utf8_lossy(said);
    let words: Vec<&str> = text.split(|character: char| character.is_control() || character == ' ').collect();
    let line = words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(300) {
        Some((end, _)) => format!("{}...", &line[..end]),
        None => line,
    }
}
