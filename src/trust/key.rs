//! An SSH public key as the trust root writes it, with its strength and its fingerprint.

use ssh_key::public::KeyData;
use ssh_key::{EcdsaCurve, HashAlg, PublicKey};

/// A public key that is strong enough to be believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SshKey(PublicKey);

/// The fewest bits of an RSA modulus.
const RSA_BITS: usize = 2048;

impl SshKey {
    /// Reads `TYPE BASE64 [COMMENT]`.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let name = text.split_ascii_whitespace().next().unwrap_or_default();
        if let Some(problem) = refused(name) {
            return Err(problem);
        }
        let key =
            PublicKey::from_openssh(text.trim()).map_err(|error| format!("`{name}` key cannot be read: {error}"))?;
        judge(key.key_data())?;
        Ok(Self(key))
    }

    /// As OpenSSH prints it: `SHA256:...`.
    pub fn fingerprint(&self) -> String {
        self.0.fingerprint(HashAlg::Sha256).to_string()
    }

    /// The same digest in hexadecimal.
    pub fn fingerprint_hex(&self) -> String {
        hex::encode(self.0.fingerprint(HashAlg::Sha256).as_bytes())
    }

    /// The key's type, as `ssh-ed25519`.
    pub fn algorithm(&self) -> String {
        self.0.algorithm().to_string()
    }

    /// The key in the wire format of RFC 4253, section 6.6.
    pub(super) fn wire(&self) -> Option<Vec<u8>> {
        self.0.to_bytes().ok()
    }

    pub(super) fn public(&self) -> &PublicKey {
        &self.0
    }
}

/// Why a key type is not taken at all, by its name.
pub(super) fn refused(name: &str) -> Option<String> {
    match name {
        "ssh-ed25519" | "ecdsa-sha2-nistp256" | "ecdsa-sha2-nistp384" | "ssh-rsa" => None,
        "ecdsa-sha2-nistp521" => Some("ecdsa-sha2-nistp521 keys are not supported as signers or host keys".into()),
        "ssh-dss" => Some("DSA keys are too weak".into()),
        _ if name.contains("-cert-v01@") => Some(format!("`{name}` is a certificate; only plain keys are believed")),
        _ if name.starts_with("sk-") => Some(format!("`{name}`: security keys are not supported")),
        _ => Some(format!("`{}` is no key type that muster knows", name.escape_default())),
    }
}

/// Whether a key is strong enough.
pub(super) fn judge(key: &KeyData) -> Result<(), String> {
    match key {
        KeyData::Ed25519(_) => Ok(()),
        KeyData::Ecdsa(key) if matches!(key.curve(), EcdsaCurve::NistP256 | EcdsaCurve::NistP384) => Ok(()),
        KeyData::Rsa(key) => {
            let modulus = key.n.as_positive_bytes().unwrap_or_default();
            let bits = modulus.first().map_or(0, |first| modulus.len() * 8 - first.leading_zeros() as usize);
            match bits {
                RSA_BITS.. => Ok(()),
                _ => Err(format!("an RSA key of {bits} bits is too weak; {RSA_BITS} is the least")),
            }
        }
        other => Err(refused(other.algorithm().as_str()).unwrap_or_else(|| "this key type is not supported".into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine;

    fn rsa(bits: usize) -> String {
        let mut wire = b"\0\0\0\x07ssh-rsa\0\0\0\x03\x01\0\x01".to_vec();
        let mut modulus = vec![0x81; bits / 8];
        modulus.insert(0, 0);
        wire.extend(u32::try_from(modulus.len()).expect("small").to_be_bytes());
        wire.extend(modulus);
        format!("ssh-rsa {}", base64::engine::general_purpose::STANDARD.encode(wire))
    }

    #[test]
    fn a_short_rsa_key_is_refused_with_its_size() {
        assert!(SshKey::parse(&rsa(1024)).expect_err("short").contains("1024 bits"));
        assert!(SshKey::parse(&rsa(2048)).is_ok());
    }
}
