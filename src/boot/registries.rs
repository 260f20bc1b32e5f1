//! The registries that releases come from, as the cloud room reaches them: each repository is opened once a release.

use super::remote::CloudRemote;
use crate::cloud::{Artifacts, CloudError, Listing, Login, MANIFEST};
use crate::failure::Explain;
use crate::host::durable;
use crate::release::Refused;
use crate::roles::remote::{Remote, RemoteError, SecretValue};
use crate::secret::Secret;
use crate::settings::keys::RegistryLogin;
use crate::trust::{Untrusted, manifest};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::sync::{Arc, Mutex, PoisonError};

/// Repositories of one release.
pub(super) struct Registries<'a> {
    remote: &'a CloudRemote,
    login: Option<RegistryLogin>,
    open: Mutex<BTreeMap<String, Arc<Artifacts>>>,
}

fn refused(error: CloudError) -> Refused {
    (error.to_string(), error.hint())
}

fn unread(error: std::io::Error) -> Refused {
    (format!("reading what was fetched: {error}"), None)
}

fn whole(file: File) -> Result<Untrusted<Vec<u8>>, Refused> {
    let mut bytes = Vec::new();
    file.take(MANIFEST).read_to_end(&mut bytes).map_err(unread)?;
    Ok(Untrusted::new(bytes))
}

impl<'a> Registries<'a> {
    pub(super) fn new(remote: &'a CloudRemote, login: Option<RegistryLogin>) -> Self {
        Self { remote, login, open: Mutex::default() }
    }

    fn at(&self, address: &str) -> Result<Arc<Artifacts>, Refused> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(there) = open.get(address) {
            return Ok(Arc::clone(there));
        }
        let session = self.remote.session(&|| format!("oci://{address}"));
        let transport = &self.remote.reach.transport;
        let made = Artifacts::open(address, transport, session.ok(), self.login()?).map_err(refused)?;
        Ok(Arc::clone(open.entry(address.to_owned()).or_insert(Arc::new(made))))
    }

    fn login(&self) -> Result<Option<Login>, Refused> {
        let Some(written) = &self.login else { return Ok(None) };
        let secret = self.remote.secret(&written.secret, None, None);
        match secret.map_err(|error: RemoteError| (error.message, error.hint))? {
            SecretValue::Text(text) => {
                let password = Secret::new(text.expose().trim_end().to_owned());
                Ok(Some(Login { user: written.user.clone(), password }))
            }
            SecretValue::Binary(_) => Err((format!("secret {} is no text", written.secret), None)),
        }
    }

    fn staging(&self) -> impl Fn() -> std::io::Result<File> + Send + Sync {
        let directory = self.remote.staging.clone();
        move || durable::staging(&directory)
    }

    pub(super) fn manifest(&self, address: &str, name: Option<&str>) -> Result<Untrusted<Vec<u8>>, Refused> {
        let (artifacts, staging) = (self.at(address)?, self.staging());
        let asked = artifacts.manifest(name.unwrap_or(artifacts.asked()), &staging, self.remote.end());
        whole(self.remote.reach.ask(asked).map_err(refused)?)
    }

    pub(super) fn referrers(&self, address: &str, digest: &str) -> Result<Vec<String>, Refused> {
        let (artifacts, staging) = (self.at(address)?, self.staging());
        let asked = artifacts.referrers(digest, &staging, self.remote.end());
        let pages = match self.remote.reach.ask(asked).map_err(refused)? {
            Listing::Digests(digests) => return Ok(digests),
            Listing::Pages(pages) => pages,
        };
        let mut found = Vec::new();
        for page in pages {
            let page = manifest::referrers(&whole(page)?);
            found.extend(page.map_err(|error| (format!("reading the registry's list: {error}"), None))?);
        }
        found.dedup();
        Ok(found)
    }

    pub(super) fn blob(&self, address: &str, digest: &str, limit: u64) -> Result<Untrusted<File>, Refused> {
        let (artifacts, staging) = (self.at(address)?, self.staging());
        let asked = artifacts.blob(digest, limit, &staging, self.remote.end());
        self.remote.reach.ask(asked).map(Untrusted::new).map_err(refused)
    }
}
