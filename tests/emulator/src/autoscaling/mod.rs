//! Auto Scaling, as an instance meets it: lifecycle actions, heartbeats, health, descriptions of itself.

mod describe;
mod group;
mod member;

pub use group::{Completed, Group, Hook, Lifecycle, Transition, Verdict};

use crate::account::Account;
use crate::credentials::Principal;
use crate::encoding::uuid;
use crate::error::{ApiError, Common};
use crate::form::Form;
use crate::policy::Policy;
use crate::xml::Xml;
use jiff::{SignedDuration, Timestamp};
use member::{Member, Stage};

/// The account's groups and their instances.
#[derive(Debug, Default)]
pub(crate) struct Store {
    groups: Vec<(Group, Vec<Member>)>,
}

/// Who asks, and what stands around the store.
pub(crate) struct Caller<'a> {
    pub(crate) principal: &'a Principal,
    pub(crate) account: &'a Account,
    pub(crate) policy: &'a Policy,
    pub(crate) now: Timestamp,
}

impl Caller<'_> {
    fn permit(&self, action: &str, group: &str) -> Result<(), ApiError> {
        let resource = match group {
            "*" => "*".to_owned(),
            name => {
                let id = uuid(name);
                self.account.arn("autoscaling", &format!("autoScalingGroup:{id}:autoScalingGroupName/{name}"))
            }
        };
        self.policy.permit(self.principal, &format!("autoscaling:{action}"), &resource)
    }
}

impl Store {
    /// Adds a group, whose instances are launched now.
    pub(crate) fn add(&mut self, group: Group, now: Timestamp) {
        let stage = |warming: bool| if warming { Stage::Warming } else { Stage::Launching };
        let members =
            group.launched.iter().map(|(id, warming)| Member::new(id, stage(*warming), &group, now)).collect();
        self.groups.push((group, members));
    }

    /// Answers one call.
    pub(crate) fn answer(&mut self, caller: &Caller, action: &str, form: &Form) -> Result<Xml, ApiError> {
        self.settle(caller.now);
        match action {
            "CompleteLifecycleAction" => self.complete(caller, form),
            "RecordLifecycleActionHeartbeat" => self.heartbeat(caller, form),
            "SetInstanceHealth" => self.set_health(caller, form),
            "DescribeAutoScalingInstances" => self.describe_instances(caller, form),
            "DescribeLifecycleHooks" => self.describe_hooks(caller, form),
            _ => {
                let message = format!("Could not find operation {action} for version 2011-01-01");
                Err(ApiError::common(Common::UnknownAction, message))
            }
        }
    }

    fn settle(&mut self, now: Timestamp) {
        for (group, members) in &mut self.groups {
            members.iter_mut().for_each(|member| member.settle(group, now));
        }
    }

    fn group(&mut self, name: &str) -> Result<&mut (Group, Vec<Member>), ApiError> {
        let found = self.groups.iter_mut().find(|(group, _)| group.name == name);
        found.ok_or_else(|| {
            ApiError::validation(format!("AutoScalingGroup name not found - AutoScalingGroup {name} not found"))
        })
    }

    /// The member and hook that a lifecycle call means, if an action of theirs is active.
    fn action<'s>(
        &'s mut self,
        caller: &Caller,
        action: &str,
        form: &Form,
    ) -> Result<(&'s Group, &'s mut Member, String), ApiError> {
        let hook = form.required("LifecycleHookName", 1, 255)?;
        let name = form.required("AutoScalingGroupName", 1, 1600)?;
        let token = form.text("LifecycleActionToken", 36, 36)?;
        let instance = form.text("InstanceId", 1, 19)?;
        caller.permit(action, name)?;
        let (group, members) = self.group(name)?;
        let what = match (token, instance) {
            (Some(token), _) => format!("token {token}"),
            (None, Some(instance)) => format!("instance ID {instance}"),
            (None, None) => {
                // The wording of AWS's refusal is not published.
                return Err(ApiError::validation("Either LifecycleActionToken or InstanceId must be specified"));
            }
        };
        let member = members
            .iter_mut()
            .filter(|member| instance.is_none_or(|id| member.instance == id))
            .find_map(|member| member.active(hook, token, caller.now).is_some().then_some(member));
        match member {
            Some(member) => Ok((group, member, hook.to_owned())),
            None => Err(ApiError::validation(format!("No active Lifecycle Action found with {what}"))),
        }
    }

    fn complete(&mut self, caller: &Caller, form: &Form) -> Result<Xml, ApiError> {
        let known = [
            "LifecycleHookName",
            "AutoScalingGroupName",
            "LifecycleActionToken",
            "LifecycleActionResult",
            "InstanceId",
        ];
        form.only(&known)?;
        let result = form.required("LifecycleActionResult", 1, 64)?;
        let verdict = match result {
            "CONTINUE" => Verdict::Continue,
            "ABANDON" => Verdict::Abandon,
            _ => return Err(ApiError::validation("LifecycleActionResult must be either CONTINUE or ABANDON")),
        };
        let now = caller.now;
        let (group, member, hook) = self.action(caller, "CompleteLifecycleAction", form)?;
        member.end(&hook, verdict, false, group, now);
        Ok(Xml::default())
    }

    fn heartbeat(&mut self, caller: &Caller, form: &Form) -> Result<Xml, ApiError> {
        form.only(&["LifecycleHookName", "AutoScalingGroupName", "LifecycleActionToken", "InstanceId"])?;
        let now = caller.now;
        let (_, member, hook) = self.action(caller, "RecordLifecycleActionHeartbeat", form)?;
        member.beat(&hook, now);
        Ok(Xml::default())
    }

    fn set_health(&mut self, caller: &Caller, form: &Form) -> Result<Xml, ApiError> {
        form.only(&["InstanceId", "HealthStatus", "ShouldRespectGracePeriod"])?;
        let id = form.required("InstanceId", 1, 19)?;
        let healthy = match form.required("HealthStatus", 1, 32)? {
            "Healthy" => true,
            "Unhealthy" => false,
            _ => return Err(ApiError::validation("HealthStatus must be either Healthy or Unhealthy")),
        };
        let respect = form.flag("ShouldRespectGracePeriod")?.unwrap_or(true);
        for (group, members) in &mut self.groups {
            let Some(member) = members.iter_mut().find(|member| member.instance == id) else { continue };
            caller.permit("SetInstanceHealth", &group.name)?;
            let grace = SignedDuration::try_from(group.grace_period).unwrap_or_default();
            let graced = respect && caller.now.duration_since(member.entered) < grace;
            if !graced || healthy {
                member.healthy = healthy;
            }
            return Ok(Xml::default());
        }
        let message = format!("Instance Id not found - No managed instance found for instance ID: {id}");
        Err(ApiError::validation(message))
    }

    fn member(&mut self, instance: &str) -> Option<(&Group, &mut Member)> {
        self.groups.iter_mut().find_map(|(group, members)| {
            let member = members.iter_mut().find(|member| member.instance == instance)?;
            Some((&*group, member))
        })
    }

    /// An instance's life so far.
    pub(crate) fn lifecycle(&mut self, instance: &str, now: Timestamp) -> Option<Lifecycle> {
        self.settle(now);
        self.member(instance).map(|(group, member)| member.lifecycle(group, now))
    }

    /// A hook more, which instances that are on their way already do not meet.
    pub(crate) fn attach(&mut self, group: &str, hook: Hook) {
        if let Ok((group, _)) = self.group(group) {
            group.hooks.push(hook);
        }
    }

    /// Takes an instance out of the warm pool and on its way into service.
    pub(crate) fn leave_pool(&mut self, instance: &str, now: Timestamp) {
        if let Some((group, member)) = self.member(instance)
            && member.stage == Stage::Warmed
        {
            member.enter(Stage::Launching, group, now);
        }
    }

    /// Scales an instance in.
    pub(crate) fn terminate(&mut self, instance: &str, now: Timestamp) {
        if let Some((group, member)) = self.member(instance) {
            member.enter(Stage::Terminating, group, now);
        }
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
