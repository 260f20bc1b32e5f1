//! The two sides that are measured, each on a stage of its own: muster, and the shell pipeline that it replaces.

use crate::cost::{Cost, measure};
use crate::ground::Ground;
use std::path::{Path, PathBuf};
use std::process::Command;
use support::{Error, Stage};

/// What `benches/run` says.
pub struct Bench {
    /// The release binary.
    pub muster: PathBuf,
    /// Where ansible-core, awscli and the collection amazon.aws are installed.
    pub venv: PathBuf,
    /// Scratch.
    pub work: PathBuf,
    /// How many boots of each side count.
    pub pairs: usize,
    /// A system whose nsswitch.conf names plug-ins that are installed, if there is one.
    pub plug_ins: Option<PathBuf>,
}

/// What a boot that is not on the machine's own root finds.
pub enum Root {
    /// Nothing but the binary and its settings.
    Bare,
    /// A system, which is left as it is.
    Over(PathBuf),
}

impl Bench {
    /// One boot by muster on the machine's root.
    ///
    /// # Errors
    /// When it fails, or leaves other files than it should.
    pub fn boot(&self) -> Result<Cost, Error> {
        let (stage, ground) = (Stage::new()?, Ground::new(&self.work)?);
        let muster = self.work.join("muster");
        self.embed(&stage, &muster)?;
        put(Path::new("/etc/muster/muster.yaml"), &stage.settings())?;
        let cost = measure(clean(&muster).arg("boot").current_dir("/"), &self.work.join("log"))?;
        arrived(&stage, Path::new("/"))?;
        drop(ground);
        Ok(cost)
    }

    /// One boot in another root, by names: all that is on loopback is named `localhost`.
    ///
    /// # Errors
    /// When it fails, or leaves other files than it should.
    pub fn boot_in(&self, root: &Root) -> Result<Cost, Error> {
        let (stage, mut ground) = (Stage::new()?, Ground::new(&self.work)?);
        let inside = self.work.join("root");
        if let Root::Over(lower) = root {
            ground.over(lower, &inside)?;
        }
        put(&inside.join("etc/muster/muster.yaml"), &stage.settings().replace(LOOPBACK, "localhost"))?;
        self.embed(&stage, &inside.join("muster"))?;
        let mut chroot = clean(Path::new("chroot"));
        let cost = measure(chroot.arg(&inside).args(["/muster", "boot"]), &self.work.join("log"))?;
        arrived(&stage, &inside)?;
        drop(ground);
        Ok(cost)
    }

    /// One boot by the pipeline on the machine's root.
    ///
    /// # Errors
    /// When it fails, or leaves other files than it should.
    pub fn pipeline(&self) -> Result<Cost, Error> {
        let (stage, ground) = (Stage::new()?, Ground::new(&self.work)?);
        let home = self.work.join("home");
        put(&home.join("known_hosts"), &stage.git.known_hosts())?;
        let ((stack, resource), region) = (Stage::STACK, "us-east-1");
        let path = format!("{}:{PATH}", self.venv.join("bin").display());
        let mut shell = clean(Path::new("bash"));
        shell.arg(support::source().join("benches/pipeline")).current_dir(&home).env("PATH", path);
        shell.env("AWS_ENDPOINT_URL", stage.aws.endpoint_url()).env("AWS_REGION", region);
        shell.env("AWS_DEFAULT_REGION", region).env("AWS_EC2_METADATA_SERVICE_ENDPOINT", stage.aws.imds_url());
        shell.env("ANSIBLE_COLLECTIONS_PATH", self.venv.join("collections")).env("HOME", &home);
        // Looking for an interpreter would only cost this side more.
        shell.env("ANSIBLE_PYTHON_INTERPRETER", self.venv.join("bin/python"));
        shell.env("DEPLOY_KEY", Stage::DEPLOY_KEY).env("REPOSITORY", stage.git.url());
        shell.env("STACK", stack).env("RESOURCE", resource).env("INSTANCE", Stage::INSTANCE);
        let cost = measure(&mut shell, &self.work.join("log"))?;
        arrived(&stage, Path::new("/"))?;
        drop(ground);
        Ok(cost)
    }

    /// What it costs to ask a program for its version.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn version(&self, program: &Path) -> Result<Cost, Error> {
        measure(clean(program).arg("--version").env("HOME", &self.work), &self.work.join("log"))
    }

    /// A muster that believes the stage.
    fn embed(&self, stage: &Stage, output: &Path) -> Result<(), Error> {
        let trust = self.work.join("trust.d");
        for (path, text) in stage.trust()? {
            // Pinned by address and by name.
            let named = if path.ends_with("known_hosts") { text.replace(LOOPBACK, "localhost") } else { String::new() };
            put(&trust.join(path), &(text + &named))?;
        }
        let mut embed = clean(&self.muster);
        embed.args(["trust", "embed"]).arg(&trust).arg("-o").arg(output);
        measure(&mut embed, &self.work.join("log")).map(|_| ())
    }
}

const LOOPBACK: &str = "127.0.0.1";
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A program with an environment as a boot's.
fn clean(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.env("PATH", PATH).env("LANG", "C.UTF-8");
    command
}

fn put(path: &Path, text: &str) -> Result<(), Error> {
    std::fs::create_dir_all(path.parent().ok_or("a file has a directory")?)?;
    Ok(std::fs::write(path, text)?)
}

/// Both sides have done the same: the files that ansible-core 2.19 makes, and one signal of success.
fn arrived(stage: &Stage, root: &Path) -> Result<(), Error> {
    for (path, content) in Stage::expected()?.files() {
        if std::fs::read(root.join(path)).unwrap_or_default() != content {
            return Err(format!("/{path} is not as it should be").into());
        }
    }
    let signals = stage.aws.signals();
    match &signals[..] {
        [one] if one.success => Ok(()),
        _ => Err(format!("the stack heard {signals:?}").into()),
    }
}
