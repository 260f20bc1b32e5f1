//! `muster image`: signs what was found out about a machine image, and promotes one.

use super::config::SettingsArgs;
use super::print;
use crate::boot::image::{Attesting, Built, Promoting, Told, attest, built, promote};
use crate::failure::{Failure, Stage};
use crate::host::durable;
use crate::trust::TrustRoot;
use crate::trust::image::ImageName;
use clap::{Args, Subcommand};
use std::path::{Path, PathBuf};

/// Sign what was found out about a machine image, and promote one.
#[derive(Subcommand)]
pub(crate) enum Image {
    /// Sign the validation report of an image, or the run report of an instance of it
    ///
    /// Each copy of an image gets an attestation of its own: a Sigstore bundle on a line, about the image's ARN, bound to
    /// its id, region and snapshots, the image that it was built from, the profile, and the muster that judged. Snapshots
    /// are EC2's; what is given has to be the same.
    Attest(Attest),
    /// Name an image in a channel, once all that policy.yaml demands of it is there
    ///
    /// Signed validation, patch compliance, scan for vulnerabilities and the signed run of an instance are judged first,
    /// for every region; then the parameter PREFIX/NAME/CHANNEL is written in each, of data type aws:ec2:image, and what
    /// it named before is kept as PREFIX/NAME/CHANNEL-previous.
    Promote(Promote),
}

/// Which images.
#[derive(Args)]
struct Which {
    /// An image, as eu-west-1=ami-0123456789abcdef0; may stand several times
    #[arg(long = "image", value_name = "REGION=AMI")]
    images: Vec<ImageName>,
    /// The manifest that Packer wrote, in place of --image
    #[arg(long, value_name = "FILE", conflicts_with = "images")]
    manifest: Option<PathBuf>,
    /// The manifest's build, where it has several
    #[arg(long, value_name = "NAME", requires = "manifest")]
    build: Option<String>,
}

impl Which {
    fn built(&self) -> Result<Built, Failure> {
        match &self.manifest {
            Some(path) => built(path, self.build.as_deref()),
            None => Ok(Built { images: self.images.clone(), ..Built::default() }),
        }
    }
}

/// `muster image attest`.
#[derive(Args)]
#[group(id = "told", required = true)]
pub(crate) struct Attest {
    /// The validation report: what `muster validate --output json=FILE` wrote on the machine
    #[arg(long, value_name = "FILE", group = "told")]
    report: Option<PathBuf>,
    /// What `muster status --json` said on an instance of the image; without a file, this very instance's last boot
    #[arg(long, value_name = "FILE", group = "told", num_args = 0..=1, default_missing_value = "")]
    run: Option<String>,
    #[command(flatten)]
    which: Which,
    /// The image that it was built from, where the manifest does not say
    #[arg(long, value_name = "AMI")]
    source_ami: Option<String>,
    /// Of copies: the image that was built, where the manifest does not say
    #[arg(long, value_name = "REGION=AMI")]
    original: Option<ImageName>,
    /// A snapshot of the one image, in the order of its devices; may stand several times
    #[arg(long = "snapshot", value_name = "ID")]
    snapshots: Vec<String>,
    /// Do not ask EC2: what is given is signed as it is, and `promote` compares it with what EC2 has
    #[arg(long)]
    offline: bool,
    /// The key: an ARN of KMS, also behind awskms:///, or a file
    #[arg(long, value_name = "ARN|FILE")]
    key: String,
    /// Where to write the bundles
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    #[command(flatten)]
    settings: SettingsArgs,
}

/// `muster image promote`.
#[derive(Args)]
pub(crate) struct Promote {
    /// What the image is called, as ubuntu2404-amd64: rules and parameters go by it
    #[arg(long)]
    name: String,
    /// The channel, as latest or stable
    #[arg(long)]
    channel: String,
    /// Where the parameters are
    #[arg(long, default_value = "/muster/images")]
    prefix: String,
    #[command(flatten)]
    which: Which,
    /// A file of bundles that `muster image attest` wrote; may stand several times
    #[arg(long = "bundle", value_name = "FILE", required = true)]
    bundles: Vec<PathBuf>,
    /// Trivy's or Grype's JSON report on the image; may stand several times
    #[arg(long = "vulnerabilities", value_name = "FILE")]
    scans: Vec<PathBuf>,
    /// Judge, and write nothing
    #[arg(long)]
    check: bool,
    /// The realm, where the trust root has several
    #[arg(long)]
    realm: Option<String>,
    /// A trust directory in place of this binary's trust root
    #[arg(long, value_name = "DIR")]
    trust_dir: Option<PathBuf>,
    #[command(flatten)]
    settings: SettingsArgs,
}

fn usage(text: &str) -> Failure {
    Failure::message(Stage::Usage, text)
}

/// Parts of a parameter's name: what Systems Manager takes.
fn named(text: &str, what: &str) -> Result<(), Failure> {
    let fits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    if fits {
        Ok(())
    } else {
        Err(usage(&format!("{what} `{text}` has other letters than a parameter's name may have")))
    }
}

impl Image {
    /// Does what was asked.
    pub(crate) fn run(self) -> Result<u8, Failure> {
        match self {
            Self::Attest(attest) => attest.run(),
            Self::Promote(promote) => promote.run(),
        }
    }
}

impl Attest {
    fn run(self) -> Result<u8, Failure> {
        let told = match (self.report, self.run.as_deref()) {
            (Some(report), _) => Told::Validation(report),
            (None, Some("")) => Told::OwnRun,
            (None, Some(file)) => Told::Run(file.into()),
            (None, None) => return Err(usage("name --report or --run")),
        };
        let build = self.which.built()?;
        let own = matches!(told, Told::OwnRun);
        if build.images.is_empty() != own {
            let (needed, not) =
                ("name the images with --image or --manifest", "this instance's image is its metadata's");
            return Err(usage(if own { not } else { needed }));
        }
        if build.images.len() > 1 && !self.snapshots.is_empty() {
            return Err(usage("--snapshot is of one image: attest each by itself, or let EC2 say the snapshots"));
        }
        let attested = attest(&Attesting {
            sources: self.settings.sources(Path::new("/"))?,
            told,
            images: build.images,
            original: self.original.or(build.original),
            source: self.source_ami.or(build.source),
            snapshots: self.snapshots,
            profile: build.profile,
            offline: self.offline,
            key: self.key,
        })?;
        let written = durable::write(&self.output, attested.bundles.as_bytes(), 0o644);
        written.map_err(|error| Failure::message(Stage::State, format!("write {}: {error}", self.output.display())))?;
        for image in attested.images {
            print(&format!("{image}: attested in {}\n", self.output.display()));
        }
        Ok(0)
    }
}

impl Promote {
    fn run(self) -> Result<u8, Failure> {
        named(&self.name, "the name")?;
        named(&self.channel, "the channel")?;
        let parts = self.prefix.trim_matches('/').split('/');
        parts.into_iter().try_for_each(|part| named(part, "the prefix"))?;
        if !self.prefix.starts_with('/') {
            return Err(usage("the prefix begins with /"));
        }
        let images = self.which.built()?.images;
        let mut regions: Vec<&str> = images.iter().map(|image| image.region.as_str()).collect();
        regions.sort_unstable();
        if images.is_empty() || regions.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(usage("name one image for each region, with --image or --manifest"));
        }
        let trust = self.trust_dir.as_deref().map(TrustRoot::read).transpose();
        let promoted = promote(&Promoting {
            sources: self.settings.sources(Path::new("/"))?,
            realm: self.realm,
            trust: trust.map_err(|error| Failure::new(Stage::Verify, error))?,
            name: self.name,
            channel: self.channel,
            prefix: self.prefix,
            images,
            bundles: self.bundles,
            scans: self.scans,
            check: self.check,
        })?;
        for (image, found) in &promoted.found {
            print(&format!("{image}\n"));
            found.iter().for_each(|line| print(&format!("  {line}\n")));
        }
        promoted.published.iter().for_each(|one| print(&format!("{one}\n")));
        Ok(0)
    }
}
