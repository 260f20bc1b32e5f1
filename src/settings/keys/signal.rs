//! Who hears about the outcome.

use crate::settings::scalar::Region;
use crate::settings::secret_url::SecretUrl;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Who hears about the outcome.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Signal {
    /// The CloudFormation resource that waits for this host.
    pub cloudformation: CloudFormation,
    /// A wait-condition handle. Who has the address may use it: it is never shown.
    pub wait_handle: Option<SecretUrl>,
    /// The Auto Scaling lifecycle hook that holds this host back.
    pub autoscaling: AutoScaling,
    /// Whether a failed host is set unhealthy, so that its group replaces it.
    pub instance_health: bool,
}

/// The CloudFormation resource that waits for this host.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CloudFormation {
    /// The stack's name or ARN.
    pub stack: Option<String>,
    /// The resource's logical id.
    pub resource: Option<String>,
    /// The stack's region, where it is not the host's.
    pub region: Option<Region>,
    /// Whether the stack and resource are taken from the `aws:cloudformation:*` tags where none is written.
    pub from_tags: bool,
}

impl Default for CloudFormation {
    fn default() -> Self {
        Self { stack: None, resource: None, region: None, from_tags: true }
    }
}

/// The Auto Scaling lifecycle hook that holds this host back.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AutoScaling {
    /// The group's name. From the `aws:autoscaling:groupName` tag where none is written.
    pub group: Option<String>,
    /// The lifecycle hook's name. Where it is written, the host's role needs `autoscaling:CompleteLifecycleAction` and
    /// nothing else.
    pub hook: Option<String>,
    /// Whether an instance in a group asks for its hooks where none is written (`autoscaling:DescribeLifecycleHooks`).
    /// Each launch hook of the group that notifies nobody else is completed.
    pub from_group: bool,
}

impl Default for AutoScaling {
    fn default() -> Self {
        Self { group: None, hook: None, from_group: true }
    }
}

impl Signal {
    /// What is wrong, and with which key.
    pub(in crate::settings) fn faults(&self) -> Vec<(String, String)> {
        let mut faults = Vec::new();
        let target = &self.cloudformation;
        if target.stack.is_some() != target.resource.is_some() {
            faults.push(("signal.cloudformation".into(), "`stack` and `resource` go together".into()));
        }
        let logical = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if target.resource.as_deref().is_some_and(|text| !logical(text)) {
            faults.push(("signal.cloudformation.resource".into(), "a logical id has letters and digits only".into()));
        }
        faults
    }
}
