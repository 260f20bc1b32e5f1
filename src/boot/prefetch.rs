//! What roles name literally is fetched before the first task: parameters by tens, secrets side by side, each once a run.

use super::remote::{CloudRemote, refused};
use crate::cloud::{self, CloudError, FetchedSecret, Kind};
use crate::roles::converge::Named;
use crate::roles::remote::{Parameter, RemoteError, SecretName};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// What was fetched already, and what is not to be had.
#[derive(Default)]
pub(super) struct Fetched {
    parameters: Mutex<HashMap<String, Option<Parameter>>>,
    secrets: Mutex<HashMap<SecretName, Result<FetchedSecret, RemoteError>>>,
}

fn held<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Fetched {
    /// Every parameter that was asked for, and its version.
    pub(super) fn versions(&self) -> impl Iterator<Item = (String, String)> {
        let version = |found: &Option<Parameter>| {
            found.as_ref().map_or_else(|| "absent".to_owned(), |parameter| format!("version {}", parameter.version))
        };
        let known = held(&self.parameters);
        let all: Vec<_> = known.iter().map(|(name, found)| (name.clone(), version(found))).collect();
        all.into_iter()
    }

    /// Remembers a parameter.
    pub(super) fn keep(&self, parameter: Parameter) {
        held(&self.parameters).insert(parameter.name.clone(), Some(parameter));
    }

    /// A parameter; `None` where there is none.
    pub(super) fn parameter(&self, name: &str) -> Option<Parameter> {
        held(&self.parameters).get(name).cloned().flatten()
    }

    /// Parameters that are not there.
    pub(super) fn absent(&self) -> Vec<String> {
        held(&self.parameters).iter().filter(|(_, found)| found.is_none()).map(|(name, _)| name.clone()).collect()
    }

    /// A secret, where it was asked for.
    pub(super) fn secret(&self, name: &SecretName) -> Option<Result<FetchedSecret, RemoteError>> {
        held(&self.secrets).get(name).cloned()
    }

    /// Secrets that are not there, or may not be read.
    pub(super) fn withheld(&self) -> Vec<SecretName> {
        held(&self.secrets).iter().filter(|(_, found)| found.is_err()).map(|(name, _)| name.clone()).collect()
    }
}

impl CloudRemote {
    /// Fetches all of it. A secret that is not to be had fails nothing here: a task that is skipped may name it.
    pub(super) fn prefetch(&self, named: &Named) -> Result<(), RemoteError> {
        self.prefetch_parameters(&named.parameters.iter().cloned().collect::<Vec<_>>())?;
        let known = |name: &&SecretName| self.fetched.secret(name).is_none();
        let wanted: Vec<SecretName> = named.secrets.iter().filter(known).cloned().collect();
        // Without an account each lookup says so itself.
        let Some(first) = wanted.first() else { return Ok(()) };
        let Ok(session) = self.session(&|| format!("secret {first}")) else { return Ok(()) };
        let (session, end) = (session.clone(), self.end());
        let asked = self.reach.ask(async move {
            let mut asking = tokio::task::JoinSet::new();
            for name in wanted {
                let session = session.clone();
                asking.spawn(async move {
                    let (version, stage) = (name.version.as_deref(), name.stage.as_deref());
                    let found = cloud::secret(&session, &name.name, version, stage, end).await;
                    (name, found)
                });
            }
            Ok(asking.join_all().await)
        });
        for (name, found) in asked.map_err(refused)? {
            let found = match found {
                Err(error) if !withheld(&error) => return Err(refused(error)),
                found => found.map_err(refused),
            };
            if let Some(text) = found.as_ref().ok().and_then(|found| found.text().ok()) {
                self.redactor.learn(text.expose());
            }
            held(&self.fetched.secrets).insert(name, found);
        }
        Ok(())
    }

    /// Asks for names that are not known yet, in one go.
    pub(super) fn prefetch_parameters(&self, names: &[String]) -> Result<(), RemoteError> {
        let unknown: Vec<String> = {
            let known = held(&self.fetched.parameters);
            names.iter().filter(|name| !known.contains_key(*name)).cloned().collect()
        };
        if unknown.is_empty() {
            return Ok(());
        }
        let session = self.session(&|| format!("parameter {}", unknown.join(", ")))?;
        let found = self.reach.ask(cloud::by_names(session, &unknown, self.end())).map_err(refused)?;
        let mut known = held(&self.fetched.parameters);
        for (name, parameter) in unknown.into_iter().zip(found) {
            known.insert(name, parameter.map(|parameter| self.take(&parameter)));
        }
        Ok(())
    }
}

/// Whether it is the secret that is not to be had, and not the service.
fn withheld(error: &CloudError) -> bool {
    matches!(error.kind(), Some(Kind::Missing | Kind::Denied | Kind::Refused))
}
