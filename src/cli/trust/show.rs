//! `muster trust show`: everything that is believed, for people and as JSON.

use crate::trust::sigstore::{Proof, Signatory, Signer};
use crate::trust::{Realm, TrustError, TrustRoot};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;

/// `muster trust show`.
#[derive(clap::Args)]
pub struct Show {
    /// Print one JSON document.
    #[arg(long)]
    json: bool,
}

impl Show {
    pub(super) fn run(&self) -> Result<String, TrustError> {
        let root = TrustRoot::load()?;
        Ok(if self.json { format!("{:#}\n", document(&root)) } else { text(&root) })
    }
}

fn document(root: &TrustRoot) -> Value {
    json!({
        "source": root.source,
        "sha256": root.sha256,
        "realms": root.realms.iter().map(realm_document).collect::<Vec<_>>(),
    })
}

fn realm_document(realm: &Realm) -> Value {
    json!({
        "name": realm.name,
        "signers": realm.signers.iter().map(|signer| json!({
            "principals": signer.principals,
            "namespaces": signer.namespaces,
            "valid_after": signer.valid_after.map(|at| at.to_string()),
            "valid_before": signer.valid_before.map(|at| at.to_string()),
            "algorithm": signer.key.algorithm(),
            "fingerprint": signer.key.fingerprint(),
            "fingerprint_hex": signer.key.fingerprint_hex(),
        })).collect::<Vec<_>>(),
        "openpgp_signers": realm.certificates().iter().map(|(name, fingerprint)| json!({
            "name": name, "fingerprint": fingerprint,
        })).collect::<Vec<_>>(),
        "revoked_signers": realm.revoked.iter().map(|key| key.fingerprint()).collect::<Vec<_>>(),
        "hosts": realm.hosts.iter().map(|host| json!({
            "names": host.names(),
            "revoked": host.revoked,
            "algorithm": host.key.algorithm(),
            "fingerprint": host.key.fingerprint(),
            "fingerprint_hex": host.key.fingerprint_hex(),
        })).collect::<Vec<_>>(),
        "release_keys": realm.releases.keys.iter().map(|key| json!({
            "name": key.name,
            "fingerprint": openssh_form(&key.fingerprint()),
            "fingerprint_hex": key.fingerprint(),
            "unlogged": realm.releases.unlogged.contains(&key.name),
            "revoked": key.revoked,
        })).collect::<Vec<_>>(),
        "rule_signers": realm.releases.images.signers.values().map(signer_document).collect::<Vec<_>>(),
        "kms": realm.releases.kms,
        "rules": realm.releases.policy.iter().flat_map(|policy| &policy.rules).map(|rule| json!({
            "applications": rule.applications,
            "channels": rule.channels,
            "signatures": rule.signatures.as_ref().map(ToString::to_string),
        })).collect::<Vec<_>>(),
        "sigstore_trusted_root": realm.releases.trusted_root.is_some(),
        "sigstore_trusted_roots": realm.releases.trusted_roots.keys().collect::<Vec<_>>(),
        "tuf_root": realm.root.is_some(),
        "tuf_roots": realm.roots.keys().collect::<Vec<_>>(),
    })
}

fn signer_document(signer: &Signer) -> Value {
    let known = match &signer.signatory {
        Signatory::Key(key) => json!({"key": key.name}),
        Signatory::Keyless(keyless) => json!({
            "identity": keyless.identity.to_string(),
            "issuer": keyless.issuer.to_string(),
            "claims": keyless.claims.iter().map(|(claim, text)| (claim.name(), text.to_string())).collect::<BTreeMap<_, _>>(),
            "without_sct": keyless.without_sct,
        }),
    };
    json!({
        "name": signer.name, "known_by": known, "trusted_root": signer.trusted_root, "proof": proof(signer.proof),
        "logs": signer.logs, "max_age_seconds": signer.max_age.map(|age| age.as_secs()),
    })
}

fn proof(proof: Proof) -> &'static str {
    match proof {
        Proof::Log => "log",
        Proof::Timestamp => "timestamp",
        Proof::None => "none",
    }
}

/// One of whom the rules speak, in a line.
fn signer_text(signer: &Signer) -> String {
    let mut text = match &signer.signatory {
        Signatory::Key(key) => format!("{}: key {}", signer.name, key.name),
        Signatory::Keyless(keyless) => {
            let mut text = format!("{}: identity {}, issuer {}", signer.name, keyless.identity, keyless.issuer);
            for (claim, wanted) in &keyless.claims {
                let _ = write!(text, ", {} {wanted}", claim.name());
            }
            text + if keyless.without_sct { ", needs no certificate log" } else { "" }
        }
    };
    if let Some(root) = &signer.trusted_root {
        let _ = write!(text, ", by trusted root {root}");
    }
    let _ = write!(text, ", proof {}", proof(signer.proof));
    if signer.logs > 1 {
        let _ = write!(text, " of {} logs", signer.logs);
    }
    if let Some(age) = signer.max_age {
        let _ = write!(text, ", at most {} hours old", age.as_secs().div_ceil(3600));
    }
    text
}

fn text(root: &TrustRoot) -> String {
    let mut out = format!("trust root: {}\narchive:    sha256 {}\n", root.source, root.sha256);
    for realm in &root.realms {
        let _ = writeln!(out, "\nrealm {}", realm.name);
        for signer in &realm.signers {
            let _ = write!(
                out,
                "  signer       {} {} {}",
                signer.principal(),
                signer.key.algorithm(),
                signer.key.fingerprint()
            );
            if !signer.namespaces.is_empty() {
                let _ = write!(out, " for {}", signer.namespaces.join(","));
            }
            if let Some(at) = signer.valid_after {
                let _ = write!(out, " from {at}");
            }
            if let Some(at) = signer.valid_before {
                let _ = write!(out, " until {at}");
            }
            let _ = writeln!(out, "\n               sha256 {}", signer.key.fingerprint_hex());
        }
        for (name, fingerprint) in realm.certificates() {
            let _ = writeln!(out, "  signer       {name} {fingerprint}");
        }
        for key in &realm.revoked {
            let _ = writeln!(out, "  revoked      {}", key.fingerprint());
        }
        for host in realm.hosts.iter() {
            let revoked = if host.revoked { " revoked" } else { "" };
            let _ = writeln!(
                out,
                "  host         {} {} {}{revoked}",
                host.names(),
                host.key.algorithm(),
                host.key.fingerprint()
            );
            let _ = writeln!(out, "               sha256 {}", host.key.fingerprint_hex());
        }
        releases(&mut out, realm);
        for (there, what) in [
            (realm.releases.trusted_root.is_some(), "sigstore     trusted_root.json"),
            (realm.root.is_some(), "tuf          root.json"),
        ] {
            if there {
                let _ = writeln!(out, "  {what}");
            }
        }
        for name in realm.releases.trusted_roots.keys() {
            let _ = writeln!(out, "  sigstore     trusted_roots/{name}.json");
        }
        for name in realm.roots.keys() {
            let _ = writeln!(out, "  tuf          tuf/{name}.json");
        }
    }
    out
}

/// Whom releases are believed by.
fn releases(out: &mut String, realm: &Realm) {
    for key in &realm.releases.keys {
        let note = match key.revoked {
            true => " (withdrawn)",
            false if realm.releases.unlogged.contains(&key.name) => " (needs no log entry)",
            false => "",
        };
        let _ = writeln!(out, "  release key  {} {}{note}", key.name, openssh_form(&key.fingerprint()));
        let _ = writeln!(out, "               sha256 {}", key.fingerprint());
    }
    for (arn, key) in &realm.releases.kms {
        let _ = writeln!(out, "  kms          {arn} is key {key}");
    }
    for signer in realm.releases.images.signers.values() {
        let _ = writeln!(out, "  rule signer  {}", signer_text(signer));
    }
    for rule in realm.releases.policy.iter().flat_map(|policy| &policy.rules) {
        let signed = rule.signatures.as_ref().map_or("attestations".to_owned(), ToString::to_string);
        let (applications, channels) = (rule.applications.join(","), rule.channels.join(","));
        let _ = writeln!(out, "  rule         {applications} in {channels}: {signed}");
    }
}

/// A hexadecimal SHA-256 as OpenSSH prints one.
fn openssh_form(digest: &str) -> String {
    use base64::Engine;
    let bytes = hex::decode(digest).unwrap_or_default();
    format!("SHA256:{}", base64::engine::general_purpose::STANDARD_NO_PAD.encode(bytes))
}
