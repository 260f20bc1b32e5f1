//! What Systems Manager knows of managed instances: what Patch Manager found, and what they comply with.
//!
//! <https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutComplianceItems.html>

use super::{Caller, Store};
use crate::clock::epoch;
use crate::error::ApiError;
use crate::members::Members;
use jiff::Timestamp;
use serde_json::{Value, json};

/// What Patch Manager last found on an instance.
#[derive(Clone, Debug)]
pub struct Patches {
    /// Whose.
    pub instance: String,
    /// When it was done.
    pub ended: Timestamp,
    /// Patches that are missing.
    pub missing: u32,
    /// Critical ones among what does not comply.
    pub critical: u32,
}

impl Patches {
    /// An instance on which nothing is missing.
    pub fn compliant(instance: &str, ended: Timestamp) -> Self {
        Self { instance: instance.to_owned(), ended, missing: 0, critical: 0 }
    }
}

/// Further custom types are refused.
const TYPES: usize = 10;
const SEVERITIES: [&str; 6] = ["CRITICAL", "HIGH", "MEDIUM", "LOW", "INFORMATIONAL", "UNSPECIFIED"];

impl Store {
    pub(super) fn patch_states(&self, caller: &Caller, input: &Value) -> Result<Value, ApiError> {
        let members = Members::of(input, &["InstanceIds", "MaxResults", "NextToken"])?;
        let ids = members.texts("InstanceIds", 0, 50)?.ok_or_else(|| ApiError::required("instanceIds"))?;
        members.number("MaxResults", 10, 100)?;
        caller.policy.permit(caller.principal, "ssm:DescribeInstancePatchStates", "*")?;
        let found = self.patches.iter().filter(|patches| ids.contains(&patches.instance)).map(|patches| {
            json!({
                "InstanceId": patches.instance,
                "PatchGroup": "",
                "BaselineId": "pb-0123456789abcdef0",
                "InstalledCount": 400,
                "InstalledOtherCount": 3,
                "InstalledPendingRebootCount": 0,
                "InstalledRejectedCount": 0,
                "MissingCount": patches.missing,
                "FailedCount": 0,
                "NotApplicableCount": 900,
                "CriticalNonCompliantCount": patches.critical,
                "SecurityNonCompliantCount": 0,
                "OtherNonCompliantCount": 0,
                "Operation": "Scan",
                "OperationStartTime": epoch(patches.ended),
                "OperationEndTime": epoch(patches.ended),
            })
        });
        Ok(json!({ "InstancePatchStates": found.collect::<Vec<_>>() }))
    }

    pub(super) fn put_compliance(&mut self, caller: &Caller, input: &Value) -> Result<Value, ApiError> {
        let known = [
            "ResourceId",
            "ResourceType",
            "ComplianceType",
            "ExecutionSummary",
            "Items",
            "ItemContentHash",
            "UploadType",
        ];
        let members = Members::of(input, &known)?;
        let needed = |name: &str, most: usize| {
            members
                .text(name, 1, most)?
                .ok_or_else(|| ApiError::required(&format!("{}{}", name[..1].to_lowercase(), &name[1..])))
        };
        let (whose, resource) = (needed("ResourceId", 100)?, needed("ResourceType", 50)?);
        let kind = needed("ComplianceType", 100)?;
        members.text("ItemContentHash", 0, 256)?;
        caller.policy.permit(
            caller.principal,
            "ssm:PutComplianceItems",
            &caller.account.arn("ssm", &format!("managed-instance/{whose}")),
        )?;
        if resource != "ManagedInstance" {
            return Err(ApiError::own("InvalidResourceType", "The resource type is not valid."));
        }
        if !named(&kind) {
            let pattern =
                "Member must satisfy regular expression pattern: [A-Za-z0-9_\\-]\\w+|Custom:[a-zA-Z0-9_\\-]\\w+";
            return Err(ApiError::constraint(&kind, "complianceType", pattern));
        }
        let summary = Members::of(&input["ExecutionSummary"], &["ExecutionTime", "ExecutionId", "ExecutionType"])?;
        summary.text("ExecutionType", 0, 50)?;
        if input["ExecutionSummary"]["ExecutionTime"].as_f64().is_none() {
            return Err(ApiError::required("executionSummary.executionTime"));
        }
        let items = input["Items"].as_array().ok_or_else(|| ApiError::required("items"))?;
        if items.len() > 10_000 {
            return Err(ApiError::constraint("items", "items", "Member must have length less than or equal to 10000"));
        }
        items.iter().try_for_each(item)?;
        let others = self.compliance.iter().filter(|(have, what, _)| *have == whose && *what != kind).count();
        if others >= TYPES {
            let message =
                "You specified too many custom compliance types. You can specify a maximum of 10 different types.";
            return Err(ApiError::own("ComplianceTypeCountLimitExceededException", message));
        }
        self.compliance.retain(|(have, what, _)| *have != whose || *what != kind);
        self.compliance.push((whose, kind, items.clone()));
        Ok(json!({}))
    }
}

/// `[A-Za-z0-9_\-]\w+|Custom:[a-zA-Z0-9_\-]\w+`
fn named(kind: &str) -> bool {
    let rest = kind.strip_prefix("Custom:").unwrap_or(kind);
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    rest.len() > 1 && rest.bytes().enumerate().all(|(at, byte)| word(byte) || at == 0 && byte == b'-')
}

fn item(item: &Value) -> Result<(), ApiError> {
    let members = Members::of(item, &["Id", "Title", "Severity", "Status", "Details"])?;
    members.text("Id", 1, 100)?;
    members.text("Title", 0, 500)?;
    let choice = |name: &str, known: &[&str]| {
        let text = members.text(name, 1, 64)?.ok_or_else(|| ApiError::required(&name.to_lowercase()))?;
        match known.contains(&text.as_str()) {
            true => Ok(()),
            false => Err(ApiError::constraint(
                &text,
                name,
                &format!("Member must satisfy enum value set: [{}]", known.join(", ")),
            )),
        }
    };
    choice("Severity", &SEVERITIES)?;
    choice("Status", &["COMPLIANT", "NON_COMPLIANT"])?;
    for (name, text) in item["Details"].as_object().into_iter().flatten() {
        let long = text.as_str().is_none_or(|text| text.chars().count() > 4096);
        if name.is_empty() || name.len() > 64 || long {
            return Err(ApiError::own("InvalidItemContentException", "One or more content items isn't valid."));
        }
    }
    Ok(())
}
