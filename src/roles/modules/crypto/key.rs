//! Private keys: what kind one is, its public half, reading, making and writing it.

use super::asn1::{INTEGER, OCTETS, OID, SEQUENCE, bits, members, sequence, value};
use super::pem;
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::signature::{self, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair};
use aws_lc_rs::{agreement, rand, rsa};
use x509_cert::der::asn1::ObjectIdentifier;
use zeroize::Zeroizing;

const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
const X25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.110");

/// An elliptic curve that keys are made on.
#[derive(Debug, PartialEq, Eq)]
pub struct Curve {
    /// Its name in SEC 2.
    pub name: &'static str,
    /// Its object identifier.
    pub oid: ObjectIdentifier,
    /// Bytes of a private key.
    pub size: usize,
    signing: &'static EcdsaSigningAlgorithm,
}

/// The curves.
pub static CURVES: [Curve; 4] = [
    Curve {
        name: "secp256r1",
        oid: ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7"),
        size: 32,
        signing: &signature::ECDSA_P256_SHA256_ASN1_SIGNING,
    },
    Curve {
        name: "secp384r1",
        oid: ObjectIdentifier::new_unwrap("1.3.132.0.34"),
        size: 48,
        signing: &signature::ECDSA_P384_SHA384_ASN1_SIGNING,
    },
    Curve {
        name: "secp521r1",
        oid: ObjectIdentifier::new_unwrap("1.3.132.0.35"),
        size: 66,
        signing: &signature::ECDSA_P521_SHA512_ASN1_SIGNING,
    },
    Curve {
        name: "secp256k1",
        oid: ObjectIdentifier::new_unwrap("1.3.132.0.10"),
        size: 32,
        signing: &signature::ECDSA_P256K1_SHA256_ASN1_SIGNING,
    },
];

/// What a key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// RSA, with the bits of its modulus.
    Rsa(usize),
    /// On a curve.
    Ec(&'static Curve),
    /// Edwards, for signatures.
    Ed25519,
    /// Montgomery, for key agreement.
    X25519,
    /// One that can be recognised and not used: DSA, Ed448, X448, other curves.
    Other,
}

/// Why a key cannot be used.
#[derive(Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// It is encrypted, and there is no passphrase.
    Encrypted,
    /// It is no key, or broken.
    Broken,
}

/// How a private key is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The traditional form: PKCS#1 for RSA, SEC 1 for curves.
    Pkcs1,
    /// PKCS#8.
    Pkcs8,
    /// The bare bytes of an X25519 or Ed25519 key.
    Raw,
}

/// A private key.
pub struct Key {
    /// What it is.
    pub kind: Kind,
    /// RSA: `RSAPrivateKey`. Curves: the number. Else the seed.
    pub private: Zeroizing<Vec<u8>>,
    /// The content of the public key's bit string.
    pub public: Vec<u8>,
}

/// The form of a key file, where it is one at all.
pub fn form(bytes: &[u8]) -> Option<Form> {
    match pem::first(bytes) {
        None => Some(Form::Raw),
        Some(section) if matches!(section.label.as_str(), "PRIVATE KEY" | "ENCRYPTED PRIVATE KEY") => Some(Form::Pkcs8),
        Some(section) => section.label.ends_with(" PRIVATE KEY").then_some(Form::Pkcs1),
    }
}

impl Key {
    /// Reads a file. Bare bytes are taken for the kind that is wanted.
    pub fn read(bytes: &[u8], raw: Kind) -> Result<Self, Unreadable> {
        let Some(section) = pem::first(bytes) else {
            let kind = if raw == Kind::Ed25519 { Kind::Ed25519 } else { Kind::X25519 };
            return if bytes.len() == 32 { Self::of_seed(kind, bytes) } else { None }.ok_or(Unreadable::Broken);
        };
        if section.encrypted || section.label == "ENCRYPTED PRIVATE KEY" {
            return Err(Unreadable::Encrypted);
        }
        match section.label.as_str() {
            "PRIVATE KEY" => Self::pkcs8(&section.der),
            "RSA PRIVATE KEY" => Self::rsa(&section.der),
            "EC PRIVATE KEY" => Self::sec1(&section.der, None),
            "DSA PRIVATE KEY" => Some(Self::other()),
            _ => None,
        }
        .ok_or(Unreadable::Broken)
    }

    /// Makes one. `Rsa` takes 2048, 3072, 4096 and 8192 bits.
    pub fn make(kind: Kind) -> Option<Self> {
        match kind {
            Kind::Rsa(bits) => {
                let size = match bits {
                    2048 => rsa::KeySize::Rsa2048,
                    3072 => rsa::KeySize::Rsa3072,
                    4096 => rsa::KeySize::Rsa4096,
                    8192 => rsa::KeySize::Rsa8192,
                    _ => return None,
                };
                let pair = rsa::KeyPair::generate(size).ok()?;
                let der: Pkcs8V1Der<'_> = pair.as_der().ok()?;
                Self::pkcs8(der.as_ref())
            }
            Kind::Ec(curve) => {
                let pair = EcdsaKeyPair::generate(curve.signing).ok()?;
                Self::pkcs8(pair.to_pkcs8v1().ok()?.as_ref())
            }
            Kind::Ed25519 | Kind::X25519 => {
                let mut seed = Zeroizing::new([0_u8; 32]);
                rand::fill(&mut *seed).ok()?;
                Self::of_seed(kind, &*seed)
            }
            Kind::Other => None,
        }
    }

    fn other() -> Self {
        Self { kind: Kind::Other, private: Zeroizing::default(), public: Vec::new() }
    }

    fn of_seed(kind: Kind, seed: &[u8]) -> Option<Self> {
        let public = if kind == Kind::Ed25519 {
            Ed25519KeyPair::from_seed_unchecked(seed).ok()?.public_key().as_ref().to_vec()
        } else {
            let private = agreement::PrivateKey::from_private_key(&agreement::X25519, seed).ok()?;
            private.compute_public_key().ok()?.as_ref().to_vec()
        };
        Some(Self { kind, private: Zeroizing::new(seed.to_vec()), public })
    }

    fn pkcs8(der: &[u8]) -> Option<Self> {
        let whole = sequence(der)?;
        let [_, algorithm, private, ..] = whole.as_slice() else { return None };
        let parameters = members(algorithm.content)?;
        let oid = ObjectIdentifier::from_bytes(parameters.first()?.content).ok()?;
        if private.tag != OCTETS {
            return None;
        }
        match oid {
            RSA => Self::rsa(private.content),
            EC => Self::sec1(private.content, parameters.get(1).map(|curve| curve.content)),
            ED25519 | X25519 => {
                let seed = members(private.content)?;
                let kind = if oid == ED25519 { Kind::Ed25519 } else { Kind::X25519 };
                Self::of_seed(kind, seed.first()?.content)
            }
            _ => Some(Self::other()),
        }
    }

    fn rsa(der: &[u8]) -> Option<Self> {
        let numbers = sequence(der)?;
        let [_, modulus, exponent, ..] = numbers.as_slice() else { return None };
        let digits = &modulus.content[modulus.content.iter().position(|byte| *byte != 0)?..];
        let size = digits.len() * 8 - usize::try_from(digits[0].leading_zeros()).ok()?;
        // A key that is too short to be used by the library can still be told by its size.
        if (2048..=8192).contains(&size) {
            rsa::KeyPair::from_der(der).ok()?;
        }
        let number = |content| value(INTEGER, &[content]);
        let public = value(SEQUENCE, &[&number(modulus.content), &number(exponent.content)]);
        Some(Self { kind: Kind::Rsa(size), private: Zeroizing::new(der.to_vec()), public })
    }

    fn sec1(der: &[u8], curve: Option<&[u8]>) -> Option<Self> {
        let parts = sequence(der)?;
        let number = parts.iter().find(|part| part.tag == OCTETS)?.content;
        let own = parts.iter().find(|part| part.tag == 0xa0).and_then(|part| members(part.content)?.first().copied());
        let oid = ObjectIdentifier::from_bytes(curve.or(own.map(|own| own.content))?).ok()?;
        let Some(curve) = CURVES.iter().find(|curve| curve.oid == oid) else { return Some(Self::other()) };
        let mut private = Zeroizing::new(vec![0; curve.size.checked_sub(number.len())?]);
        private.extend_from_slice(number);
        let mut key = Self { kind: Kind::Ec(curve), private, public: Vec::new() };
        let pair = EcdsaKeyPair::from_private_key_der(curve.signing, &key.sec1_der(curve, true)).ok()?;
        key.public = pair.public_key().as_ref().to_vec();
        Some(key)
    }

    fn sec1_der(&self, curve: &Curve, with_curve: bool) -> Zeroizing<Vec<u8>> {
        let oid = value(0xa0, &[&value(OID, &[curve.oid.as_bytes()])]);
        let point = value(0xa1, &[&bits(&self.public)]);
        let number = Zeroizing::new(value(OCTETS, &[&self.private]));
        let mut parts: Vec<&[u8]> = vec![&[INTEGER, 1, 1], &number];
        parts.extend(with_curve.then_some(oid.as_slice()));
        parts.extend((!self.public.is_empty()).then_some(point.as_slice()));
        Zeroizing::new(value(SEQUENCE, &parts))
    }

    /// The algorithm as it stands in PKCS#8 and in a public key.
    fn algorithm(&self) -> Vec<u8> {
        let oid = |oid: ObjectIdentifier| value(OID, &[oid.as_bytes()]);
        match self.kind {
            Kind::Rsa(_) => value(SEQUENCE, &[&oid(RSA), &[0x05, 0]]),
            Kind::Ec(curve) => value(SEQUENCE, &[&oid(EC), &oid(curve.oid)]),
            Kind::Ed25519 => value(SEQUENCE, &[&oid(ED25519)]),
            Kind::X25519 | Kind::Other => value(SEQUENCE, &[&oid(X25519)]),
        }
    }

    /// The public key as `SubjectPublicKeyInfo`.
    pub fn spki(&self) -> Vec<u8> {
        value(SEQUENCE, &[&self.algorithm(), &bits(&self.public)])
    }

    /// As a file; `None` where its kind has no such form.
    pub fn write(&self, form: Form) -> Option<Zeroizing<Vec<u8>>> {
        let text = match (form, self.kind) {
            (_, Kind::Other) => return None,
            (Form::Raw, Kind::Ed25519 | Kind::X25519) => return Some(self.private.clone()),
            (Form::Pkcs1, Kind::Rsa(_)) => pem::text("RSA PRIVATE KEY", &self.private),
            (Form::Pkcs1, Kind::Ec(curve)) => pem::text("EC PRIVATE KEY", &self.sec1_der(curve, true)),
            (Form::Pkcs8, kind) => {
                let inner = match kind {
                    Kind::Rsa(_) => self.private.clone(),
                    Kind::Ec(curve) => self.sec1_der(curve, false),
                    _ => Zeroizing::new(value(OCTETS, &[&self.private])),
                };
                let octets = Zeroizing::new(value(OCTETS, &[&inner]));
                let der = Zeroizing::new(value(SEQUENCE, &[&[INTEGER, 1, 0], &self.algorithm(), &octets]));
                pem::text("PRIVATE KEY", &der)
            }
            _ => return None,
        };
        Some(Zeroizing::new(text.as_bytes().to_vec()))
    }

    /// An ECDSA pair, for signing with the curve's own digest.
    pub fn pair(&self, curve: &Curve, algorithm: &'static EcdsaSigningAlgorithm) -> Option<EcdsaKeyPair> {
        EcdsaKeyPair::from_private_key_der(algorithm, &self.sec1_der(curve, true)).ok()
    }
}
