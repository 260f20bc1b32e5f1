//! How the outcome of a boot reaches whoever waits for it: CloudFormation, a wait condition, Auto Scaling.

mod attempt;
mod deliver;
mod heard;
mod outcome;
mod refusal;
mod scaling;
mod stack;
mod wait_condition;

pub use deliver::{Delivery, Messenger};
pub use outcome::{Judgement, Row, Standing, Step, judge};
pub use scaling::{Held, Hook, Member, hooks, member};
pub use wait_condition::WaitConditionUrl;

use serde::{Deserialize, Serialize};

/// What is to be told to whom. It is written to the outbox before it is first sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Outcome {
    /// Whether the host is in order.
    pub success: bool,
    /// Why, in one line, for the channels that carry it.
    pub reason: String,
    /// Who says it; makes a repeated signal the same signal.
    pub instance_id: String,
    /// To whom.
    pub to: Recipient,
}

/// Who waits for an outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Recipient {
    /// A stack's resource with a creation or update policy.
    #[serde(rename_all = "kebab-case")]
    Stack {
        /// Name or ARN.
        stack: String,
        /// Logical id.
        resource: String,
        /// Where it is not the session's.
        region: Option<String>,
    },
    /// A wait condition's handle.
    #[serde(rename_all = "kebab-case")]
    WaitCondition {
        /// The handle's presigned URL.
        url: WaitConditionUrl,
        /// The signal's data field.
        data: String,
    },
    /// An Auto Scaling lifecycle hook.
    #[serde(rename_all = "kebab-case")]
    Lifecycle {
        /// The group; asked for where it is not known.
        group: Option<String>,
        /// The hook; the group's own launch hooks where none is named.
        hook: Option<String>,
    },
    /// The instance's health in its Auto Scaling group.
    Health,
}

impl std::fmt::Display for Recipient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Stack { stack, resource, .. } => write!(f, "CloudFormation stack {stack}, resource {resource}"),
            Self::WaitCondition { url, .. } => write!(f, "wait-condition handle {url}"),
            Self::Lifecycle { hook: Some(hook), .. } => write!(f, "Auto Scaling lifecycle hook {hook}"),
            Self::Lifecycle { .. } => f.write_str("Auto Scaling lifecycle hook"),
            Self::Health => f.write_str("Auto Scaling instance health"),
        }
    }
}
