//! Outcomes: into the outbox before the first attempt, then to whoever waits: listeners side by side, and what one
//! listener is told in its order.

use super::audience::{Audience, outcome};
use super::lifecycle::NAME_IT;
use super::reach::Reach;
use crate::cloud::signal::{Delivery, Messenger};
use crate::cloud::{Instant, Session};
use crate::failure::{Explain, Failure, Stage};
use crate::journal::{Entry, History, JournalError, Message, Outbox, Record, RunId, State, UNKEPT, Unheard};
use crate::secret::Redactor;
use jiff::{SignedDuration, Timestamp};
use std::path::Path;
use std::sync::Arc;

/// Nothing in AWS waits longer for a host: a stack waits 12 hours, a lifecycle hook's global timeout is 48.
const EXPIRES: SignedDuration = SignedDuration::from_hours(49);
/// A hook waits at most this long for the next heartbeat, and those end with the run. What is said later would be taken
/// for an answer to another action.
const HOOK_EXPIRES: SignedDuration = SignedDuration::from_hours(2);

/// Reports outcomes of this host.
pub(super) struct Reporter {
    outbox: Outbox,
    history: History,
    redactor: Redactor,
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

/// What became of a delivery.
#[derive(Debug, Default)]
pub(super) struct Settled {
    /// A line for each message that arrived: to whom, and how it went.
    pub(super) lines: Vec<String>,
    /// What of this run's own could not be delivered.
    pub(super) failed: Vec<Failure>,
    /// What of others' could not be, and what could not be read or written down on the way.
    pub(super) others: Vec<Failure>,
}

/// How it went with one message.
struct Told {
    entry: Entry,
    said: Result<String, Failure>,
    unwritten: Vec<JournalError>,
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

    /// What is still to be said, and what of it cannot be read.
    pub(super) fn pending(&self) -> (Vec<Entry>, Vec<Failure>) {
        match self.outbox.pending(Timestamp::now()) {
            Ok(pending) => (pending.entries, pending.unreadable.into_iter().map(kept).collect()),
            Err(error) => (Vec::new(), vec![kept(error)]),
        }
    }

    /// Delivers entries until a deadline: one listener's in their order, all listeners at the same time, so that one who
    /// does not answer costs the others nothing.
    pub(super) fn deliver(
        &self,
        entries: Vec<Entry>,
        is_own: impl Fn(&Entry) -> bool,
        reach: &Reach,
        session: &Session,
        deadline: Instant,
    ) -> Settled {
        let messenger = Messenger::new(session.clone(), Some(Arc::clone(&reach.metadata)));
        let mut queues: Vec<Vec<Entry>> = Vec::new();
        for entry in entries {
            let same = |queue: &&mut Vec<Entry>| queue.iter().any(|one| one.message.same_listener(&entry.message));
            match queues.iter_mut().find(same) {
                Some(queue) => queue.push(entry),
                None => queues.push(vec![entry]),
            }
        }
        let mut told: Vec<Told> = reach.wait(async {
            let mut sending = tokio::task::JoinSet::new();
            for queue in queues {
                let line = Line { outbox: self.outbox.clone(), messenger: messenger.clone(), deadline };
                sending.spawn(async move { line.in_order(queue).await });
            }
            sending.join_all().await.into_iter().flatten().collect()
        });
        told.sort_by_key(|one| (one.entry.number == UNKEPT, one.entry.number));
        let mut settled = Settled::default();
        for Told { entry, said, unwritten } in told {
            settled.others.extend(unwritten.into_iter().map(kept));
            match said {
                Ok(line) => settled.lines.push(line),
                Err(failure) => {
                    let failure = failure.scrubbed(|text| self.redactor.scrub(text));
                    if is_own(&entry) { settled.failed.push(failure) } else { settled.others.push(failure) }
                }
            }
        }
        settled
    }
}

/// Whether an unheard run is this host's, and somebody may still wait for it. An image made of a host has its state too.
fn concerns(record: &Record, audience: &Audience) -> bool {
    let other = record.instance.as_ref().is_some_and(|instance| instance != audience.instance());
    let since = record.ended.unwrap_or(record.started);
    !other && Timestamp::now().duration_since(since) < EXPIRES
}

/// One listener's line.
struct Line {
    outbox: Outbox,
    messenger: Messenger,
    deadline: Instant,
}

impl Line {
    async fn in_order(self, queue: Vec<Entry>) -> Vec<Told> {
        let mut told = Vec::new();
        let mut blocked = false;
        for entry in queue {
            let one = if blocked { waits(entry) } else { self.say(entry).await };
            blocked |= one.entry.state == crate::journal::Delivery::Pending;
            told.push(one);
        }
        told
    }

    async fn say(&self, mut entry: Entry) -> Told {
        let to = entry.message.to_string();
        let unnamed = matches!(&entry.message, Message::Lifecycle { hook, .. } if hook.is_empty());
        let or_name = if unnamed { format!("{NAME_IT}; ") } else { String::new() };
        let again = matches!(entry.message, Message::Lifecycle { again: true, .. });
        let attempted = entry.may_have_been_heard() || again;
        let mut unwritten: Vec<JournalError> = Vec::new();
        unwritten.extend(self.outbox.attempt(&mut entry, Timestamp::now()).err());
        let delivery = match outcome(&entry.message) {
            Ok(outcome) => self.messenger.deliver(&outcome, attempted, self.deadline).await,
            Err(error) => Delivery::Refused(error),
        };
        let now = Timestamp::now();
        let (written, said) = match delivery {
            Delivery::Delivered => {
                (self.outbox.delivered(&mut entry, "delivered", now), Ok(format!("{to}: delivered")))
            }
            Delivery::Settled { because } => {
                (self.outbox.delivered(&mut entry, because, now), Ok(format!("{to}: settled, {because}")))
            }
            Delivery::Refused(error) => {
                let failure = unsaid(&to, &error, "AWS will not accept it: it is not sent again");
                (self.outbox.refused(&mut entry, &error.to_string(), now), Err(failure))
            }
            Delivery::Unsent(error) => {
                let failure = unsaid(&to, &error, &format!("{or_name}it stays in the outbox; the next boot sends it"));
                (self.outbox.failed(&mut entry, &error.to_string(), now), Err(failure))
            }
        };
        unwritten.extend(written.err());
        Told { entry, said, unwritten }
    }
}

fn unsaid(to: &str, error: &crate::cloud::CloudError, then: &str) -> Failure {
    let hint = error.hint().map(|hint| format!("{hint}; {then}")).unwrap_or_else(|| then.to_owned());
    Failure::message(Stage::Signal, format!("{to}: {error}")).with_hint(hint)
}

/// A later word before an earlier one would turn the outcome around.
fn waits(entry: Entry) -> Told {
    let text = format!("{}: it waits for an earlier outcome, which is not delivered yet", entry.message);
    let said =
        Err(Failure::message(Stage::Signal, text).with_hint("both stay in the outbox; the next boot sends them"));
    Told { entry, said, unwritten: Vec::new() }
}
