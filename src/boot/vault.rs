//! The passphrases of Ansible Vault, from where settings say that they are.

use crate::roles::remote::{Remote, RemoteError, SecretValue};
use crate::roles::vault::Vault;
use crate::secret::{Redactor, Secret};
use crate::settings::keys::VaultKey;
use std::sync::Arc;

/// The keys of a run; each passphrase is asked for when something is to be opened.
pub(super) fn vault(keys: &[VaultKey], remote: &Arc<dyn Remote>, redactor: &Redactor) -> Arc<Vault> {
    let mut vault = Vault::new(redactor.clone());
    for key in keys {
        let label = key.id.as_ref().map_or_else(|| "default".to_owned(), ToString::to_string);
        let (key, remote, redactor) = (key.clone(), Arc::clone(remote), redactor.clone());
        vault = vault.with(
            label,
            Box::new(move || {
                let passphrase = passphrase(&key, &*remote)?;
                redactor.learn(passphrase.expose());
                Ok(passphrase)
            }),
        );
    }
    Arc::new(vault)
}

fn passphrase(key: &VaultKey, remote: &dyn Remote) -> Result<Secret<String>, String> {
    let said = |error: RemoteError| error.message;
    if let Some(name) = &key.parameter {
        let found = remote.parameters(std::slice::from_ref(name)).map_err(said)?.into_iter().next().flatten();
        return found.map(|parameter| parameter.value).ok_or_else(|| format!("there is no parameter {name}"));
    }
    let name = key.secret.as_deref().unwrap_or_default();
    let text = match remote.secret(name, None, key.stage.as_deref()).map_err(said)? {
        SecretValue::Text(text) => text,
        SecretValue::Binary(bytes) => {
            let text = String::from_utf8(bytes.expose().clone()).map_err(|_| format!("secret {name} is no text"))?;
            Secret::new(text)
        }
    };
    let Some(field) = &key.field else { return Ok(text) };
    let json: serde_json::Value =
        serde_json::from_str(text.expose()).map_err(|_| format!("secret {name} is no JSON object"))?;
    let found = json.get(field).and_then(serde_json::Value::as_str);
    found.map(|text| Secret::new(text.to_owned())).ok_or_else(|| format!("secret {name} has no field `{field}`"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roles::remote::Offline;

    #[test]
    fn a_passphrase_that_cannot_be_had_says_why_where_it_is_needed() {
        let keys = [VaultKey { parameter: Some("/vault".into()), ..VaultKey::default() }];
        let remote: Arc<dyn Remote> = Arc::new(Offline);
        let vault = vault(&keys, &remote, &Redactor::default());
        let text = "$ANSIBLE_VAULT;1.1;AES256\n36313a0a36320a3633\n";
        let error = vault.open(text).expect_err("no network").to_string();
        assert!(
            error.contains("key `default`: parameter /vault: this run has no network") || error.contains("damaged"),
            "{error}"
        );
    }
}
