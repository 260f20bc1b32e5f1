//! The way to AWS for a command about images: as settings and the environment have it, opened where something is asked.

use super::super::reach::Reach;
use super::{PATIENCE, refused};
use crate::cloud::{CloudError, Identity, Instant, Session};
use crate::failure::{Failure, Stage};
use crate::settings::keys::Early;
use crate::settings::{self, Sources};
use std::future::Future;
use std::path::PathBuf;
use std::time::Duration;

/// Whoever runs such a command waits no minutes for credentials that a boot would wait for.
const CREDENTIALS: Duration = Duration::from_secs(10);

/// The way, and the time that it has.
pub(in crate::boot) struct Way {
    reach: Reach,
    pub(in crate::boot) early: Early,
    pub(in crate::boot) deadline: Instant,
}

impl Way {
    /// Reads settings; asks nothing yet.
    pub(in crate::boot) fn open(sources: &Sources) -> Result<Self, Failure> {
        let early = settings::load(sources).and_then(|written| written.early());
        let mut early = early.map_err(|error| Failure::new(Stage::Settings, error))?;
        early.metadata.timeout = early.metadata.timeout.min(settings::Period(CREDENTIALS));
        let reach = Reach::open(&early.network, &early.metadata)?;
        Ok(Self { reach, early, deadline: Instant::now() + PATIENCE })
    }

    /// As whom AWS is asked in a region.
    pub(in crate::boot) fn session(&self, region: &str) -> Result<Session, Failure> {
        let caller = self.reach.caller(region);
        self.reach.wait_for_credentials(&caller, CREDENTIALS, |_| {})?;
        Ok(caller.session)
    }

    /// Waits for an answer.
    pub(in crate::boot) fn ask<T>(&self, future: impl Future<Output = Result<T, CloudError>>) -> Result<T, Failure> {
        self.reach.wait(future).map_err(refused)
    }

    /// The same, where the failure is told with others.
    pub(in crate::boot) fn try_ask<T>(&self, future: impl Future<Output = T>) -> T {
        self.reach.wait(future)
    }

    /// Who this instance is.
    pub(in crate::boot) fn identity(&self) -> Result<Identity, Failure> {
        let metadata = self.reach.metadata.clone();
        self.reach.wait(metadata.identity()).map_err(|error| Failure::new(Stage::Identity, error))
    }

    /// Where this host's runs are remembered.
    pub(in crate::boot) fn state(&self) -> PathBuf {
        self.early.state_directory.as_path().to_owned()
    }
}
