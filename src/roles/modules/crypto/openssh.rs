//! SSH key pairs: from our keys to OpenSSH's file, and back.

use super::asn1::sequence;
use super::key::{Key, Kind};
use super::pem;
use ssh_encoding::{Decode, Encode, LineEnding};
use ssh_key::private::KeypairData;
use ssh_key::public::KeyData;
use ssh_key::{HashAlg, PrivateKey, PublicKey};
use zeroize::Zeroizing;

/// What a key file says of its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    /// `rsa`, `ecdsa`, `ed25519`, ...
    pub kind: String,
    /// Bits.
    pub size: i64,
    /// `SHA256:...`
    pub fingerprint: String,
    /// The public key's type and data, as in its file.
    pub public: String,
}

/// Reads a private key file; `None` where it is encrypted or none.
pub fn read(bytes: &[u8]) -> Option<PrivateKey> {
    if pem::first(bytes).is_some_and(|section| section.label == "OPENSSH PRIVATE KEY") {
        return PrivateKey::from_openssh(bytes).ok().filter(|key| !key.is_encrypted());
    }
    let key = Key::read(bytes, Kind::Other).ok().filter(|_| pem::first(bytes).is_some())?;
    of_key(&key, "")
}

/// A key of ours as a pair with a comment.
pub fn of_key(key: &Key, comment: &str) -> Option<PrivateKey> {
    let mut wire = Zeroizing::new(Vec::new());
    let mut put = |part: &[u8]| part.encode(&mut *wire).ok();
    match key.kind {
        Kind::Rsa(_) => {
            let numbers = sequence(&key.private)?;
            put(b"ssh-rsa")?;
            // RFC 8017 orders them n, e, d, p, q, d mod p-1, d mod q-1, 1/q mod p; the agent's format n, e, d, 1/q, p, q.
            for at in [1, 2, 3, 8, 4, 5] {
                put(numbers.get(at)?.content)?;
            }
        }
        Kind::Ec(curve) => {
            let name = match curve.name {
                "secp256r1" => "nistp256",
                "secp384r1" => "nistp384",
                "secp521r1" => "nistp521",
                _ => return None,
            };
            put(format!("ecdsa-sha2-{name}").as_bytes())?;
            put(name.as_bytes())?;
            put(&key.public)?;
            // `ssh-key` takes the number in the curve's whole length only; OpenSSH reads it with leading zeros too.
            let length = key.public.len() / 2;
            let digits = key.private.iter().copied().skip_while(|byte| *byte == 0).collect::<Vec<_>>();
            let digits = Zeroizing::new(digits);
            let mut number = Zeroizing::new(vec![0; (length + 1).checked_sub(digits.len())?]);
            number.extend_from_slice(&digits);
            let from = usize::from(number.get(1).is_some_and(|first| *first < 0x80));
            put(&number[from..])?;
        }
        Kind::Ed25519 => {
            put(b"ssh-ed25519")?;
            put(&key.public)?;
            let both = Zeroizing::new([key.private.as_slice(), &key.public].concat());
            put(&both)?;
        }
        Kind::X25519 | Kind::Other => return None,
    }
    let data = KeypairData::decode(&mut wire.as_slice()).ok()?;
    PrivateKey::new(data, comment).ok()
}

/// The private key's file.
pub fn text(key: &PrivateKey) -> Option<Zeroizing<String>> {
    key.to_openssh(LineEnding::LF).ok()
}

/// What a pair is.
pub fn describe(key: &PrivateKey) -> Option<Described> {
    let public: &PublicKey = key.public_key();
    let (kind, size) = match public.key_data() {
        KeyData::Rsa(rsa) => {
            let modulus = rsa.n.as_positive_bytes()?;
            ("rsa", i64::try_from(modulus.len() * 8).ok()? - i64::from(modulus.first()?.leading_zeros()))
        }
        KeyData::Ecdsa(curve) => match curve.curve() {
            ssh_key::EcdsaCurve::NistP256 => ("ecdsa", 256),
            ssh_key::EcdsaCurve::NistP384 => ("ecdsa", 384),
            ssh_key::EcdsaCurve::NistP521 => ("ecdsa", 521),
        },
        KeyData::Ed25519(_) => ("ed25519", 256),
        KeyData::Dsa(_) => ("dsa", 1024),
        _ => ("other", 0),
    };
    let line = public.to_openssh().ok()?;
    let public_line: Vec<&str> = line.splitn(3, ' ').take(2).collect();
    let fingerprint = public.fingerprint(HashAlg::Sha256).to_string();
    Some(Described { kind: kind.into(), size, fingerprint, public: public_line.join(" ") })
}
