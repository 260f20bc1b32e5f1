//! The story of one boot, and the adapters that introduce the rooms to each other.

mod audience;
mod by_hand;
mod close;
mod compliance;
mod conformance;
mod deadline;
mod delivery;
mod downloads;
mod duty;
mod footing;
mod ground;
mod grounds;
mod heartbeat;
mod hooks;
pub mod image;
mod instance;
mod lent;
mod lifecycle;
mod machines;
mod objects;
mod observer;
mod owed;
mod parameters;
mod planning;
mod prefetch;
mod profiles;
mod reach;
mod registries;
mod releases;
mod remote;
mod report;
mod repository;
mod request;
mod roles;
mod root_volume;
mod seam;
pub mod signal;
mod supplies;
mod supply;
mod tree;
mod update;
mod updates;
mod vault;
mod vitals;
mod way_back;
mod who;
mod work;

pub use by_hand::{LocalTree, converge_tree, roll_back, vault_of};
pub use compliance::{compliance_wanted, comply};
pub use conformance::{Conformance, conformance};
pub use planning::Planning;
pub use profiles::profiles;
pub use request::{Ended, Mode, Request};
pub use roles::What;
pub use seam::Machine;
pub use update::update;
pub use updates::{Baked, Baking, Linting, Looked, Looking, bake, lint, look};

use crate::failure::Failure;
use duty::Duty;
use std::sync::Arc;

/// What the run of a boot is called in the journal. Only such a run has an audience.
pub(crate) const BOOT: &str = "muster boot";

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
    let updates = updates.map(Arc::new);
    let realm = match &updates {
        Some(updates) => updates.believed(realm)?,
        None => realm,
    };
    let realm = duty.sigstore(&settings, &caller, realm)?;
    let (parameters, checked) = duty.fetch(&settings, &caller, &realm, &pins.unwrap_or_default())?;
    let mut work = duty.load(&settings, &caller, &realm, &parameters, checked)?;
    work.lend(&settings, &realm, duty, updates);
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
