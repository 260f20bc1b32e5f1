//! Delivery: send, judge the answer, wait and send again, until it is settled or time is up.

use super::super::retry::Backoff;
use super::super::{CloudError, Instant, Kind, Metadata, Session};
use super::attempt::{NO_HOOK, Sent};
use super::outcome::{Judgement, Standing, Step, judge};
use super::scaling::{self, Held};
use super::{Outcome, Recipient};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{sleep, timeout_at};

/// What became of an outcome.
#[derive(Debug)]
pub enum Delivery {
    /// Accepted.
    Delivered,
    /// Nobody waits for it any more, or it had arrived before: as good as delivered.
    Settled {
        /// Why.
        because: &'static str,
    },
    /// Not accepted before the deadline: to be sent again by the next boot.
    Unsent(CloudError),
    /// It will never be accepted.
    Refused(CloudError),
}

impl Delivery {
    /// Whether the outbox may forget it.
    pub fn is_settled(&self) -> bool {
        matches!(self, Self::Delivered | Self::Settled { .. })
    }

    /// Of several the one that leaves most to be done.
    fn and(self, other: Self) -> Self {
        let left = |one: &Self| match one {
            Self::Settled { .. } => 0,
            Self::Delivered => 1,
            Self::Refused(_) => 2,
            Self::Unsent(_) => 3,
        };
        if left(&self) >= left(&other) { self } else { other }
    }
}

/// Carries outcomes. With metadata it can sign as the instance where the role cannot.
#[derive(Clone, Debug)]
pub struct Messenger {
    pub(super) session: Session,
    pub(super) metadata: Option<Arc<Metadata>>,
    permission: Duration,
}

/// A signal is one small request; more than this and it is sent again.
const ATTEMPT: Duration = Duration::from_secs(30);
/// For finding out the group and its hooks.
const SEARCH: Duration = Duration::from_secs(8);
/// Whoever makes an instance and its policy together has attached it within this, and IAM knows it everywhere.
const PERMISSION: Duration = Duration::from_secs(300);

/// Waits between attempts.
struct Patience {
    deadline: Instant,
    permission: Duration,
    /// Until when a denial is waited out.
    permitted: Option<Instant>,
    backoff: Backoff,
}

impl Patience {
    /// Waits before another attempt; `false` where there is no time for one.
    async fn another(&mut self, denied: bool) -> bool {
        let now = Instant::now();
        let until = if denied { *self.permitted.get_or_insert(now + self.permission) } else { self.deadline };
        let pause = self.backoff.pause();
        if now + pause >= until.min(self.deadline) {
            return false;
        }
        sleep(pause).await;
        true
    }
}

fn is_denied(error: &CloudError) -> bool {
    error.kind() == Some(Kind::Denied)
}

impl Messenger {
    /// With the session whose role signs, and the metadata of the instance where there is one.
    pub fn new(session: Session, metadata: Option<Arc<Metadata>>) -> Self {
        Self { session, metadata, permission: PERMISSION }
    }

    /// One that waits for no permission: what is denied stays so.
    pub fn impatient(self) -> Self {
        Self { permission: Duration::ZERO, ..self }
    }

    fn patience(&self, deadline: Instant) -> Patience {
        let backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(20));
        Patience { deadline, permission: self.permission, permitted: None, backoff }
    }

    /// Delivers an outcome. `attempted`: an attempt was recorded before, and its answer is not known.
    pub async fn deliver(&self, outcome: &Outcome, attempted: bool, deadline: Instant) -> Delivery {
        let Recipient::Lifecycle { group, hook: None } = &outcome.to else {
            return self.tell(outcome, attempted, deadline).await;
        };
        let found = match self.seek(&outcome.instance_id, group.as_deref(), deadline).await {
            Ok(found) => found,
            Err(delivery) => return delivery,
        };
        // Side by side: an action that was completed before must not keep another from being completed.
        let mut telling = tokio::task::JoinSet::new();
        for held in found {
            let to = Recipient::Lifecycle { group: Some(held.group), hook: Some(held.hook) };
            let (messenger, outcome) = (self.clone(), Outcome { to, ..outcome.clone() });
            telling.spawn(async move { messenger.tell(&outcome, attempted, deadline).await });
        }
        let told = telling.join_all().await.into_iter().reduce(Delivery::and);
        told.unwrap_or(Delivery::Settled { because: NO_HOOK })
    }

    /// The hooks that nobody named, asked for until there is an answer.
    async fn seek(&self, instance: &str, group: Option<&str>, deadline: Instant) -> Result<Vec<Held>, Delivery> {
        let mut patience = self.patience(deadline);
        loop {
            let until = (Instant::now() + SEARCH).min(deadline);
            let error = match scaling::held(&self.session, instance, group, None, until).await {
                Ok(found) => return Ok(found),
                Err(error) => error,
            };
            if !is_denied(&error) && !error.may_pass() {
                return Err(Delivery::Refused(error));
            }
            if !patience.another(is_denied(&error)).await {
                return Err(Delivery::Unsent(error));
            }
        }
    }

    async fn tell(&self, outcome: &Outcome, mut attempted: bool, deadline: Instant) -> Delivery {
        let mut patience = self.patience(deadline);
        let mut last: Option<CloudError> = None;
        loop {
            let until = (Instant::now() + ATTEMPT).min(deadline);
            let mut denied = false;
            match timeout_at(until, self.send(outcome, until)).await {
                Ok(Sent::Accepted) => return Delivery::Delivered,
                Ok(Sent::Nobody(because)) => return Delivery::Settled { because },
                Ok(Sent::Unaccepted(one)) => {
                    let standing = self.standing(&one, until).await;
                    let row = judge(one.step, &one.answer, attempted, standing);
                    tracing::debug!("{}: {}: {}", one.call, one.answer.message, row.because);
                    attempted |= matches!(one.answer.kind, Kind::Silent | Kind::Fault);
                    denied = one.answer.kind == Kind::Denied;
                    match row.judgement {
                        Judgement::Settled => return Delivery::Settled { because: row.because },
                        Judgement::Fatal => return Delivery::Refused(self.session.failed(one.call, one.answer).await),
                        Judgement::Retry => last = Some(self.session.failed(one.call, one.answer).await),
                    }
                }
                Ok(Sent::Lost(error)) if error.may_pass() || is_denied(&error) => {
                    denied = is_denied(&error);
                    last = Some(error);
                }
                Ok(Sent::Lost(error)) => return Delivery::Refused(error),
                Err(_) => attempted = true,
            }
            if !patience.another(denied).await {
                return Delivery::Unsent(last.unwrap_or_else(|| CloudError::Late { what: outcome.to.to_string() }));
            }
        }
    }

    /// The launch hooks that wait, or will wait, for an instance, and are its own to complete; the one that is named
    /// where one is.
    pub async fn hooks(
        &self,
        instance_id: &str,
        group: Option<&str>,
        hook: Option<&str>,
        deadline: Instant,
    ) -> Result<Vec<Held>, CloudError> {
        scaling::held(&self.session, instance_id, group, hook, deadline).await
    }

    /// Restarts a hook's timeout, once, while work goes on. `false`: it does not wait for the instance, or not yet, or
    /// AWS could not be asked now.
    pub async fn heartbeat(&self, held: &Held) -> Result<bool, CloudError> {
        match scaling::heartbeat(&self.session, held).await {
            Ok(()) => Ok(true),
            Err((call, answer)) if answer.kind == Kind::Denied => Err(self.session.failed(call, answer).await),
            Err((call, answer)) => match judge(Step::Heartbeat, &answer, false, Standing::Unknown).judgement {
                Judgement::Fatal => Err(self.session.failed(call, answer).await),
                Judgement::Retry | Judgement::Settled => {
                    tracing::debug!("{call}: {}", answer.message);
                    Ok(false)
                }
            },
        }
    }
}
