//! A whole stage for one boot: an emulated AWS, a signed config repository behind SSH, a trust root, a scratch root.

use emulator::{Account, Builder, Instance, Object, Parameter, Running, Secret, Stack};
use muster::boot::{Ended, Mode, Request, boot};
use muster::failure::Failure;
use muster::settings::Sources;
use muster::trust::TrustRoot;
use std::path::{Path, PathBuf};
use std::time::Duration;
use support::{Error, GitServer, Key, Repository, Tree};
use tempfile::TempDir;

/// The instance that boots.
pub const INSTANCE: &str = "i-0123456789abcdef0";
/// The stack that waits for it, and the resource.
pub const STACK: (&str, &str) = ("web-stack", "WebServer");
/// Where its release lies.
pub const BUCKET: &str = "acme-releases";

/// What a scene may change before it begins.
pub struct Plan {
    /// The account.
    pub aws: Builder,
    /// The repository's files.
    pub tree: Tree,
    /// Whether the commit is signed by the signer that is believed (`Some(true)`), by another, or not at all.
    pub signed: Option<bool>,
    /// Lines added to muster.yaml.
    pub settings: String,
    /// Replaced in muster.yaml, as (old, new).
    pub replace: Vec<(String, String)>,
    /// Whether the pinned host key is the server's.
    pub pinned: bool,
    /// Whether the repository has a commit.
    pub committed: bool,
    /// The text that stands in place of the deploy key.
    pub deploy_key: Option<String>,
    /// The secret that holds it.
    pub secret: fn(&str) -> Secret,
    /// Where metadata is looked for, in place of the emulator.
    pub metadata: Option<String>,
    /// Edits the release's descriptor after it was signed.
    pub tampered_descriptor: bool,
    /// Whether the artifact is the one that was signed.
    pub tampered_artifact: bool,
}

/// The stage, with everything on it running.
pub struct Stage {
    /// The account.
    pub aws: Running,
    /// The repository.
    pub repository: Repository,
    /// Its server.
    pub git: GitServer,
    /// Who signs commits.
    pub signer: Key,
    /// The files of its first commit.
    pub tree: Tree,
    scratch: TempDir,
    trust: TrustRoot,
    pair: sigstore_crypto::KeyPair,
}

/// The name of the deploy key's secret.
pub const SECRET: &str = "platform/deploy-key";

impl Plan {
    /// Everything in order.
    pub fn new() -> Result<Self, Error> {
        let directory = support::source().join("tests/stage/tree");
        Ok(Self {
            aws: account(Instance::new(INSTANCE)),
            tree: Tree::from_directory(&directory)?,
            signed: Some(true),
            settings: String::new(),
            replace: Vec::new(),
            pinned: true,
            committed: true,
            deploy_key: None,
            secret: |key| Secret::string(SECRET, key),
            metadata: None,
            tampered_descriptor: false,
            tampered_artifact: false,
        })
    }

    /// The same, with an instance that was launched with user-data.
    pub fn launched_with(self, data: Vec<u8>) -> Self {
        Self { aws: account(Instance::new(INSTANCE).user_data(data)), ..self }
    }

    /// Sets the stage.
    pub fn set(self) -> Result<Stage, Error> {
        let (signer, deploy, stranger) =
            (Key::generate("signer")?, Key::generate("deploy")?, Key::generate("stranger")?);
        let repository = Repository::new()?;
        if self.committed {
            let by = self.signed.map(|ours| if ours { &signer } else { &stranger });
            repository.commit(&self.tree, "The tree", by)?;
        }
        let git = GitServer::start(&repository, &deploy)?;
        let scratch = tempfile::tempdir()?;
        let pair = sigstore_crypto::KeyPair::generate_ecdsa_p256()?;
        let hosts = if self.pinned { git.known_hosts() } else { git.pinned_as(&stranger) };
        let trust = scratch.path().join("trust.d");
        put(&trust.join("production/allowed_signers"), &signer.allowed_signer("platform@example.com")?)?;
        put(&trust.join("production/known_hosts"), &hosts)?;
        put(&trust.join("production/keys/kms.pem"), &pair.public_key_der()?.to_pem())?;
        put(&trust.join("production/policy.yaml"), "releases: {unlogged: [kms]}\n")?;
        let mut aws = self.aws;
        for object in release(&pair, ("r42", "1.4.2"), self.tampered_descriptor, self.tampered_artifact)? {
            aws = aws.object(object);
        }
        let key = self.deploy_key.map_or_else(|| deploy.private_openssh(), Ok)?;
        let aws = aws.secret((self.secret)(&key)).start_blocking()?;
        let root = scratch.path().join("root");
        for directory in ["etc/muster", "usr/local/bin", "tmp", "run", "var/lib"] {
            muster::host::durable::make_directory(&root.join(directory), 0o755)?;
        }
        put(&root.join("etc/passwd"), "root:x:0:0:root:/root:/bin/sh\n")?;
        put(&root.join("etc/group"), "root:x:0:\n")?;
        let imds = self.metadata.unwrap_or_else(|| aws.imds_url());
        let mut settings = settings(&aws, &git, &imds) + &self.settings;
        for (old, new) in &self.replace {
            assert!(settings.contains(old), "muster.yaml has no `{old}`");
            settings = settings.replace(old, new);
        }
        put(&root.join("etc/muster/muster.yaml"), &settings)?;
        let trust = TrustRoot::read(&trust)?;
        Ok(Stage { aws, repository, git, signer, tree: self.tree, scratch, trust, pair })
    }
}

impl Stage {
    /// The scratch root.
    pub fn root(&self) -> PathBuf {
        self.scratch.path().join("root")
    }

    /// Where everything of the stage lies: `root` and `trust.d`.
    pub fn scratch(&self) -> &Path {
        self.scratch.path()
    }

    /// Writes a file below the scratch directory.
    pub fn put(&self, path: &str, text: &str) {
        put(&self.scratch.path().join(path), text).expect("a file of the stage");
    }

    /// Changes muster.yaml.
    pub fn set(&self, old: &str, new: &str) {
        let settings = self.read("/etc/muster/muster.yaml");
        assert!(settings.contains(old), "muster.yaml has no `{old}`");
        self.put("root/etc/muster/muster.yaml", &settings.replace(old, new));
    }

    /// Publishes another release, and names it in its channel.
    pub fn publish(&self, id: &str, version: &str) {
        for object in release(&self.pair, (id, version), false, false).expect("a release") {
            self.aws.put_object(object);
        }
        self.aws.put_parameter(Parameter::string("/shop/api/stable/release_id", id));
    }

    /// Publishes another artifact as a release, and names it in its channel.
    pub fn publish_as(&self, (id, version): (&str, &str), name: &str, bytes: &[u8]) {
        for object in signed(&self.pair, (id, version), name, bytes, false).expect("a release") {
            self.aws.put_object(object);
        }
        self.aws.put_parameter(Parameter::string("/shop/api/stable/release_id", id));
    }

    /// What KMS signs: a bundle over these bytes.
    pub fn bundle(&self, bytes: &[u8]) -> String {
        bundle(&self.pair, bytes).expect("a signature").to_string()
    }

    /// What KMS attests: a statement of a kind about a digest, `sha256:HEX`.
    pub fn statement(&self, kind: &str, about: &str) -> String {
        use base64::Engine;
        let statement = serde_json::json!({
            "_type": "https://in-toto.io/Statement/v1", "predicateType": kind, "predicate": {},
            "subject": [{"digest": {"sha256": about.trim_start_matches("sha256:")}}],
        });
        let (payload_type, payload) = ("application/vnd.in-toto+json", statement.to_string().into_bytes());
        let signature = self.pair.sign(&sigstore_types::pae(payload_type, &payload)).expect("a signature").to_base64();
        let payload = base64::engine::general_purpose::STANDARD.encode(payload);
        serde_json::json!({
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": {"publicKey": {"hint": "kms"}},
            "dsseEnvelope": {"payloadType": payload_type, "payload": payload, "signatures": [{"sig": signature}]},
        })
        .to_string()
    }

    /// The newest run that the journal has.
    pub fn newest(&self) -> muster::journal::Record {
        let history = muster::journal::History::open(&self.root().join("var/lib/muster"));
        history.newest().expect("runs").expect("a run")
    }

    /// The request of `muster boot` for the scratch root.
    pub fn request(&self, mode: Mode) -> Request {
        let root = self.root();
        Request {
            mode,
            sources: Sources { root: root.clone(), ..Sources::default() },
            root,
            wait_lock: Duration::ZERO,
            allow_rollback: None,
            tags: (Vec::new(), Vec::new()),
            progress: false,
            trust: Some(self.trust.clone()),
            machine: None,
            planning: muster::boot::Planning::Converge,
            redactor: muster::secret::Redactor::default(),
        }
    }

    /// Boots, with progress on the terminal or without.
    pub fn boot(&self, progress: bool) -> Result<Ended, Failure> {
        boot(&Request { progress, ..self.request(Mode::Boot) })
    }

    /// A file of the scratch root; empty where there is none.
    pub fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.root().join(path.trim_start_matches('/'))).unwrap_or_default()
    }
}

fn put(path: &Path, text: &str) -> Result<(), Error> {
    let directory = path.parent().ok_or("a file has a directory")?;
    muster::host::durable::make_directory(directory, 0o755)?;
    Ok(muster::host::durable::write(path, text.as_bytes(), 0o644)?)
}

/// The account, with its stack and parameters.
fn account(instance: Instance) -> Builder {
    let stack = Stack::creating(STACK.0).awaits(STACK.1, 1);
    let id = stack.id(&Account::default());
    Builder::default()
        .instance(instance.in_stack(STACK.0, STACK.1, &id).tag("role", "web"))
        .stack(stack)
        .parameter(Parameter::string("/platform/env/name", "production"))
        .parameter(Parameter::string("/platform/domain", "example.com"))
        .parameter(Parameter::string("/web/port", "8080"))
        .parameter(Parameter::secure("/web/token", "s3cr3t-t0ken"))
        .parameter(Parameter::string("/shop/api/stable/release_id", "r42"))
}

fn settings(aws: &Running, git: &GitServer, imds: &str) -> String {
    format!(
        "roles: [common, \"{{{{ tags.role }}}}\"]\n\
         repository:\n  url: {git}\n  ref: main\n  deploy_key: {{secret: platform/deploy-key}}\n\
         trust: {{realm: production}}\n\
         parameters: {{paths: [/platform]}}\n\
         network: {{endpoint_url: \"{aws}\"}}\n\
         metadata: {{endpoint: \"{imds}\", timeout: 6s}}\n\
         releases:\n  - {{app: shop, component: api, channel: stable, bucket: {BUCKET}, destination: /usr/local/bin/shop-api}}\n\
         health:\n  - {{name: configuration, file: /etc/web.conf, contains: \"port=8080\", deadline: 1s, interval: 100ms}}\n\
         deadline: 2m\n",
        git = git.url(),
        aws = aws.endpoint_url(),
    )
}

/// A release as a pipeline publishes it: descriptor, bundle by the KMS key, artifact.
fn release(
    pair: &sigstore_crypto::KeyPair,
    (id, version): (&str, &str),
    tampered: bool,
    swapped: bool,
) -> Result<Vec<Object>, Error> {
    let artifact = format!("#!/bin/sh\necho shop {version}\n").into_bytes();
    let mut objects = signed(pair, (id, version), "shop-api", &artifact, tampered)?;
    if swapped {
        // The artifact comes last.
        objects.pop();
        objects.push(Object::new(BUCKET, &format!("shop/api/{id}/shop-api"), b"#!/bin/sh\necho shop 6.6.6\n".to_vec()));
    }
    Ok(objects)
}

fn signed(
    pair: &sigstore_crypto::KeyPair,
    (id, version): (&str, &str),
    name: &str,
    artifact: &[u8],
    tampered: bool,
) -> Result<Vec<Object>, Error> {
    // The emulated instance says which architecture it has; both are published.
    let artifacts: Vec<serde_json::Value> = ["amd64", "arm64"]
        .iter()
        .map(|one| {
            let sha256 = hex::encode(sigstore_crypto::sha256(artifact).as_bytes());
            serde_json::json!({"os": "linux", "arch": one, "binary": {"path": name, "sha256": sha256, "size": artifact.len()}})
        })
        .collect();
    let descriptor = serde_json::json!({
        "schema": "acme.release/v1", "app": "shop", "component": "api", "version": version, "release_id": id,
        "track": "stable", "artifacts": artifacts,
    })
    .to_string();
    let bundle = bundle(pair, descriptor.as_bytes())?;
    let descriptor = if tampered { descriptor.replace(version, "6.6.6") } else { descriptor };
    let at = |name: &str| format!("shop/api/{id}/{name}");
    Ok(vec![
        Object::new(BUCKET, &at("release.json"), descriptor),
        Object::new(BUCKET, &at("release.json.sigstore.json"), bundle.to_string()),
        Object::new(BUCKET, &at(name), artifact.to_vec()),
    ])
}

fn bundle(pair: &sigstore_crypto::KeyPair, bytes: &[u8]) -> Result<serde_json::Value, Error> {
    Ok(serde_json::json!({
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": {"publicKey": {"hint": "kms"}},
        "messageSignature": {"signature": pair.sign(bytes)?.to_base64()},
    }))
}
