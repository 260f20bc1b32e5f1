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
        let client = self.proxied(bare_client(&self.0.dns, self.roots().client()?))?;
        let client = client.build().map_err(client_error)?;
        Ok(self.0.web.get_or_init(|| client).clone())
    }

    /// The addresses of a name.
    pub async fn addresses(&self, name: &str) -> Result<Vec<std::net::IpAddr>, crate::dns::DnsError> {
        self.0.dns.addresses(name).await
    }

    /// A client of its own kind: without following redirects, without verifying servers, or past the proxy, where a
    /// role says so.
    pub fn web_with(&self, verify: bool, follow: bool, direct: bool) -> Result<reqwest::Client, CloudError> {
        if verify && follow && !direct {
            return self.web();
        }
        let tls = if verify { self.roots().client()? } else { Roots::unverified()? };
        let builder = bare_client(&self.0.dns, tls);
        let builder = if direct { builder } else { self.proxied(builder)? };
        let builder = if follow { builder } else { builder.redirect(reqwest::redirect::Policy::none()) };
        builder.build().map_err(client_error)
    }

    fn proxied(&self, mut builder: reqwest::ClientBuilder) -> Result<reqwest::ClientBuilder, CloudError> {
        let network = &self.0.network;
        let none = reqwest::NoProxy::from_string(&network.unproxied());
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
pub(super) fn bare_client(dns: &Dns, tls: rustls::ClientConfig) -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .no_proxy()
        .dns_resolver(dns.clone())
        .tls_backend_preconfigured(tls)
        .user_agent(concat!("muster/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT)
        .read_timeout(SILENCE)
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

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests set the stage")]
mod tests {
    use super::super::testing::{Reply, Server};
    use super::super::{Kind, Session, by_names};
    use super::*;
    use aws_credential_types::Credentials;
    use aws_credential_types::provider::SharedCredentialsProvider;
    use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
    use std::path::Path;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    fn session(transport: &Transport) -> Session {
        let keys = Credentials::new("AKIA1", "key", None, None, "test");
        Session::new(transport, "eu-west-1", SharedCredentialsProvider::new(keys))
    }

    fn soon() -> super::super::Instant {
        super::super::Instant::now() + Duration::from_secs(2)
    }

    #[tokio::test]
    async fn both_clients_go_through_the_proxy_but_not_where_it_is_ruled_out() {
        let proxy = Server::start(|request| {
            assert!(request.path.starts_with("http://aws.invalid/"), "{}", request.path);
            Reply::text(200, r#"{"Parameters": [], "InvalidParameters": ["/a"]}"#)
        })
        .await;
        let set = Network {
            endpoint_url: Some("http://aws.invalid".into()),
            http_proxy: Some(Proxy::parse(&proxy.url()).expect("proxy")),
            ..Network::default()
        };
        let transport = Transport::new(set.clone()).expect("transport");
        assert!(by_names(&session(&transport), &["/a".into()], soon()).await.expect("through the proxy")[0].is_none());
        let answer = transport.web().expect("client").get("http://aws.invalid/x").send().await.expect("proxied");
        assert_eq!((answer.status().as_u16(), proxy.seen().len()), (200, 2));
        let direct = Network { no_proxy: Some("aws.invalid".into()), ..set };
        let transport = Transport::new(direct).expect("transport");
        let error = by_names(&session(&transport), &["/a".into()], soon()).await.expect_err("no such name");
        assert_eq!(error.kind(), Some(Kind::Unreachable), "{error}");
        assert!(transport.web().expect("client").get("http://aws.invalid/x").send().await.is_err());
        assert_eq!(proxy.seen().len(), 2);
    }

    #[tokio::test]
    async fn a_proxy_that_refuses_is_named_without_its_login() {
        let proxy = Server::start(|request| {
            assert_eq!(
                (request.method.as_str(), request.path.as_str()),
                ("CONNECT", "ssm.eu-west-1.amazonaws.com:443")
            );
            Reply::text(403, "")
        })
        .await;
        let address = proxy.url().replace("http://", "http://user:hunter2@");
        let network = Network { https_proxy: Some(Proxy::parse(&address).expect("proxy")), ..Network::default() };
        let transport = Transport::new(network).expect("transport");
        // Trust is needed before the proxy is asked, and a test's host may have none.
        let transport = trusting(&transport, &authority().0);
        let error = by_names(&session(&transport), &["/a".into()], soon()).await.expect_err("refused").to_string();
        assert!(error.contains(&format!("through proxy {}", proxy.url())) && !error.contains("hunter2"), "{error}");
    }

    /// An authority's certificate, and a server's key and certificate by it, in PEM.
    fn authority() -> (String, String, String) {
        let key = rcgen::KeyPair::generate().expect("key");
        let mut params = rcgen::CertificateParams::new(Vec::<String>::new()).expect("params");
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).expect("authority");
        let issuer = rcgen::Issuer::new(params, key);
        let server = rcgen::KeyPair::generate().expect("key");
        let params = rcgen::CertificateParams::new(vec!["localhost".into()]).expect("params");
        let signed = params.signed_by(&server, &issuer).expect("server");
        (certificate.pem(), server.serialize_pem(), signed.pem())
    }

    fn trusting(transport: &Transport, pem: &str) -> Transport {
        let scratch = tempfile::tempdir().expect("scratch");
        let bundle = scratch.path().join("ca.pem");
        std::fs::write(&bundle, pem).expect("bundle");
        let network = Network { ca_bundle: Some(bundle), ..transport.network().clone() };
        Transport::new(network).expect("transport")
    }

    /// A TLS server that answers every request with no parameters.
    async fn tls_server(key: &str, certificate: &str) -> String {
        let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).expect("certificate")];
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("key");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = builder.expect("versions").with_no_client_auth().with_single_cert(chain, key).expect("server");
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("address").port();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let Ok(mut stream) = acceptor.accept(stream).await else { return };
                    let _ = stream.read(&mut [0; 8192]).await;
                    let body = r#"{"Parameters": [], "InvalidParameters": ["/a"]}"#;
                    let head =
                        format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
                    let _ = stream.write_all((head + body).as_bytes()).await;
                    let _ = stream.shutdown().await;
                });
            }
        });
        format!("https://localhost:{port}")
    }

    #[tokio::test]
    async fn a_ca_bundle_is_trusted_by_both_clients_and_nobody_else_is() {
        let (authority, key, certificate) = authority();
        let url = tls_server(&key, &certificate).await;
        let network = Network { endpoint_url: Some(url.clone()), ..Network::default() };
        let strange = Transport::new(network).expect("transport");
        let trusted = trusting(&strange, &authority);
        assert!(by_names(&session(&trusted), &["/a".into()], soon()).await.expect("trusted")[0].is_none());
        assert_eq!(trusted.web().expect("client").get(&url).send().await.expect("trusted").status().as_u16(), 200);
        assert!(by_names(&session(&strange), &["/a".into()], soon()).await.is_err());
        assert!(strange.web().expect("client").get(&url).send().await.is_err());
        let unverified = strange.web_with(false, true, false).expect("client");
        assert_eq!(unverified.get(&url).send().await.expect("unverified").status().as_u16(), 200);
    }

    #[tokio::test]
    async fn a_host_that_trusts_nobody_says_so_when_tls_is_needed() {
        let gate = Gate { roots: Arc::new(OnceLock::from(Roots::none())), ..Gate::default() };
        assert!(gate.connector("https://ssm.eu-west-1.amazonaws.com/").is_err());
        assert!(gate.connector("http://127.0.0.1:1/").is_ok(), "without TLS nobody need be trusted");
        let empty = Path::new("/nonexistent/bundle.pem");
        assert!(Roots::load(Some(empty)).is_err());
    }
}
