//! `vault` and `unvault`: texts closed and opened with a passphrase that the role has.

use super::Filter;
use crate::roles::template::args::Args;
use crate::roles::value::Value;
use crate::roles::vault;

type Outcome = Result<Value, String>;

pub(super) static FILTERS: &[Filter] = &[
    Filter::values("vault", &["secret", "salt", "vault_id", "wrap_object", "vaultid"], close),
    Filter::values("unvault", &["secret", "vault_id", "vaultid"], open),
];

fn passphrase(args: &Args) -> Result<String, String> {
    let secret = args.need(0)?;
    secret
        .as_str()
        .map(str::to_owned)
        .ok_or_else(|| format!("Secret passed is required to be a string, instead we got: {}", secret.type_name()))
}

fn close(value: &Value, args: &Args) -> Outcome {
    let text =
        value.as_str().ok_or_else(|| format!("Can only vault strings, instead we got: {}", value.type_name()))?;
    let label = args.text(4).or_else(|| args.text(2)).unwrap_or_else(|| "filter_default".into());
    let closed = vault::close(text, &passphrase(args)?, args.text(1).as_deref(), &label);
    // What is closed may be shown; the caller marks it all the same where the text or the passphrase is a secret.
    closed.map(Value::str).ok_or_else(|| "Unable to encrypt".into())
}

fn open(value: &Value, args: &Args) -> Outcome {
    let passphrase = passphrase(args)?;
    let text = value
        .as_str()
        .ok_or_else(|| format!("Vault should be in the form of a string, instead we got: {}", value.type_name()))?;
    if !vault::Vault::is_encrypted(text.as_bytes()) {
        return Ok(value.clone());
    }
    vault::open_with(text, &passphrase).map(Value::secret).map_err(|error| format!("Unable to decrypt: {error}"))
}
