//! A caller for the tests: signs with the emulator's own reading of the rules, speaks HTTP/1.1 over a plain socket.

use crate::canonical::{self, Paths};
use crate::clock;
use crate::credentials::Credentials;
use crate::encoding::sha256_hex;
use crate::request::Request;
use crate::signature::{Scope, sign};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Status line and headers as text, and the body.
pub(crate) struct Received {
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Received {
    pub(crate) fn status(&self) -> u16 {
        self.head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default()
    }
}

/// A signed call in the JSON protocol.
pub(crate) fn json(url: &str, credentials: &Credentials, target: &str, body: &str) -> std::io::Result<Received> {
    let service = match target.split('.').next() {
        Some("AmazonSSM") => "ssm",
        Some("TrentService") => "kms",
        _ => "secretsmanager",
    };
    let headers = [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", target)];
    send(url, &signed(url, credentials, service, &headers, body))
}

/// A signed call in the query protocol.
pub(crate) fn query(url: &str, credentials: &Credentials, service: &str, form: &str) -> std::io::Result<Received> {
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    send(url, &signed(url, credentials, service, &headers, form))
}

/// A POST, signed.
pub(crate) fn signed(
    url: &str,
    credentials: &Credentials,
    service: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Request {
    let date = clock::compact(jiff::Timestamp::now());
    let mut all = vec![("host", url.trim_start_matches("http://")), ("x-amz-date", date.as_str())];
    all.extend(credentials.session_token.as_deref().map(|token| ("x-amz-security-token", token)));
    all.extend(headers);
    all.sort_unstable();
    let mut request = Request {
        method: "POST".to_owned(),
        path: "/".to_owned(),
        headers: all.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        body: body.as_bytes().to_vec(),
        ..Request::default()
    };
    let names: Vec<&str> = all.iter().map(|(name, _)| *name).collect();
    let text = canonical::request(&request, &names, &sha256_hex(body.as_bytes()), Paths::Normalized);
    let scope = Scope { date: &date[..8], region: "us-east-1", service };
    let signature = sign(&credentials.secret_access_key, &date, &scope, &text);
    let (id, scope, names) = (&credentials.access_key_id, scope.text(), names.join(";"));
    let value = format!("AWS4-HMAC-SHA256 Credential={id}/{scope}, SignedHeaders={names}, Signature={signature}");
    request.headers.push(("authorization".to_owned(), value));
    request
}

/// Sends a request on a connection of its own and reads all that comes back.
pub(crate) fn send(url: &str, request: &Request) -> std::io::Result<Received> {
    let host = url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(host)?;
    stream.set_read_timeout(Some(Duration::from_secs(2)))?;
    let target = if request.query.is_empty() { String::new() } else { format!("?{}", request.query) };
    let mut head = format!("{} {}{target} HTTP/1.1\r\n", request.method, request.path);
    if request.header("host").is_none() {
        head.push_str(&format!("host: {host}\r\n"));
    }
    for (name, value) in &request.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!("content-length: {}\r\nconnection: close\r\n\r\n", request.body.len()));
    stream.write_all(head.as_bytes())?;
    stream.write_all(&request.body)?;
    let mut all = Vec::new();
    stream.read_to_end(&mut all)?;
    let text = String::from_utf8_lossy(&all).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    Ok(Received { head: head.to_owned(), body: body.to_owned() })
}
