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
    /// Whether the hook is to be asked for, and of which group where that is known.
    search: Option<Option<String>>,
}

impl Audience {
    /// Those that settings and tags name, and what is wrong with one that is left out.
    pub(super) fn of(signal: &Signal, instance: &Instance) -> (Self, Result<(), CloudError>) {
        let mut whole = Ok(());
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
            match WaitConditionUrl::parse(handle.expose()) {
                Ok(url) => {
                    recipients.push(Recipient::WaitCondition { url, data: instance.identity.instance_id.clone() });
                }
                Err(error) => whole = Err(error),
            }
        }
        let group =
            signal.autoscaling.group.clone().or_else(|| instance.tag("aws:autoscaling:groupName").map(str::to_owned));
        let mut search = None;
        match &signal.autoscaling.hook {
            Some(hook) => recipients.push(Recipient::Lifecycle { group: group.clone(), hook: Some(hook.clone()) }),
            None if signal.autoscaling.from_group && instance.is_launched_by_group() => search = Some(group.clone()),
            None => {}
        }
        let grouped = group.is_some() || instance.lifecycle.is_some();
        let (unhealthy, instance) = (signal.instance_health && grouped, instance.identity.instance_id.clone());
        (Self { recipients, unhealthy, instance, search }, whole)
    }

    /// One that is named by hand.
    pub(super) fn just(recipient: Recipient, instance: &str) -> Self {
        Self { recipients: vec![recipient], instance: instance.to_owned(), ..Self::default() }
    }

    /// In whose name it is told.
    pub(super) fn instance(&self) -> &str {
        &self.instance
    }

    /// The same in another's name.
    pub(super) fn in_the_name_of(self, instance: &str) -> Self {
        Self { instance: instance.to_owned(), ..self }
    }

    /// Whether nobody waits.
    pub(super) fn is_empty(&self) -> bool {
        self.recipients.is_empty() && !self.unhealthy
    }

    /// The hooks were asked for.
    pub(super) fn found(&mut self, hooks: impl IntoIterator<Item = Recipient>) {
        self.search = None;
        self.recipients.extend(hooks);
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

    /// What the lifecycle hook alone is told: a second boot of a warm pool's instance owes nothing else. `again`: in this
    /// stretch of the instance's life it was told already, so that a mere reboot waits for no action, and asks for no hook.
    pub(super) fn lifecycle(&self, again: bool) -> Vec<Message> {
        let waits = self.recipients.iter().filter(|recipient| match recipient {
            Recipient::Lifecycle { hook, .. } => hook.is_some() || !again,
            _ => false,
        });
        let mut messages: Vec<Message> = waits.map(|recipient| self.message(recipient, true, "")).collect();
        for message in &mut messages {
            if let Message::Lifecycle { again: told, .. } = message {
                *told = again;
            }
        }
        messages
    }

    /// The hook that holds this host back: its group and its name, as far as they are known.
    pub(super) fn hook(&self) -> Option<(Option<&str>, Option<&str>)> {
        let named = self.recipients.iter().find_map(|recipient| match recipient {
            Recipient::Lifecycle { group, hook } => Some((group.as_deref(), hook.as_deref())),
            _ => None,
        });
        named.or_else(|| self.search.as_ref().map(|group| (group.as_deref(), None)))
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
                again: false,
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
