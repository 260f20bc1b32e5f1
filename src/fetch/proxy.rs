//! A proxy between here and the git host: HTTP `CONNECT` (RFC 9110, 9.3.6) or SOCKS5 (RFC 1928, 1929).

use super::FetchError;
use super::address::percent_decoded;
use super::error::clean;
use crate::secret::Secret;
use base64::Engine;
use reqwest::Url;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A proxy, and the credentials for it.
#[derive(Clone, Debug)]
pub struct Proxy {
    /// Without credentials.
    pub(super) url: Url,
    pub(super) login: Option<(String, Secret<String>)>,
}

impl Proxy {
    /// Reads `http://[user:password@]host:port`, `socks5://...` or `socks5h://...`. Names are left to the proxy in both.
    pub fn parse(text: &str) -> Result<Self, FetchError> {
        let fail = |problem: &str| FetchError::Setting { what: "the proxy".into(), problem: problem.to_owned() };
        let mut url = Url::parse(text).map_err(|error| fail(&error.to_string()))?;
        match url.scheme() {
            "http" | "socks5" | "socks5h" => {}
            "https" => return Err(fail("TLS to the proxy is not supported; write http://")),
            other => return Err(fail(&format!("`{}://` is not supported", other.escape_default()))),
        }
        if url.host_str().is_none_or(str::is_empty) {
            return Err(fail("it names no host"));
        }
        let part = |text| percent_decoded(text).ok_or_else(|| fail("its credentials cannot be read"));
        let login = match url.password() {
            Some(password) => Some((part(url.username())?, Secret::new(part(password)?))),
            None => None,
        };
        let cleared = url.set_password(None).and_then(|()| url.set_username(""));
        cleared.map_err(|()| fail("its credentials cannot be read"))?;
        Ok(Self { url, login })
    }

    pub(super) fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default().trim_matches(['[', ']'])
    }

    pub(super) fn port(&self) -> u16 {
        self.url.port_or_known_default().unwrap_or(1080)
    }

    /// Asks the proxy, over a connection to it, for one to the host.
    pub(super) async fn tunnel(&self, stream: &mut TcpStream, host: &str, port: u16) -> Result<(), FetchError> {
        let asked = match self.url.scheme() {
            "http" => self.connect(stream, host, port).await,
            _ => self.socks(stream, host, port).await,
        };
        asked.map_err(|problem| FetchError::Connect {
            host: format!("{host}:{port} through proxy {}:{}", self.host(), self.port()),
            problem,
        })
    }

    async fn connect(&self, stream: &mut TcpStream, host: &str, port: u16) -> Result<(), String> {
        let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        let mut request = format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n");
        if let Some((user, password)) = &self.login {
            let login = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{}", password.expose()));
            request.push_str(&format!("Proxy-Authorization: Basic {login}\r\n"));
        }
        request.push_str("\r\n");
        stream.write_all(request.as_bytes()).await.map_err(|error| error.to_string())?;
        // Byte by byte up to the empty line: what follows it belongs to the tunnel.
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            if head.len() > 8 << 10 {
                return Err("the proxy's answer has no end".into());
            }
            head.push(stream.read_u8().await.map_err(|error| error.to_string())?);
        }
        let line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
        let status = line.split(|byte| *byte == b' ').nth(1).unwrap_or_default();
        match status.first() {
            Some(b'2') => Ok(()),
            _ => Err(format!("the proxy answered `{}`", clean(line))),
        }
    }

    async fn socks(&self, stream: &mut TcpStream, host: &str, port: u16) -> Result<(), String> {
        const REPLIES: [&str; 9] = [
            "granted",
            "general failure",
            "not allowed by its rules",
            "network unreachable",
            "host unreachable",
            "connection refused",
            "time to live expired",
            "command not supported",
            "address type not supported",
        ];
        let show = |error: std::io::Error| error.to_string();
        let method = if self.login.is_some() { 2 } else { 0 };
        stream.write_all(&[5, 1, method]).await.map_err(show)?;
        let mut answer = [0; 2];
        stream.read_exact(&mut answer).await.map_err(show)?;
        if answer != [5, method] {
            return Err("the SOCKS proxy does not take these credentials, or is none".into());
        }
        if let Some((user, password)) = &self.login {
            let part =
                |text: &str| u8::try_from(text.len()).map_err(|_| "the SOCKS credentials are too long".to_owned());
            let mut login = zeroize::Zeroizing::new(vec![1, part(user)?]);
            login.extend_from_slice(user.as_bytes());
            login.push(part(password.expose())?);
            login.extend_from_slice(password.expose().as_bytes());
            stream.write_all(&login).await.map_err(show)?;
            stream.read_exact(&mut answer).await.map_err(show)?;
            if answer[1] != 0 {
                return Err("the SOCKS proxy refused the credentials".into());
            }
        }
        let length = u8::try_from(host.len()).map_err(|_| "the host's name is too long".to_owned())?;
        let mut request = vec![5, 1, 0, 3, length];
        request.extend_from_slice(host.as_bytes());
        request.extend_from_slice(&port.to_be_bytes());
        stream.write_all(&request).await.map_err(show)?;
        let mut reply = [0; 4];
        stream.read_exact(&mut reply).await.map_err(show)?;
        if reply[1] != 0 {
            let said = REPLIES.get(usize::from(reply[1])).copied().unwrap_or("an unknown failure");
            return Err(format!("the SOCKS proxy answered: {said}"));
        }
        let rest = match reply[3] {
            1 => 4,
            4 => 16,
            _ => usize::from(stream.read_u8().await.map_err(show)?),
        };
        let mut bound = vec![0; rest + 2];
        stream.read_exact(&mut bound).await.map(|_| ()).map_err(show)
    }
}
