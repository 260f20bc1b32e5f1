//! Outcomes, written into the outbox before the first attempt: a run's own, and what earlier runs could not tell.

use super::audience::Audience;
use crate::failure::{Failure, Stage};
use crate::journal::{Entry, History, JournalError, Message, Outbox, Record, RunId, State, Unheard};
use crate::secret::Redactor;
use jiff::{SignedDuration, Timestamp};
use std::path::Path;

/// Nothing in AWS waits longer for a host: a stack waits 12 hours, a lifecycle hook's global timeout is 48.
const EXPIRES: SignedDuration = SignedDuration::from_hours(49);
/// A hook waits at most this long for the next heartbeat, and those end with the run. What is said later would be taken
/// for an answer to another action.
const HOOK_EXPIRES: SignedDuration = SignedDuration::from_hours(2);

/// Reports outcomes of this host.
pub(super) struct Reporter {
    pub(super) outbox: Outbox,
    history: History,
    pub(super) redactor: Redactor,
}

/// What became of messages that were to be written down.
#[derive(Default)]
pub(super) struct Put {
    /// Those that could not be, to be sent all the same: better than silence, which would cost a stack its whole
    /// timeout.
    pub(super) unkept: Vec<Entry>,
    /// Why not.
    pub(super) failed: Vec<Failure>,
}

/// What earlier runs could not tell.
#[derive(Default)]
pub(super) struct Owed {
    /// How they ended.
    pub(super) reasons: Vec<String>,
    pub(super) unkept: Vec<Entry>,
    pub(super) failed: Vec<Failure>,
}

pub(super) fn kept(error: JournalError) -> Failure {
    Failure::new(Stage::Signal, error)
}

impl Reporter {
    /// With the state that outlives a run.
    pub(super) fn new(state: &Path, redactor: Redactor) -> Self {
        Self { outbox: Outbox::open(state, redactor.clone()), history: History::open(state), redactor }
    }

    /// Writes down what everybody is to be told of a run.
    pub(super) fn put(&self, run: &RunId, messages: &[Message]) -> Put {
        let now = Timestamp::now();
        let mut put = Put::default();
        for message in messages {
            let key = format!("{run} {message}");
            let expires = if matches!(message, Message::Lifecycle { .. }) { HOOK_EXPIRES } else { EXPIRES };
            if let Err(error) = self.outbox.put(&key, message.clone(), now.checked_add(expires).ok(), now) {
                put.unkept.push(self.outbox.unkept(&key, message.clone(), now));
                put.failed.push(
                    Failure::message(Stage::Signal, format!("{message} is sent without being written down: {error}"))
                        .with_hint("should it not arrive, nothing here remembers that it must be sent again"),
                );
            }
        }
        put
    }

    /// The same where nothing is to be written down.
    pub(super) fn unkept(&self, run: &RunId, messages: &[Message]) -> Vec<Entry> {
        let now = Timestamp::now();
        messages.iter().map(|message| self.outbox.unkept(&format!("{run} {message}"), message.clone(), now)).collect()
    }

    /// What everybody is to be told when a run ended so.
    pub(super) fn messages(&self, audience: &Audience, result: Result<(), &Failure>) -> Vec<Message> {
        let reason = result.err().map_or_else(String::new, |failure| self.redactor.scrub(&failure.reason()));
        audience.messages(result.is_ok(), &reason)
    }

    /// What is owed of runs that nobody heard of: written down for delivery first, settled second, so that a kill
    /// between the two reports one twice and never not at all. `but` is the run that goes on now.
    pub(super) fn owe(&self, audience: &Audience, but: &RunId) -> Owed {
        let mut owed = Owed::default();
        let unheard = self.history.unheard().unwrap_or_else(|error| {
            owed.failed.push(kept(error));
            Vec::new()
        });
        for (record, why) in unheard.into_iter().filter(|(record, _)| record.id != *but) {
            let reason = self.redactor.scrub(&why.message(&record));
            // Only a boot has an audience: nobody waits for a converge.
            if record.command == super::BOOT && concerns(&record, audience) {
                let well = self.went_well(&record, why);
                let messages = audience.messages(well, if well { "" } else { &reason });
                let put = self.put(&record.id, &messages);
                if !messages.is_empty() || why != Unheard::Untold {
                    owed.reasons.push(reason);
                }
                let whole = put.unkept.is_empty();
                owed.unkept.extend(put.unkept);
                owed.failed.extend(put.failed);
                if !whole {
                    continue;
                }
            }
            owed.failed.extend(self.history.settle(record, why, Timestamp::now()).err().map(kept));
        }
        owed
    }

    /// A run that was killed while it told of its success, or that failed at nothing but telling, has succeeded: what it
    /// decided stands.
    fn went_well(&self, record: &Record, why: Unheard) -> bool {
        let decided = self.outbox.verdict_of(&record.id).ok().flatten();
        let only_untold = record.failure.as_ref().is_some_and(|failure| failure.stage == Stage::Signal);
        decided.unwrap_or(why == Unheard::Untold && (record.state == State::Done || only_untold))
    }

    /// Whether an earlier boot told nobody how it ended, so that even a run without an audience has something to say.
    pub(super) fn owes(&self, but: &RunId) -> bool {
        let unheard = self.history.unheard().unwrap_or_default();
        unheard.iter().any(|(record, _)| record.id != *but && record.command == super::BOOT)
    }

    /// What is still to be said, and what of it cannot be read.
    pub(super) fn pending(&self) -> (Vec<Entry>, Vec<Failure>) {
        match self.outbox.pending(Timestamp::now()) {
            Ok(pending) => (pending.entries, pending.unreadable.into_iter().map(kept).collect()),
            Err(error) => (Vec::new(), vec![kept(error)]),
        }
    }
}

/// Whether an unheard run is this host's, and somebody may still wait for it. An image made of a host has its state too.
fn concerns(record: &Record, audience: &Audience) -> bool {
    let other = record.instance.as_ref().is_some_and(|instance| instance != audience.instance());
    let since = record.ended.unwrap_or(record.started);
    !other && Timestamp::now().duration_since(since) < EXPIRES
}
