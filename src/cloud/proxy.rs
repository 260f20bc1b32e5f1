//! A proxy's address, whose password is never shown.

use super::CloudError;
use crate::secret::Secret;
use std::fmt;

/// An HTTP proxy, as `[http://][user:password@]host[:port]`.
#[derive(Clone)]
pub struct Proxy {
    url: Secret<String>,
    shown: String,
}

impl Proxy {
    /// Reads an address. Other schemes than http and https are refused by name.
    pub fn parse(text: &str) -> Result<Self, CloudError> {
        let text = text.trim();
        let full = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let refuse = |why: String| CloudError::Proxy { shown: without_login(text), why };
        let url = reqwest::Url::parse(&full).map_err(|error| refuse(error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(refuse(format!("{} proxies are not supported", url.scheme())));
        }
        let Some(host) = url.host_str().filter(|host| !host.is_empty()) else {
            return Err(refuse("it names no host".into()));
        };
        // A proxy without a port listens on its scheme's, as reqwest and the AWS SDKs take it (curl would say 1080).
        let shown = format!("{}://{host}:{}", url.scheme(), url.port_or_known_default().unwrap_or(80));
        Ok(Self { url: Secret::new(url.to_string()), shown })
    }

    /// The address with its login.
    pub(super) fn expose(&self) -> &str {
        self.url.expose()
    }

    /// Whether the way to the proxy itself is encrypted.
    pub(super) fn encrypted(&self) -> bool {
        self.shown.starts_with("https:")
    }
}

fn without_login(text: &str) -> String {
    match text.rsplit_once('@') {
        Some((_, host)) => host.to_owned(),
        None => text.to_owned(),
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({})", self.shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_shown_without_its_login() {
        let proxy = Proxy::parse("user:hunter2@proxy.internal:3128").expect("proxy");
        assert_eq!(proxy.to_string(), "http://proxy.internal:3128");
        assert!(!format!("{proxy:?}").contains("hunter2"));
        assert_eq!(proxy.expose(), "http://user:hunter2@proxy.internal:3128/");
    }

    #[test]
    fn other_schemes_are_refused_by_name_and_without_the_login() {
        let error = Proxy::parse("socks5://user:hunter2@proxy:1080").expect_err("refused").to_string();
        assert!(error.contains("socks5 proxies are not supported"), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
}
