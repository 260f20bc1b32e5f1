//! The story of one boot, and the adapters that introduce the rooms to each other.

mod audience;
mod by_hand;
mod close;
mod compliance;
mod conformance;
mod deadline;
mod duty;
mod ground;
mod heartbeat;
mod hooks;
pub mod image;
mod instance;
mod lifecycle;
mod observer;
mod parameters;
mod planning;
mod reach;
mod registries;
mod releases;
mod remote;
mod report;
mod repository;
mod roles;
mod root_volume;
mod seam;
pub mod signal;
mod tree;
mod update;
mod updates;
mod vault;
mod vitals;
mod who;
mod work;

pub use by_hand::{LocalTree, converge_tree, roll_back, vault_of};
pub use compliance::comply;
pub use conformance::{Conformance, conformance};
pub use planning::Planning;
pub use roles::What;
pub use seam::Machine;
pub use update::update;
pub use updates::{Baked, Baking, Linting, Looked, Looking, bake, lint, look};

use crate::failure::Failure;
use crate::journal::{Counts, Done};
use crate::release::Record;
use crate::roles::plan::PlanFile;
use crate::secret::Redactor;
use crate::settings::Sources;
use crate::trust::TrustRoot;
use duty::Duty;
use std::path::PathBuf;
use std::time::Duration;

/// What the run of a boot is called in the journal. Only such a run has an audience.
pub(crate) const BOOT: &str = "muster boot";

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

/// Brings the host to duty, and tells whoever waits how it went, whichever way it went.
pub fn boot(request: &Request) -> Result<Ended, Failure> {
    reported(request, perform)
}

/// Nothing that is done here can miss the report, an early return neither. A panic ends the process: the failure unit
/// reports it, or the next boot.
fn reported(request: &Request, work: impl FnOnce(&mut Duty) -> Result<Ended, Failure>) -> Result<Ended, Failure> {
    let mut duty = Duty::begin(request)?;
    let result = work(&mut duty);
    duty.report(result)
}

/// One boot, once through.
fn perform(duty: &mut Duty) -> Result<Ended, Failure> {
    let instance = duty.identify()?;
    let settings = duty.settle(&instance)?;
    if let Some(ended) = duty.done_before(&instance)? {
        return Ok(ended);
    }
    let caller = duty.become_caller(&settings, &instance)?;
    let _heartbeat = duty.heartbeat(&caller, &instance);
    let realm = duty.realm(settings.trust.realm.as_ref())?;
    let (updates, pins) = duty.updates(&settings, &caller, &realm)?.unzip();
    let realm = match &updates {
        Some(updates) => updates.believed(realm)?,
        None => realm,
    };
    let (parameters, checked) = duty.fetch(&settings, &caller, &realm, &pins.unwrap_or_default())?;
    let mut work = duty.load(&settings, &caller, &realm, &parameters, checked)?;
    work.updates = updates;
    work.fetch_secrets()?;
    if duty.request.planning != Planning::Converge {
        return work.by_plan(&duty.request.planning, None);
    }
    work.judge()?;
    let result = work.before().and_then(|()| {
        work.converge(None)?;
        work.release(&settings)?;
        work.after()?;
        work.check_health(&settings)
    });
    match result {
        Ok(()) => Ok(work.ended()),
        Err(failure) => {
            duty.failed();
            Err(work.fail(failure))
        }
    }
}
