//! What Patch Manager last found on an instance.

use super::retry::until;
use super::{Call, CloudError, Instant, Service, Session};
use jiff::Timestamp;

/// How an instance stands by its patch baseline.
#[derive(Clone, Debug)]
pub struct PatchState {
    /// The baseline that it was judged by.
    pub baseline: String,
    /// `Scan` or `Install`.
    pub operation: String,
    /// When that ended.
    pub ended: Timestamp,
    /// What is not as it should be: its name as the API has it, and how many. Empty where the instance is compliant.
    pub open: Vec<(&'static str, i32)>,
}

/// The state of one instance; `None` where Patch Manager has never looked at it.
/// <https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_DescribeInstancePatchStates.html>
pub async fn patch_state(
    session: &Session,
    instance: &str,
    deadline: Instant,
) -> Result<Option<PatchState>, CloudError> {
    let call = Call::new(Service::Ssm, "DescribeInstancePatchStates", instance);
    let request = session.ssm().describe_instance_patch_states().instance_ids(instance);
    let output = match until(&call, deadline, || request.clone().send()).await {
        Ok(output) => output,
        Err(answer) => return Err(session.failed(call, answer).await),
    };
    let states = output.instance_patch_states.unwrap_or_default();
    let Some(state) = states.into_iter().find(|state| state.instance_id == instance) else { return Ok(None) };
    let wrong = || CloudError::Contract { call: call.clone(), why: "OperationEndTime is no time".into() };
    let ended = Timestamp::from_second(state.operation_end_time.secs()).map_err(|_| wrong())?;
    // Available security updates count apart where the baseline calls them compliant.
    let counts = [
        ("MissingCount", Some(state.missing_count)),
        ("FailedCount", Some(state.failed_count)),
        ("InstalledPendingRebootCount", state.installed_pending_reboot_count),
        ("InstalledRejectedCount", state.installed_rejected_count),
        ("AvailableSecurityUpdateCount", state.available_security_update_count),
        ("CriticalNonCompliantCount", state.critical_non_compliant_count),
        ("SecurityNonCompliantCount", state.security_non_compliant_count),
        ("OtherNonCompliantCount", state.other_non_compliant_count),
    ];
    let open = counts.into_iter().filter_map(|(name, count)| Some((name, count?))).filter(|(_, count)| *count > 0);
    let operation = state.operation.as_str().to_owned();
    Ok(Some(PatchState { baseline: state.baseline_id, operation, ended, open: open.collect() }))
}
