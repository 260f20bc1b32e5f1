//! Auto Scaling: which group an instance is in, its lifecycle hooks, and its health.

use super::super::retry::until;
use super::super::{Answer, Call, CloudError, Instant, Service, Session};
use super::heard::Answering;
use std::time::Duration;

/// An instance's place in its group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The group's name.
    pub group: String,
    /// As `Pending:Wait`, `InService`.
    pub state: String,
}

/// A lifecycle hook of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// Its name.
    pub name: String,
    /// Whether it holds instances that launch.
    pub launching: bool,
    /// How long it waits between heartbeats.
    pub heartbeat: Option<Duration>,
    /// Whether it tells a topic or a queue of each instance: then somebody else completes its actions.
    pub notifies: bool,
}

/// The group that an instance is in; `None` where it is in none.
pub async fn member(session: &Session, instance_id: &str, deadline: Instant) -> Result<Option<Member>, CloudError> {
    let call = Call::new(Service::AutoScaling, "DescribeAutoScalingInstances", instance_id);
    let request = session.autoscaling().describe_auto_scaling_instances().instance_ids(instance_id);
    match until(&call, deadline, || request.clone().send()).await {
        Ok(output) => {
            let found = output.auto_scaling_instances.unwrap_or_default().into_iter().next();
            Ok(found.map(|one| Member {
                group: one.auto_scaling_group_name.unwrap_or_default(),
                state: one.lifecycle_state.unwrap_or_default(),
            }))
        }
        Err(answer) => Err(session.failed(call, answer).await),
    }
}

/// The hooks of a group.
pub async fn hooks(session: &Session, group: &str, deadline: Instant) -> Result<Vec<Hook>, CloudError> {
    let call = Call::new(Service::AutoScaling, "DescribeLifecycleHooks", group);
    let request = session.autoscaling().describe_lifecycle_hooks().auto_scaling_group_name(group);
    match until(&call, deadline, || request.clone().send()).await {
        Ok(output) => Ok(output
            .lifecycle_hooks
            .unwrap_or_default()
            .into_iter()
            .map(|hook| Hook {
                name: hook.lifecycle_hook_name.unwrap_or_default(),
                launching: hook.lifecycle_transition.as_deref() == Some("autoscaling:EC2_INSTANCE_LAUNCHING"),
                notifies: hook.notification_target_arn.is_some_and(|target| !target.is_empty()),
                heartbeat: hook.heartbeat_timeout.and_then(|s| u64::try_from(s).ok()).map(Duration::from_secs),
            })
            .collect()),
        Err(answer) => Err(session.failed(call, answer).await),
    }
}

/// A hook that holds, or held, an instance: what `complete` and `heartbeat` are about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The group's name.
    pub group: String,
    /// The hook's name.
    pub hook: String,
    /// The instance.
    pub instance_id: String,
    /// How long the hook waits for a heartbeat; not known where group and hook were named.
    pub timeout: Option<Duration>,
}

impl Held {
    fn call(&self, action: &'static str) -> Call {
        Call::new(Service::AutoScaling, action, format!("hook {} of group {}", self.hook, self.group))
    }
}

/// Ends the wait: the instance goes into service, or is terminated. By instance id, so that a repetition is the same.
pub(super) async fn complete(session: &Session, held: &Held, success: bool) -> Result<(), (Call, Answer)> {
    let request = session
        .autoscaling()
        .complete_lifecycle_action()
        .auto_scaling_group_name(&held.group)
        .lifecycle_hook_name(&held.hook)
        .instance_id(&held.instance_id)
        .lifecycle_action_result(if success { "CONTINUE" } else { "ABANDON" });
    let sent = request.customize().interceptor(Answering("CompleteLifecycleAction")).send().await;
    sent.map(drop).map_err(|error| (held.call("CompleteLifecycleAction"), Answer::of(&error)))
}

/// Restarts the hook's timeout while work goes on.
pub(super) async fn heartbeat(session: &Session, held: &Held) -> Result<(), (Call, Answer)> {
    let request = session
        .autoscaling()
        .record_lifecycle_action_heartbeat()
        .auto_scaling_group_name(&held.group)
        .lifecycle_hook_name(&held.hook)
        .instance_id(&held.instance_id);
    let sent = request.customize().interceptor(Answering("RecordLifecycleActionHeartbeat")).send().await;
    sent.map(drop).map_err(|error| (held.call("RecordLifecycleActionHeartbeat"), Answer::of(&error)))
}

/// Says whether the instance is well, at once: a boot that failed is inside the group's grace period.
pub(super) async fn set_health(session: &Session, instance_id: &str, well: bool) -> Result<(), (Call, Answer)> {
    let request = session
        .autoscaling()
        .set_instance_health()
        .instance_id(instance_id)
        .health_status(if well { "Healthy" } else { "Unhealthy" })
        .should_respect_grace_period(false);
    let call = Call::new(Service::AutoScaling, "SetInstanceHealth", instance_id);
    let sent = request.customize().interceptor(Answering("SetInstanceHealth")).send().await;
    sent.map(drop).map_err(|error| (call, Answer::of(&error)))
}

/// The hooks that an outcome is for: the one that is named, or else all launch hooks that are the instance's own to
/// complete. An instance goes into service only when each has been, and is given up when one is abandoned. None: nobody
/// waits, because the instance is in no group or the group has no such hook.
pub(super) async fn held(
    session: &Session,
    instance_id: &str,
    group: Option<&str>,
    hook: Option<&str>,
    deadline: Instant,
) -> Result<Vec<Held>, CloudError> {
    let group = match group {
        Some(group) => group.to_owned(),
        None => match member(session, instance_id, deadline).await? {
            Some(member) => member.group,
            None => return Ok(Vec::new()),
        },
    };
    let found = match hook {
        Some(hook) => vec![(hook.to_owned(), None)],
        None => {
            let own = hooks(session, &group, deadline).await?;
            let own = own.into_iter().filter(|hook| hook.launching && !hook.notifies);
            own.map(|hook| (hook.name, hook.heartbeat)).collect()
        }
    };
    let held = |(hook, timeout)| Held { group: group.clone(), hook, instance_id: instance_id.to_owned(), timeout };
    Ok(found.into_iter().map(held).collect())
}
