//! Delivery of what is in the outbox: listeners side by side, and what one listener is told in its order.

use super::audience::outcome;
use super::lifecycle::NAME_IT;
use super::reach::Reach;
use super::report::{Reporter, kept};
use crate::cloud::signal::{Delivery, Messenger};
use crate::cloud::{Instant, Session};
use crate::failure::{Explain, Failure, Stage};
use crate::journal::{Entry, JournalError, Message, Outbox, UNKEPT};
use jiff::Timestamp;
use std::sync::Arc;

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

impl Reporter {
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
