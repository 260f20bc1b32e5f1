//! An SSH signature (OpenSSH's PROTOCOL.sshsig) over bytes, judged against a realm's signers at an instant.

use super::TrustError;
use super::key::{judge, refused};
use super::object::Signed;
use super::realm::Realm;
use super::signers::{NAMESPACE, Signer};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use ssh_encoding::Decode;
use ssh_key::{Algorithm, HashAlg, PublicKey, SshSig};

const BEGIN: &str = "-----BEGIN SSH SIGNATURE-----";
const END: &str = "-----END SSH SIGNATURE-----";

/// Finds the signer whose signature this is, or says why there is none.
pub(super) fn verify<'r>(
    object: &str,
    signed: &Signed,
    realm: &'r Realm,
    now: Timestamp,
) -> Result<&'r Signer, TrustError> {
    let refuse = |problem: String| TrustError::Signature { object: object.to_owned(), problem };
    let signature = decode(object, &signed.armor)?;
    judge(signature.public_key()).map_err(refuse)?;
    let key = PublicKey::from(signature.public_key().clone());
    let fingerprint = key.fingerprint(HashAlg::Sha256).to_string();
    if signature.namespace() != NAMESPACE {
        let namespace = signature.namespace().escape_default();
        return Err(refuse(format!("it was made for namespace `{namespace}`, not `{NAMESPACE}`")));
    }
    if realm.revoked.iter().any(|revoked| revoked.fingerprint() == fingerprint) {
        return Err(TrustError::Revoked { object: object.to_owned(), fingerprint, realm: realm.name.clone() });
    }
    let known: Vec<&Signer> =
        realm.signers.iter().filter(|signer| signer.key.public().key_data() == key.key_data()).collect();
    if known.is_empty() {
        return Err(TrustError::Signer { object: object.to_owned(), fingerprint, realm: realm.name.clone() });
    }
    if key.verify(NAMESPACE, &signed.payload, &signature).is_err() {
        return Err(TrustError::Tampered { object: object.to_owned(), fingerprint });
    }
    // A key may stand on several lines; one that allows it is enough, as for ssh-keygen.
    let mut objection = None;
    for signer in known {
        match signer.objection(now) {
            None => return Ok(signer),
            Some(problem) => objection = Some((signer.principal(), problem)),
        }
    }
    let (principal, problem) = objection.unwrap_or_default();
    Err(TrustError::NotNow { object: object.to_owned(), fingerprint, principal, problem })
}

fn decode(object: &str, armor: &[u8]) -> Result<SshSig, TrustError> {
    let refuse = |problem: &str| TrustError::Signature { object: object.to_owned(), problem: problem.to_owned() };
    let blob = dearmor(object, armor)?;
    if let Some(problem) = key_type(&blob).and_then(|name| refused(&name)) {
        return Err(refuse(&problem));
    }
    if signature_type(&blob).as_deref() == Some("ssh-rsa") {
        return Err(refuse("RSA with SHA-1 is too weak; sign with rsa-sha2-256 or rsa-sha2-512"));
    }
    let mut reader = &blob[..];
    let signature = SshSig::decode(&mut reader).map_err(|error| refuse(&format!("it cannot be decoded: {error}")))?;
    if !reader.is_empty() {
        return Err(refuse("bytes follow it inside its armor"));
    }
    if signature.version() != SshSig::VERSION || !signature.reserved().is_empty() {
        return Err(refuse("it is of a version that is not known"));
    }
    match signature.algorithm() {
        Algorithm::Ed25519 | Algorithm::Ecdsa { .. } | Algorithm::Rsa { hash: Some(_) } => Ok(signature),
        other => Err(refuse(&format!("algorithm `{}` is not accepted", other.as_str()))),
    }
}

/// The armor is taken to the letter: one header line, base64, one footer line, nothing before, between or after.
fn dearmor(object: &str, armor: &[u8]) -> Result<Vec<u8>, TrustError> {
    let refuse = |problem: &str| TrustError::Signature { object: object.to_owned(), problem: problem.to_owned() };
    let text = std::str::from_utf8(armor).map_err(|_| refuse("its armor is not text"))?;
    let format = match text.lines().next().unwrap_or_default() {
        BEGIN => None,
        line if line.starts_with("-----BEGIN PGP ") => Some("an OpenPGP signature"),
        "-----BEGIN SIGNED MESSAGE-----" => Some("an X.509 (gitsign, S/MIME) signature"),
        _ => return Err(refuse("its armor does not begin as an SSH signature does")),
    };
    if let Some(format) = format {
        return Err(TrustError::Format { object: object.to_owned(), format });
    }
    if text.contains('\r') {
        return Err(refuse("its armor holds carriage returns"));
    }
    let inner = text.strip_prefix(BEGIN).and_then(|rest| rest.strip_prefix('\n')).unwrap_or_default();
    let inner = inner.strip_suffix('\n').unwrap_or(inner);
    let inner = inner.strip_suffix(END).ok_or_else(|| refuse("its armor does not end with its footer"))?;
    let base64: String = inner.split('\n').collect();
    STANDARD.decode(base64).map_err(|_| refuse("its armor is not base64"))
}

/// The name of the key's type, before anything else is decoded: a certificate is named as one.
fn key_type(blob: &[u8]) -> Option<String> {
    let (key, _) = string(blob.get(10..)?)?;
    let (name, _) = string(key)?;
    String::from_utf8(name.to_vec()).ok()
}

/// The name of the signature's algorithm.
fn signature_type(blob: &[u8]) -> Option<String> {
    let mut rest = blob.get(10..)?;
    // publickey, namespace, reserved, hash_algorithm
    for _ in 0..4 {
        rest = string(rest)?.1;
    }
    let (signature, _) = string(rest)?;
    let (name, _) = string(signature)?;
    String::from_utf8(name.to_vec()).ok()
}

/// One `string` of RFC 4251, section 5, and what follows it.
fn string(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(u32::from_be_bytes(*length) as usize)
}
