//! A realm: whom and what one environment believes, as `trust.d/<realm>/` writes it.

use super::TrustError;
use super::bundle::{BundlePolicy, ReleaseKey};
use super::hosts::KnownHosts;
use super::policy;
use super::signers::{self, Revoked, Signer};
use super::strict::strict;
use std::collections::BTreeMap;

/// What one environment believes.
#[derive(Clone, Debug)]
pub struct Realm {
    /// Its name: the directory's.
    pub name: String,
    /// Who may sign the config repository.
    pub signers: Vec<Signer>,
    /// Keys that were withdrawn.
    pub revoked: Vec<Revoked>,
    /// The git hosts' keys.
    pub hosts: KnownHosts,
    /// Who may sign releases: `keys/*.pem`, `trusted_root.json`, and what `policy.yaml` says of them.
    pub releases: BundlePolicy,
    /// The TUF root of the release metadata, as its own JSON.
    pub root: Option<Vec<u8>>,
    /// TUF roots of other repositories (`tuf/NAME.json`), by name.
    pub roots: BTreeMap<String, Vec<u8>>,
    /// OpenPGP certificates that may sign the config repository too (`openpgp/NAME.asc`).
    #[cfg(feature = "openpgp")]
    pub openpgp: Vec<super::openpgp::Certificate>,
}

/// The most bytes of one JSON file.
const JSON_LIMIT: usize = 1 << 20;

impl Realm {
    /// Reads a realm's files, by their path within it.
    pub(super) fn parse(name: &str, files: &BTreeMap<String, Vec<u8>>) -> Result<Self, TrustError> {
        let mut realm = Self {
            name: name.to_owned(),
            signers: Vec::new(),
            revoked: Vec::new(),
            hosts: KnownHosts::default(),
            releases: BundlePolicy::default(),
            root: None,
            roots: BTreeMap::new(),
            #[cfg(feature = "openpgp")]
            openpgp: Vec::new(),
        };
        let mut written = policy::Written::default();
        for (path, bytes) in files {
            let file = format!("{name}/{path}");
            let fail = |problem: String| TrustError::File { file: file.clone(), problem };
            let text = std::str::from_utf8(bytes).map_err(|_| fail("it is not UTF-8 text".into()))?;
            match path.as_str() {
                "allowed_signers" => realm.signers = signers::parse(&file, text)?,
                "revoked_keys" => realm.revoked = signers::parse_revoked(&file, text)?,
                "known_hosts" => realm.hosts = KnownHosts::parse(&file, text)?,
                "policy.yaml" => written = policy::read(&file, text)?,
                _ => realm.release_file(path, text).map_err(fail)?,
            }
        }
        let withdrawn: Vec<bool> = realm.releases.keys.iter().map(|key| realm.revokes(key)).collect();
        for (key, withdrawn) in realm.releases.keys.iter_mut().zip(withdrawn) {
            key.revoked = withdrawn;
        }
        let fail = |problem: String| TrustError::File { file: format!("{name}/policy.yaml"), problem };
        let roots: Vec<&str> = realm.releases.trusted_roots.keys().map(String::as_str).collect();
        let (policy, images) = written.policy(&realm.releases.keys, &roots).map_err(fail)?;
        (realm.releases.policy, realm.releases.images) = (policy, images);
        realm.releases.unlogged = written.unlogged().to_vec();
        realm.releases.kms = written.kms().clone();
        let named = realm.releases.unlogged.iter().chain(realm.releases.kms.values());
        match named.into_iter().find(|name| !realm.releases.keys.iter().any(|key| key.name == **name)) {
            Some(missing) => Err(fail(format!("it names key `{}`, and keys/ has none", missing.escape_default()))),
            None => Ok(realm),
        }
    }

    /// Reads one of the files that speak of releases. A file that no part of muster reads is an error.
    fn release_file(&mut self, path: &str, text: &str) -> Result<(), String> {
        let show = |error: &dyn std::fmt::Display| error.to_string();
        match path {
            "trusted_root.json" => {
                strict(text.as_bytes(), JSON_LIMIT).map_err(|error| show(&error))?;
                let root = sigstore_trust_root::TrustedRoot::from_json(text).map_err(|error| show(&error))?;
                self.releases.trusted_root = Some(root);
            }
            "root.json" => {
                strict(text.as_bytes(), JSON_LIMIT).map_err(|error| show(&error))?;
                tuf_root(text)?;
                self.root = Some(text.as_bytes().to_vec());
            }
            _ if path.starts_with("tuf/") => {
                let name = path.strip_prefix("tuf/").and_then(|name| name.strip_suffix(".json"));
                let name = name.filter(|name| !name.is_empty() && !name.contains('/'));
                let name = name.ok_or("no part of muster reads a file of this name")?;
                strict(text.as_bytes(), JSON_LIMIT).map_err(|error| show(&error))?;
                tuf_root(text)?;
                self.roots.insert(name.to_owned(), text.as_bytes().to_vec());
            }
            _ if path.starts_with("openpgp/") => {
                let name = path.strip_prefix("openpgp/").and_then(|name| name.strip_suffix(".asc"));
                let name = name.filter(|name| !name.is_empty() && !name.contains('/'));
                self.certificate(name.ok_or("no part of muster reads a file of this name")?, text)?;
            }
            _ if path.starts_with("trusted_roots/") => {
                let name = path.strip_prefix("trusted_roots/").and_then(|name| name.strip_suffix(".json"));
                let name = name.filter(|name| !name.is_empty() && !name.contains('/'));
                let name = name.ok_or("no part of muster reads a file of this name")?;
                strict(text.as_bytes(), JSON_LIMIT).map_err(|error| show(&error))?;
                let root = sigstore_trust_root::TrustedRoot::from_json(text).map_err(|error| show(&error))?;
                self.releases.trusted_roots.insert(name.to_owned(), root);
            }
            _ => {
                let key = path.strip_prefix("keys/").and_then(|key| key.strip_suffix(".pem"));
                let key = key.filter(|key| !key.is_empty() && !key.contains('/'));
                let key = key.ok_or("no part of muster reads a file of this name")?;
                self.releases.keys.push(ReleaseKey::from_pem(key, text).map_err(|error| show(&error))?);
            }
        }
        Ok(())
    }

    #[cfg(feature = "openpgp")]
    fn certificate(&mut self, name: &str, text: &str) -> Result<(), String> {
        self.openpgp.push(super::openpgp::Certificate::parse(name, text)?);
        Ok(())
    }

    #[cfg(not(feature = "openpgp"))]
    #[expect(clippy::unused_self, reason = "with the feature it is kept")]
    fn certificate(&mut self, _: &str, _: &str) -> Result<(), String> {
        Err("OpenPGP signatures are judged only where muster is built with the feature `openpgp`, and this one is not"
            .into())
    }

    /// The OpenPGP certificates that may sign the config repository: name and fingerprint of each.
    pub fn certificates(&self) -> Vec<(&str, String)> {
        #[cfg(feature = "openpgp")]
        return self.openpgp.iter().map(|one| (one.name.as_str(), one.fingerprint())).collect();
        #[cfg(not(feature = "openpgp"))]
        Vec::new()
    }

    /// Whether a release key was withdrawn here.
    pub fn revokes(&self, key: &ReleaseKey) -> bool {
        let fingerprint = key.fingerprint();
        self.revoked.iter().any(|one| one.is_sha256(&fingerprint))
    }

    /// Judges the key that a git host shows, in the wire format of RFC 4253, section 6.6.
    pub fn judge_host(&self, host: &str, port: u16, wire: &[u8]) -> Result<(), TrustError> {
        self.hosts.judge(&self.name, host, port, wire)
    }

    /// The error for a host without a pinned key, before it is connected to.
    pub fn knows_host(&self, host: &str, port: u16) -> Result<(), TrustError> {
        match self.hosts.algorithms(host, port).is_empty() {
            true => Err(TrustError::UnknownHost { host: super::hosts::name(host, port), realm: self.name.clone() }),
            false => Ok(()),
        }
    }
}

/// A TUF root is verified where it is used; here it must at least be one.
fn tuf_root(text: &str) -> Result<(), String> {
    #[derive(serde::Deserialize)]
    struct Root {
        signed: Signed,
    }
    #[derive(serde::Deserialize)]
    struct Signed {
        _type: String,
    }
    let root: Root = serde_json::from_str(text).map_err(|error| error.to_string())?;
    match root.signed._type == "root" {
        true => Ok(()),
        false => Err(format!("it is TUF metadata of type `{}`, not `root`", root.signed._type.escape_default())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(path: &str, text: &str) -> Result<Realm, TrustError> {
        Realm::parse("prod", &BTreeMap::from([(path.to_owned(), text.as_bytes().to_vec())]))
    }

    #[test]
    fn the_bad_file_is_named() {
        for (path, text) in [
            ("allowed_signers", "a cert-authority ssh-ed25519 AAAA"),
            ("known_hosts", "h ssh-ed25519 AAAA"),
            ("root.json", "{\"signed\":{\"_type\":\"targets\"}}"),
            ("tuf/sigstore.json", "{\"signed\":{\"_type\":\"targets\"}}"),
            ("tuf/.json", "{\"signed\":{\"_type\":\"root\"}}"),
            ("trusted_root.json", "{}"),
            ("policy.yaml", "allow_everything: true"),
            ("policy.yaml", "releases: {unlogged: [absent]}"),
            ("root.json", "{\"signed\":{\"_type\":\"root\",\"_type\":\"root\"}}"),
            ("keys/a.pem", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"),
            ("notes.txt", "x"),
            ("keys/a.key", "x"),
            ("openpgp/a.asc", "x"),
            ("openpgp/a.gpg", "x"),
        ] {
            let error = parse(path, text).expect_err(path);
            let named = match &error {
                TrustError::Line { place, .. } => place.file.clone(),
                other => other.to_string(),
            };
            assert!(named.contains(&format!("prod/{path}")), "{named}");
        }
    }

    #[test]
    fn a_tuf_root_is_read() {
        let root = "{\"signed\":{\"_type\":\"root\"},\"signatures\":[]}";
        assert!(parse("root.json", root).expect("reads").root.is_some());
        assert!(parse("tuf/sigstore.json", root).expect("reads").roots.contains_key("sigstore"));
    }
}
