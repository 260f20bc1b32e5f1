//! How a run ends: everybody is told, and what was done is marked as done.

use super::delivery::Settled;
use super::duty::Duty;
use super::{BOOT, Ended, Mode, lifecycle};
use crate::cloud::Instant;
use crate::failure::{Failure, Stage};
use crate::journal::{Done, Entry, Marker, Message};
use jiff::Timestamp;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// A run that is asked to end tells what it can within this: less than the unit's `TimeoutStopSec`, after which it is
/// killed. What is left then is in the outbox.
const STOPPING: Duration = Duration::from_secs(60);

impl Duty {
    /// Tells everybody how it went: into the outbox first, then out.
    pub(super) fn report(&mut self, result: Result<Ended, Failure>) -> Result<Ended, Failure> {
        let result = result.map_err(|failure| self.deadline.judge(failure, self.stopped.load(Ordering::SeqCst)));
        // A local tree's changes have been told one by one.
        let completed = if self.request.mode == Mode::Tree { None } else { self.run.completed() };
        let result = result.map_err(|failure| failure.followed_by(completed.as_slice()));
        crate::host::end_programs_at(None);
        let told = self.tell(&result);
        told.lines.iter().for_each(|line| self.run.line(line));
        // What earlier runs owed is theirs: it decides nothing about this one.
        told.others.iter().for_each(|unsaid| self.run.note(&unsaid.to_string()));
        let result = match result {
            Ok(ended) => told.failed.into_iter().next().map_or(Ok(ended), Err),
            Err(failure) => {
                told.failed.iter().for_each(|unsaid| self.run.note(&unsaid.to_string()));
                Err(failure)
            }
        };
        // The marker is the last word: a host whose outcome could not be said is not done.
        let result = result.and_then(|ended| self.mark(&ended).map(|()| with_signals(ended, told.lines)));
        let ended = self.run.end(result.as_ref().map(|_| ()));
        match (result, ended) {
            (Ok(_), Err(error)) => Err(error.into()),
            (result, _) => result.map_err(|failure| failure.scrubbed(|text| self.redactor.scrub(text))),
        }
    }

    fn tell(&mut self, result: &Result<Ended, Failure>) -> Settled {
        let Some(caller) = self.caller.clone() else {
            if self.request.mode.command() == BOOT {
                self.run.note("who waits for this host did not get known: nobody was told, and the next boot tells");
            }
            return Settled::default();
        };
        let mut deadline = self.deadline.end();
        if self.stopped.load(Ordering::SeqCst) {
            deadline = deadline.min(Instant::now() + STOPPING);
        }
        let own = self.run.id();
        // Who runs a converge or an update by hand is told of no hook, unless an earlier boot owes one its outcome.
        if matches!(self.request.mode, Mode::Boot | Mode::BootAgain | Mode::Report) || self.reporter.owes(&own) {
            self.run.enter(Stage::Signal);
            if let Some(unknown) = lifecycle::find(&mut self.audience, &self.reach, &caller, deadline) {
                self.run.note(&unknown);
            }
        }
        // What earlier runs owe stands before this run's own outcome.
        let owed = self.reporter.owe(&self.audience, &own);
        owed.reasons.iter().for_each(|reason| self.run.note(&format!("owed of an earlier run: {reason}")));
        let due = self.due(result);
        let put = self.reporter.put(&own, &due);
        // A failure that nobody heard, because settings that name nobody are wrong, may still find somebody.
        let told = result.is_ok() || !due.is_empty();
        if told && put.unkept.is_empty() {
            self.run.reported();
        }
        let (mut entries, mut others) = self.reporter.pending();
        others.extend(owed.failed.into_iter().chain(put.failed));
        let unkept = !put.unkept.is_empty();
        entries.extend(owed.unkept.into_iter().chain(put.unkept));
        let is_own = |entry: &Entry| self.request.mode == Mode::Report || entry.is_of(&own);
        let mut settled = self.reporter.deliver(entries, is_own, &self.reach, &caller.own, deadline);
        settled.others.extend(others);
        if told && unkept && settled.failed.is_empty() {
            self.run.reported();
        }
        settled
    }

    /// What this run has to tell.
    fn due(&self, result: &Result<Ended, Failure>) -> Vec<Message> {
        let host = self.host.as_ref().filter(|_| self.request.mode == Mode::Boot);
        match (self.request.mode, result) {
            (Mode::Converge | Mode::Report | Mode::Tree | Mode::Rollback | Mode::Update, _) => Vec::new(),
            (_, Ok(Ended::AlreadyDone { done, .. })) => self.audience.lifecycle(done.stretch == self.stretch),
            (_, result) => {
                let mut due = self.reporter.messages(&self.audience, result.as_ref().map(|_| ()));
                // A host that was brought to duty is not replaced because a later boot of it could not look at its
                // settings or write its state.
                if host.is_some_and(|host| Marker::open(&self.state).read(host).is_some()) {
                    due.retain(|message| !matches!(message, Message::InstanceHealth { .. }));
                }
                due
            }
        }
    }

    fn mark(&self, ended: &Ended) -> Result<(), Failure> {
        let done = match (ended, &self.host) {
            (Ended::Converged { commit, .. }, Some(host)) if self.request.mode != Mode::Converge => Done {
                host: host.clone(),
                run: self.run.id(),
                tree: commit.clone(),
                at: Timestamp::now(),
                stretch: self.stretch.clone(),
            },
            (Ended::AlreadyDone { done, .. }, _) if done.stretch != self.stretch => {
                let done = Done { stretch: self.stretch.clone(), ..done.clone() };
                if let Err(error) = Marker::open(&self.state).write(&done) {
                    self.run.note(&error.to_string());
                }
                return Ok(());
            }
            _ => return Ok(()),
        };
        Ok(Marker::open(&self.state).write(&done)?)
    }
}

fn with_signals(ended: Ended, lines: Vec<String>) -> Ended {
    match ended {
        Ended::Converged { commit, counts, .. } => Ended::Converged { commit, counts, signals: lines },
        Ended::AlreadyDone { done, .. } => Ended::AlreadyDone { done, signals: lines },
        Ended::Reported { .. } => Ended::Reported { signals: lines },
        other @ (Ended::RolledBack { .. } | Ended::Updated { .. } | Ended::Planned { .. }) => other,
    }
}
