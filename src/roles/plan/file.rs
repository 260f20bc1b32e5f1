//! A plan in a file: what it was made from, what it saw, what it would do. It holds no secret.

use super::step::Step;
use crate::failure::{Explain, Place};
use crate::host::durable;
use crate::roles::converge::Recap;
use crate::secret::Redactor;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The layout's name; a plan of another layout is refused.
pub const FORMAT: &str = "muster-plan/1";

/// More than this is no plan of ours.
const LARGEST: u64 = 256 << 20;

/// What a plan was made from. Two plans with equal inputs, over the same machine, are equal.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inputs {
    /// muster's version.
    pub muster: String,
    /// The commit, or the local tree and its digest.
    pub tree: String,
    /// The playbook or the roles, tags, and groups.
    pub what: String,
    /// The host it is for.
    pub host: String,
    /// Parameters that were read: name to version.
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
    /// Secrets that were read: name to version.
    #[serde(default)]
    pub secrets: BTreeMap<String, String>,
    /// Variables that the run was given: name to a digest of the value that only this machine can make.
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
    /// Facts that were read: name to digest of the value.
    #[serde(default)]
    pub facts: BTreeMap<String, String>,
}

/// A plan.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanFile {
    /// [`FORMAT`].
    pub format: String,
    /// When it was made.
    pub made: jiff::Timestamp,
    /// What it was made from.
    pub inputs: Inputs,
    /// What it would do, in order.
    pub steps: Vec<Step>,
    /// The state at each place that it alters, as it was found.
    pub seen: BTreeMap<String, String>,
    /// Counts.
    pub recap: Recap,
}

/// A plan that could not be read, written or applied.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The file.
    #[error("{attempt} plan {}: {source}", path.display())]
    Io {
        /// "reading", "writing".
        attempt: &'static str,
        /// The plan.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// It is no plan, or of another layout.
    #[error("{} is no plan that can be applied: {problem}", path.display())]
    Layout {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// What it was made from, or the machine, has moved.
    #[error("the plan no longer holds, and nothing was changed: {}", .0.join("; "))]
    Moved(Vec<String>),
    /// Tasks whose outcome is not known.
    #[error("the plan has undecided tasks, and nothing was changed: {}", .0.join("; "))]
    Undecided(Vec<String>),
}

impl Explain for PlanError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Io { .. } => return None,
            Self::Layout { .. } => "make it with `muster plan -o FILE`, with the same muster".into(),
            Self::Moved(_) => "make a new plan with `muster plan`, and review it".into(),
            Self::Undecided(_) => "`--allow-undecided` applies them too".into(),
        })
    }

    fn place(&self) -> Option<Place> {
        None
    }

    fn rule(&self) -> Option<&'static str> {
        matches!(self, Self::Moved(_)).then_some("reviewed is what runs")
    }
}

impl PlanFile {
    /// The same without any secret that is known: a path or a name may be made of one.
    #[must_use]
    pub fn scrubbed(mut self, redactor: &Redactor) -> Self {
        self.steps.iter_mut().for_each(|step| step.scrub(redactor));
        self.seen = self.seen.iter().map(|(place, state)| (redactor.scrub(place), redactor.scrub(state))).collect();
        self
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// The tasks whose outcome is not known.
    pub fn undecided(&self) -> Vec<&Step> {
        self.steps.iter().filter(|step| step.undecided.is_some()).collect()
    }

    /// Writes it, for its owner alone.
    pub fn write(&self, path: &Path) -> Result<(), PlanError> {
        let failed = |source| PlanError::Io { attempt: "writing", path: path.to_owned(), source };
        let mut text = serde_json::to_vec_pretty(self).map_err(|error| failed(error.into()))?;
        text.push(b'\n');
        durable::write(path, &text, 0o600).map_err(failed)
    }

    /// Reads one.
    pub fn read(path: &Path) -> Result<Self, PlanError> {
        let failed = |source| PlanError::Io { attempt: "reading", path: path.to_owned(), source };
        let layout = |problem: String| PlanError::Layout { path: path.to_owned(), problem };
        let mut bytes = Vec::new();
        let file = std::fs::File::open(path).map_err(failed)?;
        file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(failed)?;
        if bytes.len() as u64 > LARGEST {
            return Err(layout(format!("it has more than {} MiB", LARGEST >> 20)));
        }
        let json: serde_json::Value = serde_json::from_slice(&bytes).map_err(|error| layout(error.to_string()))?;
        match json.get("format").and_then(serde_json::Value::as_str) {
            Some(FORMAT) => serde_json::from_value(json).map_err(|error| layout(error.to_string())),
            Some(other) => Err(layout(format!("its format is `{other}`, and this muster reads `{FORMAT}`"))),
            None => Err(layout("it does not name a format".into())),
        }
    }
}
