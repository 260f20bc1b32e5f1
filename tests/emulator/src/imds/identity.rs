//! The signed instance identity document.

use crate::account::Account;
use crate::clock::rfc3339;
use crate::encoding::base64;
use crate::imds::Instance;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, UnparsedPublicKey};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::sync::LazyLock;

/// The region's signing key: one a run of the tests, as making one takes a while.
static KEY: LazyLock<Option<KeyPair>> = LazyLock::new(|| KeyPair::generate(KeySize::Rsa2048).ok());

/// The document, laid out as EC2 does.
pub(crate) fn document(instance: &Instance, account: &Account, launched: Timestamp) -> String {
    let document = json!({
        "accountId": account.id,
        "architecture": instance.architecture,
        "availabilityZone": format!("{}{}", account.region, instance.zone),
        "billingProducts": Value::Null,
        "devpayProductCodes": Value::Null,
        "marketplaceProductCodes": Value::Null,
        "imageId": instance.image_id,
        "instanceId": instance.id,
        "instanceType": instance.instance_type,
        "kernelId": Value::Null,
        "pendingTime": rfc3339(launched),
        "privateIp": instance.private_ip,
        "ramdiskId": Value::Null,
        "region": account.region,
        "version": "2017-09-30",
    });
    let fields = document.as_object().into_iter().flatten();
    let lines: Vec<String> = fields.map(|(name, value)| format!("  \"{name}\" : {value}")).collect();
    format!("{{\n{}\n}}", lines.join(",\n"))
}

/// RSA with SHA-256 over the document, in base64 lines.
pub(crate) fn signature(document: &str) -> Option<String> {
    let key = KEY.as_ref()?;
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), document.as_bytes(), &mut signature).ok()?;
    let text = base64(signature);
    let lines: Vec<&str> = text.as_bytes().chunks(64).filter_map(|line| std::str::from_utf8(line).ok()).collect();
    Some(lines.join("\n"))
}

/// Whether a signature is the region's over this document.
pub(crate) fn verify(document: &[u8], signature: &[u8]) -> bool {
    let Some(key) = KEY.as_ref() else { return false };
    UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key.public_key().as_ref()).verify(document, signature).is_ok()
}

/// The public half of the signing key, as PKCS #1 DER.
pub(crate) fn public_key() -> Option<Vec<u8>> {
    Some(KEY.as_ref()?.public_key().as_ref().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::from_base64;

    #[test]
    fn a_signature_fits_its_own_document_only() {
        let document = document(&Instance::default(), &Account::default(), Timestamp::UNIX_EPOCH);
        assert!(document.starts_with("{\n  \"accountId\" : \"123456789012\",\n  \"architecture\" : \"x86_64\""));
        let signature = signature(&document).expect("a signature");
        let signature = from_base64(&signature.replace('\n', "")).expect("base64");
        assert!(verify(document.as_bytes(), &signature));
        assert!(!verify(document.replace("x86_64", "arm64").as_bytes(), &signature));
    }
}
