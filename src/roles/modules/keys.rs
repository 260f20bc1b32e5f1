//! OpenPGP keys as `rpm_key` and `apt_key` take them: fetched, and asked who they are.

use super::{Eyes, Failed};
use crate::roles::remote::Request;
use std::io::Read;

/// The first line of an armoured public key.
pub const ARMOR: &str = "-----BEGIN PGP PUBLIC KEY BLOCK-----";

/// What a URL gives. `failed` begins the message of a failure.
pub fn fetched(eyes: &Eyes<'_>, url: &str, verify: bool, failed: &str) -> Result<Vec<u8>, Failed> {
    let wrong = |why: String| Failed::new(format!("{failed} {}: {why}", shown(url)));
    let request = Request { url: url.into(), verify, follow: true, ..Request::default() };
    let response = eyes.remote.http(&request).map_err(|error| Failed { hint: error.hint, ..wrong(error.message) })?;
    if response.status != 200 {
        return Err(wrong(format!("it answered {}", response.status)));
    }
    let mut bytes = Vec::new();
    response.body.reader().take(1 << 24).read_to_end(&mut bytes).map_err(|error| wrong(error.to_string()))?;
    Ok(bytes)
}

/// A URL without the password in it.
pub fn shown(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    match host.rsplit_once('@') {
        Some((login, host)) => {
            let user = login.split(':').next().unwrap_or_default();
            format!("{scheme}://{user}:********@{host}{path}")
        }
        None => url.to_owned(),
    }
}

/// Identifiers of keys and subkeys in what gpg and apt-key list, expired ones left out.
pub fn listed(output: &str) -> Vec<String> {
    let lines = output.lines().filter(|line| line.starts_with("pub") || line.starts_with("sub"));
    let lines = lines.filter(|line| !line.contains("expired"));
    let identifier = |line: &str| {
        // apt-key's own form: `pub   rsa4096/0123456789ABCDEF 2020-01-01 [SC]`.
        let own = line.split_whitespace().nth(1).and_then(|word| word.split_once('/')).map(|(_, id)| id);
        own.or_else(|| line.split(':').nth(4)).map(str::to_owned)
    };
    lines.filter_map(identifier).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_read_in_both_forms() {
        let text = "pub   rsa4096/0123456789ABCDEF 2020-01-01 [SC]\nuid x\nsub:-:4096:1:FEDCBA9876543210:1::\n\
            pub   rsa4096/1111111111111111 2001-01-01 [expired: 2002-01-01]\n";
        assert_eq!(listed(text), ["0123456789ABCDEF", "FEDCBA9876543210"]);
        assert_eq!(shown("https://u:p@h/x"), "https://u:********@h/x");
        assert_eq!(shown("https://h/x@y"), "https://h/x@y");
    }
}
