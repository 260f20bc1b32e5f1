//! Which host is which: the realm's `known_hosts` (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT). Nothing is trusted on first use.

use super::key::SshKey;
use super::{TrustError, pattern, signers};
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Whom a line of `known_hosts` speaks of.
#[derive(Clone, Debug)]
enum Names {
    /// Patterns, some negated with `!`.
    Plain(Vec<String>),
    /// HMAC-SHA1 of one name, with its salt.
    Hashed { salt: Vec<u8>, digest: Vec<u8> },
}

/// One line of `known_hosts`.
#[derive(Clone, Debug)]
pub struct HostKey {
    names: Names,
    /// Whether the line is marked `@revoked`.
    pub revoked: bool,
    /// The key.
    pub key: SshKey,
}

impl HostKey {
    /// The names as they are written; a hashed name is shown as one.
    pub fn names(&self) -> String {
        match &self.names {
            Names::Plain(patterns) => patterns.join(","),
            Names::Hashed { .. } => "(hashed)".into(),
        }
    }

    fn speaks_of(&self, name: &str) -> bool {
        match &self.names {
            Names::Plain(patterns) => {
                let hit = |text: &str| pattern::matches(text, name, true);
                let negated = patterns.iter().filter_map(|text| text.strip_prefix('!')).any(hit);
                !negated && patterns.iter().filter(|text| !text.starts_with('!')).any(|text| hit(text))
            }
            Names::Hashed { salt, digest } => {
                let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, salt);
                hmac::verify(&key, name.to_ascii_lowercase().as_bytes(), digest).is_ok()
            }
        }
    }

    fn describe(&self) -> String {
        format!("{} {}", self.key.algorithm(), self.key.fingerprint())
    }
}

/// A realm's pinned host keys.
#[derive(Clone, Debug, Default)]
pub struct KnownHosts(pub(super) Vec<HostKey>);

impl KnownHosts {
    /// Reads a `known_hosts` file; `file` names it in errors.
    pub(super) fn parse(file: &str, text: &str) -> Result<Self, TrustError> {
        signers::lines(file, text)?
            .map(|(number, line)| host_key(line).map_err(|problem| TrustError::line(file, number, line, problem)))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// The lines, in order.
    pub fn iter(&self) -> impl Iterator<Item = &HostKey> {
        self.0.iter()
    }

    /// The types of the keys pinned for a host: what to ask it for first.
    pub fn algorithms(&self, host: &str, port: u16) -> Vec<String> {
        self.pinned(&name(host, port)).map(|entry| entry.key.algorithm()).collect()
    }

    fn pinned(&self, name: &str) -> impl Iterator<Item = &HostKey> {
        self.0.iter().filter(move |entry| !entry.revoked && entry.speaks_of(name))
    }

    /// Judges the key that a host shows, in the wire format of RFC 4253, section 6.6.
    pub(super) fn judge(&self, realm: &str, host: &str, port: u16, wire: &[u8]) -> Result<(), TrustError> {
        let (name, realm) = (name(host, port), realm.to_owned());
        let same = |entry: &&HostKey| entry.key.wire().as_deref() == Some(wire);
        if self.0.iter().filter(|entry| entry.revoked && entry.speaks_of(&name)).any(|entry| same(&entry)) {
            return Err(TrustError::RevokedHost { host: name, offered: describe(wire), realm });
        }
        let pinned: Vec<&HostKey> = self.pinned(&name).collect();
        match pinned.iter().any(same) {
            true => Ok(()),
            false if pinned.is_empty() => Err(TrustError::UnknownHost { host: name, realm }),
            false => {
                let pinned = pinned.iter().map(|entry| entry.describe()).collect::<Vec<_>>().join(" or ");
                Err(TrustError::HostKey { host: name, offered: describe(wire), pinned, realm })
            }
        }
    }
}

/// A host as `known_hosts` writes it: the port only where it is not 22.
pub(super) fn name(host: &str, port: u16) -> String {
    let host = host.to_ascii_lowercase();
    if port == 22 { host } else { format!("[{host}]:{port}") }
}

fn describe(wire: &[u8]) -> String {
    match ssh_key::PublicKey::from_bytes(wire) {
        Ok(key) => format!("{} {}", key.algorithm(), key.fingerprint(ssh_key::HashAlg::Sha256)),
        Err(_) => "of a type that muster does not know".into(),
    }
}

fn host_key(line: &str) -> Result<HostKey, String> {
    let (marker, rest) = match line.strip_prefix('@') {
        Some(marked) => marked.split_once([' ', '\t']).ok_or("a marker without a host")?,
        None => ("", line),
    };
    let revoked = match marker {
        "" => false,
        "revoked" => true,
        "cert-authority" => return Err("`@cert-authority` is not supported: pin the hosts' own keys".into()),
        other => return Err(format!("marker `@{}` is not known", other.escape_default())),
    };
    let (names, key) = rest.trim_start().split_once([' ', '\t']).ok_or("a host without a key")?;
    let names = match names.strip_prefix('|') {
        Some(hashed) => hashed_name(hashed).ok_or("the hashed host name is not `|1|SALT|HASH`")?,
        None if names.split(',').any(str::is_empty) => return Err("an empty host name".into()),
        None => Names::Plain(names.split(',').map(str::to_owned).collect()),
    };
    Ok(HostKey { names, revoked, key: SshKey::parse(key.trim_start())? })
}

fn hashed_name(text: &str) -> Option<Names> {
    let (salt, digest) = text.strip_prefix("1|")?.split_once('|')?;
    let (salt, digest) = (STANDARD.decode(salt).ok()?, STANDARD.decode(digest).ok()?);
    (digest.len() == 20).then_some(Names::Hashed { salt, digest })
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ5g9oFyHNDvG5TDrAFhrHVkFHkMbaEJwC5DQTGaCyWW";
    const OTHER: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIILKfFc3mc7UbUx6xlpLmQZPWL7D6yHbdeoc3tqvIBKW";

    fn wire(key: &str) -> Vec<u8> {
        SshKey::parse(key).expect("key").wire().expect("wire")
    }

    fn judge(file: &str, host: &str, port: u16) -> Result<(), TrustError> {
        KnownHosts::parse("known_hosts", file).expect("parses").judge("prod", host, port, &wire(KEY))
    }

    #[test]
    fn names_ports_patterns_and_hashes() {
        // ssh-keygen -H made the hash of git.example.org.
        let salt = STANDARD.encode([7u8; 20]);
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &[7u8; 20]);
        let digest = STANDARD.encode(hmac::sign(&key, b"git.example.org"));
        for (names, host, port, known) in [
            ("git.example.org", "git.example.org", 22, true),
            ("git.example.org", "GIT.example.org", 22, true),
            ("git.example.org", "git.example.org", 2222, false),
            ("[git.example.org]:2222", "git.example.org", 2222, true),
            ("other,*.example.org", "git.example.org", 22, true),
            ("*.example.org,!git.example.org", "git.example.org", 22, false),
            (&format!("|1|{salt}|{digest}"), "git.example.org", 22, true),
            (&format!("|1|{salt}|{digest}"), "evil.example.org", 22, false),
        ] {
            let result = judge(&format!("{names} {KEY} note"), host, port);
            assert_eq!(result.is_ok(), known, "{names} {host} {port}");
            assert!(known || matches!(result, Err(TrustError::UnknownHost { .. })));
        }
    }

    #[test]
    fn another_key_is_refused_with_both_fingerprints() {
        let error = judge(&format!("h {OTHER}"), "h", 22).expect_err("differs").to_string();
        for key in [KEY, OTHER] {
            assert!(error.contains(&SshKey::parse(key).expect("key").fingerprint()), "{error}");
        }
        assert!(judge(&format!("h {OTHER}\nh {KEY}"), "h", 22).is_ok());
    }

    #[test]
    fn markers() {
        let revoked = format!("h {KEY}\n@revoked * {KEY}");
        assert!(matches!(judge(&revoked, "h", 22), Err(TrustError::RevokedHost { .. })));
        assert!(judge(&format!("h {KEY}\n@revoked * {OTHER}"), "h", 22).is_ok());
        for line in [format!("@cert-authority * {KEY}"), format!("@x * {KEY}"), "h".into(), format!("|2|a|b {KEY}")] {
            let error = KnownHosts::parse("known_hosts", &line).expect_err(&line);
            assert!(matches!(error, TrustError::Line { .. }));
        }
    }
}
