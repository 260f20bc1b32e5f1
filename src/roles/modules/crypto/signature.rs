//! Signatures in requests and certificates: made and verified.

use super::key::{Key, Kind};
use aws_lc_rs::signature::{self as lc, Ed25519KeyPair, UnparsedPublicKey, VerificationAlgorithm};
use aws_lc_rs::{digest, rand::SystemRandom, rsa};
use p256::ecdsa::signature::hazmat::PrehashSigner;
use x509_cert::der::asn1::{Any, ObjectIdentifier};
use x509_cert::spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};

const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

/// What is signed is this digest of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hash {
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl Hash {
    /// The digests that sign, as roles name them.
    pub const NAMES: &[&str] = &["sha256", "sha384", "sha512"];

    /// By its name.
    pub fn of(name: &str) -> Self {
        match name {
            "sha512" => Self::Sha512,
            "sha384" => Self::Sha384,
            _ => Self::Sha256,
        }
    }

    fn sum(self, text: &[u8]) -> digest::Digest {
        let algorithm = match self {
            Self::Sha256 => &digest::SHA256,
            Self::Sha384 => &digest::SHA384,
            Self::Sha512 => &digest::SHA512,
        };
        digest::digest(algorithm, text)
    }

    fn oid(self, rsa: bool) -> ObjectIdentifier {
        ObjectIdentifier::new_unwrap(match (self, rsa) {
            (Self::Sha256, true) => "1.2.840.113549.1.1.11",
            (Self::Sha384, true) => "1.2.840.113549.1.1.12",
            (Self::Sha512, true) => "1.2.840.113549.1.1.13",
            (Self::Sha256, false) => "1.2.840.10045.4.3.2",
            (Self::Sha384, false) => "1.2.840.10045.4.3.3",
            (Self::Sha512, false) => "1.2.840.10045.4.3.4",
        })
    }
}

/// The algorithm that a key signs with; `None` where it cannot sign.
pub fn algorithm(key: &Key, hash: Hash) -> Option<AlgorithmIdentifierOwned> {
    Some(match key.kind {
        Kind::Rsa(_) => AlgorithmIdentifierOwned { oid: hash.oid(true), parameters: Some(Any::null()) },
        Kind::Ec(_) => AlgorithmIdentifierOwned { oid: hash.oid(false), parameters: None },
        Kind::Ed25519 => AlgorithmIdentifierOwned { oid: ED25519, parameters: None },
        Kind::X25519 | Kind::Other => return None,
    })
}

/// Signs.
pub fn sign(key: &Key, hash: Hash, text: &[u8]) -> Option<Vec<u8>> {
    match key.kind {
        Kind::Rsa(_) => {
            let encoding = match hash {
                Hash::Sha256 => &lc::RSA_PKCS1_SHA256,
                Hash::Sha384 => &lc::RSA_PKCS1_SHA384,
                Hash::Sha512 => &lc::RSA_PKCS1_SHA512,
            };
            let pair = rsa::KeyPair::from_der(&key.private).ok()?;
            let mut signature = vec![0; pair.public_modulus_len()];
            pair.sign(encoding, &SystemRandom::new(), text, &mut signature).ok()?;
            Some(signature)
        }
        Kind::Ed25519 => {
            let pair = Ed25519KeyPair::from_seed_unchecked(&key.private).ok()?;
            Some(pair.sign(text).as_ref().to_vec())
        }
        Kind::Ec(curve) => {
            let algorithm = match (curve.name, hash) {
                ("secp256r1", Hash::Sha256) => &lc::ECDSA_P256_SHA256_ASN1_SIGNING,
                ("secp384r1", Hash::Sha384) => &lc::ECDSA_P384_SHA384_ASN1_SIGNING,
                ("secp521r1", Hash::Sha256) => &lc::ECDSA_P521_SHA256_ASN1_SIGNING,
                ("secp521r1", Hash::Sha384) => &lc::ECDSA_P521_SHA384_ASN1_SIGNING,
                ("secp521r1", Hash::Sha512) => &lc::ECDSA_P521_SHA512_ASN1_SIGNING,
                ("secp256k1", Hash::Sha256) => &lc::ECDSA_P256K1_SHA256_ASN1_SIGNING,
                // aws-lc-rs ties these curves to one digest each.
                ("secp256r1" | "secp384r1", _) => return prehashed(key, curve.name, hash, text),
                _ => return None,
            };
            let pair = key.pair(curve, algorithm)?;
            Some(pair.sign(&SystemRandom::new(), text).ok()?.as_ref().to_vec())
        }
        Kind::X25519 | Kind::Other => None,
    }
}

fn prehashed(key: &Key, curve: &str, hash: Hash, text: &[u8]) -> Option<Vec<u8>> {
    let sum = hash.sum(text);
    if curve == "secp256r1" {
        let pair = p256::ecdsa::SigningKey::from_slice(&key.private).ok()?;
        let signature: p256::ecdsa::Signature = pair.sign_prehash(sum.as_ref()).ok()?;
        return Some(signature.to_der().as_bytes().to_vec());
    }
    let pair = p384::ecdsa::SigningKey::from_slice(&key.private).ok()?;
    let signature: p384::ecdsa::Signature = pair.sign_prehash(sum.as_ref()).ok()?;
    Some(signature.to_der().as_bytes().to_vec())
}

/// Whether a signature by a public key stands. What cannot be verified does not.
pub fn stands(key: &SubjectPublicKeyInfoOwned, algorithm: ObjectIdentifier, text: &[u8], signature: &[u8]) -> bool {
    let parameters = key.algorithm.parameters.as_ref();
    let curve = parameters.and_then(|any| any.decode_as::<ObjectIdentifier>().ok()).map(|oid| oid.to_string());
    let Some(verify) = verification(&algorithm.to_string(), curve.as_deref()) else { return false };
    let Some(bytes) = key.subject_public_key.as_bytes() else { return false };
    UnparsedPublicKey::new(verify, bytes).verify(text, signature).is_ok()
}

fn verification(algorithm: &str, curve: Option<&str>) -> Option<&'static dyn VerificationAlgorithm> {
    let (p256, p384, p521, k1) = ("1.2.840.10045.3.1.7", "1.3.132.0.34", "1.3.132.0.35", "1.3.132.0.10");
    let (ecdsa256, ecdsa384, ecdsa512) = ("1.2.840.10045.4.3.2", "1.2.840.10045.4.3.3", "1.2.840.10045.4.3.4");
    Some(match (algorithm, curve) {
        ("1.2.840.113549.1.1.5", _) => &lc::RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY,
        ("1.2.840.113549.1.1.11", _) => &lc::RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
        ("1.2.840.113549.1.1.12", _) => &lc::RSA_PKCS1_2048_8192_SHA384,
        ("1.2.840.113549.1.1.13", _) => &lc::RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY,
        ("1.3.101.112", _) => &lc::ED25519,
        (a, Some(c)) if a == ecdsa256 && c == p256 => &lc::ECDSA_P256_SHA256_ASN1,
        (a, Some(c)) if a == ecdsa384 && c == p256 => &lc::ECDSA_P256_SHA384_ASN1,
        (a, Some(c)) if a == ecdsa512 && c == p256 => &lc::ECDSA_P256_SHA512_ASN1,
        (a, Some(c)) if a == ecdsa256 && c == p384 => &lc::ECDSA_P384_SHA256_ASN1,
        (a, Some(c)) if a == ecdsa384 && c == p384 => &lc::ECDSA_P384_SHA384_ASN1,
        (a, Some(c)) if a == ecdsa512 && c == p384 => &lc::ECDSA_P384_SHA512_ASN1,
        (a, Some(c)) if a == ecdsa256 && c == p521 => &lc::ECDSA_P521_SHA256_ASN1,
        (a, Some(c)) if a == ecdsa384 && c == p521 => &lc::ECDSA_P521_SHA384_ASN1,
        (a, Some(c)) if a == ecdsa512 && c == p521 => &lc::ECDSA_P521_SHA512_ASN1,
        (a, Some(c)) if a == ecdsa256 && c == k1 => &lc::ECDSA_P256K1_SHA256_ASN1,
        _ => return None,
    })
}
