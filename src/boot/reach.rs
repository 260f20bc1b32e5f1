//! How this run reaches AWS and the web: one runtime, one transport, one caller; and no wait outlives the run.

use crate::cloud::{self, CloudError, Metadata, Network, Proxy, Session, Transport};
use crate::failure::{Failure, Stage};
use crate::settings::keys;
use aws_credential_types::provider::SharedCredentialsProvider;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The way out, before the host knows who it is.
pub(super) struct Reach {
    runtime: tokio::runtime::Runtime,
    /// DNS, TLS, proxies and endpoints, for every client.
    pub(super) transport: Transport,
    /// Who am I.
    pub(super) metadata: Arc<Metadata>,
    /// Set when the run is asked to end.
    pub(super) stopped: Arc<AtomicBool>,
}

/// How often a wait looks whether the run is asked to end.
const LOOK: Duration = Duration::from_millis(100);

/// The way out, as somebody.
#[derive(Clone)]
pub(super) struct Caller {
    /// The role that settings assume, or the host's own.
    pub(super) session: Session,
    /// The host's own: signals are the host's, whatever role the rest assumes.
    pub(super) own: Session,
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

impl Reach {
    /// Prepares; nothing is asked yet.
    pub(super) fn open(network: &keys::Network, metadata: &keys::Metadata) -> Result<Self, Failure> {
        let written = network_of(network, metadata).map_err(|error| Failure::new(Stage::Settings, error))?;
        Self::over(written, metadata.timeout.get())
    }

    /// The same over a network that is put together already, with what the environment says where it is silent.
    pub(super) fn over(network: Network, first_contact: Duration) -> Result<Self, Failure> {
        let failed = |error: CloudError| Failure::new(Stage::Settings, error);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(|error| Failure::message(Stage::Internal, format!("starting the runtime: {error}")))?;
        let network = network.or_environment(&variable).map_err(failed)?;
        let transport = Transport::new(network).map_err(failed)?;
        let metadata = Arc::new(Metadata::new(&transport, first_contact).map_err(failed)?);
        Ok(Self { runtime, transport, metadata, stopped: Arc::default() })
    }

    /// Waits for an answer, whatever happens: for the report. Work waits by [`Reach::ask`] or [`Reach::unless_stopped`].
    pub(super) fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// Waits no longer than the run goes on: `None` when it is asked to end.
    pub(super) fn unless_stopped<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        let stopped = async {
            while !self.is_stopped() {
                tokio::time::sleep(LOOK).await;
            }
        };
        self.runtime.block_on(async {
            tokio::select! {
                biased;
                () = stopped => None,
                answer = future => Some(answer),
            }
        })
    }

    /// Waits for what is asked of AWS, no longer than the run goes on.
    pub(super) fn ask<T>(&self, future: impl Future<Output = Result<T, CloudError>>) -> Result<T, CloudError> {
        self.unless_stopped(future).unwrap_or(Err(CloudError::Stopped))
    }

    /// Whether the run is asked to end.
    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::SeqCst)
    }

    /// Where work for the runtime is left.
    pub(super) fn runtime(&self) -> tokio::runtime::Handle {
        self.runtime.handle().clone()
    }

    /// Becomes somebody in a region. Credentials are waited for by [`Reach::wait_for_credentials`].
    pub(super) fn caller(&self, region: &str) -> Caller {
        let credentials = cloud::credentials(&self.metadata, &variable);
        let own = Session::new(&self.transport, region, credentials);
        let session = match &self.transport.network().assume_role {
            None => own.clone(),
            Some(role) => {
                let assumed = cloud::AssumedRole::new(own.clone(), role.clone());
                Session::new(&self.transport, region, SharedCredentialsProvider::new(assumed))
            }
        };
        Caller { session, own }
    }

    /// Waits for the role's credentials, which may come minutes after the instance.
    pub(super) fn wait_for_credentials(
        &self,
        caller: &Caller,
        budget: Duration,
        waiting: impl FnMut(&str),
    ) -> Result<(), Failure> {
        self.ask(cloud::wait_for_credentials(&caller.session, budget, waiting))
            .map_err(|error| Failure::new(Stage::Identity, error))
    }
}

/// Settings as the cloud room takes them.
pub(super) fn network_of(settings: &keys::Network, metadata: &keys::Metadata) -> Result<Network, CloudError> {
    let proxy = settings.proxy.as_ref().map(|url| Proxy::parse(url.as_str())).transpose()?;
    let endpoints = settings.endpoints.iter().filter_map(|(name, url)| {
        let service = cloud::Service::ALL.into_iter().find(|service| service.prefix() == name)?;
        Some((service, url.as_str().to_owned()))
    });
    Ok(Network {
        region: settings.region.as_ref().map(|region| region.as_str().to_owned()),
        https_proxy: proxy.clone(),
        http_proxy: proxy,
        no_proxy: settings.no_proxy.clone(),
        endpoint_url: settings.endpoint_url.as_ref().map(|url| url.as_str().to_owned()),
        endpoints: endpoints.collect(),
        metadata_endpoint: metadata.endpoint.as_ref().map(|url| url.as_str().to_owned()),
        ca_bundle: settings.ca_bundle.as_ref().map(|path| path.as_path().to_owned()),
        assume_role: settings.assume_role.as_ref().map(|role| cloud::AssumeRole {
            arn: role.arn.clone(),
            external_id: role.external_id.clone(),
            session_name: role.session_name.clone(),
        }),
        fips: settings.fips,
        dual_stack: settings.dual_stack,
    })
}
