//! The protocol of sigstore/sigstore-conformance: the part that verifies; nothing here signs.

use crate::failure::{Failure, Stage};
use crate::trust::Untrusted;
use crate::trust::sigstore::{
    Judge, Keyless, ReleaseKey, Signatory, Signer, Subject, Text, TrustedRoot, documents, public_root,
};
use std::path::{Path, PathBuf};

/// The protocol's commands.
#[derive(clap::Subcommand)]
pub(super) enum Sigstore {
    /// Verifies a bundle
    VerifyBundle(VerifyBundle),
}

/// `verify-bundle`.
#[derive(clap::Args)]
pub(super) struct VerifyBundle {
    /// The staging instance's trusted root
    #[arg(long)]
    staging: bool,
    #[arg(long)]
    bundle: PathBuf,
    #[arg(long, requires = "certificate_oidc_issuer", required_unless_present = "key")]
    certificate_identity: Option<String>,
    #[arg(long)]
    certificate_oidc_issuer: Option<String>,
    #[arg(long, conflicts_with = "certificate_identity")]
    key: Option<PathBuf>,
    #[arg(long)]
    trusted_root: Option<PathBuf>,
    /// A file, or `sha256:HEX`
    subject: String,
}

impl Sigstore {
    pub(super) fn run(self) -> Result<u8, Failure> {
        let Self::VerifyBundle(command) = self;
        command.run().map(|()| 0)
    }
}

fn refuse(error: &dyn std::fmt::Display) -> Failure {
    Failure::message(Stage::Release, error.to_string())
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| refuse(&format!("reading {}: {error}", path.display())))
}

impl VerifyBundle {
    fn run(&self) -> Result<(), Failure> {
        let root = match &self.trusted_root {
            Some(path) => {
                TrustedRoot::from_json(&String::from_utf8_lossy(&read(path)?)).map_err(|error| refuse(&error))?
            }
            None => public_root(self.staging).map_err(|error| refuse(&error))?,
        };
        let signer = self.signer()?;
        let documents = documents(&Untrusted::new(read(&self.bundle)?)).map_err(|error| refuse(&error))?;
        let [document] = &documents[..] else { return Err(refuse(&"there must be one bundle")) };
        let judge = Judge { root: Some(&root), roots: &Default::default(), now: jiff::Timestamp::now() };
        judge.judge(document, &self.subject()?, &signer).map_err(|error| refuse(&error))?;
        Ok(())
    }

    fn signer(&self) -> Result<Signer, Failure> {
        if let Some(path) = &self.key {
            let pem = String::from_utf8_lossy(&read(path)?).into_owned();
            return Ok(Signer::key(ReleaseKey::from_pem("key", &pem).map_err(|error| refuse(&error))?));
        }
        let exact = |text: &Option<String>| Text::Exact(text.clone().unwrap_or_default());
        let keyless = Keyless {
            identity: exact(&self.certificate_identity),
            issuer: exact(&self.certificate_oidc_issuer),
            claims: Vec::new(),
            without_sct: false,
        };
        Ok(Signer::new("certificate".into(), Signatory::Keyless(keyless)))
    }

    /// The protocol's rule: a digest of the right length that is no file, and a file otherwise.
    fn subject(&self) -> Result<Subject, Failure> {
        let digest = self.subject.strip_prefix("sha256:").and_then(|digest| hex::decode(digest).ok());
        let digest = digest.and_then(|digest| <[u8; 32]>::try_from(digest).ok());
        match digest.filter(|_| !Path::new(&self.subject).exists()) {
            Some(digest) => Ok(Subject::digest(digest)),
            None => {
                let file = std::fs::File::open(&self.subject);
                let subject = file.and_then(|file| Subject::file(Untrusted::new(file)));
                subject.map_err(|error| refuse(&format!("reading {}: {error}", self.subject)))
            }
        }
    }
}
