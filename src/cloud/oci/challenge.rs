//! What a registry asks for with its 401 (RFC 7235), and the token that answers it.

use super::Login;
use super::way::{is_loopback, onward};
use reqwest::Url;
use serde_json::Value;

/// What is asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Challenge {
    /// Name and password with each request.
    Basic,
    /// A token, to be had here.
    Bearer(Url),
}

impl Challenge {
    /// Reads `WWW-Authenticate`. The scope is our own: no more than to pull from this repository.
    pub(super) fn read(header: &str, from: &Url, repository: &str) -> Result<Self, String> {
        let challenges =
            http_auth::parse_challenges(header).map_err(|_| "its WWW-Authenticate cannot be read".to_owned())?;
        let scheme = |name: &str| challenges.iter().find(|one| one.scheme.eq_ignore_ascii_case(name));
        let Some(bearer) = scheme("bearer") else {
            return scheme("basic").map(|_| Self::Basic).ok_or_else(|| "it asks for neither Basic nor Bearer".into());
        };
        let param = |name: &str| {
            let found = bearer.params.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.to_unescaped())
        };
        let mut realm = onward(from, &param("realm").ok_or("its challenge names no realm")?)?;
        realm.set_fragment(None);
        if let Some(service) = param("service") {
            realm.query_pairs_mut().append_pair("service", &service);
        }
        realm.query_pairs_mut().append_pair("scope", &format!("repository:{repository}:pull"));
        Ok(Self::Bearer(realm))
    }
}

/// Where a registry's `WWW-Authenticate` has the token for a repository; `None` where it asks for name and password.
pub fn token_address(header: &str, registry: &Url, repository: &str) -> Result<Option<Url>, String> {
    match Challenge::read(header, registry, repository)? {
        Challenge::Basic => Ok(None),
        Challenge::Bearer(address) => Ok(Some(address)),
    }
}

/// The login that goes to a realm. Another site than the registry's own gets it only with TLS, which [`onward`] saw to;
/// a name and a password in the address itself are nobody's.
pub(super) fn login_for<'a>(realm: &Url, login: Option<&'a Login>) -> Option<&'a Login> {
    login.filter(|_| realm.scheme() == "https" || is_loopback(realm))
}

/// The token of a realm's answer.
pub(super) fn token(bytes: &[u8]) -> Option<String> {
    let json: Value = serde_json::from_slice(bytes).ok()?;
    let text = json.get("token").or_else(|| json.get("access_token"))?.as_str()?;
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
    plain.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_says_where_the_token_is() {
        let from = Url::parse("https://registry.example.com/v2/").expect("an address");
        let read = |header: &str| Challenge::read(header, &from, "acme/shop");
        let header = r#"Bearer realm="https://auth.example.com/token",service="registry",scope="registry:catalog:*""#;
        let Ok(Challenge::Bearer(url)) = read(header) else { panic!("{:?}", read(header)) };
        assert_eq!(
            url.as_str(),
            "https://auth.example.com/token?service=registry&scope=repository%3Aacme%2Fshop%3Apull"
        );
        assert_eq!(read(r#"Basic realm="x""#), Ok(Challenge::Basic));
        for bad in [
            r#"Bearer realm="http://auth.example.com/token""#,
            r#"Bearer realm="https://169.254.169.254/latest/api/token""#,
            r#"Bearer service="x""#,
            "Negotiate",
            "\u{1}",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
        assert_eq!(token(br#"{"token":"abc"}"#).as_deref(), Some("abc"));
        assert_eq!(token(br#"{"access_token":"abc"}"#).as_deref(), Some("abc"));
        for bad in [&b"{}"[..], br#"{"token":"a\nb"}"#, br#"{"token":""}"#, b"abc"] {
            assert_eq!(token(bad), None);
        }
    }
}
