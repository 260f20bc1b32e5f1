//! The config repository's server: real git, real ssh-keygen signatures, a real sshd on loopback.

use crate::container::{run, until};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Keys, a bare repository and an sshd that serves it to one deploy key.
pub struct Forge {
    base: PathBuf,
    sshd: Child,
}

/// Where sshd listens in the lab's own network.
const PORT: u16 = 2222;

impl Forge {
    /// Makes keys, commits and signs a tree, and serves it.
    pub fn new(work: &Path, tree: &Path) -> Self {
        let base = work.join("forge");
        std::fs::create_dir_all(&base).unwrap();
        for name in ["signer", "deploy", "host"] {
            let path = base.join(name);
            std::fs::remove_file(&path).ok();
            run(Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-C", name, "-f"]).arg(&path));
        }
        let forge = Self { sshd: serve(&base), base };
        run(Command::new("git").args(["init", "-q", "--bare", "-b", "main"]).arg(forge.bare()));
        run(Command::new("git").args(["init", "-q", "-b", "main"]).arg(forge.clone_path()));
        run(Command::new("cp").arg("-rT").arg(tree).arg(forge.clone_path()));
        forge.commit("The first tree");
        forge
    }

    fn bare(&self) -> PathBuf {
        self.base.join("config.git")
    }

    fn clone_path(&self) -> PathBuf {
        self.base.join("clone")
    }

    fn git(&self) -> Command {
        let mut git = Command::new("git");
        git.arg("-C").arg(self.clone_path());
        for (key, value) in [
            ("user.name", "Signer".to_owned()),
            ("user.email", "signer@example.com".to_owned()),
            ("gpg.format", "ssh".to_owned()),
            ("user.signingkey", self.base.join("signer").display().to_string()),
        ] {
            git.arg("-c").arg(format!("{key}={value}"));
        }
        git
    }

    /// Changes a file of the tree, and commits.
    pub fn change(&self, path: &str, content: &str) {
        std::fs::write(self.clone_path().join(path), content).unwrap();
        self.commit(path);
    }

    fn commit(&self, message: &str) {
        run(self.git().args(["add", "-A"]));
        run(self.git().args(["commit", "-q", "-S", "-m", message]));
        run(self.git().args(["push", "-q"]).arg(self.bare()).arg("main"));
    }

    /// The deploy key, as it lies in Secrets Manager.
    pub fn deploy_key(&self) -> String {
        std::fs::read_to_string(self.base.join("deploy")).unwrap()
    }

    /// The deploy key's file, for those who put it into a secret.
    pub fn deploy_key_file(&self) -> PathBuf {
        self.base.join("deploy")
    }

    /// Where the repository is cloned from.
    pub fn url(&self) -> String {
        format!("ssh://root@127.0.0.1:{PORT}{}", self.bare().display())
    }

    /// The realm that believes this forge.
    pub fn realm(&self, directory: &Path) {
        std::fs::create_dir_all(directory).unwrap();
        let public = |name: &str| {
            let text = std::fs::read_to_string(self.base.join(format!("{name}.pub"))).unwrap();
            text.split(' ').take(2).collect::<Vec<_>>().join(" ")
        };
        let signers = format!("signer@example.com namespaces=\"git\" {}\n", public("signer"));
        std::fs::write(directory.join("allowed_signers"), signers).unwrap();
        std::fs::write(directory.join("known_hosts"), format!("[127.0.0.1]:{PORT} {}\n", public("host"))).unwrap();
    }
}

/// sshd as an unprivileged user would not do: it logs in root, for git-upload-pack alone, in the lab's own network.
fn serve(base: &Path) -> Child {
    std::fs::create_dir_all("/run/sshd").unwrap();
    let public = std::fs::read_to_string(base.join("deploy.pub")).unwrap();
    std::fs::write(base.join("authorized_keys"), format!("restrict {public}")).unwrap();
    let configuration = format!(
        "Port {PORT}\nListenAddress 127.0.0.1\nHostKey {base}/host\nAuthorizedKeysFile {base}/authorized_keys\n\
         PermitRootLogin prohibit-password\nPasswordAuthentication no\nUsePAM no\nStrictModes no\nPidFile none\n",
        base = base.display()
    );
    let path = base.join("sshd_config");
    std::fs::write(&path, configuration).unwrap();
    let sshd = Command::new("/usr/sbin/sshd")
        .arg("-D")
        .arg("-e")
        .arg("-f")
        .arg(&path)
        .stdin(Stdio::null())
        .stderr(std::fs::File::create(base.join("sshd.log")).unwrap())
        .spawn()
        .unwrap();
    until("sshd", Duration::from_secs(10), || TcpStream::connect(("127.0.0.1", PORT)).ok());
    sshd
}

impl Drop for Forge {
    fn drop(&mut self) {
        self.sshd.kill().ok();
        self.sshd.wait().ok();
    }
}
