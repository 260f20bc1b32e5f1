//! Outcomes: into the outbox before the first attempt, then to whoever waits, all at the same time.

use super::audience::{Audience, outcome};
use super::reach::{Caller, Reach};
use crate::cloud::Instant;
use crate::cloud::signal::{Delivery, Messenger};
use crate::failure::{Explain, Failure, Stage};
use crate::journal::{Entry, History, JournalError, Message, Outbox, RunId};
use crate::secret::Redactor;
use jiff::Timestamp;
use std::path::Path;
use std::sync::Arc;

/// Nothing in AWS waits longer for a host: a lifecycle hook's global timeout is 48 hours.
const EXPIRES: jiff::SignedDuration = jiff::SignedDuration::from_hours(49);

/// Reports outcomes of this host.
pub(super) struct Reporter {
    outbox: Outbox,
    history: History,
    redactor: Redactor,
}

/// What became of a delivery of everything that was due.
#[derive(Debug, Default)]
pub(super) struct Settled {
    /// A line for each message: to whom, and how it went.
    pub(super) lines: Vec<String>,
    /// What could not be delivered.
    pub(super) failed: Vec<Failure>,
}

fn kept(error: JournalError) -> Failure {
    Failure::new(Stage::Signal, error)
}

impl Reporter {
    /// With the state that outlives a run.
    pub(super) fn new(state: &Path, redactor: Redactor) -> Self {
        Self { outbox: Outbox::open(state, redactor.clone()), history: History::open(state), redactor }
    }

    /// Writes down what everybody is to be told of a run.
    pub(super) fn put(&self, run: &RunId, messages: &[Message]) -> Result<(), Failure> {
        let now = Timestamp::now();
        for message in messages {
            let key = format!("{run} {message}");
            self.outbox.put(&key, message.clone(), now.checked_add(EXPIRES).ok(), now).map_err(kept)?;
        }
        Ok(())
    }

    /// What everybody is to be told when a run ended so.
    pub(super) fn messages(&self, audience: &Audience, result: Result<(), &Failure>) -> Vec<Message> {
        let reason = result.err().map_or_else(String::new, |failure| self.redactor.scrub(&failure.reason()));
        audience.messages(result.is_ok(), &reason)
    }

    /// Runs that ended without a word are failures: written down for delivery first, settled second, so that a kill
    /// between the two reports one twice and never not at all. `but` is the run that goes on now.
    pub(super) fn interrupted(&self, audience: &Audience, but: Option<&RunId>) -> Result<Vec<String>, Failure> {
        let mut found = Vec::new();
        for (record, how) in self.history.interrupted().map_err(kept)? {
            if Some(&record.id) == but {
                continue;
            }
            let reason = self.redactor.scrub(&how.message(&record));
            // Only a boot has an audience: nobody waits for a converge.
            if record.command == super::BOOT {
                // A run that was killed while it told of its success has succeeded: what it decided stands.
                let well = self.outbox.verdict_of(&record.id).map_err(kept)?.unwrap_or(false);
                self.put(&record.id, &audience.messages(well, if well { "" } else { &reason }))?;
            }
            self.history.settle(record, how, Timestamp::now()).map_err(kept)?;
            found.push(reason);
        }
        Ok(found)
    }

    /// Delivers messages that could not be written down (a full disk, a read-only one): once, and unremembered. Better
    /// than silence, which would cost the stack its whole timeout.
    pub(super) fn send(&self, messages: &[Message], reach: &Reach, caller: &Caller, deadline: Instant) -> Settled {
        let messenger = Messenger::new(caller.own.clone(), Some(Arc::clone(&reach.metadata)));
        let mut settled = Settled::default();
        for message in messages {
            let told = outcome(message).map(|outcome| reach.wait(messenger.deliver(&outcome, false, deadline)));
            match told {
                Ok(delivery) if delivery.is_settled() => settled.lines.push(format!("{message}: delivered")),
                Ok(Delivery::Unsent(error) | Delivery::Refused(error)) | Err(error) => {
                    settled.failed.push(Failure::new(Stage::Signal, error));
                }
                Ok(_) => {}
            }
        }
        settled
    }

    /// Delivers everything that is due, all at the same time, until a deadline.
    pub(super) fn settle(&self, reach: &Reach, caller: &Caller, deadline: Instant) -> Result<Settled, Failure> {
        let mut settled = Settled::default();
        let pending = self.outbox.pending(Timestamp::now()).map_err(kept)?;
        settled.failed.extend(pending.unreadable.into_iter().map(kept));
        let messenger = Messenger::new(caller.own.clone(), Some(Arc::clone(&reach.metadata)));
        let mut due = Vec::new();
        for mut entry in pending.entries {
            let attempted = entry.may_have_been_heard();
            match outcome(&entry.message) {
                Ok(outcome) => {
                    if let Err(error) = self.outbox.attempt(&mut entry, Timestamp::now()) {
                        settled.failed.push(kept(error));
                    }
                    due.push((entry, outcome, attempted));
                }
                Err(error) => settled.failed.push(Failure::new(Stage::Signal, error)),
            }
        }
        let answers: Vec<(Entry, Delivery)> = reach.wait(async {
            let mut sending = tokio::task::JoinSet::new();
            for (entry, outcome, attempted) in due {
                let messenger = messenger.clone();
                sending.spawn(async move { (entry, messenger.deliver(&outcome, attempted, deadline).await) });
            }
            sending.join_all().await
        });
        for (entry, delivery) in answers {
            self.answered(entry, delivery, &mut settled)?;
        }
        Ok(settled)
    }

    fn answered(&self, mut entry: Entry, delivery: Delivery, settled: &mut Settled) -> Result<(), Failure> {
        let now = Timestamp::now();
        let to = entry.message.to_string();
        match delivery {
            Delivery::Delivered => {
                self.outbox.delivered(&mut entry, "delivered", now).map_err(kept)?;
                settled.lines.push(format!("{to}: delivered"));
            }
            Delivery::Settled { because } => {
                self.outbox.delivered(&mut entry, because, now).map_err(kept)?;
                settled.lines.push(format!("{to}: settled, {because}"));
            }
            Delivery::Unsent(error) | Delivery::Refused(error) => {
                let text = self.redactor.scrub(&error.to_string());
                self.outbox.failed(&mut entry, &text, now).map_err(kept)?;
                let hint = error.hint().unwrap_or_else(|| "it stays in the outbox; the next boot sends it".into());
                settled.failed.push(Failure::message(Stage::Signal, format!("{to}: {text}")).with_hint(hint));
            }
        }
        Ok(())
    }
}
