//! `muster trust`: what is believed, and putting it into a binary.

use super::config::SettingsArgs;
use crate::boot::{self, Baked, Baking, Linting};
use crate::failure::{Failure, Stage};
use crate::host::durable;
use crate::trust::tuf::Finding;
use crate::trust::{Realm, TrustError, TrustRoot};
use serde_json::{Value, json};
use std::fmt::Write;
use std::path::PathBuf;

/// What is believed, and putting it into a binary.
#[derive(clap::Subcommand)]
pub enum Trust {
    /// Prints what is believed: realms, signers, host keys, release keys, with fingerprints.
    Show(Show),
    /// Puts a trust directory into a copy of this binary, as the ELF section .muster.trust.
    Embed(Embed),
    /// Makes the image's floor: what the update repository has now is the least that a host accepts later.
    Bake(Bake),
    /// Judges a TUF repository as an operator publishes it.
    Lint(Lint),
}

/// `muster trust show`.
#[derive(clap::Args)]
pub struct Show {
    /// Print one JSON document.
    #[arg(long)]
    json: bool,
}

/// `muster trust embed`.
#[derive(clap::Args)]
pub struct Embed {
    /// The trust directory: DIR/REALM/{allowed_signers,known_hosts,revoked_keys,keys/*.pem,trusted_root.json,trusted_roots/*.json,root.json,tuf/*.json,policy.yaml}.
    directory: PathBuf,
    /// Where to write the new binary.
    #[arg(short, long)]
    output: PathBuf,
    /// The muster binary to start from, instead of the one that runs.
    #[arg(long, default_value = "/proc/self/exe")]
    binary: PathBuf,
}

/// `muster trust bake`.
#[derive(clap::Args)]
pub struct Bake {
    #[command(flatten)]
    settings: SettingsArgs,
    /// The root of the image.
    #[arg(long, value_name = "DIR", default_value = "/")]
    root: PathBuf,
    /// Make a new floor in place of one that is there, though that one is higher or damaged.
    #[arg(long)]
    replace: bool,
    /// Print one JSON document.
    #[arg(long)]
    json: bool,
}

/// `muster trust lint`. The exit code is 0 when there is nothing to mend, 1 when there is.
#[derive(clap::Args)]
pub struct Lint {
    #[command(flatten)]
    settings: SettingsArgs,
    /// Where it is: s3://BUCKET/PREFIX, https://HOST/PATH or a directory.
    repository: String,
    /// The directory of its metadata, below that.
    #[arg(long, value_name = "NAME", default_value = "metadata")]
    metadata_directory: String,
    /// The root to begin at, instead of the repository's own first one.
    #[arg(long, value_name = "FILE")]
    root_json: Option<PathBuf>,
    /// Print one JSON document.
    #[arg(long)]
    json: bool,
}

impl Bake {
    fn run(&self) -> Result<u8, Failure> {
        let (root, replace, trust) = (self.root.clone(), self.replace, None);
        let baked = boot::bake(&Baking { sources: self.settings.sources(&root)?, root, replace, trust })?;
        let text = |one: &Baked| {
            let now = one.versions;
            format!(
                "floor of realm {}: root {}, timestamp {}, snapshot {}, targets {}, baked {} in {}\n",
                one.realm,
                now.root,
                now.timestamp,
                now.snapshot,
                now.targets,
                one.baked,
                one.directory.display()
            )
        };
        super::print(&match self.json {
            true => format!("{:#}\n", json!(baked)),
            false => format!("{}{}", text(&baked), baked.sigstore.as_deref().map(text).unwrap_or_default()),
        });
        Ok(0)
    }
}

impl Lint {
    fn run(&self) -> Result<u8, Failure> {
        let found = boot::lint(&Linting {
            sources: self.settings.sources(std::path::Path::new("/"))?,
            repository: self.repository.clone(),
            metadata: self.metadata_directory.clone(),
            root: self.root_json.clone(),
        })?;
        let text = |finding: &Finding| {
            format!("{} [{}]: {}\n  hint: {}\n", finding.role, finding.rule, finding.message, finding.hint)
        };
        super::print(&match self.json {
            true => format!("{:#}\n", json!({"findings": found})),
            false => format!("{}{} to mend\n", found.iter().map(text).collect::<String>(), found.len()),
        });
        Ok(u8::from(!found.is_empty()))
    }
}

impl Trust {
    /// Runs the command.
    pub fn run(self) -> Result<u8, Failure> {
        let text = match self {
            Self::Bake(bake) => return bake.run(),
            Self::Lint(lint) => return lint.run(),
            Self::Show(show) => show.run(),
            Self::Embed(embed) => embed.run(),
        };
        super::print(&text.map_err(|error| Failure::new(Stage::Verify, error))?);
        Ok(0)
    }
}

impl Show {
    fn run(&self) -> Result<String, TrustError> {
        let root = TrustRoot::load()?;
        Ok(if self.json { format!("{:#}\n", document(&root)) } else { text(&root) })
    }
}

impl Embed {
    fn run(&self) -> Result<String, TrustError> {
        let (root, bytes) = TrustRoot::embed(&self.binary, &self.directory)?;
        durable::write(&self.output, &bytes, 0o755).map_err(|source| TrustError::Io {
            attempt: "write",
            path: self.output.clone(),
            source,
        })?;
        let realms = root.realms.iter().map(|realm| realm.name.as_str()).collect::<Vec<_>>().join(", ");
        Ok(format!("{}: realms {realms}, archive sha256 {}\n", self.output.display(), root.sha256))
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
        for key in &realm.releases.keys {
            let note = match key.revoked {
                true => " (withdrawn)",
                false if realm.releases.unlogged.contains(&key.name) => " (needs no log entry)",
                false => "",
            };
            let _ = writeln!(out, "  release key  {} {}{note}", key.name, openssh_form(&key.fingerprint()));
            let _ = writeln!(out, "               sha256 {}", key.fingerprint());
        }
        for rule in realm.releases.policy.iter().flat_map(|policy| &policy.rules) {
            let signed = rule.signatures.as_ref().map_or("attestations".to_owned(), ToString::to_string);
            let (applications, channels) = (rule.applications.join(","), rule.channels.join(","));
            let _ = writeln!(out, "  rule         {applications} in {channels}: {signed}");
        }
        for (there, what) in [
            (realm.releases.trusted_root.is_some(), "sigstore     trusted_root.json"),
            (realm.root.is_some(), "tuf          root.json"),
        ] {
            if there {
                let _ = writeln!(out, "  {what}");
            }
        }
        for name in realm.roots.keys() {
            let _ = writeln!(out, "  tuf          tuf/{name}.json");
        }
    }
    out
}

/// A hexadecimal SHA-256 as OpenSSH prints one.
fn openssh_form(digest: &str) -> String {
    use base64::Engine;
    let bytes = hex::decode(digest).unwrap_or_default();
    format!("SHA256:{}", base64::engine::general_purpose::STANDARD_NO_PAD.encode(bytes))
}
