//! What a boot brings in before it works: the update repository, parameters, the config repository, roles and their network.

use super::downloads::Downloads;
use super::duty::{Duty, journal};
use super::grounds::Grounds;
use super::machines::machines;
use super::reach::Caller;
use super::remote::CloudRemote;
use super::repository::{self, Checked, Order};
use super::updates::{self, Updates};
use super::who::Who;
use super::work::{self, Work};
use super::{Planning, parameters, releases, roles, vault};
use crate::cloud::{self, CloudError};
use crate::failure::{Failure, Stage};
use crate::host::durable;
use crate::journal::History;
use crate::settings::Settings;
use crate::settings::keys::{self, UnverifiedDownloads};
use crate::trust::Realm;
use crate::trust::bundle::BundlePolicy;
use std::path::Path;
use std::sync::Arc;

impl Duty {
    /// The update repository, refreshed, and the commits that its releases pin; where no release names a target, none.
    pub(super) fn updates(
        &self,
        settled: &Settings,
        caller: &Caller,
        realm: &Realm,
    ) -> Result<Option<(Updates, Vec<String>)>, Failure> {
        let named = settled.releases.iter().any(|one| one.target.is_some());
        let Some(updates) = settled.updates.as_ref().filter(|updates| named || !updates.trusted_roots.is_empty())
        else {
            return Ok(None);
        };
        let opened = self.open(updates, caller, realm)?;
        let pins = releases::pins(&opened, settled, self.architecture)?;
        Ok(Some((opened, pins)))
    }

    fn open(&self, updates: &keys::Updates, caller: &Caller, realm: &Realm) -> Result<Updates, Failure> {
        self.run.enter(Stage::Updates);
        let opened = Updates::open(&updates::Order {
            settings: updates,
            realm,
            state: &self.state,
            reach: &self.reach,
            session: Some(caller.session.clone()),
            deadline: self.deadline.work(),
            keeps: self.request.planning != Planning::Plan,
        })?;
        let (versions, name) = (opened.versions(), updates.root.as_ref().map(|name| format!(" {name}")));
        let name = name.unwrap_or_default();
        self.run.line(&format!("updates{name}: timestamp {}, targets {}", versions.timestamp, versions.targets));
        Ok(opened)
    }

    /// What the realm believes, with Sigstore's trusted roots as their own repository has them, where settings name one.
    pub(super) fn sigstore(&self, settled: &Settings, caller: &Caller, realm: Realm) -> Result<Realm, Failure> {
        match &settled.sigstore_updates {
            None => Ok(realm),
            Some(updates) => self.open(updates, caller, &realm)?.believed(realm),
        }
    }

    /// The newest commit that ran here.
    pub(super) fn last_tree(&self) -> Result<Option<String>, Failure> {
        Ok(History::open(&self.state).last_done().map_err(journal)?.and_then(|record| record.tree))
    }

    /// Fetches parameters and the repository at the same time.
    pub(super) fn fetch(
        &self,
        settled: &Settings,
        caller: &Caller,
        realm: &Realm,
        pins: &[String],
    ) -> Result<(Vec<cloud::Parameter>, Checked), Failure> {
        let Some(repository) = &settled.repository else {
            return Err(Failure::message(Stage::Settings, "settings name no config repository")
                .with_hint("set `repository: {url: ..., ref: ...}` in /etc/muster/muster.yaml"));
        };
        let hosts = match &repository.realm {
            Some(name) => self.realm(Some(name))?,
            None => realm.clone(),
        };
        let last = self.last_tree()?;
        let order = Order {
            repository,
            network: &settled.network,
            realm,
            hosts: &hosts,
            state: &self.state,
            last,
            allow_rollback: self.request.allow_rollback.as_deref(),
            pins,
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
                self.reach.ask(cloud::by_path(&caller.session, path, true, self.deadline.work())).map_err(failed)?,
            );
        }
        let named = cloud::by_names(&caller.session, &wanted.names, self.deadline.work());
        for (name, parameter) in wanted.names.iter().zip(self.reach.ask(named).map_err(failed)?) {
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
        let variables = parameters::variables(found, &settled.parameters.prefix, &self.facts);
        let grounds = self.grounds(settled.state_directory.as_path(), "handlers.json");
        let who = Who::Known(Box::new(caller.clone()));
        let remote = self.remote(who, Ok(realm.releases.clone()), settled.unverified_downloads, &grounds.records)?;
        remote.remember(found);
        let asked: Arc<dyn crate::roles::remote::Remote> = Arc::<CloudRemote>::clone(&remote);
        let order = work::Order {
            tree: checked.tree,
            name: checked.commit.id,
            what: roles::What::of(settled)?,
            input: roles::of_settings(&grounds, settled, variables)?,
            hooks: &settled.hooks,
            vault: vault::vault(&settled.vault, &asked, &self.redactor),
        };
        let machines = machines(&self.request.root, false, self.request.machine.as_ref())?;
        Work::load(grounds, order, remote, machines)
    }

    /// What work stands on, with the file that keeps handlers.
    pub(super) fn grounds(&self, state: &Path, handlers: &str) -> Grounds {
        Grounds {
            reach: Arc::clone(&self.reach),
            run: Arc::clone(&self.run),
            redactor: self.redactor.clone(),
            deadline: self.deadline,
            root: self.request.root.clone(),
            tags: self.request.tags.clone(),
            architecture: self.architecture,
            records: state.join("releases"),
            handlers: self.state.join(handlers),
        }
    }

    /// The network that roles have.
    pub(super) fn remote(
        &self,
        who: Who,
        policy: Result<BundlePolicy, (String, Option<String>)>,
        downloads: UnverifiedDownloads,
        records: &Path,
    ) -> Result<Arc<CloudRemote>, Failure> {
        let staging = self.state.join("staging");
        durable::make_directory(&staging, 0o700)
            .map_err(|error| Failure::message(Stage::State, format!("making {}: {error}", staging.display())))?;
        let refuse = matches!(downloads, UnverifiedDownloads::Refuse);
        let (reach, redactor, deadline) = (Arc::clone(&self.reach), self.redactor.clone(), self.deadline.into());
        let downloads = Downloads { run: Arc::clone(&self.run), refuse };
        let (fetched, secrets, lent) = Default::default();
        let records = records.to_owned();
        let remote =
            CloudRemote { reach, who, deadline, redactor, staging, policy, records, downloads, fetched, secrets, lent };
        Ok(Arc::new(remote))
    }
}
