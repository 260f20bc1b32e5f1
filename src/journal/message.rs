//! What is to be said to AWS about the outcome, as it is kept until it was heard.

use crate::secret::{REDACTED, Redactor, Secret};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// One thing to be said.
#[derive(Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Message {
    /// `cloudformation:SignalResource`.
    CloudFormation {
        /// The stack's name or ARN.
        stack: String,
        /// The resource's logical id.
        resource: String,
        /// The stack's region.
        region: Option<String>,
        /// What tells this signal from another's; the instance's id.
        unique_id: String,
        /// SUCCESS or FAILURE.
        success: bool,
    },
    /// A PUT to a wait-condition handle.
    WaitHandle {
        /// The presigned address. Only the outbox's own file, which is root's alone, has it in the open.
        #[serde(serialize_with = "exposed", deserialize_with = "taken_in")]
        url: Secret<String>,
        /// What tells this signal from another's.
        unique_id: String,
        /// SUCCESS or FAILURE.
        success: bool,
        /// Why, in one line.
        reason: String,
        /// What the template reads as the condition's data.
        data: String,
    },
    /// `autoscaling:CompleteLifecycleAction`.
    Lifecycle {
        /// The group's name; empty where it is asked for.
        group: String,
        /// The hook's name; empty where it is asked for.
        hook: String,
        /// The instance's id.
        instance: String,
        /// The group's region.
        region: Option<String>,
        /// CONTINUE or ABANDON.
        proceed: bool,
        /// Whether an earlier boot has completed the action of this stretch of the instance's life already, so that no
        /// active one need be left.
        #[serde(default)]
        again: bool,
    },
    /// `autoscaling:SetInstanceHealth`.
    InstanceHealth {
        /// The instance's id.
        instance: String,
        /// The group's region.
        region: Option<String>,
        /// Healthy or Unhealthy.
        healthy: bool,
    },
}

fn exposed<S: Serializer>(url: &Secret<String>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(url.expose())
}

fn taken_in<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Secret<String>, D::Error> {
    String::deserialize(deserializer).map(Secret::new)
}

impl Message {
    /// The same without secrets in what people read. The address of a handle is what it is sent to, and stays.
    pub(crate) fn scrubbed(mut self, redactor: &Redactor) -> Self {
        if let Self::WaitHandle { reason, data, .. } = &mut self {
            (*reason, *data) = (redactor.scrub(reason), redactor.scrub(data));
        }
        self
    }

    /// Whether both are said to the same listener, in whatever words.
    pub fn same_listener(&self, other: &Self) -> bool {
        match (self, other) {
            // A hook that is not known yet may be any.
            (Self::Lifecycle { hook, instance, .. }, Self::Lifecycle { hook: its, instance: whose, .. })
                if hook.is_empty() || its.is_empty() =>
            {
                instance == whose
            }
            _ => self.listener() == other.listener(),
        }
    }

    fn listener(&self) -> [&str; 5] {
        match self {
            Self::CloudFormation { stack, resource, region, unique_id, .. } => {
                ["stack", stack, resource, region.as_deref().unwrap_or_default(), unique_id]
            }
            Self::WaitHandle { url, unique_id, .. } => ["handle", url.expose(), unique_id, "", ""],
            Self::Lifecycle { hook, instance, .. } => ["hook", hook, instance, "", ""],
            Self::InstanceHealth { instance, .. } => ["health", instance, "", "", ""],
        }
    }

    /// Whether it says that all went well.
    pub fn is_success(&self) -> bool {
        match self {
            Self::CloudFormation { success, .. } | Self::WaitHandle { success, .. } => *success,
            Self::Lifecycle { proceed, .. } => *proceed,
            Self::InstanceHealth { healthy, .. } => *healthy,
        }
    }
}

/// For messages and logs: what is said to whom, and no address that is a permission.
impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = |yes: bool, good: &'static str, bad: &'static str| if yes { good } else { bad };
        match self {
            Self::CloudFormation { stack, resource, success, .. } => {
                write!(f, "cloudformation {} to {stack}/{resource}", word(*success, "SUCCESS", "FAILURE"))
            }
            Self::WaitHandle { success, .. } => write!(f, "wait handle {}", word(*success, "SUCCESS", "FAILURE")),
            Self::Lifecycle { group, hook, proceed, .. } => {
                let slash = if group.is_empty() { "" } else { "/" };
                let hook = if hook.is_empty() { "its launch hooks" } else { hook };
                write!(f, "lifecycle {} to {group}{slash}{hook}", word(*proceed, "CONTINUE", "ABANDON"))
            }
            Self::InstanceHealth { instance, healthy, .. } => {
                write!(f, "health {} of {instance}", word(*healthy, "Healthy", "Unhealthy"))
            }
        }
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WaitHandle { .. } => write!(f, "Message({self}, url {REDACTED})"),
            _ => write!(f, "Message({self})"),
        }
    }
}
