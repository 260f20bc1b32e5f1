//! Whom the flags believe: a key's file, a key that the trust root knows by its ARN, or an identity.

use super::{By, read, usage};
use crate::failure::{Failure, Stage};
use crate::trust::sigstore::{Claim, Keyless, Proof, ReleaseKey, Signatory, Signer, Text, TrustedRoot, public_root};
use crate::trust::{TrustError, TrustRoot};

/// Whom, and by which authorities and logs.
pub(super) struct Believed {
    pub(super) signer: Signer,
    pub(super) root: TrustedRoot,
}

impl Believed {
    pub(super) fn of(by: &By) -> Result<Self, Failure> {
        let trust = match by.trust_dir.as_deref().map_or_else(TrustRoot::load, TrustRoot::read) {
            Ok(trust) => Some(trust),
            Err(TrustError::NoRoot { .. }) => None,
            // One that is there and damaged is no reason to believe somebody else.
            Err(error) => return Err(Failure::new(Stage::Verify, error)),
        };
        let unlogged = by.insecure_ignore_tlog || by.private_infrastructure;
        let signer = match (&by.key, by.identities()) {
            (Some(_), true) => return Err(usage("write --key or the certificate's flags, not both")),
            (Some(reference), false) => {
                let mut key = key(reference, trust.as_ref())?;
                let realms = trust.as_ref().map(|trust| &trust.realms[..]).unwrap_or_default();
                // A realm that withdrew the key is heard, whatever file it is read from.
                key.revoked |= realms.iter().any(|realm| realm.revokes(&key));
                let unlogged = unlogged || realms.iter().any(|realm| realm.releases.takes_unlogged(&key));
                let proof = if unlogged { Proof::None } else { Proof::Log };
                Signer { proof, ..Signer::key(key) }
            }
            (None, _) => {
                let keyless = by.keyless()?;
                let proof = if unlogged { Proof::Timestamp } else { Proof::Log };
                Signer { proof, ..Signer::new("certificate".into(), Signatory::Keyless(keyless)) }
            }
        };
        let root = match &by.trusted_root {
            Some(path) => {
                let text = String::from_utf8(read(path)?).map_err(|_| usage("--trusted-root: it is no text"))?;
                TrustedRoot::from_json(&text).map_err(|error| usage(format!("--trusted-root: {error}")))?
            }
            None => match trust.as_ref().and_then(|trust| trust.realm(None).ok()?.releases.trusted_root.clone()) {
                Some(own) => own,
                None => public_root(false).map_err(|error| Failure::new(Stage::Release, error))?,
            },
        };
        Ok(Self { signer, root })
    }
}

/// A key's file, a variable that holds one, or the key that one realm of the trust root knows by an ARN. KMS itself is never asked: that would be
/// asking the network whom to believe.
fn key(reference: &str, trust: Option<&TrustRoot>) -> Result<ReleaseKey, Failure> {
    if let Some(name) = reference.strip_prefix("env://") {
        let pem = std::env::var(name).map_err(|error| usage(format!("--key {reference}: {error}")))?;
        return ReleaseKey::from_pem(reference, &pem).map_err(|error| usage(format!("--key {reference}: {error}")));
    }
    let Some(rest) = reference.strip_prefix("awskms://") else {
        if let Some((scheme, _)) = reference.split_once("://") {
            return Err(usage(format!(
                "--key {scheme}://: a file, env://VARIABLE and awskms:///ARN are the only keys"
            )));
        }
        let pem = String::from_utf8_lossy(&read(reference.as_ref())?).into_owned();
        return ReleaseKey::from_pem(reference, &pem).map_err(|error| usage(format!("--key: {error}")));
    };
    let id = rest
        .strip_prefix('/')
        .ok_or_else(|| usage("--key awskms://: write it as awskms:///ARN, without an endpoint"))?;
    let realms = trust.map(|trust| &trust.realms[..]).unwrap_or_default();
    let mut found = realms.iter().filter_map(|realm| realm.releases.kms_key(id));
    match (found.next(), found.next()) {
        (Some(key), None) => Ok(key.clone()),
        (Some(_), Some(_)) => Err(usage(format!("--key: several realms know `{id}`"))),
        (None, _) => Err(usage(format!("--key: the trust root knows no key by `{id}`"))
            .with_hint("put the public key into keys/NAME.pem, and `kms: {ARN: NAME}` into policy.yaml, of the realm")),
    }
}

impl By {
    fn identities(&self) -> bool {
        let identity = [&self.certificate_identity, &self.certificate_identity_regexp];
        let issuer = [&self.certificate_oidc_issuer, &self.certificate_oidc_issuer_regexp];
        identity.iter().chain(&issuer).any(|one| one.is_some()) || self.claims().next().is_some()
    }

    fn claims(&self) -> impl Iterator<Item = (&'static str, &String)> {
        [
            ("github_workflow_name", &self.certificate_github_workflow_name),
            ("github_workflow_ref", &self.certificate_github_workflow_ref),
            ("github_workflow_repository", &self.certificate_github_workflow_repository),
            ("github_workflow_sha", &self.certificate_github_workflow_sha),
            ("github_workflow_trigger", &self.certificate_github_workflow_trigger),
        ]
        .into_iter()
        .filter_map(|(name, value)| value.as_ref().map(|value| (name, value)))
    }

    fn keyless(&self) -> Result<Keyless, Failure> {
        let text = |what: &str, exact: &Option<String>, pattern: &Option<String>| match (exact, pattern) {
            (Some(exact), None) if !exact.is_empty() => Ok(Text::Exact(exact.clone())),
            (None, Some(pattern)) if !pattern.is_empty() => {
                Text::within(pattern).map_err(|error| usage(format!("--{what}-regexp: {error}")))
            }
            _ => Err(usage(format!("--key, or --{what} or --{what}-regexp, must be there"))),
        };
        let claim = |(name, value): (&'static str, &String)| {
            Claim::named(name).map(|claim| (claim, Text::Exact(value.clone())))
        };
        Ok(Keyless {
            identity: text("certificate-identity", &self.certificate_identity, &self.certificate_identity_regexp)?,
            issuer: text(
                "certificate-oidc-issuer",
                &self.certificate_oidc_issuer,
                &self.certificate_oidc_issuer_regexp,
            )?,
            claims: self.claims().filter_map(claim).collect(),
            without_sct: self.insecure_ignore_sct,
        })
    }
}
