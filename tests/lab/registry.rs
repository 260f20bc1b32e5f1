//! Debian's `docker-registry`, which knows no referrers API: what refers to an image is found by its fallback tag. Things
//! are pushed with curl and signed with openssl, so that no part of muster's own is on that side.

use crate::container::{run, until};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Where it listens in the lab's own network.
pub const HOST: &str = "127.0.0.1:5001";
/// The repository that is pushed to.
pub const NAME: &str = "acme/shop";
const PROGRAM: &str = "docker-registry";
const IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
const EMPTY: &str = "application/vnd.oci.empty.v1+json";

/// A registry with a release key beside it; it ends with this value.
pub struct Registry {
    base: PathBuf,
    server: Child,
}

impl Registry {
    /// Whether the package is installed.
    pub fn is_installed() -> bool {
        Command::new(PROGRAM).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
    }

    /// Starts it, empty.
    pub fn start(work: &Path) -> Self {
        let base = work.join("registry");
        std::fs::create_dir_all(&base).unwrap();
        let configuration = format!(
            "version: 0.1\nstorage: {{filesystem: {{rootdirectory: {}/storage}}}}\nhttp: {{addr: \"{HOST}\"}}\n",
            base.display()
        );
        let path = base.join("config.yml");
        std::fs::write(&path, configuration).unwrap();
        let server = Command::new(PROGRAM)
            .arg("serve")
            .arg(&path)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(base.join("log")).unwrap())
            .spawn()
            .unwrap();
        until("docker-registry", Duration::from_secs(20), || TcpStream::connect(HOST).ok());
        let registry = Self { base, server };
        let key = registry.base.join("key.pem");
        run(Command::new("openssl").args(["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out"]).arg(&key));
        run(Command::new("openssl").args(["ec", "-pubout", "-in"]).arg(&key).arg("-out").arg(registry.public_key()));
        registry
    }

    /// The release key's public half.
    pub fn public_key(&self) -> PathBuf {
        self.base.join("release.pem")
    }

    /// Pushes a release under the channel's tag, and gives its manifest.
    pub fn push(&self, version: &str, program: &str) -> String {
        let layer = self.blob("application/octet-stream", program.as_bytes());
        let config = self.blob(EMPTY, b"{}");
        let manifest = format!(
            r#"{{"schemaVersion":2,"mediaType":"{IMAGE}","config":{config},"layers":[{layer}],"annotations":{{"muster.release.application":"shop","muster.release.channel":"stable","org.opencontainers.image.version":"{version}"}}}}"#
        );
        self.manifest("stable", IMAGE, &manifest);
        manifest
    }

    /// Signs a manifest, and pushes the bundle as cosign does where a registry has no referrers: an image that refers to
    /// it, in an index under the fallback tag.
    pub fn sign(&self, manifest: &str) {
        let signature = self.signature(manifest);
        let bundle = format!(
            r#"{{"mediaType":"{BUNDLE}","verificationMaterial":{{"publicKey":{{"hint":""}}}},"messageSignature":{{"messageDigest":{{"algorithm":"SHA2_256","digest":"{}"}},"signature":"{signature}"}}}}"#,
            base64(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, manifest.as_bytes()).as_ref())
        );
        let (config, layer) = (self.blob(EMPTY, b"{}"), self.blob(BUNDLE, bundle.as_bytes()));
        let subject = descriptor(IMAGE, manifest.as_bytes());
        let referrer = format!(
            r#"{{"schemaVersion":2,"mediaType":"{IMAGE}","artifactType":"{BUNDLE}","config":{config},"layers":[{layer}],"subject":{subject}}}"#
        );
        self.manifest(&format!("sha256:{}", sha256(referrer.as_bytes())), IMAGE, &referrer);
        let entry = descriptor(IMAGE, referrer.as_bytes());
        let entry = entry.replacen('{', &format!(r#"{{"artifactType":"{BUNDLE}","#), 1);
        let index = format!(r#"{{"schemaVersion":2,"mediaType":"{INDEX}","manifests":[{entry}]}}"#);
        self.manifest(&format!("sha256-{}", sha256(manifest.as_bytes())), INDEX, &index);
    }

    fn signature(&self, manifest: &str) -> String {
        let (path, signature) = (self.base.join("manifest"), self.base.join("signature"));
        std::fs::write(&path, manifest).unwrap();
        let mut sign = Command::new("openssl");
        sign.args(["dgst", "-sha256", "-sign"]).arg(self.base.join("key.pem")).arg("-out").arg(&signature).arg(&path);
        run(&mut sign);
        base64(&std::fs::read(signature).unwrap())
    }

    fn manifest(&self, name: &str, kind: &str, text: &str) {
        let path = self.base.join("pushed");
        std::fs::write(&path, text).unwrap();
        let url = format!("http://{HOST}/v2/{NAME}/manifests/{name}");
        curl(&["-X", "PUT", "-H", &format!("Content-Type: {kind}"), "--data-binary", &at(&path), &url]);
    }

    fn blob(&self, kind: &str, bytes: &[u8]) -> String {
        let path = self.base.join("pushed");
        std::fs::write(&path, bytes).unwrap();
        let begun =
            curl(&["-X", "POST", "-D", "-", "-o", "/dev/null", &format!("http://{HOST}/v2/{NAME}/blobs/uploads/")]);
        let place = begun.lines().find_map(|line| line.strip_prefix("Location: ")).unwrap().trim();
        let url = format!("{place}{}digest=sha256:{}", if place.contains('?') { '&' } else { '?' }, sha256(bytes));
        curl(&["-X", "PUT", "-H", "Content-Type: application/octet-stream", "--data-binary", &at(&path), &url]);
        descriptor(kind, bytes)
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.server.kill().ok();
        self.server.wait().ok();
    }
}

fn curl(words: &[&str]) -> String {
    run(Command::new("curl").args(["-sS", "--fail-with-body", "--noproxy", "*"]).args(words))
}

fn at(path: &Path) -> String {
    format!("@{}", path.display())
}

fn descriptor(kind: &str, bytes: &[u8]) -> String {
    format!(r#"{{"mediaType":"{kind}","digest":"sha256:{}","size":{}}}"#, sha256(bytes), bytes.len())
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes))
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}
