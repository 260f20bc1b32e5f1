//! A stack that waits for signals, and what becomes of it.

use crate::account::Account;
use crate::encoding::uuid;
use jiff::{SignedDuration, Timestamp};
use std::time::Duration;

/// A stack being created or updated, as far as signals go.
#[derive(Clone, Debug)]
pub struct Stack {
    /// Its name.
    pub name: String,
    /// Such as `CREATE_IN_PROGRESS`.
    pub status: String,
    /// What waits for signals.
    pub resources: Vec<Resource>,
    /// What the console would show, oldest first.
    pub events: Vec<StackEvent>,
}

/// A resource with a creation policy, or a wait condition behind its handle.
#[derive(Clone, Debug)]
pub struct Resource {
    /// Its name in the template.
    pub logical_id: String,
    /// Such as `AWS::AutoScaling::AutoScalingGroup`.
    pub kind: String,
    /// Such as `CREATE_COMPLETE`.
    pub status: String,
    /// How many distinct successes it waits for.
    pub count: usize,
    /// How long it waits, from the stack's start.
    pub timeout: Duration,
    /// What it was sent, one a unique id.
    pub signals: Vec<Signal>,
}

/// A line of the stack's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StackEvent {
    /// The resource, or the stack's own name.
    pub logical_id: String,
    /// Its status then.
    pub status: String,
    /// CloudFormation's words.
    pub reason: String,
}

/// A signal as it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signal {
    /// When, by the emulator's clock.
    pub at: Timestamp,
    /// The stack's name.
    pub stack: String,
    /// The resource signalled.
    pub logical_id: String,
    /// Tells one sender from another.
    pub unique_id: String,
    /// Whether it reported success.
    pub success: bool,
    /// The reason, which wait-condition handles alone can carry.
    pub reason: Option<String>,
    /// The data sent through a handle.
    pub data: Option<String>,
    /// By which way it came.
    pub route: Route,
}

/// The ways a signal can come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// `SignalResource`, signed by this principal.
    Signed(String),
    /// `SignalResource` with this instance's identity document in place of a signature.
    Identity(String),
    /// A wait-condition handle.
    Handle,
}

/// What keeps a stack from being signalled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unheard {
    Stack(String),
    NoResource,
    Resource(String),
}

impl Stack {
    /// A stack being created.
    pub fn creating(name: &str) -> Self {
        Self::in_status(name, "CREATE_IN_PROGRESS")
    }

    /// A stack being updated.
    pub fn updating(name: &str) -> Self {
        Self::in_status(name, "UPDATE_IN_PROGRESS")
    }

    /// A stack in any status, such as `CREATE_COMPLETE`.
    pub fn in_status(name: &str, status: &str) -> Self {
        Self { name: name.to_owned(), status: status.to_owned(), resources: Vec::new(), events: Vec::new() }
    }

    /// With a group that waits for so many signals, for fifteen minutes.
    pub fn awaits(self, logical_id: &str, count: usize) -> Self {
        self.resource(logical_id, "AWS::AutoScaling::AutoScalingGroup", count, Duration::from_secs(900))
    }

    /// With a wait condition behind a handle of this name, for fifteen minutes.
    pub fn handle(self, logical_id: &str, count: usize) -> Self {
        self.resource(logical_id, "AWS::CloudFormation::WaitCondition", count, Duration::from_secs(900))
    }

    /// With any resource that can wait.
    pub fn resource(mut self, logical_id: &str, kind: &str, count: usize, timeout: Duration) -> Self {
        self.resources.push(Resource {
            logical_id: logical_id.to_owned(),
            kind: kind.to_owned(),
            status: self.status.clone(),
            count,
            timeout,
            signals: Vec::new(),
        });
        self
    }

    /// The stack's ARN.
    pub fn id(&self, account: &Account) -> String {
        account.arn("cloudformation", &format!("stack/{}/{}", self.name, uuid(&self.name)))
    }

    fn waits(&self) -> bool {
        matches!(self.status.as_str(), "CREATE_IN_PROGRESS" | "UPDATE_IN_PROGRESS")
    }

    fn event(&mut self, logical_id: &str, status: &str, reason: &str) {
        let (logical_id, status, reason) = (logical_id.to_owned(), status.to_owned(), reason.to_owned());
        self.events.push(StackEvent { logical_id, status, reason });
    }

    /// `CREATE` or `UPDATE`.
    fn verb(&self) -> &'static str {
        if self.status.starts_with("UPDATE") { "UPDATE" } else { "CREATE" }
    }

    /// Takes a signal in. One whose id came before changes nothing.
    pub(crate) fn hear(&mut self, signal: Signal) -> Result<(), Unheard> {
        if !self.waits() {
            return Err(Unheard::Stack(self.status.clone()));
        }
        let verb = self.verb();
        let Some(resource) = self.resources.iter_mut().find(|have| have.logical_id == signal.logical_id) else {
            return Err(Unheard::NoResource);
        };
        if !resource.status.ends_with("_IN_PROGRESS") {
            return Err(Unheard::Resource(resource.status.clone()));
        }
        if resource.signals.iter().any(|have| have.unique_id == signal.unique_id) {
            return Ok(());
        }
        let (logical_id, success) = (signal.logical_id.clone(), signal.success);
        let told = told(&signal);
        resource.signals.push(signal);
        let heard = resource.signals.iter().filter(|have| have.success).count();
        let status = resource.status.clone();
        if !success {
            self.event(&logical_id, &status, &told);
            self.fail(&logical_id, &told);
            return Ok(());
        }
        let complete = heard >= resource.count;
        if complete {
            resource.status = format!("{verb}_COMPLETE");
        }
        self.event(&logical_id, &status, &told);
        if complete {
            self.event(&logical_id, &format!("{verb}_COMPLETE"), "");
        }
        if self.resources.iter().all(|have| have.status.ends_with("_COMPLETE")) {
            self.status = format!("{verb}_COMPLETE");
            let name = self.name.clone();
            self.event(&name, &format!("{verb}_COMPLETE"), "");
        }
        Ok(())
    }

    /// Rolls back because of a resource.
    fn fail(&mut self, logical_id: &str, reason: &str) {
        let verb = self.verb();
        if let Some(resource) = self.resources.iter_mut().find(|have| have.logical_id == logical_id) {
            resource.status = format!("{verb}_FAILED");
        }
        self.event(logical_id, &format!("{verb}_FAILED"), reason);
        self.status = if verb == "UPDATE" { "UPDATE_ROLLBACK_IN_PROGRESS" } else { "ROLLBACK_IN_PROGRESS" }.to_owned();
        let (name, status) = (self.name.clone(), self.status.clone());
        self.event(&name, &status, &format!("The following resource(s) failed to {verb}: [{logical_id}]."));
    }

    /// Rolls back what has waited too long.
    pub(crate) fn settle(&mut self, started: Timestamp, now: Timestamp) {
        let late = |resource: &&Resource| {
            let waited = now.duration_since(started);
            resource.status.ends_with("_IN_PROGRESS")
                && SignedDuration::try_from(resource.timeout).is_ok_and(|timeout| waited > timeout)
        };
        if !self.waits() {
            return;
        }
        if let Some(resource) = self.resources.iter().find(late) {
            let missing = resource.count - resource.signals.iter().filter(|have| have.success).count();
            let reason = format!("Failed to receive {missing} resource signal(s) within the specified duration");
            let logical_id = resource.logical_id.clone();
            self.fail(&logical_id, &reason);
        }
    }
}

/// What the stack's history says of a signal.
fn told(signal: &Signal) -> String {
    let id = &signal.unique_id;
    match (&signal.route, signal.success) {
        (Route::Handle, true) => format!("WaitCondition received success message for uniqueId: {id}"),
        (Route::Handle, false) => {
            let reason = signal.reason.as_deref().unwrap_or_default();
            format!("WaitCondition received failed message: '{reason}' for uniqueId: {id}")
        }
        (_, true) => format!("Received SUCCESS signal with UniqueId {id}"),
        (_, false) => format!("Received FAILURE signal with UniqueId {id}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signal(unique_id: &str, success: bool) -> Signal {
        Signal {
            at: Timestamp::UNIX_EPOCH,
            stack: "web".to_owned(),
            logical_id: "Group".to_owned(),
            unique_id: unique_id.to_owned(),
            success,
            reason: None,
            data: None,
            route: Route::Handle,
        }
    }

    #[test]
    fn distinct_successes_complete_and_late_ones_are_refused() {
        let mut stack = Stack::creating("web").awaits("Group", 2);
        for (id, status) in [("a", "CREATE_IN_PROGRESS"), ("a", "CREATE_IN_PROGRESS"), ("b", "CREATE_COMPLETE")] {
            assert_eq!(stack.hear(signal(id, true)), Ok(()));
            assert_eq!(stack.status, status, "{id}");
        }
        assert_eq!(stack.hear(signal("c", true)), Err(Unheard::Stack("CREATE_COMPLETE".to_owned())));
    }

    #[test]
    fn a_failure_rolls_back_at_once() {
        let mut stack = Stack::updating("web").awaits("Group", 2).awaits("Other", 1);
        assert_eq!(stack.hear(signal("a", false)), Ok(()));
        assert_eq!(stack.status, "UPDATE_ROLLBACK_IN_PROGRESS");
        assert!(stack.events.iter().any(|event| event.status == "UPDATE_FAILED"));
    }

    #[test]
    fn silence_rolls_back_when_the_time_is_over() {
        let mut stack = Stack::creating("web").awaits("Group", 1);
        let start = Timestamp::UNIX_EPOCH;
        stack.settle(start, start + SignedDuration::from_mins(15));
        assert_eq!(stack.status, "CREATE_IN_PROGRESS");
        stack.settle(start, start + SignedDuration::from_mins(16));
        assert_eq!(stack.status, "ROLLBACK_IN_PROGRESS");
        assert_eq!(stack.events[0].reason, "Failed to receive 1 resource signal(s) within the specified duration");
    }
}
