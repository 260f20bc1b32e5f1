//! What is asked of a run, and how one ends well.

use super::{BOOT, Machine, Planning};
use crate::journal::{Counts, Done};
use crate::release::Record;
use crate::roles::plan::PlanFile;
use crate::secret::Redactor;
use crate::settings::Sources;
use crate::trust::TrustRoot;
use std::path::PathBuf;
use std::time::Duration;

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Request {
    /// What to do.
    pub mode: Mode,
    /// Where settings come from.
    pub sources: Sources,
    /// The root that is brought to duty; `/` but for images and tests.
    pub root: PathBuf,
    /// How long to wait for another muster to end.
    pub wait_lock: Duration,
    /// The commit that a branch may go back to.
    pub allow_rollback: Option<String>,
    /// `--tags` and `--skip-tags`.
    pub tags: (Vec<String>, Vec<String>),
    /// Whether progress goes to the terminal.
    pub progress: bool,
    /// What is believed; `None` is this binary's own trust root, and what the commands always say.
    pub trust: Option<TrustRoot>,
    /// The machine that is changed; `None` is the one beneath the root, and what the commands always say.
    pub machine: Option<Machine>,
    /// What becomes of what the roles ask for.
    pub planning: Planning,
    /// What the run learns must not be shown; whoever prints what it tells shares it.
    pub redactor: Redactor,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The whole story, unless it is done for this host; everybody who waits is told.
    Boot,
    /// The whole story though it is done.
    BootAgain,
    /// Roles, releases and health again; nobody is told.
    Converge,
    /// A local tree's roles alone; nobody is told.
    Tree,
    /// The release before, back in its place; nobody is told.
    Rollback,
    /// The newest releases of the update repository; nobody is told.
    Update,
    /// Only what earlier runs still owe.
    Report,
}

impl Mode {
    /// What such a run is called in the journal.
    pub(crate) fn command(self) -> &'static str {
        match self {
            Self::Boot | Self::BootAgain => BOOT,
            Self::Converge => "muster converge",
            Self::Tree => "muster converge --tree",
            Self::Rollback => "muster release rollback",
            Self::Update => "muster release update",
            Self::Report => "muster boot --report-only",
        }
    }
}

/// How it ended well.
#[derive(Clone, Debug)]
pub enum Ended {
    /// The host is in order.
    Converged {
        /// The commit that ran.
        commit: String,
        /// What became of tasks.
        counts: Counts,
        /// What was said to whom.
        signals: Vec<String>,
    },
    /// It was done before for this instance, image and root volume; only what was still owed was said.
    AlreadyDone {
        /// When, and by which run.
        done: Done,
        /// What was said to whom.
        signals: Vec<String>,
    },
    /// What earlier runs owed was said.
    Reported {
        /// What was said to whom.
        signals: Vec<String>,
    },
    /// Nothing was altered: this is what would be.
    Planned {
        /// The plan.
        plan: Box<PlanFile>,
    },
    /// The newest releases of the update repository are in place.
    Updated {
        /// The applications, and what is in place of each.
        releases: Vec<Record>,
    },
    /// The release before is back.
    RolledBack {
        /// What stands now.
        record: Record,
    },
}
