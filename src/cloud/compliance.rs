//! What an instance complies with, told to Systems Manager.

use super::retry::until;
use super::{Call, CloudError, Instant, Service, Session};
use aws_lc_rs::digest;
use aws_sdk_ssm::primitives::DateTime;
use aws_sdk_ssm::types::{ComplianceExecutionSummary, ComplianceItemEntry, ComplianceSeverity, ComplianceStatus};
use jiff::Timestamp;
use std::collections::BTreeMap;

/// Limits of one call.
/// <https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutComplianceItems.html>
const ITEMS: usize = 10_000;
/// Of `ComplianceItemEntry`.
const TITLE: usize = 500;
/// Of a detail.
const DETAIL: usize = 4096;

/// One thing that is complied with or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComplianceItem {
    /// Its id.
    pub id: String,
    /// Its title; cut at the limit.
    pub title: String,
    /// `CRITICAL`, `HIGH`, `MEDIUM`, `LOW`, `INFORMATIONAL` or `UNSPECIFIED`.
    pub severity: &'static str,
    /// Whether it is complied with.
    pub compliant: bool,
    /// Further words; each cut at the limit.
    pub details: BTreeMap<&'static str, String>,
}

/// Puts everything that an instance complies with under a `Custom:` type, in place of what was there.
pub async fn put_compliance(
    session: &Session,
    instance: &str,
    kind: &str,
    at: Timestamp,
    items: &[ComplianceItem],
    deadline: Instant,
) -> Result<(), CloudError> {
    let call = Call::new(Service::Ssm, "PutComplianceItems", format!("{instance} as {kind}"));
    let wrong = |why: String| CloudError::Contract { call: call.clone(), why };
    if items.len() > ITEMS {
        return Err(wrong(format!("{} items; {ITEMS} are taken", items.len())));
    }
    let mut hash = digest::Context::new(&digest::SHA256);
    let mut entries = Vec::with_capacity(items.len());
    for item in items {
        hash.update(format!("{item:?}\n").as_bytes());
        let status = if item.compliant { ComplianceStatus::Compliant } else { ComplianceStatus::NonCompliant };
        let details = item.details.iter().map(|(name, text)| ((*name).to_owned(), cut(text, DETAIL))).collect();
        let entry = ComplianceItemEntry::builder().id(&item.id).title(cut(&item.title, TITLE)).status(status);
        let entry = entry.severity(ComplianceSeverity::from(item.severity)).set_details(Some(details));
        entries.push(entry.build().map_err(|error| wrong(error.to_string()))?);
    }
    let summary = ComplianceExecutionSummary::builder().execution_type("Command");
    let summary = summary.execution_time(DateTime::from_secs(at.as_second())).build();
    let summary = summary.map_err(|error| wrong(error.to_string()))?;
    let request = session.ssm().put_compliance_items().resource_id(instance).resource_type("ManagedInstance");
    let request = request.compliance_type(kind).execution_summary(summary).set_items(Some(entries));
    // The time is part of it: what did not change is still told as looked at now.
    hash.update(at.to_string().as_bytes());
    let request = request.item_content_hash(hex::encode(hash.finish()));
    match until(&call, deadline, || request.clone().send()).await {
        Ok(_) => Ok(()),
        Err(answer) => Err(session.failed(call, answer).await),
    }
}

fn cut(text: &str, most: usize) -> String {
    match text.chars().count() > most {
        true => text.chars().take(most - 3).chain("...".chars()).collect(),
        false => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_at_their_limits_by_letters() {
        assert_eq!(cut("a", 3), "a");
        assert_eq!(cut("üüüüü", 4), "ü...");
    }
}
