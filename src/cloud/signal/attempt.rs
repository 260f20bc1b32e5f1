//! One attempt to tell somebody: the request, or two where the role cannot sign, and what came of it.

use super::super::{Answer, Call, CloudError, Instant, Kind, Service};
use super::outcome::{Judgement, Standing, Step, judge};
use super::scaling::{self, Held};
use super::{Messenger, Outcome, Recipient, stack, wait_condition};
use std::time::Duration;

/// One attempt that was not accepted.
pub(super) struct Unaccepted {
    pub(super) step: Step,
    pub(super) call: Call,
    pub(super) answer: Answer,
    held: Option<Held>,
}

/// What came of an attempt.
pub(super) enum Sent {
    Accepted,
    /// There is nobody to send it to.
    Nobody(&'static str),
    Unaccepted(Unaccepted),
    /// Whom to send it to could not be found out.
    Lost(CloudError),
}

/// For finding out the group.
const SEARCH: Duration = Duration::from_secs(8);

impl Messenger {
    /// Sends once.
    pub(super) async fn send(&self, outcome: &Outcome, deadline: Instant) -> Sent {
        let unaccepted = |step, call, answer, held| Sent::Unaccepted(Unaccepted { step, call, answer, held });
        match &outcome.to {
            Recipient::Stack { stack, resource, region } => {
                let target = stack::Target { stack, resource };
                match self.signal_stack(target, region.as_deref(), outcome).await {
                    Ok(()) => Sent::Accepted,
                    Err(answer) => unaccepted(Step::Stack, target.call(), answer, None),
                }
            }
            Recipient::WaitCondition { url, data } => {
                match wait_condition::put(self.session.transport(), url, outcome, data).await {
                    Ok(()) => Sent::Accepted,
                    Err(answer) => {
                        let call = Call::new(Service::S3, "PutObject", url.to_string());
                        unaccepted(Step::WaitCondition, call, answer, None)
                    }
                }
            }
            Recipient::Lifecycle { group, hook } => {
                // Only the request itself may be taken for an attempt, so the search for the group ends before it.
                let found = (Instant::now() + SEARCH).min(deadline);
                let (group, hook) = (group.as_deref(), hook.as_deref());
                let held = match scaling::held(&self.session, &outcome.instance_id, group, hook, found).await {
                    Ok(held) => held.into_iter().next(),
                    Err(error) => return Sent::Lost(error),
                };
                let Some(held) = held else { return Sent::Nobody(NO_HOOK) };
                match scaling::complete(&self.session, &held, outcome.success).await {
                    Ok(()) => Sent::Accepted,
                    Err((call, answer)) => unaccepted(Step::Complete, call, answer, Some(held)),
                }
            }
            Recipient::Health => {
                match scaling::set_health(&self.session, &outcome.instance_id, outcome.success).await {
                    Ok(()) => Sent::Accepted,
                    Err((call, answer)) => unaccepted(Step::Health, call, answer, None),
                }
            }
        }
    }

    async fn signal_stack(
        &self,
        target: stack::Target<'_>,
        region: Option<&str>,
        outcome: &Outcome,
    ) -> Result<(), Answer> {
        let elsewhere = region.filter(|region| *region != self.session.region());
        let session = elsewhere.map_or_else(|| self.session.clone(), |region| self.session.in_region(region));
        let first = match stack::by_role(&session, target, outcome).await {
            // A wrong clock spoils each signature of the role; the identity document has no date that is judged.
            Err(answer) if matches!(answer.kind, Kind::Credentials | Kind::Denied | Kind::Clock) => answer,
            result => return result,
        };
        let Some(metadata) = &self.metadata else { return Err(first) };
        tracing::info!("{}: the role could not sign ({}); signing as the instance", target.call(), first.message);
        let second = stack::by_identity(&session, metadata, target, outcome).await;
        second.map_err(|second| of_both(first, second))
    }

    /// Where the instance stands decides what "no active action" means; asked only then.
    pub(super) async fn standing(&self, one: &Unaccepted, deadline: Instant) -> Standing {
        let Some(held) = one.held.as_ref().filter(|_| one.answer.message.contains("Lifecycle")) else {
            return Standing::Unknown;
        };
        match scaling::member(&self.session, &held.instance_id, deadline).await {
            Ok(Some(member)) => Standing::of(&member.state),
            Ok(None) => Standing::Past,
            Err(error) => {
                tracing::debug!("{error}");
                Standing::Unknown
            }
        }
    }
}

/// Why an outcome for a hook that nobody named is settled.
pub(super) const NO_HOOK: &str = "no launch hook waits for this instance";

/// What the role was told is what an operator can change, so it decides and is named first. What the instance was told
/// decides where the service has judged the stack itself: it no longer waits, or it is not there.
fn of_both(first: Answer, second: Answer) -> Answer {
    let settled = judge(Step::Stack, &second, false, Standing::Unknown).judgement == Judgement::Settled;
    let judged = second.kind == Kind::Refused && !second.code.is_empty();
    let said = |answer: &Answer| match answer.code.as_str() {
        "" => answer.message.clone(),
        code => format!("{code}: {}", answer.message),
    };
    if settled || judged {
        let beside = Some(format!("the role could not sign: {}", said(&first)));
        Answer { beside, ..second }
    } else {
        let beside = Some(format!("signed as the instance: {}", said(&second)));
        Answer { beside, ..first }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_refusal_is_named_and_only_a_word_on_the_stack_itself_replaces_it() {
        let denied = || Answer::answered(403, "AccessDenied", "User: x is not authorized".into(), None);
        let expired = || Answer::answered(403, "ExpiredToken", "it has expired".into(), None);
        let page = Answer::answered(404, "", "not found".into(), None);
        let both = of_both(expired(), page);
        assert_eq!((both.kind, both.code.as_str()), (Kind::Credentials, "ExpiredToken"));
        assert_eq!(both.beside.as_deref(), Some("signed as the instance: not found"));
        let both = of_both(denied(), Answer::unanswered(Kind::Unreachable, "refused"));
        assert_eq!(both.kind, Kind::Denied);
        for said in ["Stack web is in CREATE_COMPLETE state and cannot be signaled", "Stack 'web' does not exist"] {
            let both = of_both(denied(), Answer::answered(400, "ValidationError", said.into(), None));
            assert_eq!((both.kind, both.message.as_str()), (Kind::Refused, said));
            assert!(both.beside.is_some_and(|beside| beside.contains("AccessDenied: User: x")));
        }
    }
}
