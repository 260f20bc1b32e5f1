//! A private key in a file: for the lab, and for those who keep keys elsewhere than in KMS.

use super::ImageError;
use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair,
};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject;

/// A key that signs.
#[derive(Debug)]
pub enum KeyFile {
    /// ECDSA on P-256 or P-384.
    Ecdsa(EcdsaKeyPair),
    /// Ed25519.
    Ed25519(Ed25519KeyPair),
}

impl KeyFile {
    /// Reads a private key in PEM: ECDSA on P-256 or P-384, or Ed25519, without a passphrase.
    pub fn read(name: &str, pem: &[u8]) -> Result<Self, ImageError> {
        let refuse = |why: &str| ImageError::new("image/key", name, why);
        if pem.windows(9).any(|window| window == b"ENCRYPTED") {
            let hint = "decrypt it into a file that only you can read, or sign with KMS";
            return Err(refuse("keys with a passphrase are not supported").hint(hint));
        }
        let der = PrivateKeyDer::from_pem_slice(pem).map_err(|_| refuse("it is no private key in PEM"))?;
        let der = der.secret_der();
        let ecdsa = [&ECDSA_P256_SHA256_ASN1_SIGNING, &ECDSA_P384_SHA384_ASN1_SIGNING];
        if let Some(pair) = ecdsa.into_iter().find_map(|kind| EcdsaKeyPair::from_private_key_der(kind, der).ok()) {
            return Ok(Self::Ecdsa(pair));
        }
        let pair = Ed25519KeyPair::from_pkcs8(der);
        pair.map(Self::Ed25519).map_err(|_| refuse("only ECDSA P-256, ECDSA P-384 and Ed25519 keys are accepted"))
    }

    /// Its public half, a DER SubjectPublicKeyInfo.
    pub fn public(&self) -> Result<Vec<u8>, ImageError> {
        let der: Result<PublicKeyX509Der<'_>, _> = match self {
            Self::Ecdsa(pair) => pair.public_key().as_der(),
            Self::Ed25519(pair) => pair.public_key().as_der(),
        };
        der.map(|der| der.as_ref().to_vec()).map_err(|_| broken())
    }

    /// A signature over a message.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, ImageError> {
        Ok(match self {
            Self::Ecdsa(pair) => pair.sign(&SystemRandom::new(), message).map_err(|_| broken())?.as_ref().to_vec(),
            Self::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
        })
    }
}

fn broken() -> ImageError {
    ImageError::new("image/key", "the key", "the cryptographic library refuses it")
}

#[cfg(test)]
mod tests {
    use super::super::{ImageName, statement};
    use super::*;
    use aws_lc_rs::encoding::Pkcs8V1Der;
    use base64::Engine;

    fn pem(der: &[u8]) -> String {
        let body = base64::engine::general_purpose::STANDARD.encode(der);
        format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n")
    }

    #[test]
    fn each_kind_signs_what_verifies() {
        let name = ImageName { region: "eu-west-1".into(), ami: "ami-01234567".into() };
        let unsigned = statement(&name, &[("report.json", b"{}")], "urn:x", &serde_json::json!({}));
        let ed25519: Pkcs8V1Der<'_> = Ed25519KeyPair::generate().and_then(|pair| pair.as_der()).expect("a key");
        let ecdsa = |kind| EcdsaKeyPair::generate(kind).and_then(|pair| pair.to_pkcs8v1()).expect("a key");
        let ders = [
            ecdsa(&ECDSA_P256_SHA256_ASN1_SIGNING).as_ref().to_vec(),
            ecdsa(&ECDSA_P384_SHA384_ASN1_SIGNING).as_ref().to_vec(),
            ed25519.as_ref().to_vec(),
        ];
        for der in ders {
            let key = KeyFile::read("k", pem(&der).as_bytes()).expect("reads");
            let signature = key.sign(&unsigned.message()).expect("signs");
            let public = key.public().expect("public");
            let line = unsigned.signed(&signature, &public).expect("verifies");
            assert!(line.ends_with("}\n") && line.contains("application/vnd.in-toto+json"), "{line}");
            assert!(unsigned.signed(&key.sign(b"else").expect("signs"), &public).is_err());
        }
    }

    #[test]
    fn what_is_no_key_that_verification_knows_is_refused() {
        for (text, why) in [
            ("", "no private key"),
            (
                "-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\nYQ==\n-----END ENCRYPTED SIGSTORE PRIVATE KEY-----\n",
                "passphrase",
            ),
            ("-----BEGIN PRIVATE KEY-----\nYQ==\n-----END PRIVATE KEY-----\n", "only ECDSA"),
        ] {
            let error = KeyFile::read("k", text.as_bytes()).expect_err("refused").to_string();
            assert!(error.contains(why), "{error}");
        }
    }
}
