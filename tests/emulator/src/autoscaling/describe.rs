//! Descriptions of instances and hooks.

use super::{Caller, Group, Store};
use crate::encoding::{base64, from_base64};
use crate::error::ApiError;
use crate::form::Form;
use crate::xml::Xml;

impl Store {
    pub(super) fn describe_instances(&self, caller: &Caller, form: &Form) -> Result<Xml, ApiError> {
        form.only(&["InstanceIds", "MaxRecords", "NextToken"])?;
        let ids = form.list("InstanceIds");
        if ids.len() > 50 {
            return Err(ApiError::validation("The number of instance ids must not exceed 50"));
        }
        let most = form.number("MaxRecords", 1, 50)?.and_then(|most| usize::try_from(most).ok()).unwrap_or(50);
        caller.permit("DescribeAutoScalingInstances", "*")?;
        let start = match form.get("NextToken") {
            None => 0,
            Some(token) => place(token).ok_or_else(|| ApiError::own("InvalidNextToken", "The token is not valid"))?,
        };
        let members = self.groups.iter().flat_map(|(group, members)| members.iter().map(move |one| (group, one)));
        let all: Vec<_> =
            members.filter(|(_, member)| ids.is_empty() || ids.contains(&member.instance.as_str())).collect();
        let mut xml = Xml::default();
        let page = all.iter().skip(start).take(most);
        xml.members("AutoScalingInstances", page, |xml, (group, member)| {
            xml.leaf("InstanceId", &member.instance);
            xml.leaf("AutoScalingGroupName", &group.name);
            xml.leaf("AvailabilityZone", &format!("{}a", caller.account.region));
            xml.leaf("LifecycleState", &member.state(group, caller.now));
            xml.leaf("HealthStatus", member.health());
            xml.leaf("ProtectedFromScaleIn", "false");
        });
        if start + most < all.len() {
            xml.leaf("NextToken", &base64((start + most).to_string()));
        }
        Ok(xml)
    }

    pub(super) fn describe_hooks(&mut self, caller: &Caller, form: &Form) -> Result<Xml, ApiError> {
        form.only(&["AutoScalingGroupName", "LifecycleHookNames"])?;
        let name = form.required("AutoScalingGroupName", 1, 1600)?;
        let names = form.list("LifecycleHookNames");
        caller.permit("DescribeLifecycleHooks", "*")?;
        let (group, _) = self.group(name)?;
        Ok(hooks(group, &names))
    }
}

fn hooks(group: &Group, names: &[&str]) -> Xml {
    let mut xml = Xml::default();
    let asked = group.hooks.iter().filter(|hook| names.is_empty() || names.contains(&hook.name.as_str()));
    xml.members("LifecycleHooks", asked, |xml, hook| {
        xml.leaf("LifecycleHookName", &hook.name);
        xml.leaf("AutoScalingGroupName", &group.name);
        xml.leaf("LifecycleTransition", hook.transition.name());
        xml.leaf("HeartbeatTimeout", &hook.heartbeat_timeout.as_secs().to_string());
        xml.leaf("GlobalTimeout", &hook.global_timeout().as_secs().to_string());
        xml.leaf("DefaultResult", hook.default_result.name());
        if let Some(arn) = &hook.notifies {
            xml.leaf("NotificationTargetARN", arn);
        }
    });
    xml
}

fn place(token: &str) -> Option<usize> {
    String::from_utf8(from_base64(token)?).ok()?.parse().ok()
}
