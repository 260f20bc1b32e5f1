//! Plain HTTP requests: what roles download or ask, and what health checks probe.

use super::chain::chain;
use super::{CloudError, Instant, Transport};
use crate::secret::Secret;
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::time::Duration;
use tokio::time::timeout_at;

/// A request.
#[derive(Clone, Debug)]
pub struct WebRequest {
    /// GET where empty.
    pub method: String,
    /// Where.
    pub url: String,
    /// Headers added.
    pub headers: Vec<(String, String)>,
    /// What is sent.
    pub body: Option<Secret<Vec<u8>>>,
    /// User and password for basic authentication.
    pub basic: Option<(String, Secret<String>)>,
    /// Whether certificates are verified.
    pub verify: bool,
    /// Whether redirects are followed.
    pub follow: bool,
    /// Whether the proxy is passed by.
    pub direct: bool,
}

impl WebRequest {
    /// A GET that verifies and follows.
    pub fn get(url: impl Into<String>) -> Self {
        let (method, headers) = (String::new(), Vec::new());
        Self { method, url: url.into(), headers, body: None, basic: None, verify: true, follow: true, direct: false }
    }
}

/// What a server said.
#[derive(Debug)]
pub struct WebResponse {
    /// The status code: any, an error's too.
    pub status: u16,
    /// The last URL after redirects.
    pub url: String,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body; the file stands at its beginning.
    pub body: File,
    /// Its bytes.
    pub size: u64,
}

/// Sends a request once, and streams the body into a file. More than `largest` bytes are refused.
pub async fn web(
    transport: &Transport,
    request: &WebRequest,
    mut file: File,
    largest: u64,
    deadline: Instant,
) -> Result<WebResponse, CloudError> {
    let method = if request.method.is_empty() { "GET" } else { &request.method }.to_ascii_uppercase();
    let failed = |why: String| CloudError::Web { method: method.clone(), url: shown(&request.url), why };
    let name = reqwest::Method::from_bytes(method.as_bytes()).map_err(|error| failed(error.to_string()))?;
    let url = reqwest::Url::parse(&request.url).map_err(|error| failed(error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(failed(format!("{} addresses are not supported", url.scheme())));
    }
    let mut builder = transport.web_with(request.verify, request.follow, request.direct)?.request(name, url);
    for (key, value) in &request.headers {
        builder = builder.header(key, value);
    }
    if let Some((user, password)) = &request.basic {
        builder = builder.basic_auth(user, Some(password.expose()));
    }
    if let Some(body) = &request.body {
        builder = builder.body(body.expose().clone());
    }
    // The client's own limits end a silence; this ends the whole.
    let late = || failed("no answer before the deadline".into());
    let broken = |error: reqwest::Error| failed(chain(&error.without_url()));
    let mut answer = timeout_at(deadline, builder.send()).await.map_err(|_| late())?.map_err(broken)?;
    let too_large = || CloudError::TooLarge { what: shown(&request.url), limit: largest };
    let staging = |error: std::io::Error| CloudError::Staging { what: shown(&request.url), why: error.to_string() };
    if answer.content_length().is_some_and(|length| length > largest) {
        return Err(too_large());
    }
    let headers = answer.headers().iter();
    let headers = headers.map(|(key, value)| (key.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
    let headers = headers.collect();
    let mut size = 0;
    while let Some(bytes) = timeout_at(deadline, answer.chunk()).await.map_err(|_| late())?.map_err(broken)? {
        size += bytes.len() as u64;
        if size > largest {
            return Err(too_large());
        }
        file.write_all(&bytes).map_err(staging)?;
    }
    file.seek(SeekFrom::Start(0)).map_err(staging)?;
    Ok(WebResponse { status: answer.status().as_u16(), url: answer.url().to_string(), headers, body: file, size })
}

/// Whether a server answers with a status, for health checks: no body is read.
pub async fn probe(transport: &Transport, url: &str, patience: Duration) -> Result<u16, CloudError> {
    let failed = |error: reqwest::Error| CloudError::Web {
        method: "GET".into(),
        url: shown(url),
        why: chain(&error.without_url()),
    };
    let client = transport.web_with(true, false, false)?;
    Ok(client.get(url).timeout(patience).send().await.map_err(failed)?.status().as_u16())
}

/// Without login and query, which may be secrets.
fn shown(url: &str) -> String {
    match reqwest::Url::parse(url) {
        Ok(mut parsed) => {
            let _ = parsed.set_username("");
            let _ = parsed.set_password(None);
            parsed.set_query(None);
            parsed.set_fragment(None);
            parsed.to_string()
        }
        Err(_) => "an address that cannot be read".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Reply, Server};
    use super::super::{Network, Transport};
    use super::*;
    use std::io::Read;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(10)
    }

    async fn send(request: &WebRequest, largest: u64) -> Result<WebResponse, CloudError> {
        let transport = Transport::new(Network::default()).expect("transport");
        web(&transport, request, tempfile::tempfile().expect("staging"), largest, soon()).await
    }

    #[tokio::test]
    async fn a_request_carries_what_a_role_says() {
        let server = Server::start(|request| {
            assert_eq!((request.method.as_str(), request.body.as_str()), ("POST", "{}"));
            assert_eq!((request.header("x-a"), request.header("authorization")), (Some("1"), Some("Basic dTpw")));
            Reply::text(418, "teapot").with("x-b", "2")
        })
        .await;
        let request = WebRequest {
            method: "post".into(),
            headers: vec![("X-A".into(), "1".into())],
            body: Some(Secret::new(b"{}".to_vec())),
            basic: Some(("u".into(), Secret::new("p".into()))),
            ..WebRequest::get(server.url())
        };
        let mut response = send(&request, 100).await.expect("answered");
        let mut text = String::new();
        response.body.read_to_string(&mut text).expect("read");
        assert_eq!((response.status, text.as_str(), response.size), (418, "teapot", 6));
        assert!(response.headers.contains(&("x-b".into(), "2".into())));
    }

    #[tokio::test]
    async fn redirects_are_followed_where_asked() {
        let server = Server::start(|request| match request.path.as_str() {
            "/new" => Reply::text(200, "there"),
            _ => Reply::text(302, "").with("location", "/new"),
        })
        .await;
        let request = WebRequest::get(format!("{}/old", server.url()));
        let followed = send(&request, 100).await.expect("followed");
        assert_eq!((followed.status, followed.url), (200, format!("{}/new", server.url())));
        let stayed = send(&WebRequest { follow: false, ..request }, 100).await.expect("stayed");
        assert_eq!(stayed.status, 302);
    }

    #[tokio::test]
    async fn a_probe_gives_the_status_and_ends_when_nobody_answers() {
        let transport = Transport::new(Network::default()).expect("transport");
        let server =
            Server::start(|request| if request.path == "/up" { Reply::text(204, "") } else { Reply::never() }).await;
        let ask = |path: &str| format!("{}{path}", server.url());
        assert_eq!(probe(&transport, &ask("/up"), Duration::from_secs(5)).await.expect("up"), 204);
        let error = probe(&transport, &ask("/hung"), Duration::from_millis(200)).await.expect_err("hung");
        assert!(error.to_string().contains("/hung"), "{error}");
    }

    #[tokio::test]
    async fn a_failure_names_the_address_without_its_secrets() {
        let request = WebRequest::get("http://user:hunter2@127.0.0.1:1/x?token=hunter3");
        let error = send(&request, 100).await.expect_err("refused").to_string();
        assert!(error.starts_with("GET http://127.0.0.1:1/x: ") && !error.contains("hunter"), "{error}");
        let server = Server::start(|_| Reply::text(200, "0123456789")).await;
        let error = send(&WebRequest::get(server.url()), 9).await.expect_err("too large");
        assert!(matches!(error, CloudError::TooLarge { .. }), "{error}");
        assert!(send(&WebRequest::get("file:///etc/passwd"), 100).await.is_err());
    }
}
