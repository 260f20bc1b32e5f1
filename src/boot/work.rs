//! The work of a boot: the roles read, their secrets fetched, the host converged and looked at.

use super::observer::Watching;
use super::reach::{Caller, Deadline, Reach};
use super::remote::{CloudRemote, Downloads};
use super::repository::{Checked, IMAGE_ROLES};
use super::vitals::{Looking, checks};
use super::{Ended, releases};
use crate::cloud;
use crate::failure::{Failure, Stage};
use crate::health;
use crate::host::{Host, Linux, durable};
use crate::journal::{Counts, Run};
use crate::roles::converge::{
    Facts, Input, KnownNames, Limits, Machine, Outcome, PendingHandler, Variables, converge, literal_lookups,
};
use crate::roles::load::{Loader, Playbook};
use crate::roles::template::Templar;
use crate::roles::value::{Key, Map, Value};
use crate::secret::Redactor;
use crate::settings::Settings;
use crate::settings::keys::{Hook, UnverifiedDownloads};
use crate::trust::{Commit, Realm};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// What the work stands on.
pub(super) struct Grounds {
    pub(super) reach: Arc<Reach>,
    pub(super) caller: Caller,
    pub(super) run: Arc<Run>,
    pub(super) redactor: Redactor,
    pub(super) deadline: Deadline,
    pub(super) state: PathBuf,
    pub(super) root: PathBuf,
    pub(super) stopped: Arc<AtomicBool>,
    pub(super) tags: (Vec<String>, Vec<String>),
    /// As release descriptors name it.
    pub(super) architecture: &'static str,
}

/// Roles that may be run.
pub(super) struct Work {
    pub(super) grounds: Grounds,
    pub(super) remote: Arc<CloudRemote>,
    pub(super) host: Linux,
    pub(super) loader: Loader,
    templar: Templar,
    playbook: Playbook,
    input: Input,
    commit: Commit,
    counts: Counts,
}

impl Work {
    /// Reads the roles that settings name.
    pub(super) fn load(
        grounds: Grounds,
        settings: &Settings,
        realm: &Realm,
        parameters: Map,
        found: &[cloud::Parameter],
        checked: Checked,
    ) -> Result<Self, Failure> {
        let host = Linux::new(&grounds.root)
            .map_err(|error| Failure::message(Stage::Parse, format!("opening {}: {error}", grounds.root.display())))?;
        let staging = grounds.state.join("staging");
        durable::make_directory(&staging, 0o700)
            .map_err(|error| Failure::message(Stage::Parse, format!("making {}: {error}", staging.display())))?;
        let remote = CloudRemote::new(
            Arc::clone(&grounds.reach),
            grounds.caller.clone(),
            grounds.deadline,
            grounds.redactor.clone(),
            staging,
            realm.releases.clone(),
            Downloads {
                run: Arc::clone(&grounds.run),
                refuse: matches!(settings.unverified_downloads, UnverifiedDownloads::Refuse),
            },
        );
        remote.remember(found);
        let remote = Arc::new(remote);
        let asked: Arc<dyn crate::roles::remote::Remote> = Arc::<CloudRemote>::clone(&remote);
        let vault = super::vault::vault(&settings.vault, &asked, &grounds.redactor);
        let Checked { tree, commit } = checked;
        let loader = Loader::new(tree, &[PathBuf::from(IMAGE_ROLES)]).with_vault(Arc::clone(&vault));
        let input = input(&grounds, settings, parameters)?;
        let templar = Templar::new().with_vault(vault);
        let playbook = match &settings.playbook {
            Some(file) => Self::read(&loader, &templar, &host, &remote, &input, Read::Playbook(Path::new(file)))?,
            None => {
                let roles: Vec<String> = settings.roles.iter().map(ToString::to_string).collect();
                if roles.is_empty() {
                    return Err(Failure::message(Stage::Settings, "settings name neither roles nor a playbook")
                        .with_hint("set `roles: [...]` or `playbook: FILE`; `muster config show` tells what holds"));
                }
                Self::read(&loader, &templar, &host, &remote, &input, Read::Roles(&roles))?
            }
        };
        Ok(Self { grounds, remote, host, loader, templar, playbook, input, commit, counts: Counts::default() })
    }

    fn read(
        loader: &Loader,
        templar: &Templar,
        host: &Linux,
        remote: &CloudRemote,
        input: &Input,
        what: Read<'_>,
    ) -> Result<Playbook, Failure> {
        let variables = Variables {
            extra: Arc::new(input.extra.clone()),
            inventory: Arc::new(input.inventory.clone()),
            parameters: Arc::new(input.parameters.clone()),
            ..Variables::default()
        };
        let names = KnownNames { loader, templar, host: host.observe(), remote, variables: &variables };
        match what {
            Read::Playbook(file) => loader.playbook(file, &names),
            Read::Roles(roles) => loader.playbook_of_roles(roles, &names),
        }
        .map_err(|error| Failure::new(Stage::Parse, error))
    }

    /// Asks for every parameter that the tree names literally, by tens, before the first task.
    pub(super) fn fetch_secrets(&mut self) -> Result<(), Failure> {
        self.grounds.run.enter(Stage::Secrets);
        let names: Vec<String> = literal_lookups(&self.playbook, &self.loader, &self.templar)
            .into_iter()
            .filter(|(lookup, _)| ["aws_ssm", "ssm_parameter"].contains(&lookup.rsplit('.').next().unwrap_or_default()))
            .flat_map(|(_, names)| names)
            .collect();
        self.remote.prefetch(&names).map_err(|error| Failure::new(Stage::Secrets, error))
    }

    /// Applies the roles.
    pub(super) fn converge(&mut self) -> Result<(), Failure> {
        self.grounds.run.enter(Stage::Converge);
        self.input.pending_handlers = self.owed()?;
        let outcome = self.run(None);
        self.finish(outcome)
    }

    /// Runs the playbook, or another one.
    fn run(&mut self, other: Option<&Playbook>) -> Outcome {
        let handlers = self.handlers();
        let mut watching = Watching::new(&self.grounds.run, self.counts, &handlers);
        let machine = Machine { host: &mut self.host, remote: &*self.remote, real: None };
        let playbook = other.unwrap_or(&self.playbook);
        let outcome = converge(&self.input, playbook, &self.loader, &self.templar, machine, &mut watching);
        self.counts = watching.counts;
        outcome
    }

    fn finish(&self, outcome: Outcome) -> Result<(), Failure> {
        self.grounds.run.counts(self.counts);
        self.keep(&outcome.pending_handlers)?;
        match outcome.error {
            None => Ok(()),
            Some(error) => Err(error.into_failure()),
        }
    }

    fn handlers(&self) -> PathBuf {
        self.grounds.state.join("handlers.json")
    }

    /// Handlers that an earlier run left.
    fn owed(&self) -> Result<Vec<PendingHandler>, Failure> {
        let path = self.handlers();
        let failed = |error: String| Failure::message(Stage::Converge, format!("reading {}: {error}", path.display()));
        match std::fs::read(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(failed(error.to_string())),
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| failed(error.to_string())),
        }
    }

    fn keep(&self, handlers: &[PendingHandler]) -> Result<(), Failure> {
        super::observer::keep(&self.handlers(), handlers).map_err(|error| {
            Failure::message(
                Stage::Converge,
                format!("keeping pending handlers in {}: {error}", self.handlers().display()),
            )
        })
    }

    /// Puts the releases that settings name in place.
    pub(super) fn release(&mut self, settings: &Settings) -> Result<(), Failure> {
        if settings.releases.is_empty() {
            return Ok(());
        }
        self.grounds.run.enter(Stage::Release);
        releases::put_in_place(self, settings)
    }

    /// Runs a hook that settings name.
    pub(super) fn hook(&mut self, hook: &Option<Hook>, name: &str) -> Result<(), Failure> {
        match hook {
            Some(hook) => super::hooks::run(self, hook, name),
            None => Ok(()),
        }
    }

    /// Runs the failure's hook. Its own failure is noted and changes nothing: the first one is what counts.
    pub(super) fn on_failure(&mut self, hook: &Option<Hook>) {
        if let Err(failure) = self.hook(hook, "on_failure") {
            self.grounds.run.note(&failure.to_string());
        }
    }

    /// Runs a role beside the playbook.
    pub(super) fn run_role(&mut self, role: &str, timeout: std::time::Duration) -> Result<(), Failure> {
        let roles = [role.to_owned()];
        let what = Read::Roles(&roles);
        let playbook = Self::read(&self.loader, &self.templar, &self.host, &self.remote, &self.input, what)?;
        let end = self.grounds.deadline.work().into_std();
        self.input.limits.deadline = Some((std::time::Instant::now() + timeout).min(end));
        let outcome = self.run(Some(&playbook));
        self.input.limits.deadline = Some(end);
        self.grounds.run.counts(self.counts);
        outcome.error.map_or(Ok(()), |error| Err(error.into_failure()))
    }

    /// Watches the checks that settings name until they pass.
    pub(super) fn check_health(&mut self, settings: &Settings) -> Result<(), Failure> {
        if settings.health.is_empty() {
            return Ok(());
        }
        let run = Arc::clone(&self.grounds.run);
        run.enter(Stage::Health);
        let looking = Looking(&self.grounds.reach);
        let clock = health::SystemClock;
        let left = self.grounds.deadline.left();
        let passed =
            health::watch(&checks(&settings.health), self.host.observe(), &looking, &clock, left, &mut |name, seen| {
                run.waiting(Some(&format!("health check {name}: {seen}")));
            })
            .map_err(|error| Failure::new(Stage::Health, error))?;
        run.waiting(None);
        for check in passed {
            run.line(&format!("healthy: {} after {:.1} s", check.name, check.after.as_secs_f64()));
        }
        Ok(())
    }

    /// How it ended, when it ended well.
    pub(super) fn ended(self) -> Ended {
        Ended::Converged { commit: self.commit.id, counts: self.counts, signals: Vec::new() }
    }
}

/// What is read.
enum Read<'a> {
    Playbook(&'a Path),
    Roles(&'a [String]),
}

/// What the run is about. Settings' variables are the image's and the operator's own words: their templates are
/// rendered, those of parameters are not.
fn input(grounds: &Grounds, settings: &Settings, parameters: Map) -> Result<Input, Failure> {
    let groups = settings.groups.iter().map(ToString::to_string).collect();
    let mut environment: Vec<(String, String)> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, _)| inherited(name))
        .collect();
    environment.extend(settings.environment.iter().map(|(name, value)| (name.to_string(), value.clone())));
    let text = serde_json::to_string(&settings.variables).unwrap_or_default();
    let extra = crate::roles::yaml::read("settings: variables", &text)
        .map_err(|error| Failure::new(Stage::Settings, error))?
        .root
        .map();
    let mut inventory = Map::new();
    inventory.insert(Key::from("ansible_connection"), Value::str("local"));
    Ok(Input {
        groups,
        inventory,
        parameters,
        extra,
        facts: Facts::new(crate::roles::facts::Facts::new(environment.clone())),
        environment,
        tags: grounds.tags.0.clone(),
        skip_tags: grounds.tags.1.clone(),
        limits: Limits {
            deadline: Some(grounds.deadline.work().into_std()),
            stopped: Some(Arc::clone(&grounds.stopped)),
        },
        redactor: grounds.redactor.clone(),
        ..Input::default()
    })
}

/// Of muster's own environment roles see what makes programs run, and no credentials.
fn inherited(name: &str) -> bool {
    ["PATH", "HOME", "LANG", "LC_ALL", "SHELL", "USER", "LOGNAME", "TZ"].contains(&name)
}
