//! What a run stands on before it knows where it is: settings, lock, journal, the way out; as much of each as there is.

use super::deadline::Deadline;
use super::reach::Reach;
use super::{BOOT, Mode, Planning, Request};
use crate::failure::{Failure, Stage};
use crate::journal::{JournalError, Lock, Progress, Run};
use crate::secret::Redactor;
use crate::settings::keys::Early;
use crate::settings::{self, Settings, Sources, Written, keys};
use jiff::Timestamp;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// What a run stands on.
pub(super) struct Ground {
    pub(super) written: Written,
    pub(super) reach: Arc<Reach>,
    pub(super) run: Arc<Run>,
    pub(super) redactor: Redactor,
    pub(super) deadline: Deadline,
    pub(super) state: PathBuf,
    pub(super) stopped: Arc<AtomicBool>,
    /// What is wrong with it. Such a run finds out who it is and who waits for it, tells them, and goes no further.
    pub(super) trouble: Option<Failure>,
    /// None where it could not be made: nothing but telling is done without.
    pub(super) lock: Option<Lock>,
}

/// A run in trouble asks metadata no longer than this who it is: off EC2 nobody is there to be told.
const IN_TROUBLE: Duration = Duration::from_secs(60);

/// Whoever runs a local tree does not wait to be told that this is no instance.
const BY_HAND: Duration = Duration::from_secs(5);

/// The first thing that went wrong: it is what the run fails with.
#[derive(Default)]
struct Trouble(Option<Failure>);

impl Trouble {
    fn bear(&mut self, failure: impl Into<Failure>) {
        self.0.get_or_insert(failure.into());
    }
}

/// A directory of settings, beneath the root that is brought to duty.
pub(super) fn beneath(root: &Path, path: &Path) -> PathBuf {
    let root = if root.as_os_str().is_empty() { Path::new("/") } else { root };
    root.join(path.strip_prefix("/").unwrap_or(path))
}

/// The settings of an image: whole, or what is sound of them and why that is not all.
pub(super) fn image(sources: &Sources) -> (Written, Early, Option<Failure>) {
    let mut trouble = Trouble::default();
    let written = settings::load(sources).unwrap_or_else(|error| {
        trouble.bear(error);
        settings::salvage(sources)
    });
    let early = written.early().unwrap_or_else(|error| {
        trouble.bear(error);
        Settings::default().into()
    });
    (written, early, trouble.0)
}

impl Ground {
    /// Finds it. Only another muster that runs, and no way out at all, end a run here: then nobody can be told, or
    /// somebody else does.
    pub(super) fn find(request: &Request) -> Result<Self, Failure> {
        let (written, early, fault) = image(&request.sources);
        let mut trouble = Trouble(fault);
        let now = Timestamp::now();
        let command = request.mode.command();
        let state = beneath(&request.root, early.state_directory.as_path());
        let directory = beneath(&request.root, early.run_directory.as_path());
        let lock = match Lock::take(&directory, command, request.wait_lock, now) {
            Ok(lock) => Some(lock),
            Err(held @ JournalError::Locked { .. }) => return Err(held.into()),
            Err(error) => {
                trouble.bear(error);
                None
            }
        };
        let redactor = request.redactor.clone();
        let progress = if request.progress { Progress::standard() } else { Progress::silent() };
        let deadline = Deadline::after(early.deadline.get());
        let (run, kept) = match request.mode {
            _ if request.mode == Mode::Report || matches!(request.planning, Planning::Plan | Planning::List) => {
                (Run::unrecorded(command, redactor.clone(), progress, now), Ok(()))
            }
            _ => Run::begin(command, &state, &directory, redactor.clone(), progress, now),
        };
        let run = if request.root == Path::new("/") { run } else { run.apart() };
        if let Err(error) = kept {
            trouble.bear(error);
        }
        let opened = way_out(&early, request.mode, &mut trouble);
        let stopped = opened.as_ref().map(|reach| Arc::clone(&reach.stopped)).unwrap_or_default();
        let listened = opened.as_ref().map_or(Ok(()), |reach| listen(reach, &stopped));
        if let Err(failure) = listened {
            trouble.bear(failure);
        }
        let (reach, trouble) = match (opened, trouble.0) {
            (Ok(reach), None) => (reach, None),
            // Nobody waits for a converge.
            (Ok(reach), Some(failure)) if request.mode.command() == BOOT || request.mode == Mode::Report => {
                run.note(&format!("{}; this run goes no further than to tell those who wait", failure.reason()));
                (reach, Some(failure))
            }
            (Ok(_), Some(failure)) | (Err(_), Some(failure)) | (Err(failure), None) => {
                let _ = run.end(Err(&failure));
                return Err(failure);
            }
        };
        let (reach, run) = (Arc::new(reach), Arc::new(run));
        Ok(Self { written, reach, run, redactor, deadline, state, stopped, trouble, lock })
    }
}

/// As settings have it; without their certificates where those cannot be read; or else as the environment has it.
fn way_out(early: &Early, mode: Mode, trouble: &mut Trouble) -> Result<Reach, Failure> {
    let mut metadata = early.metadata.clone();
    if mode == Mode::Tree {
        metadata.timeout = metadata.timeout.min(settings::Period(BY_HAND));
    }
    if trouble.0.is_some() {
        metadata.timeout = metadata.timeout.min(settings::Period(IN_TROUBLE));
    }
    Reach::open(&early.network, &metadata).or_else(|failure| {
        trouble.bear(failure);
        let bare = keys::Network { ca_bundle: None, ..early.network.clone() };
        Reach::open(&bare, &metadata).or_else(|_| Reach::open(&keys::Network::default(), &metadata))
    })
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
