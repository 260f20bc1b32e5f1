//! What is wrong with what muster was given to judge by: benchmarks, profiles, waivers, reports, roots.

use crate::failure::{Explain, Place};
use std::path::PathBuf;

/// Input that cannot be judged by.
#[derive(Debug, thiserror::Error)]
pub enum ValidateError {
    /// A document does not have the form that it has to have.
    #[error("{what}: {message}")]
    Document {
        /// Which document.
        what: String,
        /// What is wrong with it.
        message: String,
        /// Where.
        place: Option<Box<Place>>,
    },
    /// Nothing is known by that name.
    #[error("there is no {what} `{name}`")]
    Unknown {
        /// Profile, control, format.
        what: &'static str,
        /// As it was asked for.
        name: String,
        /// Names that there are.
        known: Vec<String>,
    },
    /// A file of muster's own input cannot be read.
    #[error("read {path}: {source}", path = path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The root is none of a Linux system.
    #[error("{root} is not the root of a Linux system: {why}", root = root.display())]
    NotLinux {
        /// The directory.
        root: PathBuf,
        /// What is missing.
        why: String,
    },
    /// The profile is made for others.
    #[error("the profile {profile} is for {for_these}; this is {is}")]
    OtherSystem {
        /// The profile.
        profile: String,
        /// What it is for.
        for_these: String,
        /// What the root is.
        is: String,
    },
}

impl Explain for ValidateError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Unknown { name, known, .. } => {
                let near = known.iter().map(|one| (strsim::damerau_levenshtein(one, name), one)).min();
                let near = near.filter(|(distance, one)| *distance <= 1 + one.len() / 3);
                Some(match near {
                    Some((_, one)) => format!("did you mean `{one}`?"),
                    None => format!("there are {}", known.join(", ")),
                })
            }
            Self::NotLinux { .. } => Some("name a directory that has etc/os-release and etc/passwd".into()),
            Self::OtherSystem { .. } => Some("`muster validate --list` says which profile is for which system".into()),
            Self::Document { .. } => Some("CONTRIBUTING.md describes the format".into()),
            Self::Read { .. } => None,
        }
    }

    fn place(&self) -> Option<Place> {
        match self {
            Self::Document { place, .. } => place.as_deref().cloned(),
            _ => None,
        }
    }
}

impl ValidateError {
    /// A YAML document that serde refused, with its place.
    pub fn yaml(what: &str, text: &str, error: &serde_yaml::Error) -> Self {
        let place = error.location().map(|at| {
            let line = u32::try_from(at.line()).unwrap_or(1);
            let column = u32::try_from(at.column()).unwrap_or(1);
            let excerpt = text.lines().nth(at.line().saturating_sub(1)).filter(|line| line.len() <= 160);
            Box::new(Place { file: what.to_owned(), line, column, excerpt: excerpt.map(str::to_owned) })
        });
        Self::Document { what: what.to_owned(), message: error.to_string(), place }
    }
}
