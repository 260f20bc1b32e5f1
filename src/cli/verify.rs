//! `muster verify`: whether something would be believed on a host of this realm, and why.

mod tuf;
mod verdict;

use crate::failure::{Explain, Failure, Stage};
use crate::fetch;
use crate::release::{self, Layout};
use crate::trust::bundle::BundleError;
use crate::trust::policy::Asked;
use crate::trust::sigstore::{SigstoreError, Subject, documents};
use crate::trust::tuf::{Floor, TufError};
use crate::trust::{Realm, TrustRoot, Untrusted, approve, manifest, verify_commit};
use clap::{Args, Subcommand};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use verdict::Verdict;

/// Where the floors of a host's realms are.
const FLOOR: &str = "/var/lib/muster/floor";

/// Say whether something would be believed, and why.
#[derive(Subcommand)]
pub(crate) enum Verify {
    /// A release: its descriptor by the policy's signers, its artifacts by digest, and what must be attested of them
    Release(Release),
    /// A file by the policy's signers and attestations
    Blob(Blob),
    /// A container image's manifest, or the digest of one
    Image(Image),
    /// A commit of a git repository, by its signature
    Repo(Repo),
    /// The update repository, above the image's floor, and targets of it
    Tuf(tuf::Tuf),
}

/// By what it is judged, and how that is told.
#[derive(Args)]
struct By {
    /// The realm, where the trust root has several
    #[arg(long)]
    realm: Option<String>,
    /// A trust directory in place of this binary's trust root
    #[arg(long, value_name = "DIR")]
    trust_dir: Option<PathBuf>,
    /// Show the chain from what is embedded to the bytes
    #[arg(long)]
    explain: bool,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// For whom, and with which bundles.
#[derive(Args)]
struct With {
    /// The application, as policy.yaml names it
    #[arg(long, value_name = "NAME")]
    application: String,
    /// The channel
    #[arg(long, value_name = "NAME")]
    channel: String,
    /// A file of Sigstore bundles: one, or one a line
    #[arg(long = "bundle", value_name = "FILE", required = true)]
    bundles: Vec<PathBuf>,
    #[command(flatten)]
    by: By,
}

/// `muster verify release`.
#[derive(Args)]
pub(crate) struct Release {
    /// The descriptor
    descriptor: PathBuf,
    /// An artifact of the release; without it what must be attested is looked for of every artifact
    #[arg(long, value_name = "FILE")]
    artifact: Option<PathBuf>,
    /// Where the descriptor keeps a value, as `layout` in the release's settings says it: app=/name
    #[arg(long = "layout", value_name = "NAME=POINTER")]
    layout: Vec<String>,
    #[command(flatten)]
    with: With,
}

/// `muster verify blob`.
#[derive(Args)]
pub(crate) struct Blob {
    /// The file
    file: PathBuf,
    #[command(flatten)]
    with: With,
}

/// `muster verify image`.
#[derive(Args)]
pub(crate) struct Image {
    /// The manifest as the registry serves it, or `sha256:HEX`
    image: String,
    #[command(flatten)]
    with: With,
}

/// `muster verify repo`.
#[derive(Args)]
pub(crate) struct Repo {
    /// The repository
    directory: PathBuf,
    /// A branch, tag or commit
    #[arg(default_value = "HEAD")]
    revision: String,
    #[command(flatten)]
    by: By,
}

impl Verify {
    pub(crate) fn run(self) -> Result<u8, Failure> {
        match self {
            Self::Release(command) => command.with.by.tell(Stage::Release, command.judge()),
            Self::Blob(command) => command.with.by.tell(Stage::Release, command.judge()),
            Self::Image(command) => command.with.by.tell(Stage::Release, command.judge()),
            Self::Repo(command) => command.by.tell(Stage::Verify, command.judge()),
            Self::Tuf(command) => command.by.tell(Stage::Updates, command.judge()),
        }
    }
}

fn read(path: &Path) -> Result<Untrusted<Vec<u8>>, Failure> {
    super::input::read(path).map(Untrusted::new)
}

fn open(path: &Path) -> Result<Subject, Failure> {
    let file = File::open(path).and_then(|file| Subject::file(Untrusted::new(file)));
    file.map_err(|error| super::input::missing(path, &error))
}

fn refused(error: impl Explain) -> Failure {
    Failure::new(Stage::Release, error)
}

impl By {
    fn realm(&self) -> Result<(String, Realm), Failure> {
        let root = self.trust_dir.as_deref().map_or_else(TrustRoot::load, TrustRoot::read);
        let root = root.map_err(|error| Failure::new(Stage::Verify, error))?;
        let realm = root.realm(self.realm.as_deref()).map_err(|error| Failure::new(Stage::Verify, error))?.clone();
        let from = format!("realm {}, {}", realm.name, root.source);
        if self.trust_dir.is_some() {
            return Ok((from, realm));
        }
        // On a host: with the trusted roots that its floors have.
        let mut releases = realm.releases.clone();
        let own = realm.root.iter().map(|anchor| (realm.name.clone(), anchor));
        let others = realm.roots.iter().map(|(name, anchor)| (format!("{}@{name}", realm.name), anchor));
        for (name, anchor) in own.chain(others) {
            match Floor::read(&Path::new(FLOOR).join(name), anchor) {
                Err(TufError::NoFloor { .. }) => {}
                Err(TufError::Io { source, .. }) if source.kind() == std::io::ErrorKind::PermissionDenied => {}
                Ok(floor) => {
                    releases = floor.believed(releases).map_err(|error| Failure::new(Stage::Updates, error))?;
                }
                Err(error) => return Err(Failure::new(Stage::Updates, error)),
            }
        }
        Ok((from, Realm { releases, ..realm }))
    }

    /// Says how it was judged. What could not be judged for want of a file or a trust root is no verdict.
    fn tell(&self, stage: Stage, judged: Result<Verdict, Failure>) -> Result<u8, Failure> {
        match judged {
            Ok(verdict) => {
                super::print(&if self.json { verdict.document() } else { verdict.text(self.explain) });
                Ok(0)
            }
            Err(failure) if self.json && failure.stage == stage => {
                super::print(&Verdict::refusal(&failure));
                Ok(stage.exit_code())
            }
            Err(failure) => Err(failure),
        }
    }
}

impl With {
    fn asked(&self) -> Asked<'_> {
        Asked { application: &self.application, channel: &self.channel }
    }

    /// The bundles; of several files, the one that is none is named.
    fn bundles(&self) -> Result<Vec<Untrusted<Vec<u8>>>, Failure> {
        let one = |path: &PathBuf| {
            let bytes = read(path)?;
            let refuse = |error: SigstoreError| Failure {
                hint: error.hint(),
                ..Failure::message(Stage::Release, format!("{}: {error}", path.display()))
            };
            documents(&bytes).map(|_| bytes).map_err(refuse)
        };
        self.bundles.iter().map(one).collect()
    }

    fn approve(&self, what: &str, subject: Subject) -> Result<Verdict, Failure> {
        let (root, realm) = self.by.realm()?;
        let (bundles, now) = (self.bundles()?, jiff::Timestamp::now());
        let approved = approve(subject, &bundles, &realm.releases, &self.asked(), now).map_err(refused)?;
        Ok(Verdict::approved(what, root, &self.asked(), approved.into_inner()))
    }
}

impl Release {
    fn layout(&self) -> Result<Layout, Failure> {
        let mut layout = Layout::default();
        for one in &self.layout {
            let set = one.split_once('=').ok_or_else(|| "it is written NAME=POINTER".to_owned());
            let set = set.and_then(|(name, pointer)| layout.set(name, pointer));
            set.map_err(|problem| Failure::message(Stage::Usage, format!("--layout {one}: {problem}")))?;
        }
        Ok(layout)
    }

    /// The descriptor. One of the update repository is signed there, and by no bundle.
    fn descriptor(&self) -> Result<Untrusted<Vec<u8>>, Failure> {
        let bytes = super::input::read(&self.descriptor)?;
        let read = serde_json::from_slice::<serde_json::Value>(&bytes).unwrap_or_default();
        if self.layout.is_empty() && read["schema"] == release::SCHEMA {
            let path = self.descriptor.display();
            let text = format!("{path}: a descriptor of `{}` is signed by the update repository", release::SCHEMA);
            return Err(Failure::message(Stage::Usage, text).with_hint(
                "`muster verify tuf TARGET` judges it there, and `muster verify blob FILE` what policy.yaml demands of its artifact",
            ));
        }
        Ok(Untrusted::new(bytes))
    }

    fn judge(&self) -> Result<Verdict, Failure> {
        let (root, realm) = self.with.by.realm()?;
        let artifact = self.artifact.as_deref().map(open).transpose()?;
        let order = release::Asking {
            descriptor: self.descriptor()?,
            bundles: &self.with.bundles()?,
            artifact: artifact.as_ref(),
            layout: &self.layout()?,
            asked: self.with.asked(),
            now: jiff::Timestamp::now(),
        };
        let judged = release::judge(order, &realm.releases).map_err(refused)?;
        Ok(Verdict::judged(&self.descriptor.display().to_string(), root, &self.with.asked(), judged))
    }
}

impl Blob {
    fn judge(&self) -> Result<Verdict, Failure> {
        self.with.approve(&self.file.display().to_string(), open(&self.file)?)
    }
}

impl Image {
    fn judge(&self) -> Result<Verdict, Failure> {
        let subject = match self.image.strip_prefix("sha256:") {
            Some(hex) => {
                let digest = <[u8; 32]>::try_from(hex::decode(hex).unwrap_or_default());
                let none =
                    |_| Failure::message(Stage::Usage, format!("{}: it is no SHA-256 in hexadecimal", self.image));
                Subject::digest(digest.map_err(none)?)
            }
            None => manifest::subject(read(Path::new(&self.image))?)
                .map_err(|error| refused(BundleError::from(SigstoreError::from(error))))?,
        };
        self.with.approve(&self.image, subject)
    }
}

impl Repo {
    fn judge(&self) -> Result<Verdict, Failure> {
        let (root, realm) = self.by.realm()?;
        let candidate =
            fetch::candidate(&self.directory, &self.revision).map_err(|error| Failure::new(Stage::Usage, error))?;
        let commit =
            verify_commit(candidate, &realm, SystemTime::now()).map_err(|error| Failure::new(Stage::Verify, error))?;
        Ok(Verdict::commit(root, commit.get()))
    }
}
