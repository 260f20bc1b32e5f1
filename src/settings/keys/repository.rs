//! The config repository, and what opens it.

use crate::settings::reference::Reference;
use crate::settings::scalar::{Name, Path, Period, Word};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The config repository.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Repository {
    /// Where it is: `ssh://git@host/path`, `git@host:path` or `https://host/path`.
    pub url: String,
    /// The branch, tag or commit.
    #[serde(default = "main", rename = "ref")]
    pub reference: Reference,
    /// The directory within it that holds `roles/` and playbooks.
    #[serde(default)]
    pub subdirectory: Option<String>,
    /// How many commits the first clone brings. 0 brings all.
    #[serde(default = "one")]
    pub depth: u32,
    /// How long one wait for the server may take.
    #[serde(default = "patience")]
    pub timeout: Period,
    /// The directory of the trust root that holds the server's `known_hosts`, where it is not that of `trust.realm`.
    #[serde(default)]
    pub realm: Option<Name>,
    /// The deploy key for SSH.
    #[serde(default)]
    pub deploy_key: Option<DeployKey>,
    /// The login for HTTPS.
    #[serde(default)]
    pub https_login: Option<HttpsLogin>,
}

fn main() -> Reference {
    Reference::Name("main".into())
}

const fn one() -> u32 {
    1
}

const fn patience() -> Period {
    Period::seconds(30)
}

/// A private key in Secrets Manager. It is only ever in memory.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeployKey {
    /// The secret's name or ARN.
    pub secret: String,
    /// The version's stage. `AWSCURRENT` where neither is written.
    #[serde(default)]
    pub stage: Option<String>,
    /// The version's id.
    #[serde(default)]
    pub version: Option<String>,
    /// The field that holds the key, where the secret is a JSON object.
    #[serde(default)]
    pub field: Option<String>,
    /// The field that holds the key's passphrase.
    #[serde(default)]
    pub passphrase_field: Option<String>,
}

/// A user name and a token in Secrets Manager.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HttpsLogin {
    /// The secret's name or ARN.
    pub secret: String,
    /// The version's stage.
    #[serde(default)]
    pub stage: Option<String>,
    /// The version's id.
    #[serde(default)]
    pub version: Option<String>,
    /// The user's name.
    #[serde(default = "git")]
    pub user: String,
    /// The field that holds the token, where the secret is a JSON object.
    #[serde(default)]
    pub field: Option<String>,
}

fn git() -> String {
    "git".into()
}

impl Repository {
    /// What is wrong, and with which key.
    pub(in crate::settings) fn faults(&self) -> Vec<(String, String)> {
        let mut faults = Vec::new();
        let mut fault = |key: &str, message: &str| faults.push((format!("repository.{key}"), message.to_owned()));
        let scp = self.url.split_once(':').is_some_and(|(host, path)| {
            !host.is_empty() && !path.is_empty() && !path.starts_with("//") && !host.contains('/')
        });
        let authority = self.url.split_once("://").map(|(_, rest)| rest.split('/').next().unwrap_or_default());
        if self.url.starts_with('-') || self.url.contains(|c: char| c.is_whitespace() || c.is_control()) {
            fault("url", "an address starts with no dash and holds no blanks");
        } else if self.url.starts_with("http://") || self.url.starts_with("git://") {
            fault("url", "the connection would be open to anyone: use ssh or https");
        } else if !scp && !["ssh://", "https://"].iter().any(|scheme| self.url.starts_with(scheme)) {
            fault("url", "expected ssh://, https:// or git@host:path");
        } else if authority.and_then(|text| text.rsplit_once('@')).is_some_and(|(login, _)| login.contains(':')) {
            fault("url", "a password in an address ends up in logs: use deploy_key or https_login");
        }
        if let Some(key) = &self.deploy_key
            && key.stage.is_some()
            && key.version.is_some()
        {
            fault("deploy_key.stage", "write a stage or a version, not both");
        }
        let over_ssh = self.url.starts_with("ssh://") || scp && !self.url.contains("://");
        if over_ssh && self.deploy_key.is_none() {
            fault("deploy_key", "SSH needs a key: name the secret that holds it, `deploy_key: {secret: NAME}`");
        }
        if self.deploy_key.is_some() && self.https_login.is_some() {
            fault("https_login", "write deploy_key or https_login, not both");
        }
        if let Some(directory) = &self.subdirectory
            && Path::parse(&format!("/{directory}")).is_none()
        {
            fault("subdirectory", "expected a path within the repository");
        }
        faults
    }
}
