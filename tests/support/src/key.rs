//! Ed25519 keys, made in memory: to sign commits with, to open the repository, to be a host.

use crate::Error;
use russh::keys::ssh_key::LineEnding;
use russh::keys::ssh_key::private::Ed25519Keypair;
use russh::keys::{HashAlg, PrivateKey};

/// A key pair.
#[derive(Clone, Debug)]
pub struct Key(PrivateKey);

impl Key {
    /// A new key with this comment.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn generate(comment: &str) -> Result<Self, Error> {
        let mut seed = [0; 32];
        aws_lc_rs::rand::fill(&mut seed).map_err(|_| "no randomness")?;
        let mut key = PrivateKey::from(Ed25519Keypair::from_seed(&seed));
        key.set_comment(comment);
        Ok(Self(key))
    }

    /// The private half, as OpenSSH writes it to a file: what a deploy key's secret holds.
    ///
    /// # Errors
    /// When the key cannot be encoded.
    pub fn private_openssh(&self) -> Result<String, Error> {
        Ok(self.0.to_openssh(LineEnding::LF)?.to_string())
    }

    /// The public half on one line: `ssh-ed25519 AAAA... comment`.
    ///
    /// # Errors
    /// When the key cannot be encoded.
    pub fn public_openssh(&self) -> Result<String, Error> {
        Ok(self.0.public_key().to_openssh()?)
    }

    /// A line of an `allowed_signers` file that lets this key sign for git.
    ///
    /// # Errors
    /// When the key cannot be encoded.
    pub fn allowed_signer(&self, principal: &str) -> Result<String, Error> {
        Ok(format!("{principal} namespaces=\"git\" {}\n", self.public_openssh()?))
    }

    /// A signature for git over these bytes, armored (OpenSSH's PROTOCOL.sshsig).
    ///
    /// # Errors
    /// When the key cannot sign.
    pub fn sign(&self, bytes: &[u8]) -> Result<String, Error> {
        Ok(self.0.sign("git", HashAlg::Sha512, bytes)?.to_pem(LineEnding::LF)?)
    }

    pub(crate) fn private(&self) -> &PrivateKey {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use russh::keys::ssh_key::SshSig;

    #[test]
    fn a_signature_is_good_for_git_and_its_bytes_only() {
        let key = Key::generate("a").expect("a key");
        let signature = SshSig::from_pem(key.sign(b"commit").expect("signed")).expect("a signature");
        let public = key.private().public_key();
        assert!(public.verify("git", b"commit", &signature).is_ok());
        assert!(public.verify("git", b"other", &signature).is_err());
        assert!(public.verify("file", b"commit", &signature).is_err());
    }

    #[test]
    fn keys_differ_and_read_back() {
        let (one, other) = (Key::generate("a").expect("a key"), Key::generate("b").expect("a key"));
        assert_ne!(one.public_openssh().expect("text"), other.public_openssh().expect("text"));
        let read = PrivateKey::from_openssh(one.private_openssh().expect("text")).expect("a key");
        assert_eq!(read.public_key().key_data(), one.private().public_key().key_data());
    }
}
