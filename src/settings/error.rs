//! Why settings were refused.

use crate::failure::{Explain, Failure, Place, Stage};
use std::path::PathBuf;

/// Settings that muster will not run with.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// A file could not be read.
    #[error("read settings {}", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A file that anyone may change decides what root does.
    #[error("settings {} can be written by anyone", path.display())]
    Writable {
        /// Which file.
        path: PathBuf,
    },
    /// A file in conf.d whose name says that it is meant and whose ending says that it is not.
    #[error("settings {} would not be read: only names that end in .yaml are", path.display())]
    Ending {
        /// Which file.
        path: PathBuf,
    },
    /// More bytes than settings have.
    #[error("{name} is larger than {largest} bytes")]
    TooLarge {
        /// What was read.
        name: String,
        /// The limit.
        largest: usize,
    },
    /// No UTF-8.
    #[error("{name} is not UTF-8 text")]
    NotText {
        /// What was read.
        name: String,
    },
    /// Not YAML, or YAML that settings do not have.
    #[error("settings do not parse: {message}")]
    Syntax {
        /// Where.
        place: Box<Place>,
        /// What the parser said.
        message: String,
    },
    /// One key written twice.
    #[error("`{key}` is written twice, first at {first}")]
    Duplicate {
        /// Where the second stands.
        place: Box<Place>,
        /// The key.
        key: String,
        /// Where the first stands.
        first: Box<Place>,
    },
    /// A key that no setting has.
    #[error("unknown key `{path}`")]
    UnknownKey {
        /// Where.
        place: Box<Place>,
        /// The key with its parents.
        path: String,
        /// The nearest key that exists there.
        nearest: Option<String>,
        /// All keys that exist there.
        known: Vec<String>,
    },
    /// A value of a wrong type, or one that the key does not take.
    #[error("`{path}`: {message}")]
    Value {
        /// Where; a flag and a default have none.
        place: Option<Box<Place>>,
        /// The key with its parents.
        path: String,
        /// What was expected and what was found.
        message: String,
        /// What to write.
        hint: Option<String>,
    },
    /// User-data asked for what only the image may say.
    #[error("user-data may not set `{path}`{why}")]
    Launch {
        /// Where.
        place: Box<Place>,
        /// The key with its parents.
        path: String,
        /// Why not, with leading punctuation.
        why: String,
        /// What would allow it.
        hint: String,
    },
    /// A template that cannot be rendered.
    #[error("`{path}`: {message}")]
    Template {
        /// Where.
        place: Option<Box<Place>>,
        /// The key with its parents.
        path: String,
        /// What the template engine said.
        message: String,
    },
    /// User-data that cannot be unpacked.
    #[error("user-data: {message}")]
    UserData {
        /// What was wrong.
        message: String,
    },
}

impl SettingsError {
    /// The key that is refused, with its parents, where one is.
    pub(crate) fn path(&self) -> Option<&str> {
        match self {
            Self::UnknownKey { path, .. }
            | Self::Value { path, .. }
            | Self::Launch { path, .. }
            | Self::Template { path, .. } => Some(path),
            _ => None,
        }
    }
}

/// Where the rule about launch data is written.
pub(crate) const LAUNCH_RULE: &str =
    "launch data may narrow what the image allows, never widen it (ARCHITECTURE.md, Settings)";

impl Explain for SettingsError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Writable { path } => Some(format!("chmod o-w {}", path.display())),
            Self::Ending { .. } => Some("rename it to .yaml, or take it away".into()),
            Self::UnknownKey { nearest: Some(nearest), .. } => Some(format!("did you mean `{nearest}`?")),
            Self::UnknownKey { known, .. } => Some(format!("known here: {}", known.join(", "))),
            Self::Value { hint, .. } => {
                Some(hint.clone().unwrap_or_else(|| "`muster config schema` tells what may stand here".into()))
            }
            Self::Launch { hint, .. } => Some(hint.clone()),
            Self::Duplicate { .. } => Some("keep one of them; lists are written `key: [a, b]`".into()),
            Self::Syntax { .. } => {
                Some("settings are plain YAML, without anchors and tags: is the indentation right?".into())
            }
            Self::TooLarge { .. } | Self::NotText { .. } => Some("is this the file that was meant?".into()),
            Self::Read { .. } => Some("is it there, a regular file, and readable by this user?".into()),
            Self::UserData { .. } => Some(
                "a `muster:` document stands alone, in gzip or base64, or as a part of a cloud-init MIME multipart; user-data is \
                 16 KiB at most"
                    .into(),
            ),
            Self::Template { .. } => Some(
                "templates see `instance`, `placement` and `tags` (no tags in `repository.url` and `hooks`); \
                 what may be absent needs `| default('...')`"
                    .into(),
            ),
        }
    }

    fn place(&self) -> Option<Place> {
        match self {
            Self::Syntax { place, .. }
            | Self::Duplicate { place, .. }
            | Self::UnknownKey { place, .. }
            | Self::Launch { place, .. } => Some((**place).clone()),
            Self::Value { place, .. } | Self::Template { place, .. } => place.as_deref().cloned(),
            _ => None,
        }
    }

    fn rule(&self) -> Option<&'static str> {
        matches!(self, Self::Launch { .. }).then_some(LAUNCH_RULE)
    }
}

impl From<SettingsError> for Failure {
    fn from(error: SettingsError) -> Self {
        Self::new(Stage::Settings, error)
    }
}
