//! What roles may ask of the network, answered by the cloud: parameters are fetched once a run and by tens.

use super::deadline::Deadline;
use super::downloads::Downloads;
use super::lent::Lent;
use super::prefetch::Fetched;
use super::reach::Reach;
use super::registries::Registries;
use super::supply::Supply;
use super::who::Who;
use crate::cloud::{self, CloudError, Session};
use crate::failure::{Explain, Failure};
use crate::release::Source;
use crate::roles::remote::{
    Object, ObjectName, Parameter, Remote, RemoteError, Request, Response, SecretName, SecretValue,
};
use crate::roles::store::Store;
use crate::secret::Redactor;
use crate::settings::keys::RegistryLogin;
use crate::trust::bundle::BundlePolicy;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// The largest object or body that a role may fetch: a full disk is found out earlier, by the disk.
pub(super) const LARGEST: u64 = 16 << 30;

/// The network, for roles.
pub(super) struct CloudRemote {
    pub(super) reach: Arc<Reach>,
    pub(super) who: Who,
    pub(super) deadline: Mutex<Deadline>,
    pub(super) redactor: Redactor,
    /// For bytes too many to hold in memory.
    pub(super) staging: PathBuf,
    /// The keys that releases are judged by, or why there are none.
    pub(super) policy: Result<BundlePolicy, (String, Option<String>)>,
    /// Where the records of releases are kept.
    pub(super) records: PathBuf,
    pub(super) downloads: Downloads,
    /// What was fetched already.
    pub(super) fetched: Fetched,
    /// The versions of secrets that were read, for plans.
    pub(super) secrets: Mutex<BTreeMap<String, String>>,
    /// The update repository, where settings name one.
    pub(super) lent: OnceLock<Lent>,
}

impl CloudRemote {
    /// Work has failed: what follows may use the time that was kept back for it.
    pub(super) fn until(&self, deadline: Deadline) {
        *self.deadline.lock().unwrap_or_else(PoisonError::into_inner) = deadline;
    }

    /// The parameters that were read, and their versions.
    pub(super) fn versions(&self) -> BTreeMap<String, String> {
        self.fetched.versions().collect()
    }

    /// The secrets that were read, and their versions.
    pub(super) fn secret_versions(&self) -> BTreeMap<String, String> {
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn end(&self) -> cloud::Instant {
        self.deadline.lock().unwrap_or_else(PoisonError::into_inner).work()
    }

    pub(super) fn session(&self, what: &dyn Fn() -> String) -> Result<&Session, RemoteError> {
        self.who.session(&self.reach, what)
    }

    /// Remembers parameters that were fetched before the roles were read.
    pub(super) fn remember(&self, parameters: &[cloud::Parameter]) {
        parameters.iter().for_each(|parameter| self.fetched.keep(self.take(parameter)));
    }

    /// A file without a name, for bytes too many to hold in memory.
    pub(super) fn staged(&self, what: &str) -> Result<std::fs::File, RemoteError> {
        crate::host::durable::staging(&self.staging).map_err(|error| RemoteError {
            message: format!("staging {what} in {}: {error}", self.staging.display()),
            hint: None,
            missing: false,
        })
    }

    pub(super) fn take(&self, parameter: &cloud::Parameter) -> Parameter {
        if parameter.secure {
            self.redactor.learn(parameter.value.expose());
        }
        Parameter {
            name: parameter.name.clone(),
            value: parameter.value.clone(),
            secure: parameter.secure,
            version: parameter.version,
            arn: parameter.arn.clone(),
            kind: parameter.kind.clone(),
        }
    }
}

impl Remote for CloudRemote {
    fn parameters(&self, names: &[String]) -> Result<Vec<Option<Parameter>>, RemoteError> {
        self.prefetch_parameters(names)?;
        Ok(names.iter().map(|name| self.fetched.parameter(name)).collect())
    }

    fn absent(&self) -> Vec<String> {
        self.fetched.absent()
    }

    fn withheld(&self) -> Vec<SecretName> {
        self.fetched.withheld()
    }

    fn parameters_by_path(&self, path: &str, recursive: bool) -> Result<Vec<Parameter>, RemoteError> {
        let session = self.session(&|| format!("parameters below {path}"))?;
        let found = cloud::by_path(session, path, recursive, self.end());
        Ok(self.reach.ask(found).map_err(refused)?.iter().map(|parameter| self.take(parameter)).collect())
    }

    fn secret(&self, name: &str, version: Option<&str>, stage: Option<&str>) -> Result<SecretValue, RemoteError> {
        let own = |text: Option<&str>| text.map(str::to_owned);
        let asked = SecretName { name: name.to_owned(), version: own(version), stage: own(stage) };
        let fetched = match self.fetched.secret(&asked) {
            Some(fetched) => fetched?,
            None => {
                let session = self.session(&|| format!("secret {name}"))?;
                let fetched = cloud::secret(session, name, version, stage, self.end());
                self.reach.ask(fetched).map_err(refused)?
            }
        };
        if let Ok(text) = fetched.text() {
            self.redactor.learn(text.expose());
        }
        let asked = asked.to_string();
        let found = format!("version {}", fetched.version);
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner).insert(asked, found);
        Ok(match fetched.value {
            cloud::SecretValue::Text(text) => SecretValue::Text(text),
            cloud::SecretValue::Binary(bytes) => SecretValue::Binary(bytes),
        })
    }

    fn object(&self, name: &ObjectName) -> Result<Object, RemoteError> {
        self.download(name)
    }

    fn release_object(&self, name: &ObjectName) -> Result<Object, RemoteError> {
        self.fetch_object(name)
    }

    fn object_head(&self, name: &ObjectName) -> Result<Option<(u64, String)>, RemoteError> {
        self.head_of(name)
    }

    fn objects(&self, bucket: &str, prefix: &str, region: Option<&str>) -> Result<Vec<String>, RemoteError> {
        self.keys(bucket, prefix, region)
    }

    fn http(&self, request: &Request) -> Result<Response, RemoteError> {
        self.web(request)
    }

    fn addresses(&self, name: &str) -> Result<Vec<std::net::IpAddr>, RemoteError> {
        let none = |message: String| RemoteError { message, hint: None, missing: true };
        let found = self.reach.unless_stopped(self.reach.transport.addresses(name));
        found.ok_or_else(|| none(CloudError::Stopped.to_string()))?.map_err(|error| none(error.to_string()))
    }

    fn metadata(&self, path: &str) -> Result<Option<String>, RemoteError> {
        self.reach.ask(self.reach.metadata.text(path)).map_err(refused)
    }

    fn release_keys(&self) -> Result<BundlePolicy, RemoteError> {
        let none = |(message, hint)| RemoteError { message, hint, missing: false };
        self.policy.clone().map_err(none)
    }

    fn release_source<'a>(
        &'a self,
        login: Option<(String, String)>,
        updates: bool,
    ) -> Result<Option<Box<dyn Source + 'a>>, RemoteError> {
        let failed = |failure: Failure| RemoteError { message: failure.reason(), hint: failure.hint, missing: false };
        let lent = self.lent.get().filter(|_| updates);
        let opened = lent.map(|lent| lent.open(self)).transpose().map_err(failed)?;
        let login = login.map(|(user, secret)| RegistryLogin { user, secret });
        let registries = Registries::new(self, login);
        Ok(Some(Box::new(Supply { store: Store(self), registries, updates: opened, tree: lent })))
    }

    fn release_records(&self) -> PathBuf {
        self.records.clone()
    }
}

pub(super) fn refused(error: CloudError) -> RemoteError {
    RemoteError { message: error.to_string(), hint: error.hint(), missing: error.is_missing() }
}
