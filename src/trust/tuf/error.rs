//! What TUF says no to: the rule that was broken, the role or key concerned, and what to do next.

use crate::failure::Explain;
use crate::trust::strict::StrictError;
use jiff::Timestamp;
use std::path::PathBuf;

/// A repository, a floor or a clock that may not be believed.
#[derive(Debug, thiserror::Error)]
pub enum TufError {
    /// A file that is no JSON, says something twice, or drowns its reader.
    #[error("TUF metadata {file} is refused: {source}")]
    Json {
        /// Which.
        file: String,
        /// Why.
        source: StrictError,
    },
    /// Metadata that is not built as metadata is.
    #[error("TUF metadata is malformed: {problem}")]
    Malformed {
        /// What is wrong.
        problem: String,
    },
    /// One public key under two ids, for one role.
    #[error("role {role} in {file} lists one public key under two ids, {first} and {second}")]
    OneKeyTwice {
        /// The file that lists them.
        file: String,
        /// For which role.
        role: String,
        /// One id.
        first: String,
        /// The other.
        second: String,
    },
    /// A file could not be had.
    #[error("fetching TUF file {file}: {message}")]
    Fetch {
        /// Which.
        file: String,
        /// What happened.
        message: String,
        /// What to do next.
        hint: Option<String>,
    },
    /// A file that must be there is not.
    #[error("the TUF repository has no {file}")]
    Missing {
        /// Which.
        file: String,
    },
    /// A file larger than it may be.
    #[error("TUF file {file} has more than {limit} bytes")]
    TooLarge {
        /// Which.
        file: String,
        /// What it may have.
        limit: u64,
    },
    /// Metadata past its time.
    #[error("TUF role {role} expired at {expires}; it is {now}")]
    Expired {
        /// Whose metadata.
        role: String,
        /// Since when.
        expires: Timestamp,
        /// What the clock says.
        now: Timestamp,
    },
    /// Too few good signatures.
    #[error("TUF role {role} needs {threshold} signatures by its keys, and {found} are good")]
    Threshold {
        /// Whose metadata.
        role: String,
        /// Good ones.
        found: usize,
        /// How many it takes.
        threshold: usize,
    },
    /// One key id signs twice.
    #[error("TUF role {role} is signed twice by key {key}")]
    SignedTwice {
        /// Whose metadata.
        role: String,
        /// The key's id.
        key: String,
    },
    /// Older than what is trusted already.
    #[error("TUF role {role} goes back: version {trusted} is trusted, and version {found} was served")]
    Rollback {
        /// Which role, and how it was told.
        role: String,
        /// What is trusted.
        trusted: u64,
        /// What was served.
        found: u64,
    },
    /// A root that does not follow.
    #[error("TUF root {found} was served after root {trusted}: each root is followed by the next number")]
    RootOrder {
        /// What is trusted.
        trusted: u64,
        /// What was served.
        found: u64,
    },
    /// More roots than anybody has.
    #[error("the TUF root was replaced more than {limit} times")]
    Rotations {
        /// How many are followed.
        limit: u32,
    },
    /// Bytes that are not the ones that other metadata names.
    #[error("TUF metadata does not fit together: {problem}")]
    Mismatch {
        /// What does not fit.
        problem: String,
    },
    /// Nobody who may speaks of a target.
    #[error("the TUF repository lists no target {target} by a role that may list it")]
    NotListed {
        /// Which.
        target: String,
    },
    /// A target whose bytes are not the ones that were signed.
    #[error("target {target} is refused: {problem}")]
    Target {
        /// Which.
        target: String,
        /// Why.
        problem: String,
    },
    /// No floor in the image.
    #[error("the image has no TUF floor at {path}", path = path.display())]
    NoFloor {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// A floor that is not what was baked.
    #[error("the TUF floor at {path} is damaged: {problem}", path = path.display())]
    DamagedFloor {
        /// Where.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// A floor of another trust root.
    #[error("the TUF floor at {path} was baked for root {floor}, and this binary's realm holds root {own}", path = path.display())]
    OtherFloor {
        /// Where.
        path: PathBuf,
        /// SHA-256 of the root that it was baked for.
        floor: String,
        /// SHA-256 of the realm's.
        own: String,
    },
    /// A repository older than the image.
    #[error("the TUF repository's {role} is at version {found}, below the image's floor of {floor}")]
    BelowFloor {
        /// Which role.
        role: &'static str,
        /// What the image knows.
        floor: u64,
        /// What was served.
        found: u64,
    },
    /// A clock that cannot be right.
    #[error("the clock says {now}, before the image was baked at {baked}")]
    ClockBehind {
        /// What the clock says.
        now: Timestamp,
        /// When the floor was baked.
        baked: Timestamp,
    },
    /// A clock that nobody vouches for.
    #[error("the clock was not synchronised within {waited} s")]
    ClockAlone {
        /// How long it was waited for.
        waited: u64,
    },
    /// An image past the age that its settings allow.
    #[error("the image was baked at {baked}; at {now} it is past its maximum age of {days} days")]
    ImageTooOld {
        /// What the clock says.
        now: Timestamp,
        /// When the floor was baked.
        baked: Timestamp,
        /// What settings allow.
        days: i64,
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

impl Explain for TufError {
    fn hint(&self) -> Option<String> {
        let text = match self {
            Self::Fetch { hint: Some(hint), .. } => return Some(hint.clone()),
            Self::Fetch { .. } => "look at the repository's address, and at what serves it",
            Self::Io { .. } => "is the disk there, and may this user read and write it?",
            Self::Json { .. } => {
                "judge the repository with `muster trust lint`; what was signed like this must be signed anew, and a server \
                 must answer 404, and no page, for what is not there"
            }
            Self::Malformed { .. } | Self::OneKeyTwice { .. } => {
                "judge the repository with `muster trust lint`; whoever signed this must sign it anew"
            }
            Self::Missing { .. } => "publish the repository again, whole; every N.root.json stays for ever",
            Self::TooLarge { .. } => "no honest repository serves this: look at who can write to it",
            Self::Expired { .. } => {
                "sign and publish that role anew; if the repository has newer metadata, something serves an old copy"
            }
            Self::Threshold { .. } | Self::SignedTwice { .. } => {
                "have the missing holders of that role's keys sign: root.json, or who delegates to it, lists their `keyids`"
            }
            Self::Rollback { .. } | Self::BelowFloor { .. } => {
                "something serves an old copy: publish the newest metadata; versions only ever rise"
            }
            Self::RootOrder { .. } => "publish every N.root.json, each signed by the keys of the one before it too",
            Self::Rotations { .. } => "bake a new image, with a newer root.json in its trust directory",
            Self::Mismatch { .. } | Self::Target { .. } => {
                "the repository was published in part, or tampered with: publish it again, whole"
            }
            Self::NotListed { .. } => "publish the target under a path that its role was delegated",
            Self::NoFloor { .. } | Self::DamagedFloor { .. } | Self::OtherFloor { .. } => {
                "bake the image again: `muster trust bake` runs once, after the trust directory is in place"
            }
            Self::ClockBehind { .. } | Self::ClockAlone { .. } => {
                "see `chronyc tracking`: the host needs 169.254.169.123 or another time server before it can judge"
            }
            Self::ImageTooOld { .. } => "launch from a newer image; `updates.maximum_age` says how old one may be",
        };
        Some(text.to_owned())
    }

    fn rule(&self) -> Option<&'static str> {
        Some(match self {
            Self::Json { .. } => "signed JSON says one thing (TUF 1.0.34, 4.2: canonical form)",
            Self::OneKeyTwice { .. } | Self::SignedTwice { .. } => "a key counts once (TUF 1.0.34, 4.2.1)",
            Self::TooLarge { .. } => "no download is without end (TUF 1.0.34, 5.2)",
            Self::Expired { .. } => "metadata holds until it expires (TUF 1.0.34, 5.3.10, 5.4.4, 5.5.6, 5.6.6)",
            Self::Threshold { .. } => "a threshold of a role's keys signs (TUF 1.0.34, 5.3.4, 5.4.2, 5.5.3, 5.6.3)",
            Self::Rollback { .. } => "versions never decrease (TUF 1.0.34, 5.4.3, 5.5.5)",
            Self::RootOrder { .. } | Self::Rotations { .. } => "roots follow one by one (TUF 1.0.34, 5.3.5)",
            Self::Mismatch { .. } | Self::Target { .. } => {
                "bytes are the ones that were signed (TUF 1.0.34, 5.5.2, 5.6.2, 5.7.3)"
            }
            Self::NotListed { .. } => "a role speaks for the paths it was delegated (TUF 1.0.34, 5.6.7)",
            Self::NoFloor { .. } | Self::DamagedFloor { .. } | Self::OtherFloor { .. } | Self::BelowFloor { .. } => {
                "a host never trusts less than its image (ARCHITECTURE.md, the floor)"
            }
            Self::ClockBehind { .. } | Self::ClockAlone { .. } | Self::ImageTooOld { .. } => {
                "freshness needs a clock (ARCHITECTURE.md, the floor)"
            }
            Self::Malformed { .. } => "metadata has the form that TUF gives it (TUF 1.0.34, 4)",
            Self::Fetch { .. } | Self::Missing { .. } => {
                "what cannot be had ends the update; only a next root that is not there ends a chain (TUF 1.0.34, 5.3.3)"
            }
            Self::Io { .. } => return None,
        })
    }
}
