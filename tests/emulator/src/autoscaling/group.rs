//! A group, its lifecycle hooks, and what of an instance's life a test may look at.

use jiff::Timestamp;
use std::time::Duration;

/// An Auto Scaling group.
#[derive(Clone, Debug)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Its hooks; at most fifty.
    pub hooks: Vec<Hook>,
    /// `Stopped`, `Running` or `Hibernated`: where warmed instances wait.
    pub pool_state: String,
    /// For so long after an instance enters service, reports of bad health may be set aside.
    pub grace_period: Duration,
    pub(crate) launched: Vec<(String, bool)>,
}

/// A lifecycle hook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// Its name.
    pub name: String,
    /// Which way through the group it is met.
    pub transition: Transition,
    /// From the wait's beginning or the last heartbeat.
    pub heartbeat_timeout: Duration,
    /// What becomes of a wait that nobody completes.
    pub default_result: Verdict,
    /// The wait begins this long after the instance is pending: the race that first instances lose.
    pub late: Duration,
    /// The topic or queue that is told of each wait.
    pub notifies: Option<String>,
}

/// The way that a hook stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transition {
    /// Into service, or into the warm pool.
    Launching,
    /// Out of the group.
    Terminating,
}

/// How a lifecycle action ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// On to the next state.
    Continue,
    /// Away with the instance.
    Abandon,
}

impl Verdict {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Continue => "CONTINUE",
            Self::Abandon => "ABANDON",
        }
    }
}

impl Transition {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Launching => "autoscaling:EC2_INSTANCE_LAUNCHING",
            Self::Terminating => "autoscaling:EC2_INSTANCE_TERMINATING",
        }
    }
}

impl Hook {
    /// A hook on launch: an hour between heartbeats, and ABANDON unless completed, as AWS has it.
    pub fn launching(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            transition: Transition::Launching,
            heartbeat_timeout: Duration::from_secs(3600),
            default_result: Verdict::Abandon,
            late: Duration::ZERO,
            notifies: None,
        }
    }

    /// A hook on termination.
    pub fn terminating(name: &str) -> Self {
        Self { transition: Transition::Terminating, ..Self::launching(name) }
    }

    /// With so many seconds between heartbeats, 30 to 7200.
    pub fn heartbeat(mut self, seconds: u64) -> Self {
        self.heartbeat_timeout = Duration::from_secs(seconds.clamp(30, 7200));
        self
    }

    /// CONTINUE if nobody completes it.
    pub fn or_continue(mut self) -> Self {
        self.default_result = Verdict::Continue;
        self
    }

    /// With a wait that begins so much later.
    pub fn late(mut self, by: Duration) -> Self {
        self.late = by;
        self
    }

    /// With a topic or queue that is told of each wait.
    pub fn notifying(mut self, arn: &str) -> Self {
        self.notifies = Some(arn.to_owned());
        self
    }

    /// The end that no heartbeat moves: a hundred timeouts, 48 hours at most.
    pub fn global_timeout(&self) -> Duration {
        (self.heartbeat_timeout * 100).min(Duration::from_secs(48 * 3600))
    }
}

impl Group {
    /// A group without hooks or instances.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            hooks: Vec::new(),
            pool_state: "Stopped".to_owned(),
            grace_period: Duration::ZERO,
            launched: Vec::new(),
        }
    }

    /// With one hook more.
    pub fn hook(mut self, hook: Hook) -> Self {
        self.hooks.push(hook);
        self
    }

    /// With an instance on its way into service.
    pub fn launching(mut self, instance: &str) -> Self {
        self.launched.push((instance.to_owned(), false));
        self
    }

    /// With an instance on its way into the warm pool.
    pub fn warming(mut self, instance: &str) -> Self {
        self.launched.push((instance.to_owned(), true));
        self
    }

    /// With so many seconds of grace after an instance enters service.
    pub fn grace(mut self, seconds: u64) -> Self {
        self.grace_period = Duration::from_secs(seconds);
        self
    }
}

/// An instance's life in its group so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lifecycle {
    /// The group's name.
    pub group: String,
    /// Such as `Pending:Wait` or `InService`.
    pub state: String,
    /// Where the group wants it: what its metadata says.
    pub target: String,
    /// `HEALTHY` or `UNHEALTHY`.
    pub health: String,
    /// Tokens of the actions that wait, by hook.
    pub waiting: Vec<(String, String)>,
    /// Actions that ended, oldest first.
    pub completed: Vec<Completed>,
    /// Heartbeats, by hook.
    pub heartbeats: Vec<(String, Timestamp)>,
}

/// A lifecycle action that ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completed {
    /// The hook.
    pub hook: String,
    /// How it ended.
    pub verdict: Verdict,
    /// Whether time ended it, rather than a call.
    pub timed_out: bool,
    /// When.
    pub at: Timestamp,
}
