//! What roles may ask of the network, as a synchronous trait that the boot hands in: `roles` knows no cloud.

use crate::host::Content;
use crate::secret::Secret;
use std::time::Duration;

/// A parameter's value.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// The full name as the service gave it.
    pub name: String,
    /// The value. Every one travels as a secret; `secure` tells whether it must stay one.
    pub value: Secret<String>,
    /// Whether it is a `SecureString`.
    pub secure: bool,
    /// Its version.
    pub version: i64,
    /// Its ARN.
    pub arn: String,
    /// `String`, `StringList` or `SecureString`.
    pub kind: String,
}

/// A secret's value.
#[derive(Clone, Debug)]
pub enum SecretValue {
    /// Its `SecretString`.
    Text(Secret<String>),
    /// Its `SecretBinary`.
    Binary(Secret<Vec<u8>>),
}

/// Which secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SecretName {
    /// Name or ARN.
    pub name: String,
    /// A version of it.
    pub version: Option<String>,
    /// A stage of it; `AWSCURRENT` where neither is named.
    pub stage: Option<String>,
}

impl std::fmt::Display for SecretName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)?;
        [&self.version, &self.stage].into_iter().flatten().try_for_each(|which| write!(f, " at {which}"))
    }
}

/// An HTTP request of a role (`get_url`, `uri`, `lookup('url')`).
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// GET where empty.
    pub method: String,
    /// Where.
    pub url: String,
    /// Headers added.
    pub headers: Vec<(String, String)>,
    /// What is sent.
    pub body: Option<Secret<Vec<u8>>>,
    /// User and password for basic authentication.
    pub basic: Option<(String, Secret<String>)>,
    /// Whether certificates are verified; `false` only where the role says so.
    pub verify: bool,
    /// Redirects to follow.
    pub follow: bool,
    /// Past the settings' proxy.
    pub direct: bool,
    /// When to give up.
    pub timeout: Option<Duration>,
}

/// What a server said.
#[derive(Clone, Debug)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The last URL after redirects.
    pub url: String,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, staged on disk past a small size.
    pub body: Content,
    /// The body's bytes.
    pub size: u64,
}

/// An object in S3.
#[derive(Clone, Debug)]
pub struct Object {
    /// The body, staged on disk.
    pub body: Content,
    /// Its bytes.
    pub size: u64,
    /// Its entity tag, unquoted.
    pub etag: String,
    /// Its version, where the bucket keeps versions.
    pub version: Option<String>,
}

/// Which object.
#[derive(Clone, Debug, Default)]
pub struct ObjectName {
    /// Bucket name.
    pub bucket: String,
    /// Key.
    pub key: String,
    /// A version of it.
    pub version: Option<String>,
    /// The bucket's region, where it is not the host's.
    pub region: Option<String>,
}

/// A request that came to nothing. The message says what was attempted, on what, and as whom where that matters.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct RemoteError {
    /// What was attempted and what came back.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
    /// Whether the thing does not exist, as opposed to could not be asked for.
    pub missing: bool,
}

/// What a plan may ask of the network. Every method only reads; what an implementation does not answer is refused by name.
pub trait Remote: Send + Sync {
    /// Parameters by name, ARN, `name:version` or `name:label`; in the order asked, `None` where there is none.
    fn parameters(&self, names: &[String]) -> Result<Vec<Option<Parameter>>, RemoteError> {
        Offline::refuse(&format!("parameter {}", names.join(", ")))
    }
    /// The names of parameters that were asked for before the first task, and are not there.
    fn absent(&self) -> Vec<String> {
        Vec::new()
    }
    /// The secrets that were asked for before the first task, and are not there or may not be read.
    fn withheld(&self) -> Vec<SecretName> {
        Vec::new()
    }
    /// All parameters below a path.
    fn parameters_by_path(&self, path: &str, recursive: bool) -> Result<Vec<Parameter>, RemoteError> {
        let _ = recursive;
        Offline::refuse(&format!("parameters below {path}"))
    }
    /// A secret by name or ARN, at a version or stage where named.
    fn secret(&self, name: &str, version: Option<&str>, stage: Option<&str>) -> Result<SecretValue, RemoteError> {
        let _ = (version, stage);
        Offline::refuse(&format!("secret {name}"))
    }
    /// An object's bytes.
    fn object(&self, name: &ObjectName) -> Result<Object, RemoteError> {
        Offline::refuse(&format!("object s3://{}/{}", name.bucket, name.key))
    }
    /// An object that is verified before it is used: a release's. It is no unverified download.
    fn release_object(&self, name: &ObjectName) -> Result<Object, RemoteError> {
        self.object(name)
    }
    /// An object's size and entity tag without its bytes; `None` where there is none.
    fn object_head(&self, name: &ObjectName) -> Result<Option<(u64, String)>, RemoteError> {
        Offline::refuse(&format!("object s3://{}/{}", name.bucket, name.key))
    }
    /// Object keys with a prefix.
    fn objects(&self, bucket: &str, prefix: &str, region: Option<&str>) -> Result<Vec<String>, RemoteError> {
        let _ = region;
        Offline::refuse(&format!("objects s3://{bucket}/{prefix}"))
    }
    /// An HTTP request.
    fn http(&self, request: &Request) -> Result<Response, RemoteError> {
        Offline::refuse(&format!("request to {}", request.url))
    }
    /// The addresses of a name; `missing` where it has none.
    fn addresses(&self, name: &str) -> Result<Vec<std::net::IpAddr>, RemoteError> {
        Offline::refuse(&format!("the addresses of {name}"))
    }
    /// Instance metadata below `/latest/`, as text; `None` where it answers 404. Credentials are refused.
    fn metadata(&self, path: &str) -> Result<Option<String>, RemoteError> {
        Offline::refuse(&format!("instance metadata {path}"))
    }
    /// The keys that application releases are judged by.
    fn release_keys(&self) -> Result<crate::trust::bundle::BundlePolicy, RemoteError> {
        Offline::refuse("the realm's release keys")
    }
    /// Where releases come from beside parameters and objects: registries, with the user's name and the secret of the password
    /// where one asks for a login, and the update repository where it is asked for. `None` where there is neither.
    fn release_source<'a>(
        &'a self,
        login: Option<(String, String)>,
        updates: bool,
    ) -> Result<Option<Box<dyn crate::release::Source + 'a>>, RemoteError> {
        let _ = (login, updates);
        Ok(None)
    }
    /// Where the records of releases are kept, as the host that is changed names it.
    fn release_records(&self) -> std::path::PathBuf {
        "/var/lib/muster/releases".into()
    }
}

/// No network at all: every question is refused by name. For unit tests and for work without a cloud.
#[derive(Debug, Default)]
pub struct Offline;

impl Offline {
    fn refuse<T>(what: &str) -> Result<T, RemoteError> {
        Err(RemoteError {
            message: format!("{what}: this run has no network"),
            hint: Some("give it as a variable with -e, or run with the cloud".into()),
            missing: false,
        })
    }
}

impl Remote for Offline {}
