//! The two HTTP clients, made from one network: the AWS SDK's, and one for plain requests.

use super::{CloudError, Dns, Network, Proxy, Roots};
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// How long a connection may take to be made.
pub(super) const CONNECT: Duration = Duration::from_secs(5);

/// How long a server may take to begin its answer, or stay silent within it.
pub(super) const SILENCE: Duration = Duration::from_secs(30);

/// What every request travels through. Clones share connections, certificates and the DNS cache.
#[derive(Clone, Debug)]
pub struct Transport(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    network: Network,
    dns: Dns,
    roots: Arc<OnceLock<Roots>>,
    sdk: SharedHttpConnector,
    web: OnceLock<reqwest::Client>,
}

impl Transport {
    /// Reads no file and opens no connection yet, but a CA bundle must be readable.
    pub fn new(network: Network) -> Result<Self, CloudError> {
        Self::with_dns(network, Dns::default())
    }

    /// With another resolver than the host's own.
    pub fn with_dns(network: Network, dns: Dns) -> Result<Self, CloudError> {
        let roots = Arc::new(OnceLock::new());
        if network.ca_bundle.is_some() {
            let _ = roots.set(Roots::load(network.ca_bundle.as_deref())?);
        }
        let gate = Gate { network: network.clone(), dns: dns.clone(), roots: Arc::clone(&roots), ..Gate::default() };
        let sdk = SharedHttpConnector::new(gate);
        Ok(Self(Arc::new(Shared { network, dns, roots, sdk, web: OnceLock::new() })))
    }

    /// The values it was made from.
    pub fn network(&self) -> &Network {
        &self.0.network
    }

    /// The resolver.
    pub fn dns(&self) -> &Dns {
        &self.0.dns
    }

    /// Whom TLS trusts.
    pub fn roots(&self) -> &Roots {
        self.0.roots.get_or_init(Roots::of_host)
    }

    /// The client for every AWS SDK.
    pub(super) fn sdk(&self) -> SharedHttpClient {
        let connector = self.0.sdk.clone();
        http_client_fn(move |_, _| connector.clone())
    }

    /// The client for everything that is not an AWS SDK's: URLs of roles, wait-condition handles, health checks.
    pub fn web(&self) -> Result<reqwest::Client, CloudError> {
        if let Some(client) = self.0.web.get() {
            return Ok(client.clone());
        }
        let client = self.web_builder()?.build().map_err(client_error)?;
        Ok(self.0.web.get_or_init(|| client).clone())
    }

    /// The same, to be altered before it is built (no redirects, no verification where a role says so).
    pub fn web_builder(&self) -> Result<reqwest::ClientBuilder, CloudError> {
        let network = &self.0.network;
        let none = reqwest::NoProxy::from_string(&network.unproxied());
        let mut builder = bare_client(&self.0.dns, self.roots())?;
        if let Some(proxy) = &network.https_proxy {
            builder =
                builder.proxy(reqwest::Proxy::https(proxy.expose()).map_err(client_error)?.no_proxy(none.clone()));
        }
        if let Some(proxy) = &network.http_proxy {
            builder = builder.proxy(reqwest::Proxy::http(proxy.expose()).map_err(client_error)?.no_proxy(none));
        }
        Ok(builder)
    }
}

/// A client with our resolver and TLS and without any proxy, not even the environment's.
pub(super) fn bare_client(dns: &Dns, roots: &Roots) -> Result<reqwest::ClientBuilder, CloudError> {
    Ok(reqwest::Client::builder()
        .no_proxy()
        .dns_resolver(dns.clone())
        .tls_backend_preconfigured(roots.client()?)
        .user_agent(concat!("muster/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT)
        .read_timeout(SILENCE))
}

pub(super) fn client_error(error: reqwest::Error) -> CloudError {
    CloudError::Client { what: "HTTP", why: super::chain::chain(&error.without_url()) }
}

/// TLS was needed and nobody is trusted.
#[derive(Debug, thiserror::Error)]
#[error("no trusted certificate is installed on this host")]
pub(super) struct NoRoots;

/// Picks the connector for an address, and makes it when it is first needed: certificates are read only for TLS.
#[derive(Debug, Default)]
struct Gate {
    network: Network,
    dns: Dns,
    roots: Arc<OnceLock<Roots>>,
    plain: OnceLock<SharedHttpConnector>,
    encrypted: OnceLock<SharedHttpConnector>,
}

impl Gate {
    fn connector(&self, url: &str) -> Result<&SharedHttpConnector, ConnectorError> {
        let encrypted = url.starts_with("https:");
        let slot = if encrypted { &self.encrypted } else { &self.plain };
        if let Some(connector) = slot.get() {
            return Ok(connector);
        }
        let proxy = self.network.proxy_for(url);
        let none = Roots::none();
        let roots = if encrypted || proxy.is_some_and(Proxy::encrypted) {
            self.roots.get_or_init(Roots::of_host)
        } else {
            &none
        };
        if encrypted && roots.is_empty() {
            return Err(ConnectorError::user(NoRoots.into()));
        }
        let made = self.make(roots, proxy, encrypted)?;
        Ok(slot.get_or_init(|| made))
    }

    fn make(&self, roots: &Roots, proxy: Option<&Proxy>, tls: bool) -> Result<SharedHttpConnector, ConnectorError> {
        let mut store = TrustStore::empty();
        if !roots.is_empty() {
            store.add_pem_certificate(roots.pem());
        }
        let trust = TlsContext::builder()
            .with_trust_store(store)
            .build()
            .map_err(|error| ConnectorError::user(error.into()))?;
        let proxy = match proxy {
            None => ProxyConfig::disabled(),
            Some(proxy) => if tls { ProxyConfig::https(proxy.expose()) } else { ProxyConfig::http(proxy.expose()) }
                .map_err(|error| ConnectorError::user(error.into()))?
                .no_proxy(self.network.unproxied()),
        };
        let settings = HttpConnectorSettings::builder().connect_timeout(CONNECT).read_timeout(SILENCE).build();
        Ok(SharedHttpConnector::new(
            Connector::builder()
                .connector_settings(settings)
                .proxy_config(proxy)
                .tls_provider(Provider::rustls(CryptoMode::AwsLc))
                .tls_context(trust)
                .build_with_resolver(self.dns.clone()),
        ))
    }
}

impl HttpConnector for Gate {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        match self.connector(request.uri()) {
            Ok(connector) => connector.call(request),
            Err(error) => HttpConnectorFuture::ready(Err(error)),
        }
    }
}
