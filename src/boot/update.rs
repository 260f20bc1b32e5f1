//! `muster release update`: the newest releases of the update repository on a host that runs, by the same verification,
//! activation, health checks and way back as a boot. Roles do not run, and nobody is told.

use super::duty::Duty;
use super::machines::machines;
use super::releases::{self, Site};
use super::way_back::Before;
use super::who::Who;
use super::{Ended, Mode, Request, reported};
use crate::failure::{Failure, Stage};
use crate::fetch::Repository;
use crate::release::Record;
use std::sync::Arc;

/// Brings the releases that name targets to their newest.
pub fn update(request: &Request) -> Result<Ended, Failure> {
    reported(&Request { mode: Mode::Update, ..request.clone() }, newest)
}

fn newest(duty: &mut Duty) -> Result<Ended, Failure> {
    let instance = duty.identify()?;
    let settings = duty.settle(&instance)?;
    let caller = duty.become_caller(&settings, &instance)?;
    let realm = duty.realm(settings.trust.realm.as_ref())?;
    let Some((updates, pins)) = duty.updates(&settings, &caller, &realm)? else {
        return Err(Failure::message(Stage::Settings, "no release of the settings names a target")
            .with_hint("set `updates: {repository: ...}` and `target: ...` in a release"));
    };
    let updates = Arc::new(updates);
    let realm = duty.sigstore(&settings, &caller, updates.believed(realm)?)?;
    fits(duty, &pins)?;
    let grounds = duty.grounds(settings.state_directory.as_path(), "handlers.json");
    let who = Who::Known(Box::new(caller));
    let remote = duty.remote(who, Ok(realm.releases.clone()), settings.unverified_downloads, &grounds.records)?;
    let mut host = machines(&duty.request.root, false, duty.request.machine.as_ref())?.host;
    let before = Before::look(host.observe(), &grounds.records)?;
    grounds.run.enter(Stage::Release);
    let mut site = Site { grounds: &grounds, remote: &remote, host: host.as_mut(), updates: Some(&updates) };
    let result = releases::put_in_place(&mut site, &settings, true)
        .and_then(|()| grounds.check_health(&settings, host.observe()));
    if let Err(failure) = result {
        let failure = grounds.deadline.judge(failure, grounds.reach.is_stopped());
        duty.failed();
        return Err(failure.followed_by(&before.restore(host.as_mut(), &grounds.records)));
    }
    let records = Record::all(host.observe(), &grounds.records).map_err(|error| Failure::new(Stage::Release, error))?;
    Ok(Ended::Updated { releases: records.into_iter().map(|(_, record)| record).collect() })
}

/// The config repository that ran here last must have what the releases pin: they were made with it.
fn fits(duty: &Duty, pins: &[String]) -> Result<(), Failure> {
    let last = duty.last_tree()?.unwrap_or_default();
    let copy = Repository::open_or_init(&duty.state.join("repository"));
    let copy = copy.map_err(|error| Failure::new(Stage::Repository, error))?;
    match pins.iter().find(|pin| **pin != last && !copy.has(&last, pin)) {
        None => Ok(()),
        Some(pin) => {
            let ran = if last.is_empty() { "none has run here".to_owned() } else { format!("{last} ran here last") };
            let text = format!("the release pins commit {pin} of the config repository, and {ran}");
            let refused = Failure::message(Stage::Release, text)
                .with_hint("run `muster converge`: it brings the config repository and the releases forward together");
            Err(Failure { rule: Some("what a descriptor pins is held (ARCHITECTURE.md, the floor)"), ..refused })
        }
    }
}
