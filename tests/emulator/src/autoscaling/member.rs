//! One instance's way through its group: states, waits, and what time does to them.

use super::group::{Completed, Group, Hook, Lifecycle, Transition, Verdict};
use crate::encoding::uuid;
use jiff::{SignedDuration, Timestamp};

/// Where an instance is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Launching,
    InService,
    Warming,
    Warmed,
    Terminating,
    Terminated,
}

/// A lifecycle action that may be completed, from `begins` until one of its ends.
#[derive(Clone, Debug)]
pub(crate) struct Wait {
    pub(crate) hook: Hook,
    pub(crate) token: String,
    begins: Timestamp,
    deadline: Timestamp,
    global: Timestamp,
}

/// An instance in a group.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) instance: String,
    pub(crate) stage: Stage,
    pub(crate) healthy: bool,
    pub(crate) entered: Timestamp,
    waits: Vec<Wait>,
    completed: Vec<Completed>,
    heartbeats: Vec<(String, Timestamp)>,
    given: u32,
}

fn signed(duration: std::time::Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}

impl Member {
    pub(crate) fn new(instance: &str, stage: Stage, group: &Group, now: Timestamp) -> Self {
        let mut member = Self {
            instance: instance.to_owned(),
            stage,
            healthy: true,
            entered: now,
            waits: Vec::new(),
            completed: Vec::new(),
            heartbeats: Vec::new(),
            given: 0,
        };
        member.enter(stage, group, now);
        member
    }

    /// Into a stage, whose hooks begin to wait; without any, on at once.
    pub(crate) fn enter(&mut self, stage: Stage, group: &Group, now: Timestamp) {
        self.stage = stage;
        self.entered = now;
        let met = match stage {
            Stage::Launching | Stage::Warming => Some(Transition::Launching),
            Stage::Terminating => Some(Transition::Terminating),
            Stage::InService | Stage::Warmed | Stage::Terminated => None,
        };
        self.waits = Vec::new();
        for hook in group.hooks.iter().filter(|hook| Some(hook.transition) == met) {
            self.given += 1;
            let begins = now + signed(hook.late);
            self.waits.push(Wait {
                token: uuid(&format!("{} {} {}", self.instance, hook.name, self.given)),
                begins,
                deadline: begins + signed(hook.heartbeat_timeout),
                global: begins + signed(hook.global_timeout()),
                hook: hook.clone(),
            });
        }
        self.advance(group, now);
    }

    /// On to the next stage, once nothing waits.
    fn advance(&mut self, group: &Group, now: Timestamp) {
        if !self.waits.is_empty() {
            return;
        }
        match self.stage {
            Stage::Launching => self.enter(Stage::InService, group, now),
            Stage::Warming => self.enter(Stage::Warmed, group, now),
            Stage::Terminating => self.enter(Stage::Terminated, group, now),
            Stage::InService | Stage::Warmed | Stage::Terminated => {}
        }
    }

    /// Ends the waits whose time is over.
    pub(crate) fn settle(&mut self, group: &Group, now: Timestamp) {
        while let Some(over) = self.waits.iter().find(|wait| wait.deadline.min(wait.global) <= now).cloned() {
            let at = over.deadline.min(over.global);
            self.end(&over.hook.name, over.hook.default_result, true, group, at);
        }
    }

    /// The action that may be completed now, by hook and, where given, token.
    pub(crate) fn active(&mut self, hook: &str, token: Option<&str>, now: Timestamp) -> Option<&mut Wait> {
        self.waits
            .iter_mut()
            .find(|wait| wait.hook.name == hook && wait.begins <= now && token.is_none_or(|token| wait.token == token))
    }

    /// Ends an action. ABANDON on the way in turns the instance around and ends the other actions too.
    pub(crate) fn end(&mut self, hook: &str, verdict: Verdict, timed_out: bool, group: &Group, at: Timestamp) {
        self.waits.retain(|wait| wait.hook.name != hook);
        self.completed.push(Completed { hook: hook.to_owned(), verdict, timed_out, at });
        let inward = matches!(self.stage, Stage::Launching | Stage::Warming);
        if inward && verdict == Verdict::Abandon {
            return self.enter(Stage::Terminating, group, at);
        }
        if verdict == Verdict::Abandon {
            self.waits.clear();
        }
        self.advance(group, at);
    }

    /// Restarts an action's timeout, never past its global end.
    pub(crate) fn beat(&mut self, hook: &str, now: Timestamp) {
        for wait in self.waits.iter_mut().filter(|wait| wait.hook.name == hook) {
            wait.deadline = (now + signed(wait.hook.heartbeat_timeout)).min(wait.global);
        }
        self.heartbeats.push((hook.to_owned(), now));
    }

    /// The state's name.
    pub(crate) fn state(&self, group: &Group, now: Timestamp) -> String {
        let waiting = if self.waits.iter().any(|wait| wait.begins <= now) { ":Wait" } else { "" };
        match self.stage {
            Stage::Launching => format!("Pending{waiting}"),
            Stage::Warming => format!("Warmed:Pending{waiting}"),
            Stage::Terminating => format!("Terminating{waiting}"),
            Stage::InService => "InService".to_owned(),
            Stage::Warmed => format!("Warmed:{}", group.pool_state),
            Stage::Terminated => "Terminated".to_owned(),
        }
    }

    /// Where the group wants the instance to be.
    pub(crate) fn target(&self, group: &Group) -> String {
        match self.stage {
            Stage::Launching | Stage::InService => "InService".to_owned(),
            Stage::Warming | Stage::Warmed => format!("Warmed:{}", group.pool_state),
            Stage::Terminating | Stage::Terminated => "Terminated".to_owned(),
        }
    }

    pub(crate) fn health(&self) -> &'static str {
        if self.healthy { "HEALTHY" } else { "UNHEALTHY" }
    }

    pub(crate) fn lifecycle(&self, group: &Group, now: Timestamp) -> Lifecycle {
        let begun = self.waits.iter().filter(|wait| wait.begins <= now);
        Lifecycle {
            group: group.name.clone(),
            state: self.state(group, now),
            target: self.target(group),
            health: self.health().to_owned(),
            waiting: begun.map(|wait| (wait.hook.name.clone(), wait.token.clone())).collect(),
            completed: self.completed.clone(),
            heartbeats: self.heartbeats.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const START: Timestamp = Timestamp::UNIX_EPOCH;

    fn after(seconds: i64) -> Timestamp {
        START + SignedDuration::from_secs(seconds)
    }

    fn state(member: &mut Member, group: &Group, seconds: i64) -> String {
        member.settle(group, after(seconds));
        member.state(group, after(seconds))
    }

    #[test]
    fn a_wait_that_nobody_completes_ends_as_the_hook_says() {
        for (hook, end) in [
            (Hook::launching("boot").heartbeat(60), "Terminated"),
            (Hook::launching("boot").heartbeat(60).or_continue(), "InService"),
        ] {
            let group = Group::new("web").hook(hook);
            let mut member = Member::new("i-0", Stage::Launching, &group, START);
            assert_eq!(state(&mut member, &group, 59), "Pending:Wait");
            assert_eq!(state(&mut member, &group, 60), end);
            assert!(member.lifecycle(&group, after(60)).completed[0].timed_out);
        }
    }

    #[test]
    fn heartbeats_extend_a_wait_but_not_for_ever() {
        let group = Group::new("web").hook(Hook::launching("boot").heartbeat(30));
        let mut member = Member::new("i-0", Stage::Launching, &group, START);
        for seconds in (0..=2995).step_by(5) {
            assert_eq!(state(&mut member, &group, seconds), "Pending:Wait", "{seconds}");
            member.beat("boot", after(seconds));
        }
        assert_eq!(state(&mut member, &group, 3000), "Terminated");
    }

    #[test]
    fn every_hook_must_continue() {
        let group =
            Group::new("web").hook(Hook::launching("a")).hook(Hook::launching("b")).hook(Hook::terminating("c"));
        let mut member = Member::new("i-0", Stage::Launching, &group, START);
        member.end("a", Verdict::Continue, false, &group, START);
        assert_eq!(member.state(&group, START), "Pending:Wait");
        let mut turned = member.clone();
        member.end("b", Verdict::Continue, false, &group, START);
        assert_eq!(member.state(&group, START), "InService");
        turned.end("b", Verdict::Abandon, false, &group, START);
        assert_eq!(turned.state(&group, START), "Terminating:Wait");
        turned.end("c", Verdict::Continue, false, &group, START);
        assert_eq!(turned.state(&group, START), "Terminated");
    }

    #[test]
    fn a_wait_may_begin_late() {
        let group = Group::new("web").hook(Hook::launching("boot").late(Duration::from_secs(10)));
        let mut member = Member::new("i-0", Stage::Warming, &group, START);
        assert!(member.active("boot", None, after(9)).is_none());
        assert_eq!(member.state(&group, after(9)), "Warmed:Pending");
        assert!(member.active("boot", None, after(10)).is_some());
        assert!(member.active("boot", Some("other"), after(10)).is_none());
        assert_eq!(member.target(&group), "Warmed:Stopped");
    }
}
