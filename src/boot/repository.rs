//! The config repository: the deploy key, the fetch, the verdict, and the tree that may then be read.

use super::deadline::Deadline;
use super::reach::{Caller, Reach};
use super::tree::CommitTree;
use crate::cloud::{self, FetchedSecret};
use crate::failure::{Failure, Stage};
use crate::fetch::{
    Address, Credentials, DeployKey, FetchError, Fetched, Limits, Origin, Proxy, Reference, Repository,
};
use crate::host::durable;
use crate::journal::Run;
use crate::secret::{Redactor, Secret};
use crate::settings::{self, keys};
use crate::trust::{self, Realm};
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

/// Roles that an image brings.
pub(super) const IMAGE_ROLES: &str = "/usr/share/muster/roles";

/// A verified tree, and what is known of it.
pub(super) struct Checked {
    pub(super) tree: Arc<CommitTree>,
    pub(super) commit: trust::Commit,
}

/// What a fetch needs.
pub(super) struct Order<'a> {
    pub(super) repository: &'a keys::Repository,
    pub(super) network: &'a keys::Network,
    pub(super) realm: &'a Realm,
    /// Whose `known_hosts` pin the server.
    pub(super) hosts: &'a Realm,
    pub(super) state: &'a Path,
    /// The commit that ran last.
    pub(super) last: Option<String>,
    /// What `--allow-rollback` names.
    pub(super) allow_rollback: Option<&'a str>,
    /// The commits that releases pin.
    pub(super) pins: &'a [String],
}

fn at(stage: Stage) -> impl Fn(FetchError) -> Failure {
    move |error| Failure::new(stage, error)
}

/// Fetches, verifies, and gives the tree. A tree that fails is never parsed.
pub(super) fn bring(
    order: &Order<'_>,
    reach: &Reach,
    caller: &Caller,
    deadline: Deadline,
    redactor: &Redactor,
    run: &Run,
) -> Result<Checked, Failure> {
    if order.repository.depth != 1 {
        let text =
            format!("repository.depth: {} is not supported: a first clone is one commit", order.repository.depth);
        return Err(Failure::message(Stage::Settings, text).with_hint("leave `depth` out"));
    }
    run.enter(Stage::DeployKey);
    let credentials = credentials(order.repository, reach, caller, deadline, redactor)?;
    run.enter(Stage::Repository);
    let address = Address::parse(&order.repository.url).map_err(at(Stage::Repository))?;
    let (idle, whole) = (order.repository.timeout.get(), deadline.left());
    let limits = Limits { idle, whole, stopped: Some(Arc::clone(&reach.stopped)), ..Limits::default() };
    let proxy = order.network.proxy.as_ref().filter(|_| !matches!(address, Address::Local(_)));
    let proxy = proxy.map(|url| Proxy::parse(url.as_str())).transpose().map_err(at(Stage::Repository))?;
    let ca_bundle = order.network.ca_bundle.as_ref().map(|path| std::fs::read(path.as_path()));
    let ca_bundle = ca_bundle
        .transpose()
        .map_err(|error| Failure::message(Stage::Settings, format!("reading network.ca_bundle: {error}")))?;
    let origin = Origin { address, credentials, proxy, ca_bundle, limits };
    let path = order.state.join("repository");
    durable::make_directory(order.state, 0o700)
        .map_err(|error| Failure::message(Stage::Repository, format!("making {}: {error}", order.state.display())))?;
    let mut repository = Repository::open_or_init(&path).map_err(at(Stage::Repository))?;
    let fetched = fetch(&mut repository, &origin, order)?;
    run.enter(Stage::Verify);
    fetched.permit(order.allow_rollback).map_err(at(Stage::Verify))?;
    let commit = trust::verify_commit(fetched.candidate, order.realm, SystemTime::now())
        .map_err(|error| Failure::new(Stage::Verify, error))?;
    let tree = repository.tree(&commit).map_err(at(Stage::Verify))?;
    let directory = order.state.join("tree").join(&commit.get().id);
    write_out(&tree, &directory)?;
    let below = order.repository.subdirectory.as_deref();
    let tree = Arc::new(CommitTree::new(tree, &directory, below, Path::new(IMAGE_ROLES)));
    Ok(Checked { tree, commit: commit.into_inner() })
}

/// Programs that roles start find the tree's files on disk. They are written anew each run: what somebody changed there
/// since must not be run.
fn write_out(tree: &crate::fetch::Tree, directory: &Path) -> Result<(), Failure> {
    let all = directory.parent().unwrap_or(directory);
    let failed =
        |error: std::io::Error| Failure::message(Stage::State, format!("writing {}: {error}", directory.display()));
    durable::remove_directory(all).map_err(failed)?;
    durable::make_directory(all, 0o700).map_err(failed)?;
    tree.check_out(directory).map_err(|error| {
        let stage = if matches!(error, FetchError::Io { .. }) { Stage::State } else { Stage::Verify };
        at(stage)(error)
    })
}

fn fetch(repository: &mut Repository, origin: &Origin, order: &Order<'_>) -> Result<Fetched, Failure> {
    let reference = match &order.repository.reference {
        settings::Reference::Branch(name) => Reference::Branch(name.clone()),
        settings::Reference::Tag(name) => Reference::Tag(name.clone()),
        settings::Reference::Commit(id) => Reference::Commit(id.clone()),
        settings::Reference::Name(name) => Reference::Name(name.clone()),
    };
    repository
        .fetch_with(origin, order.hosts, &reference, order.last.as_deref(), order.pins)
        .map_err(at(Stage::Repository))
}

fn credentials(
    repository: &keys::Repository,
    reach: &Reach,
    caller: &Caller,
    deadline: Deadline,
    redactor: &Redactor,
) -> Result<Credentials, Failure> {
    let failed = |error| Failure::new(Stage::DeployKey, error);
    let get = |name: &str, version: Option<&str>, stage: Option<&str>| -> Result<FetchedSecret, Failure> {
        let found = reach.ask(cloud::secret(&caller.session, name, version, stage, deadline.work()));
        let key = if repository.deploy_key.is_some() { "deploy_key" } else { "https_login" };
        let hint = format!("store it in this account and region, or name another with `repository.{key}`");
        found.map_err(|error| failed(error).or_hint(&hint))
    };
    let pick = |secret: &FetchedSecret, field: Option<&str>| -> Result<Secret<String>, Failure> {
        field.map_or_else(|| secret.text(), |field| secret.field(field)).map_err(failed)
    };
    if let Some(key) = &repository.deploy_key {
        let secret = get(&key.secret, key.version.as_deref(), key.stage.as_deref())?;
        // The redactor does not learn it: it would keep what is wiped here, and no program ever sees the key.
        let text = pick(&secret, key.field.as_deref())?;
        if key.passphrase_field.is_some() {
            return Err(Failure::message(
                Stage::DeployKey,
                format!("deploy key {}: passphrases are not supported", key.secret),
            )
            .with_hint("store the key without a passphrase: the secret protects it"));
        }
        let parsed = DeployKey::parse(&text).map_err(at(Stage::DeployKey))?;
        return Ok(Credentials::Key(parsed));
    }
    if let Some(login) = &repository.https_login {
        let secret = get(&login.secret, login.version.as_deref(), login.stage.as_deref())?;
        let password = pick(&secret, login.field.as_deref())?;
        redactor.learn(password.expose());
        return Ok(Credentials::Basic { user: login.user.clone(), password });
    }
    Ok(Credentials::None)
}
