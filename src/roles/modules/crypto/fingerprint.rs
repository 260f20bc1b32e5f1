//! A public key's fingerprints, as community.crypto gives them: colon-separated hexadecimal by algorithm.

use crate::host::{Digest, Hasher};
use crate::roles::value::Value;
use aws_lc_rs::digest;

/// Of a DER-encoded `SubjectPublicKeyInfo`.
pub fn of(spki: &[u8]) -> Value {
    let ours = [
        ("md5", Digest::Md5),
        ("sha1", Digest::Sha1),
        ("sha224", Digest::Sha224),
        ("sha256", Digest::Sha256),
        ("sha384", Digest::Sha384),
        ("sha512", Digest::Sha512),
    ];
    let sha3 = [("sha3_256", &digest::SHA3_256), ("sha3_384", &digest::SHA3_384), ("sha3_512", &digest::SHA3_512)];
    let ours = ours.map(|(name, algorithm)| (name, Hasher::of(algorithm, spki)));
    let sha3 = sha3.map(|(name, algorithm)| (name, hex::encode(digest::digest(algorithm, spki))));
    Value::map(ours.into_iter().chain(sha3).map(|(name, sum)| (name, Value::str(spaced(&sum)))))
}

fn spaced(hexadecimal: &str) -> String {
    let pairs: Vec<&str> = (0..hexadecimal.len()).step_by(2).map(|at| &hexadecimal[at..at + 2]).collect();
    pairs.join(":")
}
