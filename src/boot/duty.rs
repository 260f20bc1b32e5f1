//! What a boot stands on while it goes on: settings, lock, journal, deadline, and who is to be told.

use super::audience::Audience;
use super::heartbeat::Heartbeat;
use super::instance::Instance;
use super::reach::{Caller, Deadline, Reach};
use super::report::{Reporter, Settled};
use super::repository::{self, Checked, Order};
use super::work::Work;
use super::{BOOT, Ended, Mode, Request, parameters};
use crate::cloud::{self, CloudError};
use crate::failure::{Failure, Stage};
use crate::host::Linux;
use crate::journal::{Done, History, HostKey, JournalError, Lock, Marker, Progress, Run};
use crate::roles::value::Map;
use crate::secret::Redactor;
use crate::settings::{self, Settings, SettingsError, Written};
use crate::trust::{Realm, TrustRoot};
use jiff::Timestamp;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Role credentials may come minutes after the instance (aws-sdk-js #374: about nine).
const CREDENTIALS: Duration = Duration::from_secs(600);

/// A boot that goes on.
pub(super) struct Duty {
    request: Request,
    written: Written,
    reach: Arc<Reach>,
    run: Arc<Run>,
    redactor: Redactor,
    reporter: Reporter,
    deadline: Deadline,
    state: PathBuf,
    stopped: Arc<AtomicBool>,
    /// Known once metadata answered.
    audience: Audience,
    caller: Option<Caller>,
    host: Option<HostKey>,
    architecture: &'static str,
    /// The instance, its placement and tags, as templates see them.
    facts: serde_json::Value,
    _lock: Lock,
}

fn settings(error: SettingsError) -> Failure {
    Failure::new(Stage::Settings, error)
}

fn journal(error: JournalError) -> Failure {
    error.into()
}

/// A directory of settings, beneath the root that is brought to duty.
fn beneath(root: &Path, path: &Path) -> PathBuf {
    root.join(path.strip_prefix("/").unwrap_or(path))
}

impl Duty {
    /// Reads the image's settings, takes the lock, and says that a run begins.
    pub(super) fn begin(request: &Request) -> Result<Self, Failure> {
        let written = settings::load(&request.sources).map_err(settings)?;
        let early = written.early().map_err(settings)?;
        let now = Timestamp::now();
        let command = match request.mode {
            Mode::Boot | Mode::BootAgain => BOOT,
            Mode::Converge => "muster converge",
            Mode::Report => "muster boot --report-only",
        };
        let state = beneath(&request.root, early.state_directory.as_path());
        let directory = beneath(&request.root, early.run_directory.as_path());
        let lock = Lock::take(&directory, command, request.wait_lock, now).map_err(journal)?;
        let redactor = Redactor::default();
        let progress = if request.progress { Progress::standard() } else { Progress::silent() };
        let deadline = Deadline::after(early.deadline.get());
        let reach = Arc::new(Reach::open(&early.network, &early.metadata)?);
        let run = Run::begin(command, &state, &directory, redactor.clone(), progress, now).map_err(journal)?;
        let run = if request.root == Path::new("/") { run } else { run.apart() };
        let stopped = Arc::new(AtomicBool::new(false));
        listen(&reach, &stopped)?;
        Ok(Self {
            request: request.clone(),
            written,
            reach,
            run: Arc::new(run),
            reporter: Reporter::new(&state, redactor.clone()),
            redactor,
            deadline,
            state,
            stopped,
            audience: Audience::default(),
            caller: None,
            host: None,
            architecture: "amd64",
            facts: serde_json::Value::Null,
            _lock: lock,
        })
    }

    /// Who is this host?
    pub(super) fn identify(&mut self) -> Result<Instance, Failure> {
        self.run.enter(Stage::Identity);
        let host = Linux::new(Path::new("/")).map_err(|error| Failure::message(Stage::Internal, error.to_string()))?;
        let instance = Instance::learn(&self.reach, &host)?;
        self.run.instance(&instance.identity.instance_id);
        if instance.tags.is_none() {
            self.run.line(cloud::TAGS_OFF);
        }
        // Enough to tell whoever waits, whatever is wrong with user-data.
        self.audience = self.audience_of_image(&instance);
        self.caller = Some(self.reach.caller(&instance.identity.region));
        self.host = Some(instance.key());
        self.architecture = instance.architecture();
        self.facts = instance.facts();
        let interrupted = self.reporter.interrupted(&self.audience, Some(&self.run.id()))?;
        for reason in interrupted {
            self.run.note(&format!("an earlier run did not end: {reason}"));
        }
        Ok(instance)
    }

    /// The image's own settings name an audience too, where they need no user-data to be whole.
    fn audience_of_image(&self, instance: &Instance) -> Audience {
        let resolved = instance
            .user_data
            .as_deref()
            .map_or_else(|| Ok(self.written.clone()), |bytes| self.written.clone().with_user_data(bytes));
        let image = || self.written.resolve(&instance.facts()).ok();
        let resolved = resolved.and_then(|written| written.resolve(&instance.facts())).ok().or_else(image);
        let audience = resolved.and_then(|settings| Audience::of(&settings.signal, instance).ok());
        audience.unwrap_or_else(|| Audience::of_tags(instance))
    }

    /// What is this host told to do? From here on its audience is known.
    pub(super) fn settle(&mut self, instance: &Instance) -> Result<Settings, Failure> {
        self.run.enter(Stage::Settings);
        let mut written = self.written.clone();
        if self.request.sources.user_data.is_none()
            && let Some(bytes) = &instance.user_data
        {
            written = written.with_user_data(bytes).map_err(settings)?;
        }
        let settled = written.resolve(&instance.facts()).map_err(settings)?;
        settled.learn(&self.redactor);
        let wrong = |error: CloudError| Failure::new(Stage::Settings, error);
        self.audience = Audience::of(&settled.signal, instance).map_err(wrong)?;
        self.deadline = self.deadline.no_later_than(settled.deadline.get());
        crate::host::end_programs_at(Some(self.deadline.work().into_std()));
        let region =
            settled.network.region.as_ref().map_or(instance.identity.region.as_str(), |region| region.as_str());
        self.caller = Some(self.reach.caller(region));
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
            Mode::Converge => None,
        })
    }

    /// Becomes somebody: waits until the role's credentials are there.
    pub(super) fn become_caller(&mut self, settled: &Settings, instance: &Instance) -> Result<Caller, Failure> {
        self.run.enter(Stage::Identity);
        let region =
            settled.network.region.as_ref().map_or(instance.identity.region.as_str(), |region| region.as_str());
        let caller = self.reach.caller(region);
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
    pub(super) fn realm(&self, settled: &Settings) -> Result<Realm, Failure> {
        let untrusted = |error| Failure::new(Stage::Verify, error);
        let root = self.request.trust.clone().map_or_else(TrustRoot::load, Ok).map_err(untrusted)?;
        let name = settled.trust.realm.as_ref().map(|name| name.as_str());
        root.realm(name).map_err(untrusted).cloned()
    }

    /// Fetches parameters and the repository at the same time.
    pub(super) fn fetch(
        &self,
        settled: &Settings,
        caller: &Caller,
        realm: &Realm,
    ) -> Result<(Vec<cloud::Parameter>, Checked), Failure> {
        let Some(repository) = &settled.repository else {
            return Err(Failure::message(Stage::Settings, "settings name no config repository")
                .with_hint("set `repository: {url: ..., ref: ...}` in /etc/muster/muster.yaml"));
        };
        let last = History::open(&self.state).last_done().map_err(journal)?.and_then(|record| record.tree);
        let order = Order {
            repository,
            network: &settled.network,
            realm,
            state: &self.state,
            last,
            allow_rollback: self.request.allow_rollback.as_deref(),
        };
        self.run.enter(Stage::Parameters);
        std::thread::scope(|scope| {
            let parameters = scope.spawn(|| self.parameters(settled, caller));
            let checked = repository::bring(&order, &self.reach, caller, self.deadline, &self.redactor, &self.run);
            let parameters = parameters.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
            Ok((parameters, checked?))
        })
    }

    fn parameters(&self, settled: &Settings, caller: &Caller) -> Result<Vec<cloud::Parameter>, Failure> {
        let wanted = &settled.parameters;
        let failed = |error: CloudError| Failure::new(Stage::Parameters, error);
        let mut paths: Vec<&String> = wanted.paths.iter().chain(wanted.prefix.keys()).collect();
        paths.sort();
        paths.dedup();
        let mut found = Vec::new();
        for path in paths {
            found.extend(
                self.reach.wait(cloud::by_path(&caller.session, path, true, self.deadline.work())).map_err(failed)?,
            );
        }
        let named = cloud::by_names(&caller.session, &wanted.names, self.deadline.work());
        for (name, parameter) in wanted.names.iter().zip(self.reach.wait(named).map_err(failed)?) {
            found.push(parameter.ok_or_else(|| {
                Failure::message(
                    Stage::Parameters,
                    format!("parameter {name} does not exist in {}", caller.session.region()),
                )
                .with_hint("create it, or take it out of `parameters.names`")
            })?);
        }
        for parameter in found.iter().filter(|parameter| parameter.secure) {
            self.redactor.learn(parameter.value.expose());
        }
        Ok(found)
    }

    /// Reads the roles: what cannot be run as written is refused here.
    pub(super) fn load(
        &self,
        settled: &Settings,
        caller: &Caller,
        realm: &Realm,
        found: &[cloud::Parameter],
        checked: Checked,
    ) -> Result<Work, Failure> {
        self.run.enter(Stage::Parse);
        self.run.tree(&checked.commit.id);
        let variables: Map = parameters::variables(found, &settled.parameters.prefix, &self.facts);
        let grounds = super::work::Grounds {
            reach: Arc::clone(&self.reach),
            caller: caller.clone(),
            run: Arc::clone(&self.run),
            redactor: self.redactor.clone(),
            deadline: self.deadline,
            state: self.state.clone(),
            root: self.request.root.clone(),
            stopped: Arc::clone(&self.stopped),
            tags: self.request.tags.clone(),
            architecture: self.architecture,
        };
        Work::load(grounds, settled, realm, variables, found, checked)
    }

    /// Tells everybody how it went: into the outbox first, then out.
    pub(super) fn report(&mut self, result: Result<Ended, Failure>) -> Result<Ended, Failure> {
        let result = match result {
            Err(failure) if self.stopped.load(Ordering::SeqCst) && failure.stage != Stage::Interrupted => {
                let text = format!("stopped from outside: {}", failure.reason());
                Err(Failure { stage: Stage::Interrupted, ..Failure::message(Stage::Interrupted, text) })
            }
            Err(failure) if self.deadline.left().is_zero() && failure.stage != Stage::Deadline => {
                let text = format!("the run's deadline passed: {}", failure.reason());
                Err(Failure::message(Stage::Deadline, text)
                    .with_hint("what was done stays done; raise `deadline`, or see why it took so long"))
            }
            other => other,
        };
        crate::host::end_programs_at(None);
        let told = self.tell(&result);
        let result = match (result, told) {
            (Ok(ended), Ok(settled)) => settled.failed.into_iter().next().map_or(Ok((ended, settled.lines)), Err),
            (Ok(_), Err(unsaid)) => Err(unsaid),
            (Err(failure), told) => {
                for unsaid in told.map_or_else(|unsaid| vec![unsaid], |settled| settled.failed) {
                    self.run.note(&unsaid.to_string());
                }
                Err(failure)
            }
        };
        // The marker is the last word: a host whose outcome could not be said is not done.
        let result = result.and_then(|(ended, lines)| self.mark(&ended).map(|()| with_signals(ended, lines)));
        let ended = self.run.end(result.as_ref().map(|_| ()));
        match (result, ended) {
            (Ok(_), Err(error)) => Err(journal(error)),
            (result, _) => result.map_err(|failure| failure.scrubbed(|text| self.redactor.scrub(text))),
        }
    }

    fn tell(&self, result: &Result<Ended, Failure>) -> Result<Settled, Failure> {
        let Some(caller) = &self.caller else { return Ok(Settled::default()) };
        if self.request.mode != Mode::Converge {
            self.run.enter(Stage::Signal);
            let due = match result {
                Ok(Ended::Reported { .. }) => Vec::new(),
                Err(_) if self.request.mode == Mode::Report => Vec::new(),
                Ok(Ended::AlreadyDone { .. }) => self.audience.lifecycle(),
                other => self.reporter.messages(&self.audience, other.as_ref().map(|_| ())),
            };
            if let Err(unkept) = self.reporter.put(&self.run.id(), &due) {
                self.run.note(&unkept.to_string());
                return Ok(self.reporter.send(&due, &self.reach, caller, self.deadline.end()));
            }
        }
        let settled = self.reporter.settle(&self.reach, caller, self.deadline.end())?;
        settled.lines.iter().for_each(|line| self.run.line(line));
        Ok(settled)
    }

    fn mark(&self, ended: &Ended) -> Result<(), Failure> {
        let (Ended::Converged { commit, .. }, Some(host)) = (ended, &self.host) else { return Ok(()) };
        if self.request.mode == Mode::Converge {
            return Ok(());
        }
        let done = Done { host: host.clone(), run: self.run.id(), tree: commit.clone(), at: Timestamp::now() };
        Marker::open(&self.state).write(&done).map_err(journal)
    }
}

fn with_signals(ended: Ended, lines: Vec<String>) -> Ended {
    match ended {
        Ended::Converged { commit, counts, .. } => Ended::Converged { commit, counts, signals: lines },
        Ended::AlreadyDone { done, .. } => Ended::AlreadyDone { done, signals: lines },
        Ended::Reported { .. } => Ended::Reported { signals: lines },
    }
}

/// SIGTERM and SIGINT ask for an orderly end: the program that runs is asked to end too, no further task begins, and the
/// failure is reported.
fn listen(reach: &Reach, stopped: &Arc<AtomicBool>) -> Result<(), Failure> {
    use tokio::signal::unix::{SignalKind, signal};
    let failed = |error: std::io::Error| Failure::message(Stage::Internal, format!("listening for signals: {error}"));
    for kind in [SignalKind::terminate(), SignalKind::interrupt()] {
        let stopped = Arc::clone(stopped);
        let mut stream = reach.wait(async { signal(kind) }).map_err(failed)?;
        reach.runtime().spawn(async move {
            while stream.recv().await.is_some() {
                stopped.store(true, Ordering::SeqCst);
                crate::host::interrupt();
            }
        });
    }
    Ok(())
}
