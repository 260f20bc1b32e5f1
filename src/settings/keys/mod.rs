//! Every key of muster.yaml, written once: what it is (its comment is its documentation), its type and its default.

mod compliance;
mod health;
mod hooks;
mod launch;
mod network;
mod parameters;
mod release;
mod repository;
mod signal;
mod updates;
mod vault;

pub use compliance::Compliance;
pub use health::{HealthCheck, Probe};
pub use hooks::{Hook, HookAction, Hooks};
pub(in crate::settings) use launch::matches;
pub use launch::{Allow, Launch};
pub use network::{AssumeRole, Endpoints, Metadata, Network};
pub use parameters::Parameters;
pub use release::{DescriptorLayout, RegistryLogin, Release};
pub use repository::{DeployKey, HttpsLogin, Repository};
pub use signal::{AutoScaling, CloudFormation, Signal};
pub use updates::{ClockRule, Updates};
pub use vault::VaultKey;

use super::scalar::{Name, Path, Period, RoleName, VariableName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What muster is told: `/etc/muster/muster.yaml`, `/etc/muster/conf.d/*.yaml`, a `muster:` document in user-data, flags.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The roles to apply, in order. They are looked for in the repository, then in `/usr/share/muster/roles`.
    pub roles: Vec<RoleName>,
    /// A playbook of the repository, in place of `roles`.
    pub playbook: Option<String>,
    /// Variables for the roles, at the precedence of Ansible's extra variables. Templates in them are the roles' own
    /// and are rendered by the roles, with the roles' variables.
    pub variables: serde_json::Map<String, serde_json::Value>,
    /// The inventory groups that this host is in.
    pub groups: Vec<Name>,
    /// The environment that roles see as `ansible_env`.
    pub environment: BTreeMap<VariableName, String>,
    /// The channel that releases are taken from where they do not name one.
    pub channel: Option<Name>,
    /// The config repository.
    pub repository: Option<Repository>,
    /// What is believed without proof.
    pub trust: Trust,
    /// Parameters to read before the roles start; those that the roles name literally are found by themselves.
    pub parameters: Parameters,
    /// Keys of Ansible Vault. Each opens what is encrypted with it; what none opens fails where it is read.
    pub vault: Vec<VaultKey>,
    /// How AWS and everything else is reached.
    pub network: Network,
    /// The instance metadata service.
    pub metadata: Metadata,
    /// Application releases to put in place after the roles.
    pub releases: Vec<Release>,
    /// The TUF repository that releases with a `target` come from.
    pub updates: Option<Updates>,
    /// A TUF repository of Sigstore's trusted roots alone, beside that of `updates`: the public instance's own, say. It
    /// begins at a `root` of its own, and has a floor of its own.
    pub sigstore_updates: Option<Updates>,
    /// What else is run, and when.
    pub hooks: Hooks,
    /// What must hold before the host is said to be in service.
    pub health: Vec<HealthCheck>,
    /// Who hears about the outcome.
    pub signal: Signal,
    /// Systems Manager's Compliance, where `muster validate` is to tell it.
    pub compliance: Option<Compliance>,
    /// What user-data may choose.
    pub launch: Launch,
    /// The time that a whole run has, 12h at most. Some of it is kept back for the report.
    pub deadline: Period,
    /// What happens when a role downloads something that nothing verifies.
    pub unverified_downloads: UnverifiedDownloads,
    /// Where muster keeps what must survive a reboot.
    pub state_directory: Path,
    /// Where muster keeps the lock and the status.
    pub run_directory: Path,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            roles: Vec::new(),
            playbook: None,
            variables: serde_json::Map::new(),
            groups: Vec::new(),
            environment: BTreeMap::new(),
            channel: None,
            repository: None,
            trust: Trust::default(),
            parameters: Parameters::default(),
            vault: Vec::new(),
            network: Network::default(),
            metadata: Metadata::default(),
            releases: Vec::new(),
            updates: None,
            sigstore_updates: None,
            hooks: Hooks::default(),
            health: Vec::new(),
            signal: Signal::default(),
            compliance: None,
            launch: Launch::default(),
            deadline: Period::seconds(3600),
            unverified_downloads: UnverifiedDownloads::default(),
            state_directory: Path::from_static("/var/lib/muster"),
            run_directory: Path::from_static("/run/muster"),
        }
    }
}

/// What is believed without proof.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Trust {
    /// The trust realm: which directory of the embedded trust root holds.
    pub realm: Option<Name>,
    /// Whether `--tree DIR` may stand in for the signed repository. For writing roles and building images.
    pub unverified_trees: bool,
}

/// What happens when a role downloads something that nothing verifies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum UnverifiedDownloads {
    /// It is recorded with its source and digest, and warned about.
    #[default]
    Warn,
    /// The task is refused.
    Refuse,
}

/// The keys that are needed before the host knows who it is. They cannot be templates.
#[derive(Clone, Debug)]
pub struct Early {
    /// How AWS and everything else is reached.
    pub network: Network,
    /// The instance metadata service.
    pub metadata: Metadata,
    /// What user-data may choose.
    pub launch: Launch,
    /// What is believed without proof.
    pub trust: Trust,
    /// The TUF repository.
    pub updates: Option<Updates>,
    /// The TUF repository of Sigstore's trusted roots, where that is another.
    pub sigstore_updates: Option<Updates>,
    /// Systems Manager's Compliance, where `muster validate` is to tell it.
    pub compliance: Option<Compliance>,
    /// The time that a whole run has.
    pub deadline: Period,
    /// What happens when a role downloads something that nothing verifies.
    pub unverified_downloads: UnverifiedDownloads,
    /// Where muster keeps what must survive a reboot.
    pub state_directory: Path,
    /// Where muster keeps the lock and the status.
    pub run_directory: Path,
}

impl From<Settings> for Early {
    fn from(settings: Settings) -> Self {
        Self {
            network: settings.network,
            metadata: settings.metadata,
            launch: settings.launch,
            trust: settings.trust,
            updates: settings.updates,
            sigstore_updates: settings.sigstore_updates,
            compliance: settings.compliance,
            deadline: settings.deadline,
            unverified_downloads: settings.unverified_downloads,
            state_directory: settings.state_directory,
            run_directory: settings.run_directory,
        }
    }
}

/// Keys whose templates see the instance's signed facts and not its tags, which whoever launches writes.
pub(crate) const NO_TAGS: &[&str] = &["repository", "hooks"];

/// The keys of [`Early`], and those that templates, which read tags, must not reach.
pub(crate) const NO_TEMPLATES: &[&str] = &[
    "network",
    "metadata",
    "launch",
    "compliance",
    "deadline",
    "state_directory",
    "run_directory",
    "trust",
    "updates",
    "sigstore_updates",
    "unverified_downloads",
];
