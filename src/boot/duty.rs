//! What a boot stands on while it goes on: settings, lock, journal, deadline, and who is to be told.

use super::audience::Audience;
use super::deadline::Deadline;
use super::ground::Ground;
use super::heartbeat::Heartbeat;
use super::instance::Instance;
use super::reach::{Caller, Reach};
use super::report::Reporter;
use super::{Ended, Mode, Request};
use crate::cloud;
use crate::failure::{Failure, Stage};
use crate::host::Linux;
use crate::journal::{HostKey, JournalError, Lock, Marker, Run};
use crate::secret::Redactor;
use crate::settings::{Name, Settings, SettingsError, Written};
use crate::trust::{Realm, TrustRoot};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// Role credentials may come minutes after the instance (aws-sdk-js #374: about nine).
const CREDENTIALS: Duration = Duration::from_secs(600);
/// Putting a release back: a rename, and a unit's restart.
const PUT_BACK: Duration = Duration::from_secs(30);

/// A boot that goes on.
pub(super) struct Duty {
    pub(super) request: Request,
    pub(super) written: Written,
    pub(super) reach: Arc<Reach>,
    pub(super) run: Arc<Run>,
    pub(super) redactor: Redactor,
    pub(super) reporter: Reporter,
    pub(super) deadline: Deadline,
    pub(super) state: PathBuf,
    pub(super) stopped: Arc<AtomicBool>,
    /// What was wrong from the beginning.
    trouble: Option<Failure>,
    /// Known once metadata answered.
    pub(super) audience: Audience,
    pub(super) caller: Option<Caller>,
    pub(super) host: Option<HostKey>,
    /// Of the instance's life in its group.
    pub(super) stretch: Option<String>,
    pub(super) architecture: &'static str,
    /// The instance, its placement and tags, as templates see them.
    pub(super) facts: serde_json::Value,
    _lock: Option<Lock>,
}

fn settings(error: SettingsError) -> Failure {
    Failure::new(Stage::Settings, error)
}

pub(super) fn journal(error: JournalError) -> Failure {
    error.into()
}

fn region<'a>(settings: &'a Settings, instance: &'a Instance) -> &'a str {
    settings.network.region.as_ref().map_or(instance.identity.region.as_str(), |region| region.as_str())
}

impl Duty {
    /// Finds what a run stands on, and says that one begins. What is wrong with that is told like any other failure.
    pub(super) fn begin(request: &Request) -> Result<Self, Failure> {
        let Ground { written, reach, run, redactor, deadline, state, stopped, trouble, lock } = Ground::find(request)?;
        if matches!(request.mode, Mode::Converge | Mode::Tree | Mode::Rollback | Mode::Update) {
            // Nobody waits for it.
            run.reported();
        }
        Ok(Self {
            request: request.clone(),
            written,
            reach,
            run,
            reporter: Reporter::new(&state, redactor.clone()),
            redactor,
            deadline,
            state,
            stopped,
            trouble,
            audience: Audience::default(),
            caller: None,
            host: None,
            stretch: None,
            architecture: "amd64",
            facts: serde_json::Value::Null,
            _lock: lock,
        })
    }

    /// Who is this host, and who waits for it?
    pub(super) fn identify(&mut self) -> Result<Instance, Failure> {
        self.run.enter(Stage::Identity);
        let host = Linux::new(Path::new("/")).map_err(|error| Failure::message(Stage::Internal, error.to_string()))?;
        // Where the run is in trouble already, that is the failure, and not that nobody could be found to be told.
        let instance = Instance::learn(&self.reach, &host);
        let instance = instance.map_err(|failure| self.trouble.take().unwrap_or(failure))?;
        self.run.instance(&instance.identity.instance_id);
        if instance.tags.is_none() {
            self.run.line(cloud::TAGS_OFF);
        }
        // Enough to tell whoever waits, whatever is wrong with settings and user-data.
        let launched = instance.user_data.as_deref().and_then(|bytes| self.written.clone().with_user_data(bytes).ok());
        let sound = launched.as_ref().unwrap_or(&self.written).salvaged(&instance.facts());
        sound.learn(&self.redactor);
        (self.audience, _) = Audience::of(&sound.signal, &instance);
        self.caller = Some(self.reach.caller(region(&sound, &instance)));
        self.host = Some(instance.key());
        self.stretch = instance.stretch();
        self.architecture = instance.architecture();
        self.facts = instance.facts();
        Ok(instance)
    }

    /// What is this host told to do? A run in trouble ends here: now it is known who is to be told of it.
    pub(super) fn settle(&mut self, instance: &Instance) -> Result<Settings, Failure> {
        if let Some(trouble) = self.trouble.take() {
            return Err(trouble);
        }
        self.run.enter(Stage::Settings);
        let mut written = self.written.clone();
        if self.request.sources.user_data.is_none()
            && let Some(bytes) = &instance.user_data
        {
            written = written.with_user_data(bytes).map_err(settings)?;
        }
        let settled = written.resolve(&instance.facts()).map_err(|error| {
            let by_template = matches!(error, SettingsError::Template { .. });
            let failure = settings(error);
            match failure.hint.clone().filter(|_| by_template && instance.tags.is_none()) {
                Some(hint) => failure.with_hint(format!("{hint}; {}", cloud::TAGS_OFF)),
                None => failure,
            }
        })?;
        settled.learn(&self.redactor);
        let (audience, whole) = Audience::of(&settled.signal, instance);
        self.audience = audience;
        whole.map_err(|error| Failure::new(Stage::Settings, error))?;
        let hook = settled.hooks.on_failure.as_ref().map_or(Duration::ZERO, |hook| hook.timeout.get());
        let back = if settled.releases.is_empty() { Duration::ZERO } else { PUT_BACK };
        self.deadline = self.deadline.no_later_than(settled.deadline.get()).keeping(hook + back);
        crate::host::end_programs_at(Some(self.deadline.work().into_std()));
        self.caller = Some(self.reach.caller(region(&settled, instance)));
        Ok(settled)
    }

    /// Was it done before, for this very instance, image and root volume? Or is it only to report?
    pub(super) fn done_before(&self, instance: &Instance) -> Result<Option<Ended>, Failure> {
        let marker = Marker::open(&self.state);
        Ok(match self.request.mode {
            Mode::Report => Some(Ended::Reported { signals: Vec::new() }),
            Mode::Boot => marker.read(&instance.key()).map(|done| {
                self.run.line(&format!("already done by run {} at {}: converge is skipped", done.run, done.at));
                Ended::AlreadyDone { done, signals: Vec::new() }
            }),
            // What is asked for again is not done until it has succeeded again.
            Mode::BootAgain => {
                marker.clear().map_err(journal)?;
                None
            }
            Mode::Converge | Mode::Tree | Mode::Rollback | Mode::Update => None,
        })
    }

    /// Becomes somebody: waits until the role's credentials are there.
    pub(super) fn become_caller(&mut self, settled: &Settings, instance: &Instance) -> Result<Caller, Failure> {
        self.run.enter(Stage::Identity);
        let caller = self.reach.caller(region(settled, instance));
        let run = Arc::clone(&self.run);
        self.reach.wait_for_credentials(&caller, CREDENTIALS.min(self.deadline.left()), |what| {
            run.waiting(Some(&format!("the instance role's credentials: {what}")));
        })?;
        self.run.waiting(None);
        Ok(caller)
    }

    /// Tells the lifecycle hook that work goes on.
    pub(super) fn heartbeat(&self, caller: &Caller, instance: &Instance) -> Heartbeat {
        let id = &instance.identity.instance_id;
        let boots = matches!(self.request.mode, Mode::Boot | Mode::BootAgain);
        let audience = if boots { self.audience.clone() } else { Audience::default() };
        Heartbeat::start(&self.reach, caller, &audience, id, self.deadline.end())
    }

    /// Whom this host believes.
    pub(super) fn realm(&self, name: Option<&Name>) -> Result<Realm, Failure> {
        let untrusted = |error| Failure::new(Stage::Verify, error);
        let root = self.request.trust.clone().map_or_else(TrustRoot::load, Ok).map_err(untrusted)?;
        root.realm(name.map(|name| name.as_str())).map_err(untrusted).cloned()
    }

    /// Work has failed: what was kept back for that may be used.
    pub(super) fn failed(&mut self) {
        self.deadline = self.deadline.of_failure();
    }
}
