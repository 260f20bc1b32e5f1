//! What a run is given.

use super::facts::Facts;
use super::outcome::PendingHandler;
use crate::host::Host;
use crate::roles::remote::Remote;
use crate::roles::value::Map;
use crate::secret::Redactor;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

/// When a run must end.
#[derive(Clone, Default)]
pub struct Limits {
    /// At this time.
    pub deadline: Option<Instant>,
    /// When this says so: a signal arrived.
    pub stopped: Option<Arc<std::sync::atomic::AtomicBool>>,
}

/// What a run is about, beside its playbook.
pub struct Input {
    /// The host's name in `inventory_hostname`.
    pub hostname: String,
    /// The host's groups.
    pub groups: Vec<String>,
    /// Variables of the inventory's precedence: group and host variables.
    pub inventory: Map,
    /// Parameters, at their own precedence above the inventory.
    pub parameters: Map,
    /// `-e`, above everything.
    pub extra: Map,
    /// Facts, gathered when first read.
    pub facts: Facts,
    /// What `lookup('env')` and `ansible_env` see.
    pub environment: Vec<(String, String)>,
    /// `--tags`; empty is all.
    pub tags: Vec<String>,
    /// `--skip-tags`.
    pub skip_tags: Vec<String>,
    /// `--force-handlers`: what is due runs even where a play fails.
    pub force_handlers: bool,
    /// Where programs run and relative paths begin; only where the tree lies on the host itself.
    pub directory: Option<PathBuf>,
    /// `-v`, counted.
    pub verbosity: u8,
    /// Whether this is only planned: the machine remembers changes and runs no program.
    pub check: bool,
    /// The user that muster runs as.
    pub user: String,
    /// Handlers that an earlier run left.
    pub pending_handlers: Vec<PendingHandler>,
    /// When to end.
    pub limits: Limits,
    /// Knows the run's secrets.
    pub redactor: Redactor,
}

impl Default for Input {
    fn default() -> Self {
        Self {
            hostname: "localhost".into(),
            groups: Vec::new(),
            inventory: Map::new(),
            parameters: Map::new(),
            extra: Map::new(),
            facts: Facts::default(),
            environment: Vec::new(),
            tags: Vec::new(),
            skip_tags: Vec::new(),
            force_handlers: false,
            directory: None,
            verbosity: 0,
            check: false,
            user: "root".into(),
            pending_handlers: Vec::new(),
            limits: Limits::default(),
            redactor: Redactor::default(),
        }
    }
}

/// The machine and the network.
pub struct Machine<'a> {
    /// What is looked at and altered.
    pub host: &'a mut dyn Host,
    /// What is asked.
    pub remote: &'a dyn Remote,
    /// The machine itself, where the other one only remembers: tasks that say that they only read run here.
    pub real: Option<&'a mut dyn Host>,
}

impl<'a> Machine<'a> {
    /// The same for a shorter time.
    pub(super) fn shorter<'b>(self) -> Machine<'b>
    where
        'a: 'b,
    {
        let real = self.real.map(|real| -> &mut dyn Host { real });
        Machine { host: self.host, remote: self.remote, real }
    }
}
