//! The deploy key: a private key from a secret's text, in memory only.

use super::FetchError;
use crate::secret::Secret;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use russh::keys::pkcs8::decode_pkcs8;
use russh::keys::{HashAlg, PrivateKey, decode_openssh};
use std::sync::Arc;
use zeroize::Zeroizing;

/// A private key that authenticates to a git host. It is wiped when the last connection that uses it is gone.
#[derive(Clone)]
pub struct DeployKey(pub(super) Arc<PrivateKey>);

impl DeployKey {
    /// Reads an unencrypted private key in OpenSSH's form, PKCS#1, PKCS#8 or SEC1.
    pub fn parse(secret: &Secret<String>) -> Result<Self, FetchError> {
        let fail = |problem: String| FetchError::Key { problem };
        let (label, der) = armored(secret.expose()).map_err(fail)?;
        let key = match label {
            "OPENSSH" => decode_openssh(&der, None),
            "RSA" => decode_pkcs8(&wrapped(&der), None),
            _ => decode_pkcs8(&der, None),
        };
        // The library's messages describe encodings, never content; still only its kind is passed on.
        let key = key.map_err(|error| match error {
            russh::keys::Error::KeyIsEncrypted => fail("it is encrypted with a passphrase".into()),
            russh::keys::Error::UnknownAlgorithm(_) | russh::keys::Error::UnsupportedKeyType { .. } => {
                fail("it is of a type that is not supported".into())
            }
            _ => fail(format!("its {label} PRIVATE KEY block is damaged")),
        })?;
        match key.algorithm().as_str() {
            "ssh-ed25519" | "ecdsa-sha2-nistp256" | "ecdsa-sha2-nistp384" | "ecdsa-sha2-nistp521" | "ssh-rsa" => {
                Ok(Self(Arc::new(key)))
            }
            other => Err(fail(format!("keys of type {other} are not supported"))),
        }
    }

    /// As OpenSSH prints it: what to look for in the git host's list of deploy keys.
    pub fn fingerprint(&self) -> String {
        self.0.fingerprint(HashAlg::Sha256).to_string()
    }
}

impl std::fmt::Debug for DeployKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DeployKey({})", self.fingerprint())
    }
}

/// The private key's block in a PEM text: its label without `PRIVATE KEY`, and its bytes. White space between the lines
/// may be anything, because secrets lose their line ends in many a console.
fn armored(text: &str) -> Result<(&'static str, Zeroizing<Vec<u8>>), String> {
    for (begin, end, label) in [
        ("-----BEGIN OPENSSH PRIVATE KEY-----", "-----END OPENSSH PRIVATE KEY-----", "OPENSSH"),
        ("-----BEGIN RSA PRIVATE KEY-----", "-----END RSA PRIVATE KEY-----", "RSA"),
        ("-----BEGIN EC PRIVATE KEY-----", "-----END EC PRIVATE KEY-----", "EC"),
        ("-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----", "PKCS#8"),
    ] {
        let Some((_, rest)) = text.split_once(begin) else { continue };
        let (inner, _) = rest.split_once(end).ok_or_else(|| format!("`{end}` is missing"))?;
        if inner.contains("Proc-Type:") || inner.contains("DEK-Info:") {
            return Err("it is encrypted with a passphrase".into());
        }
        if inner.contains("\\n") {
            return Err("its line ends are written as the two characters `\\n`".into());
        }
        let packed: Zeroizing<String> =
            Zeroizing::new(inner.chars().filter(|one| !one.is_ascii_whitespace()).collect());
        let der = STANDARD.decode(packed.as_bytes()).map_err(|_| format!("its {label} block is not base64"))?;
        return Ok((label, Zeroizing::new(der)));
    }
    Err(what_it_is(text).into())
}

fn what_it_is(text: &str) -> &'static str {
    let text = text.trim();
    if text.contains("BEGIN ENCRYPTED PRIVATE KEY") {
        "it is encrypted with a passphrase"
    } else if text.starts_with("PuTTY-User-Key-File") {
        "it is a PuTTY key; convert it with `puttygen -O private-openssh`"
    } else if text.starts_with("ssh-") || text.starts_with("ecdsa-") || text.contains("PUBLIC KEY") {
        "it is a public key; the private one is needed"
    } else if text.starts_with('{') {
        "the secret is a JSON document, not a key; name its field"
    } else if text.is_empty() {
        "the secret is empty"
    } else {
        "the secret is not a private key"
    }
}

/// A PKCS#1 key inside the PKCS#8 wrapping (RFC 5958): version 0, rsaEncryption, the key as an octet string.
fn wrapped(pkcs1: &[u8]) -> Zeroizing<Vec<u8>> {
    const ALGORITHM: &[u8] = &[0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0];
    let mut inner = Zeroizing::new(vec![2, 1, 0]);
    inner.extend_from_slice(ALGORITHM);
    element(4, pkcs1, &mut inner);
    let mut outer = Zeroizing::new(Vec::with_capacity(inner.len() + 8));
    element(0x30, &inner, &mut outer);
    outer
}

/// One DER element with a long-form length of four bytes at most.
fn element(tag: u8, content: &[u8], out: &mut Vec<u8>) {
    out.reserve_exact(content.len() + 8);
    out.push(tag);
    let length = content.len().to_be_bytes();
    let length = &length[length.iter().take_while(|byte| **byte == 0).count()..];
    match (content.len(), length.len()) {
        (0..128, _) => out.push(length.first().copied().unwrap_or(0)),
        (_, count) => {
            out.push(0x80 | u8::try_from(count).unwrap_or(8));
            out.extend_from_slice(length);
        }
    }
    out.extend_from_slice(content);
}

#[cfg(test)]
#[path = "deploy_key_tests.rs"]
mod tests;
