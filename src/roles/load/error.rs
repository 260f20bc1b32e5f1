//! What can be wrong with a tree: errors that end loading, and refusals that wait until their task is known to run.

use crate::failure::{Explain, Place, Stage};
use crate::roles::yaml::YamlError;
use std::path::PathBuf;

/// A tree that cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A file is not YAML.
    #[error(transparent)]
    Yaml(#[from] YamlError),
    /// A file could not be read.
    #[error("reading {path}: {source}", path = path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A file is encrypted, and no key opens it.
    #[error("Unable to access the file '{path}': {source}")]
    Vault {
        /// Which.
        path: String,
        /// Why not.
        source: crate::roles::vault::VaultError,
    },
    /// A node is not what stands there in Ansible's language.
    #[error("{what} must be {wanted}, and this is {have}")]
    Shape {
        /// What stands there.
        what: String,
        /// What it must be.
        wanted: &'static str,
        /// What it is.
        have: &'static str,
        /// Where.
        place: Place,
    },
    /// A word that is no keyword there.
    #[error("`{name}` is not a keyword of a {on}")]
    Keyword {
        /// As written.
        name: String,
        /// What it was written on.
        on: &'static str,
        /// The nearest that there is.
        nearest: Option<String>,
        /// Where.
        place: Place,
    },
    /// A task with no module, or with two.
    #[error("{problem}")]
    Task {
        /// What is wrong.
        problem: String,
        /// What to do.
        hint: Option<String>,
        /// Where.
        place: Place,
    },
    /// A role, tasks file, variables file or playbook that is not there.
    #[error("{kind} `{name}` was not found")]
    Missing {
        /// What kind of thing.
        kind: &'static str,
        /// As asked for.
        name: String,
        /// Where it was looked for.
        searched: Vec<String>,
        /// Where it is named; absent on the command line.
        place: Option<Place>,
    },
    /// A name that must be known when the tree is read, and is not.
    #[error("the name of a static import must be known beforehand: {problem}")]
    Name {
        /// Why it is not.
        problem: String,
        /// Where.
        place: Place,
    },
    /// Roles or files that include each other.
    #[error("roles or files include each other more than {0} levels deep")]
    Deep(usize, Place),
}

impl Explain for LoadError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Yaml(error) => error.hint(),
            Self::Keyword { nearest, .. } => nearest.as_ref().map(|name| format!("did you mean `{name}`?")),
            Self::Task { hint, .. } => hint.clone(),
            Self::Missing { searched, .. } => Some(format!("looked in {}", searched.join(", "))),
            Self::Name { .. } => {
                Some("define the variable in vars, role defaults or with -e, or include dynamically".into())
            }
            Self::Vault { source, .. } => source.hint.clone(),
            Self::Read { .. } | Self::Shape { .. } | Self::Deep(..) => None,
        }
    }

    fn place(&self) -> Option<Place> {
        match self {
            Self::Yaml(error) => error.place(),
            Self::Shape { place, .. }
            | Self::Keyword { place, .. }
            | Self::Task { place, .. }
            | Self::Name { place, .. }
            | Self::Deep(_, place) => Some(place.clone()),
            Self::Missing { place, .. } => place.clone(),
            Self::Read { .. } | Self::Vault { .. } => None,
        }
    }
}

/// Something that muster does not do, in a task that may turn out to be skipped: it is refused before the first
/// change unless variables and facts prove that the task will not run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What is not done.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// Where it is asked for.
    pub place: Place,
    /// Whether the task fails with Ansible too, so that one that expects its failure may run.
    pub fails: bool,
    /// Where what is wrong is not the tree: the stage of what it asks for and does not get.
    pub outside: Option<Stage>,
}

impl Refusal {
    /// A refusal at a place.
    pub fn new(message: impl Into<String>, place: Place) -> Self {
        Self { message: message.into(), hint: None, place, fails: false, outside: None }
    }

    /// With what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// The nearest of some names, where one is near enough to be a slip of the pen.
pub(crate) fn nearest<'a>(name: &str, among: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let length = name.chars().count();
    let near = among.into_iter().filter_map(|have| {
        let limit = (have.len() / 3).clamp(1, 3);
        // A name that is longer by more than that is farther, too.
        let close = have.chars().count().abs_diff(length) <= limit;
        let distance = close.then(|| strsim::damerau_levenshtein(have, name))?;
        (distance <= limit).then_some((distance, have))
    });
    near.min().map(|(_, have)| have.to_owned())
}
