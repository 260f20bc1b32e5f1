//! Who hears about the outcome: as settings say, and as this instance's tags do where settings leave it to them.

use super::instance::Instance;
use crate::cloud::CloudError;
use crate::cloud::signal::{Outcome, Recipient, WaitConditionUrl};
use crate::journal::Message;
use crate::secret::Secret;
use crate::settings::keys::Signal;

/// Everybody who waits for this host.
#[derive(Clone, Debug, Default)]
pub(super) struct Audience {
    recipients: Vec<Recipient>,
    /// Told of failures only: a host is healthy until somebody says otherwise.
    unhealthy: bool,
    instance: String,
}

impl Audience {
    /// Those that settings and tags name.
    pub(super) fn of(signal: &Signal, instance: &Instance) -> Result<Self, CloudError> {
        let mut recipients = Vec::new();
        let target = &signal.cloudformation;
        let region = target.region.as_ref().map(|region| region.as_str().to_owned());
        match (&target.stack, &target.resource) {
            (Some(stack), Some(resource)) => {
                recipients.push(Recipient::Stack { stack: stack.clone(), resource: resource.clone(), region });
            }
            _ if target.from_tags => recipients.extend(of_tags(instance)),
            _ => {}
        }
        if let Some(handle) = &signal.wait_handle {
            let url = WaitConditionUrl::parse(handle.expose())?;
            recipients.push(Recipient::WaitCondition { url, data: instance.identity.instance_id.clone() });
        }
        let group =
            signal.autoscaling.group.clone().or_else(|| instance.tag("aws:autoscaling:groupName").map(str::to_owned));
        if let Some(hook) = &signal.autoscaling.hook {
            recipients.push(Recipient::Lifecycle { group: group.clone(), hook: Some(hook.clone()) });
        }
        let grouped = group.is_some() || instance.lifecycle.is_some();
        Ok(Self { recipients, unhealthy: signal.instance_health && grouped, ..Self::nobody(instance) })
    }

    /// Those that tags alone name, for a failure before settings could be read.
    pub(super) fn of_tags(instance: &Instance) -> Self {
        Self { recipients: of_tags(instance).into_iter().collect(), ..Self::nobody(instance) }
    }

    fn nobody(instance: &Instance) -> Self {
        let identity = &instance.identity;
        Self { instance: identity.instance_id.clone(), ..Self::default() }
    }

    /// What they are told, as the outbox keeps it.
    pub(super) fn messages(&self, success: bool, reason: &str) -> Vec<Message> {
        let instance = self.instance.clone();
        let mut messages: Vec<Message> =
            self.recipients.iter().map(|recipient| self.message(recipient, success, reason)).collect();
        if self.unhealthy && !success {
            messages.push(Message::InstanceHealth { instance, region: None, healthy: false });
        }
        messages
    }

    /// What the lifecycle hook alone is told: a second boot of a warm pool's instance owes nothing else.
    pub(super) fn lifecycle(&self) -> Vec<Message> {
        let waits = self.recipients.iter().filter(|recipient| matches!(recipient, Recipient::Lifecycle { .. }));
        waits.map(|recipient| self.message(recipient, true, "")).collect()
    }

    /// The hook that heartbeats keep open.
    pub(super) fn hook(&self) -> Option<(Option<&str>, Option<&str>)> {
        self.recipients.iter().find_map(|recipient| match recipient {
            Recipient::Lifecycle { group, hook } => Some((group.as_deref(), hook.as_deref())),
            _ => None,
        })
    }

    fn message(&self, recipient: &Recipient, success: bool, reason: &str) -> Message {
        let instance = self.instance.clone();
        match recipient {
            Recipient::Stack { stack, resource, region } => Message::CloudFormation {
                stack: stack.clone(),
                resource: resource.clone(),
                region: region.clone(),
                unique_id: instance,
                success,
            },
            Recipient::WaitCondition { url, data } => Message::WaitHandle {
                url: Secret::new(url.expose().to_owned()),
                unique_id: instance,
                success,
                reason: reason.to_owned(),
                data: data.clone(),
            },
            Recipient::Lifecycle { group, hook } => Message::Lifecycle {
                group: group.clone().unwrap_or_default(),
                hook: hook.clone().unwrap_or_default(),
                instance,
                region: None,
                proceed: success,
            },
            Recipient::Health => Message::InstanceHealth { instance, region: None, healthy: success },
        }
    }
}

/// The stack's resource that this instance belongs to. What Auto Scaling launches has the group's tags.
fn of_tags(instance: &Instance) -> Option<Recipient> {
    let stack =
        instance.tag("aws:cloudformation:stack-id").or_else(|| instance.tag("aws:cloudformation:stack-name"))?;
    let resource = instance.tag("aws:cloudformation:logical-id")?;
    Some(Recipient::Stack { stack: stack.to_owned(), resource: resource.to_owned(), region: None })
}

/// A kept message, as it is sent.
pub(super) fn outcome(message: &Message) -> Result<Outcome, CloudError> {
    let some = |text: &String| (!text.is_empty()).then(|| text.clone());
    let (instance_id, reason, to) = match message {
        Message::CloudFormation { stack, resource, region, unique_id, .. } => (
            unique_id,
            String::new(),
            Recipient::Stack { stack: stack.clone(), resource: resource.clone(), region: region.clone() },
        ),
        Message::WaitHandle { url, unique_id, reason, data, .. } => {
            let url = WaitConditionUrl::parse(url.expose())?;
            (unique_id, reason.clone(), Recipient::WaitCondition { url, data: data.clone() })
        }
        Message::Lifecycle { group, hook, instance, .. } => {
            (instance, String::new(), Recipient::Lifecycle { group: some(group), hook: some(hook) })
        }
        Message::InstanceHealth { instance, .. } => (instance, String::new(), Recipient::Health),
    };
    Ok(Outcome { success: message.is_success(), reason, instance_id: instance_id.clone(), to })
}
