//! Keys of Ansible Vault.

use crate::settings::scalar::Name;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A key of Ansible Vault. Its passphrase is asked for when the roles read something encrypted, and only ever in memory.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct VaultKey {
    /// The vault id: what `ansible-vault --vault-id ID@...` labelled the text with. `default` where it is not written.
    pub id: Option<Name>,
    /// The passphrase's secret, by name or ARN.
    pub secret: Option<String>,
    /// The field that holds the passphrase, where the secret is a JSON object.
    pub field: Option<String>,
    /// The secret version's stage. `AWSCURRENT` where it is not written.
    pub stage: Option<String>,
    /// In place of a secret: the passphrase's parameter, by name or ARN; a `SecureString`.
    pub parameter: Option<String>,
}

impl VaultKey {
    /// What is wrong, and with which key.
    pub(in crate::settings) fn faults(&self, index: usize) -> Vec<(String, String)> {
        let fault = |key: &str, message: &str| vec![(format!("vault[{index}]{key}"), message.to_owned())];
        match (&self.secret, &self.parameter) {
            (Some(_), Some(_)) => fault(".parameter", "write `secret` or `parameter`, not both"),
            (None, None) => fault("", "expected `secret` or `parameter`: where the passphrase is"),
            (None, Some(_)) if self.field.is_some() || self.stage.is_some() => {
                fault(".field", "`field` and `stage` belong to a `secret`")
            }
            _ => Vec::new(),
        }
    }
}
