//! Lines of `known_hosts`: whom they are about, hashed or not, and which key they give.

use crate::fnmatch;
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// A line, taken apart. What follows the key is a comment.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// `@cert-authority` or `@revoked`.
    pub marker: Option<String>,
    /// The host's field as written.
    pub host: String,
    /// The key's type.
    pub kind: String,
    /// The key.
    pub key: String,
}

impl Entry {
    /// Of a line; `None` of a comment, or of what is none.
    pub fn of(line: &str) -> Option<Self> {
        let mut words = line.split_whitespace();
        let first = words.next().filter(|word| !word.starts_with('#'))?;
        let (marker, host) =
            if first.starts_with('@') { (Some(first.to_owned()), words.next()?) } else { (None, first) };
        let (host, kind, key) = (host.to_owned(), words.next()?.to_owned(), words.next()?.to_owned());
        Some(Self { marker, host, kind, key })
    }

    /// Whether it is about a host, by sshd(8)'s rules: a hash, or patterns of which none that is negated fits.
    pub fn is_about(&self, host: &str) -> bool {
        if self.is_hashed() {
            return hashed_with(&self.host, host);
        }
        let mut found = false;
        for pattern in self.host.split(',') {
            let (negated, pattern) = pattern.strip_prefix('!').map_or((false, pattern), |pattern| (true, pattern));
            if fits(&pattern.to_lowercase(), host) {
                if negated {
                    return false;
                }
                found = true;
            }
        }
        found
    }

    /// Whether its host is hashed.
    pub fn is_hashed(&self) -> bool {
        self.host.starts_with("|1|")
    }
}

/// `*` and `?` alone are patterns here: brackets stand around a host with a port.
fn fits(pattern: &str, host: &str) -> bool {
    fnmatch::matches(&pattern.replace('[', "[[]"), host)
}

fn digest(salt: &[u8], host: &str) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, salt);
    hmac::sign(&key, host.as_bytes()).as_ref().to_vec()
}

fn hashed_with(field: &str, host: &str) -> bool {
    let mut parts = field.trim_start_matches("|1|").split('|');
    let (Some(salt), Some(sum)) = (parts.next(), parts.next()) else { return false };
    match (STANDARD.decode(salt), STANDARD.decode(sum)) {
        (Ok(salt), Ok(sum)) => digest(&salt, host) == sum,
        _ => false,
    }
}

/// A host's field hashed with a salt of its own, as ssh-keygen does it.
pub fn hashed(host: &str) -> String {
    let salt: Vec<u8> = std::iter::repeat_with(|| fastrand::u8(..)).take(20).collect();
    format!("|1|{}|{}", STANDARD.encode(&salt), STANDARD.encode(digest(&salt, host)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_matched_as_ssh_matches_them() {
        let about =
            |field: &str, host: &str| Entry::of(&format!("{field} ssh-ed25519 AAAA c")).expect(field).is_about(host);
        assert!(about("a.example,10.0.0.1", "10.0.0.1") && about("*.Example", "b.example"));
        assert!(!about("*.example,!b.example", "b.example") && !about("a.example", "a"));
        assert!(about("[a.example]:2222", "[a.example]:2222") && !about("[a.example]:2222", "a.example"));
        // The example of the SSH_KNOWN_HOSTS FILE FORMAT section of sshd(8).
        let field = "|1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wmZL7suNrYQLITLCg=";
        assert!(about(field, "192.168.1.61") && !about(field, "192.168.1.62"));
        assert!(about(&hashed("x"), "x") && hashed("x") != hashed("x"));
        assert!(Entry::of("# c").is_none() && Entry::of("a ssh-rsa").is_none());
    }
}
