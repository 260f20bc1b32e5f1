//! The instance metadata service, version 2 only: a session token, then reads; never through a proxy.
//!
//! <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html>

use super::chain::chain;
use super::retry::Backoff;
use super::transport::bare_client;
use super::{CloudError, Instant, Roots, Transport};
use crate::secret::Secret;
use reqwest::{Response, StatusCode};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::{sleep, timeout_at};

const ADDRESSES: [&str; 2] = ["http://169.254.169.254", "http://[fd00:ec2::254]"];
const TOKEN_SECONDS: u64 = 21_600;
/// Renewed this long before it ends.
const TOKEN_MARGIN: Duration = Duration::from_secs(60);
/// A token answer that takes longer is asked for again.
const PATIENCE: Duration = Duration::from_secs(3);
/// For a read after the service has answered once.
const LATER: Duration = Duration::from_secs(30);
/// User-data is 16 KiB at most; a chain of certificates in `instance-identity` may be longer.
const LARGEST: usize = 1 << 20;

/// Reads instance metadata. The first contact has the whole budget, because in early boot the service may refuse
/// connections and answer 401; a read after that has half a minute of it at most.
#[derive(Debug)]
pub struct Metadata {
    client: reqwest::Client,
    addresses: Vec<String>,
    budget: Duration,
    session: Mutex<Session>,
}

#[derive(Debug, Default)]
struct Session {
    /// Which of the addresses answered.
    address: Option<usize>,
    token: Option<(Secret<String>, Instant)>,
}

/// What one attempt came to.
enum Attempt {
    Done(Option<Vec<u8>>),
    /// Worth another; `hung` where a connection stood and the token request was not answered.
    Again {
        why: String,
        hung: bool,
    },
    /// The address leads nowhere: try the other.
    Elsewhere(String),
}

impl Metadata {
    /// A client with a budget for the first contact.
    pub fn new(transport: &Transport, budget: Duration) -> Result<Self, CloudError> {
        let client = bare_client(transport.dns(), Roots::none().client()?)
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(1))
            .build()
            .map_err(super::transport::client_error)?;
        let addresses = match &transport.network().metadata_endpoint {
            Some(address) => vec![address.trim_end_matches('/').to_owned()],
            None => ADDRESSES.map(str::to_owned).to_vec(),
        };
        Ok(Self { client, addresses, budget, session: Mutex::default() })
    }

    /// What is at a path below `/latest/`; `None` where there is nothing (404). Role credentials are refused here:
    /// what reads through this door becomes facts.
    pub async fn get(&self, path: &str) -> Result<Option<Vec<u8>>, CloudError> {
        judge_path(path)?;
        self.read(path).await
    }

    /// The same, as text.
    pub async fn text(&self, path: &str) -> Result<Option<String>, CloudError> {
        let Some(bytes) = self.get(path).await? else { return Ok(None) };
        let text = String::from_utf8(bytes);
        text.map(Some).map_err(|_| CloudError::Metadata { path: path.into(), why: "it is not UTF-8 text".into() })
    }

    /// The names below a path, those of further levels with a final `/`.
    pub async fn list(&self, path: &str) -> Result<Option<Vec<String>>, CloudError> {
        let path = format!("{}/", path.trim_end_matches('/'));
        let text = self.text(&path).await?;
        Ok(text.map(|text| text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()))
    }

    /// Reads any path, credentials too: only for this room.
    pub(super) async fn read(&self, path: &str) -> Result<Option<Vec<u8>>, CloudError> {
        let began = Instant::now();
        let known = self.session().address.is_some();
        let deadline = began + if known { self.budget.min(LATER) } else { self.budget };
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(5));
        let mut last = String::from("no answer");
        let mut hung = false;
        let mut turn = 0;
        loop {
            let known = self.session().address;
            let index = known.unwrap_or(turn % self.addresses.len());
            let address = self.addresses.get(index).map_or("", String::as_str);
            let attempt = timeout_at(deadline, self.attempt(address, path)).await;
            let elsewhere = match attempt {
                Ok(Ok(Attempt::Done(found))) => {
                    self.session().address = Some(index);
                    return Ok(found);
                }
                Ok(Ok(Attempt::Again { why, hung: now })) => {
                    (last, hung) = (why, now);
                    false
                }
                Ok(Ok(Attempt::Elsewhere(why))) => {
                    (last, hung) = (why, false);
                    // Both addresses are tried before a pause.
                    turn += 1;
                    known.is_none() && turn % self.addresses.len() != 0
                }
                Ok(Err(error)) => return Err(error),
                Err(_) => false,
            };
            let pause = if elsewhere { Duration::ZERO } else { backoff.pause() };
            if Instant::now() + pause >= deadline {
                let waited = began.elapsed();
                let endpoint = if hung { address.to_owned() } else { self.addresses.join(" and ") };
                return Err(if hung {
                    CloudError::MetadataHopLimit { endpoint, waited }
                } else {
                    CloudError::MetadataUnreachable { endpoint, waited, last }
                });
            }
            tracing::debug!("instance metadata {path}: {last}; trying again");
            sleep(pause).await;
        }
    }

    async fn attempt(&self, address: &str, path: &str) -> Result<Attempt, CloudError> {
        let token = match self.token(address).await? {
            Ok(token) => token,
            Err(again) => return Ok(again),
        };
        let request = self.client.get(format!("{address}/latest/{path}")).timeout(LATER);
        let answer = match request.header("x-aws-ec2-metadata-token", token.expose()).send().await {
            Ok(answer) => answer,
            Err(error) => return Ok(failed(error, false)),
        };
        match answer.status() {
            StatusCode::OK => match body(answer).await {
                Ok(Some(bytes)) => Ok(Attempt::Done(Some(bytes))),
                Ok(None) => {
                    Err(CloudError::Metadata { path: path.into(), why: format!("it is larger than {LARGEST} bytes") })
                }
                Err(error) => Ok(failed(error, false)),
            },
            StatusCode::NOT_FOUND => Ok(Attempt::Done(None)),
            StatusCode::UNAUTHORIZED => {
                self.session().token = None;
                Ok(Attempt::Again { why: "HTTP 401 for a fresh token".into(), hung: false })
            }
            StatusCode::FORBIDDEN => Err(off(address, path)),
            status if passing(status) => Ok(Attempt::Again { why: format!("HTTP {status}"), hung: false }),
            status => Err(CloudError::Metadata { path: path.into(), why: format!("HTTP {status}") }),
        }
    }

    async fn token(&self, address: &str) -> Result<Result<Secret<String>, Attempt>, CloudError> {
        if let Some((token, ends)) = &self.session().token
            && *ends > Instant::now() + TOKEN_MARGIN
        {
            return Ok(Ok(token.clone()));
        }
        let path = "api/token";
        let sent = Instant::now();
        let request = self.client.put(format!("{address}/latest/{path}")).timeout(PATIENCE);
        let request = request.header("x-aws-ec2-metadata-token-ttl-seconds", TOKEN_SECONDS).body("");
        let answer = match request.send().await {
            Ok(answer) => answer,
            Err(error) => return Ok(Err(failed(error, true))),
        };
        match answer.status() {
            StatusCode::OK => {
                let granted = answer.headers().get("x-aws-ec2-metadata-token-ttl-seconds");
                let seconds = granted.and_then(|value| value.to_str().ok()?.parse().ok()).unwrap_or(TOKEN_SECONDS);
                let bytes = match body(answer).await {
                    Ok(bytes) => bytes.unwrap_or_default(),
                    Err(error) => return Ok(Err(failed(error, true))),
                };
                let token = String::from_utf8(bytes)
                    .ok()
                    .filter(|text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic()));
                let Some(token) = token.map(Secret::new) else {
                    return Err(CloudError::Metadata { path: path.into(), why: "what came is no token".into() });
                };
                let ends = sent + Duration::from_secs(seconds.min(TOKEN_SECONDS));
                self.session().token = Some((token.clone(), ends));
                Ok(Ok(token))
            }
            StatusCode::FORBIDDEN => Err(off(address, path)),
            // 401 and 404 come in the first seconds of an instance's life, before the service knows it.
            status if passing(status) || matches!(status, StatusCode::UNAUTHORIZED | StatusCode::NOT_FOUND) => {
                Ok(Err(Attempt::Again { why: format!("HTTP {status} for a token request"), hung: false }))
            }
            status => Err(CloudError::Metadata { path: path.into(), why: format!("HTTP {status}") }),
        }
    }

    fn session(&self) -> std::sync::MutexGuard<'_, Session> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn passing(status: StatusCode) -> bool {
    status.is_server_error() || matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT)
}

fn off(address: &str, path: &str) -> CloudError {
    CloudError::MetadataOff { by: format!("{address} answers HTTP 403 for {path}") }
}

/// A connection that stands while the token request is never answered is what a too small hop limit looks like: the
/// answer's TTL ends on the way into the container.
fn failed(error: reqwest::Error, token: bool) -> Attempt {
    let connected = !error.is_connect();
    let hung = token && connected && error.is_timeout();
    let why = chain(&error.without_url());
    if connected { Attempt::Again { why, hung } } else { Attempt::Elsewhere(why) }
}

/// The body, or `None` where it is too large.
async fn body(mut answer: Response) -> Result<Option<Vec<u8>>, reqwest::Error> {
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        if bytes.len() + chunk.len() > LARGEST {
            return Ok(None);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(Some(bytes))
}

/// Paths come from roles too: nothing that another spelling could turn into the credentials.
fn judge_path(path: &str) -> Result<(), CloudError> {
    let refuse = |why| Err(CloudError::MetadataRefused { path: path.to_owned(), why });
    let mut parts = path.strip_suffix('/').unwrap_or(path).split('/');
    // The list of roles is no credential; what is below it is.
    let mut below = parts.clone().skip_while(|part| !part.eq_ignore_ascii_case("security-credentials")).skip(1);
    if below.next().is_some() {
        return refuse("credentials are never facts");
    }
    if parts.any(|part| part.is_empty() || part.starts_with('.')) {
        return refuse("it is not a plain path below /latest/");
    }
    // The characters that instance tags may have when metadata shows them.
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_.:+=,@".contains(&byte);
    if path.bytes().all(plain) { Ok(()) } else { refuse("it holds characters that no metadata path has") }
}

#[cfg(test)]
mod tests {
    use super::super::Network;
    use super::super::testing::{Reply, Server};
    use super::*;
    use crate::failure::Explain;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn client(address: &str, budget: Duration) -> Metadata {
        let network = Network { metadata_endpoint: Some(address.to_owned()), ..Network::default() };
        Metadata::new(&Transport::new(network).expect("transport"), budget).expect("client")
    }

    #[tokio::test]
    async fn a_token_is_asked_for_once_and_renewed_after_401() {
        let tokens = AtomicUsize::new(0);
        let server = Server::start(move |request| {
            if request.method == "PUT" {
                assert_eq!(request.header("x-aws-ec2-metadata-token-ttl-seconds"), Some("21600"));
                let number = tokens.fetch_add(1, Ordering::SeqCst);
                return Reply::text(200, &format!("token-{number}"));
            }
            match (request.header("x-aws-ec2-metadata-token"), request.path.as_str()) {
                (Some("token-1"), "/latest/meta-data/instance-id") => Reply::text(200, "i-0abc"),
                (Some("token-1"), _) => Reply::text(404, ""),
                _ => Reply::text(401, ""),
            }
        })
        .await;
        let metadata = client(&server.url(), Duration::from_secs(20));
        assert_eq!(metadata.text("meta-data/instance-id").await.expect("read").as_deref(), Some("i-0abc"));
        assert_eq!(metadata.get("meta-data/absent").await.expect("read"), None);
        let puts = server.seen().iter().filter(|request| request.method == "PUT").count();
        assert_eq!(puts, 2, "the refused token and its successor");
    }

    #[tokio::test]
    async fn faults_of_early_boot_are_waited_out() {
        let calls = AtomicUsize::new(0);
        let server = Server::start(move |request| match calls.fetch_add(1, Ordering::SeqCst) {
            0 => Reply::text(503, ""),
            1 => Reply::text(401, ""),
            _ if request.method == "PUT" => Reply::text(200, "token"),
            _ => Reply::text(200, "found"),
        })
        .await;
        let found = client(&server.url(), Duration::from_secs(20)).text("user-data").await;
        assert_eq!(found.expect("read").as_deref(), Some("found"));
    }

    #[tokio::test]
    async fn switched_off_is_named_at_once() {
        let server = Server::start(|_| Reply::text(403, "")).await;
        let error = client(&server.url(), Duration::from_secs(60)).get("user-data").await.expect_err("off");
        assert!(matches!(error, CloudError::MetadataOff { .. }), "{error}");
        assert!(error.hint().expect("hint").contains("--http-endpoint enabled"));
    }

    #[tokio::test]
    async fn a_token_request_that_is_never_answered_is_the_hop_limit() {
        let server = Server::start(|_| Reply::never()).await;
        let error = client(&server.url(), Duration::from_secs(4)).get("user-data").await.expect_err("hop limit");
        assert!(matches!(error, CloudError::MetadataHopLimit { .. }), "{error}");
        assert!(error.hint().expect("hint").contains("hop-limit 2"));
    }

    #[tokio::test]
    async fn the_second_address_is_asked_where_the_first_leads_nowhere() {
        assert!(ADDRESSES[0].contains("169.254.") && ADDRESSES[1].contains("[fd00:ec2::254]"), "IPv4 comes first");
        let answer = |request: &super::super::testing::Request| match request.method.as_str() {
            "PUT" => Reply::text(200, "token"),
            _ => Reply::text(200, "found"),
        };
        let (server, other) = (Server::start(answer).await, Server::start(answer).await);
        let of = |addresses: [&str; 2]| {
            let client = client(addresses[0], Duration::from_secs(20));
            Metadata { addresses: addresses.map(str::to_owned).to_vec(), ..client }
        };
        let behind = of(["http://127.0.0.1:1", &server.url()]);
        for _ in 0..2 {
            assert_eq!(behind.text("user-data").await.expect("read").as_deref(), Some("found"));
        }
        assert_eq!(server.seen().len(), 3, "one token, two reads");
        let first = of([&server.url(), &other.url()]);
        assert_eq!(first.text("user-data").await.expect("read").as_deref(), Some("found"));
        assert!(other.seen().is_empty(), "who answers first is asked alone");
    }

    #[tokio::test]
    async fn nobody_there_is_named_with_the_address() {
        let error = client("http://127.0.0.1:1", Duration::from_secs(1)).get("user-data").await.expect_err("nobody");
        assert!(
            matches!(&error, CloudError::MetadataUnreachable { endpoint, .. } if endpoint.ends_with(":1")),
            "{error}"
        );
    }

    #[test]
    fn credentials_and_other_spellings_of_them_are_refused() {
        for path in [
            "meta-data/iam/security-credentials/web",
            "meta-data/iam/security-credentials//web",
            "meta-data/iam/Security-Credentials/web",
            "meta-data/identity-credentials/ec2/security-credentials/ec2-instance",
            "meta-data/iam//security%2dcredentials/web",
            "meta-data/iam/x/../security-credentials",
            "meta-data/iam/%73ecurity-credentials/",
            "user-data?x",
            "",
        ] {
            assert!(matches!(judge_path(path), Err(CloudError::MetadataRefused { .. })), "{path}");
        }
        for path in [
            "meta-data/iam/security-credentials/",
            "meta-data/iam/info",
            "meta-data/tags/instance/aws:cloudformation:stack-name",
            "user-data",
            "meta-data/",
        ] {
            assert!(judge_path(path).is_ok(), "{path}");
        }
    }
}
