//! Delivery: send, judge the answer, wait and send again, until it is settled or time is up.

use super::super::retry::Backoff;
use super::super::{Answer, Call, CloudError, Instant, Kind, Metadata, Session};
use super::outcome::{Judgement, Standing, Step, judge};
use super::scaling::{self, Held};
use super::{Outcome, Recipient, stack, wait_condition};
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
}

/// Carries outcomes. With metadata it can sign as the instance where the role cannot.
#[derive(Clone, Debug)]
pub struct Messenger {
    session: Session,
    metadata: Option<Arc<Metadata>>,
}

/// One attempt that was not accepted.
struct Unaccepted {
    step: Step,
    call: Call,
    answer: Answer,
    held: Option<Held>,
}

enum Sent {
    Accepted,
    /// There is nobody to send it to.
    Nobody(&'static str),
    Unaccepted(Unaccepted),
    /// Whom to send it to could not be found out.
    Lost(CloudError),
}

/// A signal is one small request; more than this and it is sent again.
const ATTEMPT: Duration = Duration::from_secs(30);
/// For finding out the group and its hook.
const SEARCH: Duration = Duration::from_secs(8);

impl Messenger {
    /// With the session whose role signs, and the metadata of the instance where there is one.
    pub fn new(session: Session, metadata: Option<Arc<Metadata>>) -> Self {
        Self { session, metadata }
    }

    /// Delivers an outcome. `attempted`: an attempt was recorded before, and its answer is not known.
    pub async fn deliver(&self, outcome: &Outcome, attempted: bool, deadline: Instant) -> Delivery {
        let mut attempted = attempted;
        let mut backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(20));
        let mut last: Option<(Call, Answer)> = None;
        loop {
            let until = (Instant::now() + ATTEMPT).min(deadline);
            let error = match timeout_at(until, self.send(outcome, until)).await {
                Ok(Sent::Accepted) => return Delivery::Delivered,
                Ok(Sent::Nobody(because)) => return Delivery::Settled { because },
                Ok(Sent::Unaccepted(one)) => {
                    let standing = self.standing(&one, until).await;
                    let row = judge(one.step, &one.answer, attempted, standing);
                    tracing::debug!("{}: {}: {}", one.call, one.answer.message, row.because);
                    match row.judgement {
                        Judgement::Settled => return Delivery::Settled { because: row.because },
                        Judgement::Fatal => return Delivery::Refused(self.session.failed(one.call, one.answer).await),
                        Judgement::Retry => {
                            attempted |= matches!(one.answer.kind, Kind::Silent | Kind::Fault);
                            last = Some((one.call, one.answer));
                            None
                        }
                    }
                }
                Ok(Sent::Lost(error)) if error.may_pass() => Some(error),
                Ok(Sent::Lost(error)) => return Delivery::Refused(error),
                Err(_) => {
                    attempted = true;
                    None
                }
            };
            let pause = backoff.pause();
            if Instant::now() + pause >= deadline {
                return Delivery::Unsent(match (error, last) {
                    (Some(error), _) => error,
                    (None, Some((call, answer))) => self.session.failed_as(call, answer, None),
                    (None, None) => CloudError::Late { what: outcome.to.to_string() },
                });
            }
            sleep(pause).await;
        }
    }

    async fn send(&self, outcome: &Outcome, deadline: Instant) -> Sent {
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
                        let call = Call::new(super::super::Service::S3, "PutObject", url.to_string());
                        unaccepted(Step::WaitCondition, call, answer, None)
                    }
                }
            }
            Recipient::Lifecycle { group, hook } => {
                let (group, hook) = (group.as_deref(), hook.as_deref());
                // Only the request itself may be taken for an attempt, so the search for the hook ends before it.
                let found = (Instant::now() + SEARCH).min(deadline);
                let held = match scaling::held(&self.session, &outcome.instance_id, group, hook, found).await {
                    Ok(Some(held)) => held,
                    Ok(None) => return Sent::Nobody("no launch hook waits for this instance"),
                    Err(error) => return Sent::Lost(error),
                };
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
        let answer = match stack::by_role(&session, target, outcome).await {
            Err(answer) if matches!(answer.kind, Kind::Credentials | Kind::Denied) => answer,
            result => return result,
        };
        let Some(metadata) = &self.metadata else { return Err(answer) };
        tracing::info!("{}: the role could not sign ({}); signing as the instance", target.call(), answer.message);
        match stack::by_identity(&session, metadata, target, outcome).await {
            // What the role was told is what an operator can change.
            Err(second) if matches!(second.kind, Kind::Credentials | Kind::Denied) => Err(answer),
            result => result,
        }
    }

    /// Where the instance stands decides what "no active action" means; asked only then.
    async fn standing(&self, one: &Unaccepted, deadline: Instant) -> Standing {
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

    /// The launch hook that waits, or will wait, for an instance; `None` where none does.
    pub async fn hook(
        &self,
        instance_id: &str,
        group: Option<&str>,
        hook: Option<&str>,
        deadline: Instant,
    ) -> Result<Option<Held>, CloudError> {
        scaling::held(&self.session, instance_id, group, hook, deadline).await
    }

    /// Restarts a hook's timeout, once, while work goes on. `false`: it does not wait for the instance, or not yet, or
    /// AWS could not be asked now.
    pub async fn heartbeat(&self, held: &Held) -> Result<bool, CloudError> {
        match scaling::heartbeat(&self.session, held).await {
            Ok(()) => Ok(true),
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

#[cfg(test)]
mod tests {
    use super::super::super::testing::{Reply, Request, Server};
    use super::super::super::{Network, Transport};
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn outcome(success: bool, to: Recipient) -> Outcome {
        Outcome { success, reason: "why".into(), instance_id: "i-0abc".into(), to }
    }

    fn stack() -> Recipient {
        Recipient::Stack { stack: "web".into(), resource: "Group".into(), region: None }
    }

    fn hook() -> Recipient {
        Recipient::Lifecycle { group: None, hook: None }
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(20)
    }

    fn refusal(status: u16, code: &str, message: &str) -> Reply {
        Reply::text(
            status,
            &format!(
                "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
            ),
        )
    }

    fn action(request: &Request) -> String {
        let query = request.body.clone() + request.path.split_once('?').map_or("", |(_, query)| query);
        query.split('&').find_map(|pair| pair.strip_prefix("Action=")).unwrap_or_default().to_owned()
    }

    fn instance(state: &str) -> Reply {
        Reply::text(
            200,
            &format!(
                "<DescribeAutoScalingInstancesResponse><DescribeAutoScalingInstancesResult><AutoScalingInstances><member>\
                 <InstanceId>i-0abc</InstanceId><AutoScalingGroupName>web</AutoScalingGroupName><LifecycleState>{state}\
                 </LifecycleState></member></AutoScalingInstances></DescribeAutoScalingInstancesResult>\
                 </DescribeAutoScalingInstancesResponse>"
            ),
        )
    }

    fn launch_hooks(names: &[&str]) -> Reply {
        let members: String = names
            .iter()
            .map(|name| {
                format!(
                    "<member><LifecycleHookName>{name}</LifecycleHookName><LifecycleTransition>\
                     autoscaling:EC2_INSTANCE_LAUNCHING</LifecycleTransition></member>"
                )
            })
            .collect();
        Reply::text(
            200,
            &format!(
                "<DescribeLifecycleHooksResponse><DescribeLifecycleHooksResult><LifecycleHooks>{members}</LifecycleHooks>\
                 </DescribeLifecycleHooksResult></DescribeLifecycleHooksResponse>"
            ),
        )
    }

    #[tokio::test]
    async fn a_signal_that_comes_late_is_settled() {
        let server = Server::start(|request| {
            assert!(
                request.body.contains("UniqueId=i-0abc") && request.body.contains("Status=SUCCESS"),
                "{}",
                request.body
            );
            refusal(400, "ValidationError", "Stack web is in CREATE_COMPLETE state and cannot be signaled")
        })
        .await;
        let delivery = Messenger::new(server.session(), None).deliver(&outcome(true, stack()), false, soon()).await;
        assert!(matches!(delivery, Delivery::Settled { .. }), "{delivery:?}");
        assert_eq!(server.seen().len(), 1);
    }

    #[tokio::test]
    async fn a_denied_role_leaves_the_signature_to_the_instance() {
        let server = Server::start(|request| match request.header("authorization") {
            _ if request.path == "/latest/api/token" => Reply::text(200, "token"),
            _ if request.path == "/latest/dynamic/instance-identity/document" => Reply::text(
                200,
                r#"{"accountId":"1","architecture":"arm64","availabilityZone":"a","imageId":"ami","instanceId":"i-0abc","instanceType":"t","region":"eu-west-1"}"#,
            ),
            _ if request.path == "/latest/dynamic/instance-identity/signature" => Reply::text(200, "sig\nned"),
            _ if request.path.starts_with("/latest/") => Reply::text(404, ""),
            Some(value) if value.starts_with("CFN_V1 ") && value.ends_with(":signed") => {
                assert!(request.path.contains("Status=FAILURE"), "{}", request.path);
                Reply::text(200, "{}")
            }
            _ => refusal(403, "AccessDenied", "User: arn:x is not authorized to perform: cloudformation:SignalResource"),
        })
        .await;
        let network = Network { metadata_endpoint: Some(server.url()), ..Network::default() };
        let transport = Transport::new(network).expect("transport");
        let metadata = Arc::new(Metadata::new(&transport, Duration::from_secs(5)).expect("metadata"));
        let by_instance = Messenger::new(server.session(), Some(metadata));
        let delivery = by_instance.deliver(&outcome(false, stack()), false, soon()).await;
        assert!(matches!(delivery, Delivery::Delivered), "{delivery:?}");
        let by_role = Messenger::new(server.session(), None).deliver(&outcome(false, stack()), false, soon()).await;
        let Delivery::Refused(error) = by_role else { panic!("{by_role:?}") };
        assert!(
            error.to_string().starts_with("cloudformation:SignalResource on Group of stack web denied to arn:x"),
            "{error}"
        );
    }

    #[tokio::test]
    async fn a_hook_that_has_not_taken_hold_is_waited_for() {
        let calls = AtomicUsize::new(0);
        let server = Server::start(move |request| match action(request).as_str() {
            "DescribeAutoScalingInstances" => instance("Pending"),
            "DescribeLifecycleHooks" => launch_hooks(&["launch"]),
            "CompleteLifecycleAction" if calls.fetch_add(1, Ordering::SeqCst) == 0 => {
                refusal(400, "ValidationError", "No active Lifecycle Action found with instance ID i-0abc")
            }
            "CompleteLifecycleAction" => {
                assert!(request.body.contains("LifecycleActionResult=ABANDON") && request.body.contains("InstanceId=i-0abc"));
                Reply::text(200, "<CompleteLifecycleActionResponse><CompleteLifecycleActionResult/></CompleteLifecycleActionResponse>")
            }
            other => Reply::text(500, other),
        })
        .await;
        let delivery = Messenger::new(server.session(), None).deliver(&outcome(false, hook()), false, soon()).await;
        assert!(matches!(delivery, Delivery::Delivered), "{delivery:?}");
    }

    #[tokio::test]
    async fn an_instance_in_service_waits_for_no_hook() {
        let server = Server::start(|request| match action(request).as_str() {
            "DescribeAutoScalingInstances" => instance("InService"),
            "DescribeLifecycleHooks" => launch_hooks(&["launch"]),
            _ => refusal(400, "ValidationError", "No active Lifecycle Action found with instance ID i-0abc"),
        })
        .await;
        let messenger = Messenger::new(server.session(), None);
        let delivery = messenger.deliver(&outcome(true, hook()), false, soon()).await;
        assert!(matches!(delivery, Delivery::Settled { .. }), "{delivery:?}");
        let held = messenger.hook("i-0abc", None, None, soon()).await.expect("asked").expect("a hook");
        assert!(!messenger.heartbeat(&held).await.expect("asked"));
    }

    #[tokio::test]
    async fn two_launch_hooks_are_named_and_none_is_completed() {
        let server = Server::start(|request| match action(request).as_str() {
            "DescribeAutoScalingInstances" => instance("Pending:Wait"),
            _ => launch_hooks(&["first", "second"]),
        })
        .await;
        let delivery = Messenger::new(server.session(), None).deliver(&outcome(true, hook()), false, soon()).await;
        let Delivery::Refused(error) = delivery else { panic!("{delivery:?}") };
        assert!(error.to_string().contains("first, second"), "{error}");
    }

    #[tokio::test]
    async fn ill_health_is_said_at_once_and_what_is_throttled_stays_unsent() {
        let server = Server::start(|request| match action(request).as_str() {
            "SetInstanceHealth" => {
                assert!(
                    request.body.contains("HealthStatus=Unhealthy")
                        && request.body.contains("ShouldRespectGracePeriod=false")
                );
                Reply::text(200, "<SetInstanceHealthResponse/>")
            }
            _ => refusal(400, "Throttling", "Rate exceeded"),
        })
        .await;
        let messenger = Messenger::new(server.session(), None);
        assert!(messenger.deliver(&outcome(false, Recipient::Health), false, soon()).await.is_settled());
        let brief = Instant::now() + Duration::from_secs(2);
        let delivery = messenger.deliver(&outcome(true, stack()), false, brief).await;
        assert!(matches!(delivery, Delivery::Unsent(_)) && !delivery.is_settled(), "{delivery:?}");
    }
}
