//! muster under the name `cosign`: the two commands, and the flags of theirs, by which roles verify files, with the same
//! exit codes; and `version`, by which they look whether it is there. What it does not know it refuses; nothing is signed, and nobody is asked over the network.
//!
//! <https://github.com/sigstore/cosign/blob/main/doc/cosign_verify-blob.md>

mod believed;
mod detached;
mod predicate;
mod version;

use super::{report, warn};
use crate::failure::{Failure, Stage};
use crate::host::durable;
use crate::trust::Untrusted;
use crate::trust::sigstore::{Document, Judge, Subject, documents};
use believed::Believed;
use clap::{Args, Parser, Subcommand};
use detached::Kind;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Verifies files by Sigstore bundles; this is muster under the name of cosign.
#[derive(Parser)]
#[command(name = "cosign", version, args_override_self = true)]
pub(crate) struct Cosign {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// Flags that cosign takes before its commands as well as after them; none of them has anything to do here.
#[derive(Args)]
struct Global {
    /// Nothing is waited for
    #[arg(long, short, global = true)]
    timeout: Option<String>,
    /// Say nothing more
    #[arg(long, short = 'd', global = true, num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true")]
    verbose: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Verify a signature over a file
    VerifyBlob(VerifyBlob),
    /// Verify an attestation about a file
    VerifyBlobAttestation(VerifyBlobAttestation),
    /// Print the version of cosign whose flags these are, and muster's own
    Version(version::Version),
}

/// `cosign verify-blob`.
#[derive(Args)]
struct VerifyBlob {
    #[command(flatten)]
    by: By,
    /// The file, or `-` for standard input
    #[arg(value_name = "BLOB")]
    blob: PathBuf,
}

/// `cosign verify-blob-attestation`.
#[derive(Args)]
struct VerifyBlobAttestation {
    #[command(flatten)]
    by: By,
    /// slsaprovenance, slsaprovenance02, slsaprovenance1, link, spdx, spdxjson, cyclonedx, vuln, openvex, custom, or a URI
    #[arg(long = "type", default_value = "custom")]
    kind: String,
    /// Whether the attestation must be about the file; it always must
    #[arg(long, num_args = 0..=1, require_equals = true, default_value = "true", default_missing_value = "true")]
    check_claims: bool,
    /// The file's digest, in place of the file
    #[arg(long, requires = "digest_alg", value_name = "HEX")]
    digest: Option<String>,
    /// The digest's algorithm: sha256
    #[arg(long = "digestAlg", value_name = "NAME")]
    digest_alg: Option<String>,
    /// The file
    #[arg(value_name = "BLOB", required_unless_present = "digest")]
    blob: Option<PathBuf>,
}

/// By what it is judged.
#[derive(Args)]
struct By {
    /// The bundle
    #[arg(long, value_name = "FILE", conflicts_with = "signature")]
    bundle: Option<PathBuf>,
    /// A signature beside the file, or itself in base64, by a --key that needs no transparency log
    #[arg(long, value_name = "FILE|BASE64")]
    signature: Option<String>,
    /// A certificate beside the file: refused, because nothing proves when it signed
    #[arg(long, value_name = "FILE", hide = true)]
    certificate: Option<PathBuf>,
    /// The same
    #[arg(long, value_name = "FILE", hide = true)]
    certificate_chain: Option<PathBuf>,
    /// A public key's file, env://VARIABLE that holds one, or awskms:///ARN for the key that the trust root knows by that ARN
    #[arg(long)]
    key: Option<String>,
    /// A Sigstore trusted root; the realm's own, or else the public instance's, where none is named
    #[arg(long, value_name = "FILE")]
    trusted_root: Option<PathBuf>,
    /// The certificate's identity
    #[arg(long)]
    certificate_identity: Option<String>,
    /// A regular expression that matches within it
    #[arg(long, conflicts_with = "certificate_identity")]
    certificate_identity_regexp: Option<String>,
    /// The OIDC issuer
    #[arg(long)]
    certificate_oidc_issuer: Option<String>,
    /// A regular expression that matches within it
    #[arg(long, conflicts_with = "certificate_oidc_issuer")]
    certificate_oidc_issuer_regexp: Option<String>,
    /// What the certificate claims of the workflow: its name
    #[arg(long)]
    certificate_github_workflow_name: Option<String>,
    /// Its git reference
    #[arg(long)]
    certificate_github_workflow_ref: Option<String>,
    /// Its repository
    #[arg(long)]
    certificate_github_workflow_repository: Option<String>,
    /// Its commit
    #[arg(long)]
    certificate_github_workflow_sha: Option<String>,
    /// What started it
    #[arg(long)]
    certificate_github_workflow_trigger: Option<String>,
    /// Accept what no transparency log proves
    #[arg(long, num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true")]
    insecure_ignore_tlog: bool,
    /// The same, for an instance of one's own
    #[arg(long, num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true")]
    private_infrastructure: bool,
    /// Accept a certificate that no certificate transparency log proves
    #[arg(long, num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true")]
    insecure_ignore_sct: bool,
    /// Ask for an RFC 3161 timestamp
    #[arg(long, num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true")]
    use_signed_timestamps: bool,
    /// Bundles are the only format
    #[arg(long, num_args = 0..=1, require_equals = true, default_value = "true", default_missing_value = "true")]
    new_bundle_format: bool,
    /// Nothing is ever asked
    #[arg(long, num_args = 0..=1, require_equals = true, default_value = "true", default_missing_value = "true")]
    offline: bool,
    /// Nothing is done side by side
    #[arg(long)]
    max_workers: Option<u32>,
    /// A trust directory in place of this binary's trust root
    #[arg(long, value_name = "DIR", hide = true)]
    trust_dir: Option<PathBuf>,
}

/// Whether the program was called by this name, or `cosign` is what muster is told to be.
pub(super) fn arguments(args: &[OsString]) -> Option<Vec<OsString>> {
    let called = args.first().and_then(|path| Path::new(path).file_name()) == Some(OsStr::new("cosign"));
    match args.get(1) {
        _ if called => Some(args.to_vec()),
        Some(word) if word == "cosign" => Some(args[1..].to_vec()),
        _ => None,
    }
}

impl Cosign {
    /// As a command of muster's own; [`arguments`] comes first.
    pub(super) fn run(self) -> Result<u8, Failure> {
        self.command.run().map(|()| 0)
    }
}

/// Runs; 0 when verified, 1 for anything else.
pub(super) fn main(args: Vec<OsString>) -> ExitCode {
    let parsed = match Cosign::try_parse_from(args) {
        Ok(parsed) => parsed,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(u8::from(error.use_stderr()));
        }
    };
    match parsed.command.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            report(&failure);
            ExitCode::FAILURE
        }
    }
}

/// A command line that asks for what cannot be.
fn usage(text: impl Into<String>) -> Failure {
    Failure::message(Stage::Usage, text)
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    super::input::read(path)
}

fn subject(path: &Path) -> Result<Subject, Failure> {
    if path == Path::new("-") {
        // All of it, however much it is: a file without a name, and not memory.
        let staged = durable::staging(&std::env::temp_dir()).and_then(|mut file| {
            std::io::copy(&mut std::io::stdin().lock(), &mut file)?;
            Subject::file(Untrusted::new(file))
        });
        return staged.map_err(|error| usage(format!("reading standard input: {error}")));
    }
    let file = std::fs::File::open(path).and_then(|file| Subject::file(Untrusted::new(file)));
    file.map_err(|error| usage(format!("reading {}: {error}", path.display())))
}

impl Command {
    fn run(&self) -> Result<(), Failure> {
        match self {
            Self::VerifyBlob(command) => {
                let document = command.by.document(Kind::Signature)?;
                predicate::is_signature(&document).map_err(refused)?;
                command.by.judge(&document, &subject(&command.blob)?)?;
            }
            Self::VerifyBlobAttestation(command) => command.run()?,
            Self::Version(command) => {
                command.run();
                return Ok(());
            }
        }
        warn("Verified OK\n");
        Ok(())
    }
}

impl VerifyBlobAttestation {
    fn run(&self) -> Result<(), Failure> {
        if !self.check_claims {
            return Err(usage("--check-claims=false: an attestation that may be about anything says nothing"));
        }
        let subject = match (&self.blob, &self.digest, self.digest_alg.as_deref()) {
            (None, Some(hex), Some("sha256")) => {
                let digest = <[u8; 32]>::try_from(hex::decode(hex).unwrap_or_default());
                Subject::digest(digest.map_err(|_| usage("--digest: it is no SHA-256 in hexadecimal"))?)
            }
            (Some(blob), None, _) => subject(blob)?,
            (Some(_), Some(_), _) => return Err(usage("write a file or --digest, not both")),
            _ => return Err(usage("--digestAlg: sha256 is the only one")),
        };
        let document = self.by.document(Kind::Attestation)?;
        predicate::is_of(&document, &self.kind).map_err(refused)?;
        self.by.judge(&document, &subject)
    }
}

fn refused(text: String) -> Failure {
    Failure::message(Stage::Release, text)
}

impl By {
    fn document(&self, kind: Kind) -> Result<Document, Failure> {
        if !self.new_bundle_format {
            return Err(usage("--new-bundle-format=false: Sigstore bundles are the only format"));
        }
        let (named, bytes) = match (&self.bundle, &self.signature) {
            _ if self.certificate.is_some() || self.certificate_chain.is_some() => return Err(detached::certificate()),
            (Some(bundle), _) => (bundle.display().to_string(), detached::bundle(bundle)?),
            (None, Some(signature)) => ("--signature".to_owned(), detached::signature(signature, kind)?),
            (None, None) => return Err(usage("--bundle, or --signature beside --key, must be there")),
        };
        let mut all = documents(&bytes).map_err(|error| Failure::new(Stage::Release, error))?;
        match (all.pop(), all.pop()) {
            (Some(one), None) => Ok(one),
            _ => Err(refused(format!("{named}: there must be one bundle"))),
        }
    }

    fn judge(&self, document: &Document, subject: &Subject) -> Result<(), Failure> {
        let believed = Believed::of(self)?;
        if self.signature.is_some() {
            detached::believed(&believed.signer)?;
        }
        let none = Default::default();
        let judge = Judge { root: Some(&believed.root), roots: &none, now: jiff::Timestamp::now() };
        let evidence = judge.judge(document, subject, &believed.signer);
        let evidence = evidence.map_err(|error| Failure::new(Stage::Release, error))?;
        match self.use_signed_timestamps && evidence.timestamps == 0 {
            true => {
                Err(refused("the bundle has no RFC 3161 timestamp, and --use-signed-timestamps asks for one".into()))
            }
            false => Ok(()),
        }
    }
}
