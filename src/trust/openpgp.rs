//! An OpenPGP signature (RFC 9580) over bytes, judged against a realm's certificates at an instant; the feature `openpgp`.

use super::TrustError;
use super::object::Signed;
use super::realm::Realm;
use jiff::Timestamp;
use pgp::composed::{Deserializable, DetachedSignature, SignedPublicKey, SignedPublicSubKey};
use pgp::crypto::hash::HashAlgorithm;
use pgp::crypto::public_key::PublicKeyAlgorithm;
use pgp::packet::{Signature, SignatureType, SubpacketData};
use pgp::ser::Serialize;
use pgp::types::{KeyDetails, VerifyingKey};

const BEGIN: &str = "-----BEGIN PGP SIGNATURE-----";
const END: &str = "-----END PGP SIGNATURE-----";
const CERTIFICATE: &str = "-----BEGIN PGP PUBLIC KEY BLOCK-----";
/// The fewest bits of an RSA modulus, as for SSH keys.
const RSA: u16 = 2048;
/// How far this clock may be behind the signer's.
const SKEW: jiff::SignedDuration = jiff::SignedDuration::from_mins(5);

/// An OpenPGP certificate: a primary key, and what it says of itself and its subkeys (`openpgp/NAME.asc`).
#[derive(Clone, Debug)]
pub struct Certificate {
    /// The file's name: who signs with it.
    pub name: String,
    key: SignedPublicKey,
}

impl Certificate {
    /// Reads one certificate. Everything in it must verify: it is exported without what others certified.
    pub(super) fn parse(name: &str, text: &str) -> Result<Self, String> {
        if !text.trim_start().starts_with(CERTIFICATE) || text.matches("-----BEGIN ").count() != 1 {
            return Err("it is not one armored OpenPGP certificate (`gpg --armor --export`)".into());
        }
        let read = |error: pgp::errors::Error| format!("it cannot be read: {error}");
        let (keys, _) = SignedPublicKey::from_string_many(text).map_err(read)?;
        let mut keys = keys.collect::<Result<Vec<_>, _>>().map_err(read)?;
        let (Some(key), true) = (keys.pop(), keys.is_empty()) else {
            return Err("it must hold exactly one certificate".into());
        };
        key.verify_bindings().map_err(|error| {
            format!("it does not hold together: {error}; export it with `--export-options export-minimal`")
        })?;
        Ok(Self { name: name.to_owned(), key })
    }

    /// The primary key's, as GnuPG prints it.
    pub fn fingerprint(&self) -> String {
        fingerprint(&self.key.primary_key)
    }

    /// Which of its keys this is said to be by.
    fn named(&self, signature: &Signature) -> Option<Named<'_>> {
        if is_by(signature, &self.key.primary_key) {
            return Some(Named::Primary);
        }
        self.key.public_subkeys.iter().find(|subkey| is_by(signature, &subkey.key)).map(Named::Subkey)
    }

    /// Why it may not sign with its primary key at an instant.
    fn objection(&self, now: Timestamp, signs: bool) -> Option<String> {
        let key = &self.key;
        if !key.details.revocation_signatures.is_empty() {
            return Some("is revoked".into());
        }
        let users = key.details.users.iter();
        let users =
            users.filter(|user| user.signatures.iter().all(|one| one.typ() != Some(SignatureType::CertRevocation)));
        let own = users.flat_map(|user| &user.signatures).chain(&key.details.direct_signatures);
        standing(own, &key.primary_key, now, signs)
    }
}

/// A key of a certificate.
enum Named<'c> {
    Primary,
    Subkey(&'c SignedPublicSubKey),
}

/// Finds the certificate whose signature this is, or says why there is none: its name, and the key's fingerprint.
pub(super) fn verify(
    object: &str,
    signed: &Signed,
    realm: &Realm,
    now: Timestamp,
) -> Result<(String, String), TrustError> {
    let refuse = |problem: String| TrustError::Signature { object: object.to_owned(), problem };
    let signature = decode(&signed.armor).map_err(refuse)?;
    let found = realm.openpgp.iter().find_map(|one| one.named(&signature).map(|named| (one, named)));
    let Some((certificate, named)) = found else {
        return Err(TrustError::Signer {
            object: object.to_owned(),
            fingerprint: issuer(&signature),
            realm: realm.name.clone(),
        });
    };
    // The realm's list is heard before anything that the certificate says of itself; a primary key stands for all of it.
    let own = match &named {
        Named::Primary => certificate.fingerprint(),
        Named::Subkey(subkey) => self::fingerprint(&subkey.key),
    };
    let listed = |print: &String| realm.revoked.iter().any(|one| one.fingerprint() == *print);
    if let Some(fingerprint) = [certificate.fingerprint(), own].into_iter().find(listed) {
        return Err(TrustError::Revoked { object: object.to_owned(), fingerprint, realm: realm.name.clone() });
    }
    let (fingerprint, verified) = match &named {
        Named::Primary => (certificate.fingerprint(), by(&signature, &certificate.key.primary_key, signed)),
        Named::Subkey(subkey) => (self::fingerprint(&subkey.key), by(&signature, &subkey.key, signed)),
    };
    match verified {
        Ok(true) => {}
        Ok(false) => return Err(TrustError::Tampered { object: object.to_owned(), fingerprint }),
        Err(problem) => return Err(refuse(problem)),
    }
    let objection = match &named {
        Named::Primary => certificate.objection(now, true),
        Named::Subkey(subkey) => certificate.objection(now, false).or_else(|| {
            let withdrawn = subkey.signatures.iter().any(|one| one.typ() == Some(SignatureType::SubkeyRevocation));
            match withdrawn {
                true => Some("is revoked".into()),
                false => standing(&subkey.signatures, &subkey.key, now, true),
            }
        }),
    };
    match objection.or_else(|| timely(&signature, now)) {
        None => Ok((certificate.name.clone(), fingerprint)),
        Some(problem) => {
            let principal = certificate.name.clone();
            Err(TrustError::NotNow { object: object.to_owned(), fingerprint, principal, problem })
        }
    }
}

/// Whether the key made the signature over the bytes; a key that is too weak is an error.
fn by(signature: &Signature, key: &impl VerifyingKey, signed: &Signed) -> Result<bool, String> {
    strong(key)?;
    Ok(signature.verify(key, signed.payload.as_slice()).is_ok())
}

/// Why a key may not be used at an instant, by what its newest self-signature says.
fn standing<'s>(
    own: impl IntoIterator<Item = &'s Signature>,
    key: &impl KeyDetails,
    now: Timestamp,
    signs: bool,
) -> Option<String> {
    let Some(newest) = own.into_iter().max_by_key(|one| one.created().map(|at| at.as_secs())) else {
        return Some("is certified by nothing".into());
    };
    if !newest.hash_alg().is_some_and(is_strong) {
        return Some("is certified with a digest that is too weak".into());
    }
    if signs && !newest.key_flags().sign() {
        return Some("may not sign data".into());
    }
    let made = i64::from(key.created_at().as_secs());
    let ends = newest.key_expiration_time().map_or(0, |time| i64::from(time.as_secs()));
    let at = |seconds: i64| Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX);
    match () {
        () if now < at(made) => Some(format!("is not valid before {}", at(made))),
        () if ends > 0 && now >= at(made + ends) => Some(format!("expired on {}", at(made + ends))),
        () => None,
    }
}

/// Why the signature itself says nothing at an instant.
fn timely(signature: &Signature, now: Timestamp) -> Option<String> {
    let Some(made) = signature.created().map(|at| i64::from(at.as_secs())) else {
        return Some("does not say when it signed".into());
    };
    let at = |seconds: i64| Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX);
    let ends = signature.signature_expiration_time().map_or(0, |time| i64::from(time.as_secs()));
    match () {
        () if at(made) > now + SKEW => Some(format!("signed it at {}, which has not come", at(made))),
        () if ends > 0 && now >= at(made + ends) => Some(format!("signed it until {}", at(made + ends))),
        () => None,
    }
}

/// The armor is taken to the letter: one signature, over binary data, by a strong digest, with nothing after it.
fn decode(armor: &[u8]) -> Result<Signature, String> {
    let text = std::str::from_utf8(armor).map_err(|_| "its armor is not text")?;
    if !text.starts_with(BEGIN) || !text.trim_end().ends_with(END) || text.matches("-----BEGIN ").count() != 1 {
        return Err("its armor is not one OpenPGP signature".into());
    }
    let read = |error: pgp::errors::Error| format!("as an OpenPGP signature it cannot be decoded: {error}");
    let (all, _) = DetachedSignature::from_string_many(text).map_err(read)?;
    let mut all = all.collect::<Result<Vec<_>, _>>().map_err(read)?;
    let (Some(one), true) = (all.pop(), all.is_empty()) else {
        return Err("its armor does not hold exactly one signature".into());
    };
    let signature = one.signature;
    if signature.typ() != Some(SignatureType::Binary) {
        return Err("it is not over binary data, as git's are".into());
    }
    if !signature.hash_alg().is_some_and(is_strong) {
        return Err("its digest is too weak; sign with SHA-256, SHA-384 or SHA-512".into());
    }
    let config = signature.config().ok_or("it is of a version that is not known")?;
    let unknown = config.hashed_subpackets().find(|packet| {
        packet.is_critical
            && matches!(
                packet.data,
                SubpacketData::Experimental(..) | SubpacketData::Other(..) | SubpacketData::Notation(_)
            )
    });
    match unknown {
        Some(_) => Err("it holds something critical that is not known".into()),
        None => Ok(signature),
    }
}

fn is_strong(hash: HashAlgorithm) -> bool {
    matches!(hash, HashAlgorithm::Sha256 | HashAlgorithm::Sha384 | HashAlgorithm::Sha512)
}

/// Whether a key is of a kind and size that is accepted.
fn strong(key: &impl KeyDetails) -> Result<(), String> {
    match key.algorithm() {
        PublicKeyAlgorithm::EdDSALegacy | PublicKeyAlgorithm::Ed25519 | PublicKeyAlgorithm::ECDSA => Ok(()),
        PublicKeyAlgorithm::RSA => {
            // An RSA key is written as two numbers, and each begins with its length in bits (RFC 9580, section 3.2).
            let written = key.public_params().to_bytes().unwrap_or_default();
            let bits = written.first_chunk::<2>().map_or(0, |bits| u16::from_be_bytes(*bits));
            match bits >= RSA {
                true => Ok(()),
                false => Err(format!("its RSA key has {bits} bits; {RSA} are the least")),
            }
        }
        other => Err(format!("a key of kind {other:?} is not accepted")),
    }
}

fn is_by(signature: &Signature, key: &impl KeyDetails) -> bool {
    let (prints, ids) = (signature.issuer_fingerprint(), signature.issuer_key_id());
    // The whole fingerprint where there is one: an id of 64 bits can be made to match.
    match prints.is_empty() {
        false => prints.iter().all(|print| **print == key.fingerprint()),
        true => !ids.is_empty() && ids.iter().all(|id| **id == key.legacy_key_id()),
    }
}

fn issuer(signature: &Signature) -> String {
    let print = signature.issuer_fingerprint().first().map(|print| format!("{print:x}").to_uppercase());
    let id = signature.issuer_key_id().first().map(|id| hex::encode_upper(id.as_ref()));
    format!("OpenPGP key {}", print.or(id).unwrap_or_else(|| "that it does not name".into()))
}

fn fingerprint(key: &impl KeyDetails) -> String {
    format!("OpenPGP key {}", format!("{:x}", key.fingerprint()).to_uppercase())
}

#[cfg(test)]
#[path = "openpgp_tests.rs"]
mod tests;
