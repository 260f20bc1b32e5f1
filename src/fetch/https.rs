//! git's protocol over HTTPS (gitprotocol-http(5)): one request for the refs, one for each round of negotiation.

use super::address::Address;
use super::error::clean;
use super::tls::configuration;
use super::transport::{Credentials, Dial};
use super::{FetchError, ssh};
use crate::dns::Dns;
use reqwest::header::{ACCEPT, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, HeaderValue, LOCATION};
use reqwest::{Response, StatusCode, Url};
use std::io::{self, Read, Write};
use std::sync::Arc;
use tokio::runtime::Runtime;

const ADVERTISEMENT: &str = "application/x-git-upload-pack-advertisement";
const REQUEST: &str = "application/x-git-upload-pack-request";
const RESULT: &str = "application/x-git-upload-pack-result";
/// Wants and haves of one round; the pack's size has no part in it.
const BODY_LIMIT: usize = 8 << 20;

/// What the requests of one fetch share.
pub(super) struct Client {
    dial: Arc<Dial>,
    http: reqwest::Client,
    runtime: Runtime,
    base: Url,
    authorization: Option<HeaderValue>,
}

impl Client {
    pub(super) fn new(dial: &Arc<Dial>) -> Result<Self, FetchError> {
        let Address::Https(base) = &dial.origin.address else {
            return Err(FetchError::Address {
                address: dial.host.clone(),
                problem: "it is not reached by HTTPS".into(),
            });
        };
        let runtime = ssh::runtime(&dial.host)?;
        let limits = &dial.clock.limits;
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(configuration(dial.origin.ca_bundle.as_deref())?)
            .dns_resolver(Arc::new(Dns::default()))
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("git/2 (muster ", env!("CARGO_PKG_VERSION"), ")"))
            .connect_timeout(limits.connect)
            .no_proxy();
        if let Some(proxy) = &dial.origin.proxy {
            let fail =
                |error: reqwest::Error| FetchError::Setting { what: "the proxy".into(), problem: error.to_string() };
            // The proxy resolves names, for SOCKS as for HTTP.
            let url = proxy.url.as_str().replacen("socks5:", "socks5h:", 1);
            let mut through = reqwest::Proxy::all(url).map_err(fail)?;
            if let Some((user, password)) = &proxy.login {
                through = through.basic_auth(user, password.expose());
            }
            builder = builder.proxy(through);
        }
        let fail =
            |error: reqwest::Error| FetchError::Setting { what: "the HTTPS client".into(), problem: error.to_string() };
        let http = builder.build().map_err(fail)?;
        let authorization = authorization(&dial.origin.credentials)?;
        Ok(Self { dial: dial.clone(), http, runtime, base: base.clone(), authorization })
    }

    fn url(&self, rest: &str) -> String {
        format!("{}/{rest}", self.base.as_str().trim_end_matches('/'))
    }

    /// Who answers, or does not: a proxy in between may be the one.
    fn whom(&self) -> String {
        match &self.dial.origin.proxy {
            Some(proxy) => format!("{} through proxy {}:{}", self.dial.host, proxy.host(), proxy.port()),
            None => self.dial.host.clone(),
        }
    }

    /// Sends a request and judges the head of its answer.
    async fn send(&self, request: reqwest::RequestBuilder, expected: &str) -> Result<Response, FetchError> {
        let mut request = request.header(ACCEPT, expected).header(CACHE_CONTROL, "no-cache");
        if let Some(value) = &self.authorization {
            request = request.header(AUTHORIZATION, value.clone());
        }
        let (host, idle) = (&self.whom(), self.dial.clock.limits.idle.max(self.dial.clock.limits.connect));
        let response = self.dial.clock.wait("waiting for an answer from", host, idle, request.send()).await?;
        let response = response.map_err(|error| FetchError::Connect { host: host.clone(), problem: causes(&error) })?;
        self.judge(response, expected)
    }

    fn judge(&self, response: Response, expected: &str) -> Result<Response, FetchError> {
        let host = self.dial.host.clone();
        let status = response.status();
        let header = |name| response.headers().get(name).map(|value: &HeaderValue| clean(value.as_bytes()));
        match status {
            StatusCode::OK if header(CONTENT_TYPE).as_deref() == Some(expected) => Ok(response),
            StatusCode::OK => Err(FetchError::Server { host, said: "something else than git's smart protocol".into() }),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                let who = match &self.dial.origin.credentials {
                    Credentials::Basic { user, .. } => format!("user {user} and this password ({status})"),
                    Credentials::Bearer(_) => format!("this bearer token ({status})"),
                    _ => format!("a request without credentials ({status})"),
                };
                Err(FetchError::Refused { host, who })
            }
            status if status.is_redirection() => {
                let to = header(LOCATION).unwrap_or_default();
                Err(FetchError::Server { host, said: format!("{status}: it is now at {to}; write that address") })
            }
            status => Err(FetchError::Server { host, said: status.to_string() }),
        }
    }

    /// The next piece of an answer's body; `None` at its end.
    async fn receive(&self, response: &mut Response) -> Result<Option<Vec<u8>>, FetchError> {
        let (host, idle) = (&self.whom(), self.dial.clock.limits.idle);
        let chunk = self.dial.clock.wait("waiting for data from", host, idle, response.chunk()).await?;
        let Some(chunk) = chunk.map_err(|_| FetchError::CutOff { host: host.clone() })? else { return Ok(None) };
        self.dial.count(chunk.len())?;
        Ok(Some(chunk.to_vec()))
    }
}

/// One request, as libgit2 sees it: written to, then read from.
pub(super) struct Stream {
    client: Arc<Client>,
    body: Vec<u8>,
    response: Option<Response>,
    pending: io::Cursor<Vec<u8>>,
}

impl Stream {
    /// The refs; the request is sent at once.
    pub(super) fn advertisement(client: Arc<Client>) -> Result<Self, FetchError> {
        let request = client.http.get(client.url("info/refs?service=git-upload-pack"));
        let response = client.runtime.block_on(client.send(request, ADVERTISEMENT))?;
        Ok(Self { client, body: Vec::new(), response: Some(response), pending: io::Cursor::default() })
    }

    /// A round of negotiation; the request is sent at the first read.
    pub(super) fn request(client: Arc<Client>) -> Self {
        Self { client, body: Vec::new(), response: None, pending: io::Cursor::default() }
    }

    fn next(&mut self) -> Result<Vec<u8>, FetchError> {
        let client = &self.client;
        client.runtime.block_on(async {
            let response = match &mut self.response {
                Some(response) => response,
                empty => {
                    let request = client.http.post(client.url("git-upload-pack"));
                    let request = request.header(CONTENT_TYPE, REQUEST).body(std::mem::take(&mut self.body));
                    empty.insert(client.send(request, RESULT).await?)
                }
            };
            Ok(client.receive(response).await?.unwrap_or_default())
        })
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.pending.position() >= self.pending.get_ref().len() as u64 {
            let next = self.next().map_err(|error| self.client.dial.fail(error))?;
            self.pending = io::Cursor::new(next);
        }
        self.pending.read(buffer)
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.body.len() + bytes.len() > BODY_LIMIT {
            return Err(io::Error::other("the request has no end"));
        }
        self.body.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn authorization(credentials: &Credentials) -> Result<Option<HeaderValue>, FetchError> {
    use base64::Engine;
    let text = match credentials {
        Credentials::None => return Ok(None),
        Credentials::Key(_) => {
            return Err(FetchError::Key { problem: "HTTPS takes a password or a token, not a key".into() });
        }
        Credentials::Basic { user, password } => {
            let login = zeroize::Zeroizing::new(format!("{user}:{}", password.expose()));
            format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(login.as_bytes()))
        }
        Credentials::Bearer(token) => format!("Bearer {}", token.expose().trim()),
    };
    let fail =
        |_| FetchError::Setting { what: "the HTTPS credential".into(), problem: "it holds control characters".into() };
    let mut value = HeaderValue::from_str(&zeroize::Zeroizing::new(text)).map_err(fail)?;
    value.set_sensitive(true);
    Ok(Some(value))
}

/// An error and what is behind it; `reqwest` says only "error sending request" on its own.
fn causes(error: &dyn std::error::Error) -> String {
    let mut deepest = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    clean(deepest.to_string().as_bytes())
}
