//! What an operator runs by hand: a local tree's roles, and the way back to a release. The same lock, journal and orderly
//! end as a boot has, and nobody is told.

use super::duty::Duty;
use super::machines::machines;
use super::repository::IMAGE_ROLES;
use super::roles::{What, own_environment, run_of};
use super::way_back::restart;
use super::who::Who;
use super::work::{Order, Work};
use super::{Ended, Mode, Planning, Request, reported};
use crate::failure::{Failure, Stage};
use crate::host::Observe;
use crate::journal::UNVERIFIED;
use crate::release;
use crate::roles::converge::{Input, Observer};
use crate::roles::load::{Directory, Source};
use crate::roles::value::Map;
use crate::roles::vault::Vault;
use crate::secret::{Redactor, Secret};
use crate::settings::keys::Hooks;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A local tree in place of the config repository: nothing of it is verified.
#[derive(Clone, Debug)]
pub struct LocalTree {
    /// Its top; `roles` below it is where roles are looked for.
    pub path: PathBuf,
    /// What is run of it; what settings name, where it is not said.
    pub what: Option<What>,
    /// Variables above all others.
    pub extra: Map,
    /// The groups that this host is in.
    pub groups: Vec<String>,
    /// This host's name in plays.
    pub host: String,
    /// Variables of this host, as an inventory has them.
    pub host_vars: Map,
    /// Whether handlers that are due run even where the play fails.
    pub force_handlers: bool,
    /// `-v`, counted.
    pub verbosity: u8,
    /// Keys of Ansible Vault: label and passphrase.
    pub vault: Vec<(String, Secret<String>)>,
    /// Whether programs of another root may run in it.
    pub chroot: bool,
}

/// Runs a local tree's roles. Who asks is told what happens as it happens.
pub fn converge_tree(request: &Request, tree: &LocalTree, observer: &mut dyn Observer) -> Result<Ended, Failure> {
    reported(&Request { mode: Mode::Tree, ..request.clone() }, |duty| local(duty, tree, observer))
}

fn local(duty: &mut Duty, tree: &LocalTree, observer: &mut dyn Observer) -> Result<Ended, Failure> {
    let early = duty.written.early().map_err(|error| Failure::new(Stage::Settings, error))?;
    if !early.trust.unverified_trees {
        return Err(not_allowed(&tree.path));
    }
    let source = Directory::new(&tree.path)
        .map_err(|error| Failure::message(Stage::Usage, format!("the tree {}: {error}", tree.path.display())))?;
    let what = match &tree.what {
        Some(what) => what.clone(),
        None => named(duty)?,
    };
    let machines = machines(&duty.request.root, tree.chroot, duty.request.machine.as_ref())?;
    let grounds = duty.grounds(early.state_directory.as_path(), "handlers-local.json");
    let input = Input {
        hostname: tree.host.clone(),
        inventory: tree.host_vars.clone(),
        force_handlers: tree.force_handlers,
        directory: directory(&duty.request.root, tree, &what),
        groups: tree.groups.clone(),
        extra: tree.extra.clone(),
        verbosity: tree.verbosity,
        user: user(machines.below.observe()),
        ..run_of(&grounds, own_environment().collect())
    };
    let realm = duty.realm(early.trust.realm.as_ref());
    let policy = realm.map(|realm| realm.releases).map_err(|failure| (failure.reason(), failure.hint));
    let remote = duty.remote(Who::unknown(), policy, early.unverified_downloads, &grounds.records)?;
    let order = Order {
        name: format!("{UNVERIFIED}{}", source.root().display()),
        tree: Arc::new(source.beside(IMAGE_ROLES)),
        what,
        input,
        hooks: &Hooks::default(),
        vault: Arc::new(vault_of(&tree.vault, &grounds.redactor)),
    };
    let mut work = Work::load(grounds, order, remote, machines)?;
    if duty.request.planning != Planning::Converge {
        return work.by_plan(&duty.request.planning, Some(observer));
    }
    match work.converge(Some(observer)) {
        Ok(()) => Ok(work.ended()),
        Err(failure) => {
            duty.failed();
            Err(work.fail(failure))
        }
    }
}

/// Keys of Ansible Vault; a redactor knows their passphrases.
pub fn vault_of(keys: &[(String, Secret<String>)], redactor: &Redactor) -> Vault {
    keys.iter().cloned().fold(Vault::new(redactor.clone()), |vault, (label, passphrase)| {
        redactor.learn(passphrase.expose());
        vault.with(label, Box::new(move || Ok(passphrase.clone())))
    })
}

/// The directory of the playbook, where it lies on the host that is changed.
fn directory(root: &Path, tree: &LocalTree, what: &What) -> Option<PathBuf> {
    let below = match what {
        What::Playbook(file) => file.parent().unwrap_or(Path::new("")),
        What::Roles(_) => Path::new(""),
    };
    let directory = tree.path.canonicalize().ok()?.join(below);
    (root == Path::new("/")).then_some(directory)
}

/// What settings name, where that needs no facts: by hand, nobody is asked who this host is.
fn named(duty: &Duty) -> Result<What, Failure> {
    if duty.written.has_templates() {
        let text = "settings hold templates, and a local tree has no instance whose facts they could see";
        return Err(Failure::message(Stage::Usage, text).with_hint("say `--playbook FILE` or `--role NAME`"));
    }
    let settings =
        duty.written.resolve(&serde_json::json!({})).map_err(|error| Failure::new(Stage::Settings, error))?;
    What::of(&settings).map_err(|failure| failure.with_hint("say `--playbook FILE` or `--role NAME`, or set `roles`"))
}

/// Settings must allow it, because whoever can name a tree decides what root runs.
fn not_allowed(tree: &Path) -> Failure {
    let text = format!("the tree {} is not verified, and settings do not allow unverified trees", tree.display());
    let mut failure = Failure::message(Stage::Verify, text)
        .with_hint("for writing roles and building images: `--set trust.unverified_trees=true`");
    failure.rule = Some("nothing unverified reaches root (ARCHITECTURE.md, promise 2)");
    failure
}

/// The name of the user that muster runs as.
fn user(host: &dyn Observe) -> String {
    let uid = nix::unistd::geteuid();
    if uid.is_root() {
        return "root".into();
    }
    let entry = host.user(&uid.to_string()).ok().flatten();
    entry.map_or_else(|| uid.to_string(), |entry| entry.name)
}

/// Puts the release before back, by one rename, and restarts its unit.
pub fn roll_back(request: &Request, name: &str) -> Result<Ended, Failure> {
    reported(&Request { mode: Mode::Rollback, ..request.clone() }, |duty| back(duty, name))
}

fn back(duty: &mut Duty, name: &str) -> Result<Ended, Failure> {
    if name.contains('/') {
        let text = format!("`{name}` is no application: write `app` or `app.component`");
        return Err(Failure::message(Stage::Release, text));
    }
    let early = duty.written.early().map_err(|error| Failure::new(Stage::Settings, error))?;
    let mut host = machines(&duty.request.root, false, duty.request.machine.as_ref())?.host;
    let grounds = duty.grounds(early.state_directory.as_path(), "handlers.json");
    grounds.run.enter(Stage::Release);
    let record = release::rollback(&grounds.records.join(format!("{name}.json")), host.as_mut())
        .map_err(|error| Failure::new(Stage::Release, error))?;
    grounds.run.changed(&format!("release {name} is back at {}", record.active.version));
    if let Some(unit) = &record.restart {
        host.apply(&restart(unit)).map_err(|error| {
            let text = format!("release {name} is back at {}; restarting {unit}: {error}", record.active.version);
            Failure::message(Stage::Release, text).with_hint(format!("see `journalctl -u {unit} -b`"))
        })?;
    }
    Ok(Ended::RolledBack { record })
}
