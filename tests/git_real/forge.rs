//! A git host made of real parts: `git`, `ssh-keygen`, and an `sshd` on a loopback port of its own.

use muster::fetch::{Address, Credentials, DeployKey, Limits, Origin};
use muster::secret::Secret;
use muster::trust::{Realm, TrustRoot};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The programs that a test needs; one that is not installed skips it, saying so.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
pub fn installed(test: &str, programs: &[&str]) -> bool {
    let path = std::env::var("PATH").unwrap_or_default() + ":/usr/sbin:/usr/local/sbin";
    for program in programs {
        if !path.split(':').any(|directory| Path::new(directory).join(program).is_file()) {
            eprintln!("SKIPPED {test}: `{program}` is not installed");
            return false;
        }
    }
    true
}

/// Runs a program that must succeed, and gives its output.
pub fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A bare repository, a clone that commits to it, and keys.
pub struct Forge {
    pub base: tempfile::TempDir,
    sshd: Option<Child>,
    pub port: u16,
}

impl Forge {
    /// Keys and one signed commit.
    pub fn new() -> Self {
        let forge = Self { base: tempfile::tempdir().unwrap(), sshd: None, port: 0 };
        for name in ["signer", "other", "deploy", "host"] {
            forge.key(name, &["-t", "ed25519"]);
        }
        run(Command::new("git").args(["init", "-q", "--bare", "-b", "main"]).arg(forge.bare()));
        run(Command::new("git").args(["init", "-q", "-b", "main"]).arg(forge.path("clone")));
        forge.commit("first");
        forge
    }

    /// The same with an sshd that serves it; `extra` is added to its configuration.
    pub fn serving(extra: &str) -> Self {
        let mut forge = Self::new();
        forge.serve(extra);
        forge
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.base.path().join(name)
    }

    pub fn bare(&self) -> PathBuf {
        self.path("config.git")
    }

    /// Makes a key pair, and gives the private one's text.
    pub fn key(&self, name: &str, arguments: &[&str]) -> String {
        let path = self.path(name);
        run(Command::new("ssh-keygen").args(["-q", "-N", "", "-C", name]).args(arguments).arg("-f").arg(&path));
        std::fs::read_to_string(path).unwrap()
    }

    pub fn public(&self, name: &str) -> String {
        let text = std::fs::read_to_string(self.path(&format!("{name}.pub"))).unwrap();
        text.split(' ').take(2).collect::<Vec<_>>().join(" ")
    }

    /// git in the clone, signing with a key, deaf to the user's own configuration.
    pub fn git(&self, signer: &str) -> Command {
        let mut git = Command::new("git");
        git.arg("-C")
            .arg(self.path("clone"))
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_SYSTEM", "/dev/null");
        let key = self.path(signer).display().to_string();
        let signers = self.path("allowed_signers").display().to_string();
        for (name, value) in [
            ("user.name", "S"),
            ("user.email", "s@example.com"),
            ("gpg.format", "ssh"),
            ("user.signingkey", &key),
            ("gpg.ssh.allowedSignersFile", &signers),
        ] {
            git.arg("-c").arg(format!("{name}={value}"));
        }
        git
    }

    /// Commits a file of that name, signed, pushes it, and gives its id.
    pub fn commit(&self, name: &str) -> String {
        self.commit_signed_by("signer", name)
    }

    pub fn commit_signed_by(&self, signer: &str, name: &str) -> String {
        std::fs::write(self.path("clone").join(name), name).unwrap();
        run(self.git(signer).args(["add", "-A"]));
        run(self.git(signer).args(["commit", "-q", "-S", "-m", name]));
        self.push("main");
        run(self.git(signer).args(["rev-parse", "HEAD"]))
    }

    pub fn push(&self, reference: &str) {
        run(self.git("signer").args(["push", "-q", "-f"]).arg(self.bare()).arg(reference));
    }

    /// A realm of these lines.
    pub fn realm_of(&self, signers: &str, hosts: &str) -> Realm {
        let directory = self.path("trust.d");
        std::fs::create_dir_all(directory.join("prod")).unwrap();
        std::fs::write(directory.join("prod/allowed_signers"), signers).unwrap();
        std::fs::write(directory.join("prod/known_hosts"), hosts).unwrap();
        TrustRoot::read(&directory).unwrap().realms.remove(0)
    }

    /// The realm that believes this forge.
    pub fn realm(&self) -> Realm {
        let hosts = format!("[127.0.0.1]:{} {}\n", self.port, self.public("host"));
        self.realm_of(&format!("s@example.com namespaces=\"git\" {}\n", self.public("signer")), &hosts)
    }

    pub fn deploy_key(&self) -> Credentials {
        let text = std::fs::read_to_string(self.path("deploy")).unwrap();
        Credentials::Key(DeployKey::parse(&Secret::new(text)).unwrap())
    }

    /// The way to this forge by SSH.
    pub fn origin(&self) -> Origin {
        let user = run(Command::new("id").arg("-un"));
        let address = format!("ssh://{user}@127.0.0.1:{}{}", self.port, self.bare().display());
        Origin { credentials: self.deploy_key(), ..origin(&address) }
    }

    /// Starts an sshd. As root it needs its privilege separation directory; otherwise it serves the user that runs it.
    pub fn serve(&mut self, extra: &str) {
        let _ = std::fs::create_dir_all("/run/sshd");
        self.port = free_port();
        std::fs::write(self.path("authorized_keys"), format!("restrict {}\n", self.public("deploy"))).unwrap();
        let base = self.base.path().display();
        let configuration = format!(
            "Port {}\nListenAddress 127.0.0.1\nHostKey {base}/host\nAuthorizedKeysFile {base}/authorized_keys\n\
             PermitRootLogin prohibit-password\nPasswordAuthentication no\nUsePAM no\nStrictModes no\nPidFile none\n{extra}\n",
            self.port
        );
        std::fs::write(self.path("sshd_config"), configuration).unwrap();
        let log = std::fs::File::create(self.path("sshd.log")).unwrap();
        let mut sshd = Command::new("/usr/sbin/sshd");
        sshd.args(["-D", "-e", "-f"]).arg(self.path("sshd_config")).stdin(Stdio::null()).stderr(log);
        self.sshd = Some(sshd.spawn().unwrap());
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            let log = std::fs::read_to_string(self.path("sshd.log")).unwrap_or_default();
            assert!(began.elapsed() < Duration::from_secs(10), "sshd does not answer: {log}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Lets another key in.
    pub fn authorize(&self, name: &str) {
        let keys = format!("restrict {}\n", self.public(name));
        std::fs::write(self.path("authorized_keys"), keys).unwrap();
    }
}

impl Drop for Forge {
    fn drop(&mut self) {
        if let Some(sshd) = &mut self.sshd {
            let _ = sshd.kill();
            let _ = sshd.wait();
        }
    }
}

pub fn origin(address: &str) -> Origin {
    let limits = Limits { idle: Duration::from_secs(10), ..Limits::default() };
    let address = Address::parse(address).unwrap();
    Origin { address, credentials: Credentials::None, proxy: None, ca_bundle: None, limits }
}

pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
