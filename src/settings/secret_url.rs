//! An address that is itself a permission, as a presigned wait-condition handle.

use super::scalar::Word;
use crate::secret::{REDACTED, Secret};
use std::fmt;

/// A presigned address: whoever has it may use it, so it is never printed.
#[derive(Clone)]
pub struct SecretUrl(Secret<String>);

impl SecretUrl {
    /// The address in the open.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    /// The host that it leads to, which is no secret.
    pub fn host(&self) -> &str {
        let rest = self.expose().split_once("://").map_or("", |(_, rest)| rest);
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        authority.rsplit_once(':').map_or(authority, |(host, _)| host)
    }
}

impl Word for SecretUrl {
    const NAME: &'static str = "SecretUrl";
    const EXAMPLE: &'static str = "https://cloudformation-waitcondition-eu-west-1.s3.amazonaws.com/arn...";
    const EXPECTED: &'static str = "a presigned address";

    fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))?;
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        // Before an `@` stands a user, and the host is what follows: such an address only serves to mislead.
        let clean = !authority.is_empty()
            && !authority.contains(['@', '\\'])
            && !text.contains(|c: char| c.is_whitespace() || c.is_control());
        clean.then(|| Self(Secret::new(text.to_owned())))
    }
}

impl fmt::Debug for SecretUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Redacted, because settings are shown.
impl fmt::Display for SecretUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_host_is_seen() {
        let url = SecretUrl::parse("https://s3.amazonaws.com:443/x?Signature=abc").expect("parses");
        assert_eq!(url.host(), "s3.amazonaws.com");
        assert!(!format!("{url} {url:?}").contains("abc"));
        assert!(SecretUrl::parse("https://s3.amazonaws.com@evil.test/").is_none());
    }
}
