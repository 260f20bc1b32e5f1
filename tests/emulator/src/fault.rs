//! Trouble on order: what AWS does on a bad day, to chosen calls, a chosen number of times.

use crate::encoding::matches;
use std::time::Duration;

/// What befalls a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Refused with the service's own throttling error.
    Throttle,
    /// Refused with a server error of this status, 500 or 503.
    Status(u16),
    /// Answered properly, this much later.
    Delay(Duration),
    /// Answered 200 with a page, by something that stands in between: the service hears nothing.
    Portal,
    /// The answer's head and half of its body; then the connection closes.
    CutOff,
    /// The connection is reset without an answer.
    Reset,
    /// No answer, on a connection that stays open.
    Silence,
}

/// An effect on the calls that a service and an action pattern choose.
#[derive(Clone, Debug)]
pub struct Fault {
    service: String,
    action: String,
    effect: Effect,
    skip: u32,
    left: Option<u32>,
}

impl Fault {
    /// Strikes every call of `service` (`ssm`, `imds`, ...) whose action matches; both may use `*`.
    /// The action of a metadata request is its path, such as `meta-data/instance-id` or `api/token`.
    pub fn on(service: &str, action: &str, effect: Effect) -> Self {
        Self { service: service.to_owned(), action: action.to_owned(), effect, skip: 0, left: None }
    }

    /// Only so many times.
    pub fn times(mut self, times: u32) -> Self {
        self.left = Some(times);
        self
    }

    /// Not for the first so many matching calls.
    pub fn after(mut self, calls: u32) -> Self {
        self.skip = calls;
        self
    }
}

/// The faults in force.
#[derive(Debug, Default)]
pub(crate) struct Faults(pub(crate) Vec<Fault>);

impl Faults {
    /// What befalls this call; counts it.
    pub(crate) fn strike(&mut self, service: &str, action: &str) -> Option<Effect> {
        for fault in &mut self.0 {
            if fault.left == Some(0) || !matches(&fault.service, service) || !matches(&fault.action, action) {
                continue;
            }
            if fault.skip > 0 {
                fault.skip -= 1;
                continue;
            }
            fault.left = fault.left.map(|left| left - 1);
            return Some(fault.effect);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_strikes_as_often_as_ordered() {
        let mut faults = Faults(vec![Fault::on("ssm", "Get*", Effect::Throttle).after(1).times(2)]);
        let struck = [(); 5].map(|()| faults.strike("ssm", "GetParameter").is_some());
        assert_eq!(struck, [false, true, true, false, false]);
        assert_eq!(Faults(vec![Fault::on("ssm", "*", Effect::Reset)]).strike("sts", "GetCallerIdentity"), None);
    }
}
