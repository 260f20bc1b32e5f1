//! A public key counts once, whatever ids it is listed under: the library counts ids.

use super::TufError;
use serde_json::Value;
use sigstore_types::DerPublicKey;
use std::collections::BTreeMap;
use x509_cert::der::Decode;
use x509_cert::spki::SubjectPublicKeyInfoOwned;

/// Refuses a file in which a role lists one public key under two ids: a root, or targets that delegate. What is not
/// built as metadata is left to the library.
pub(super) fn judge(file: &str, bytes: &[u8]) -> Result<(), TufError> {
    let Ok(read) = serde_json::from_slice::<Value>(bytes) else { return Ok(()) };
    let Some(signed) = read.get("signed") else { return Ok(()) };
    if let Some(Value::Object(roles)) = signed.get("roles") {
        for (name, role) in roles {
            unique(file, name, role, signed.get("keys"))?;
        }
    }
    let delegations = signed.get("delegations");
    let delegated = delegations.and_then(|block| block.get("roles")).and_then(Value::as_array);
    for role in delegated.into_iter().flatten() {
        let name = role.get("name").and_then(Value::as_str).unwrap_or("(without a name)");
        unique(file, name, role, delegations.and_then(|block| block.get("keys")))?;
    }
    Ok(())
}

fn unique(file: &str, name: &str, role: &Value, keys: Option<&Value>) -> Result<(), TufError> {
    let mut seen: BTreeMap<Vec<u8>, &str> = BTreeMap::new();
    for id in role.get("keyids").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
        let Some(material) = keys.and_then(|keys| keys.get(id)).and_then(material) else { continue };
        // The same id twice is the library's to count, and it counts it once.
        if let Some(first) = seen.insert(material, id).filter(|first| *first != id) {
            let (file, role) = (file.to_owned(), name.to_owned());
            return Err(TufError::OneKeyTwice { file, role, first: first.to_owned(), second: id.to_owned() });
        }
    }
    Ok(())
}

/// What a key is made of, the same for every way of writing it: PEM or hexadecimal, a compressed point or a whole one.
pub(super) fn material(key: &Value) -> Option<Vec<u8>> {
    let text = key.get("keyval")?.get("public")?.as_str()?.trim();
    let Ok(der) = DerPublicKey::from_pem(text) else {
        return Some(hex::decode(text).unwrap_or_else(|_| text.as_bytes().to_vec()));
    };
    let Ok(info) = SubjectPublicKeyInfoOwned::from_der(der.as_bytes()) else { return Some(der.as_bytes().to_vec()) };
    let bits = info.subject_public_key.raw_bytes();
    let p256 = || p256::PublicKey::from_sec1_bytes(bits).ok().map(|key| key.to_sec1_bytes().to_vec());
    let p384 = || p384::PublicKey::from_sec1_bytes(bits).ok().map(|key| key.to_sec1_bytes().to_vec());
    // Only the bits: parameters of an algorithm can be written in two ways too.
    Some(p256().or_else(p384).unwrap_or_else(|| bits.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const HEX: &str = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
    // The same key of RFC 8032, 7.1, test 1, as a SubjectPublicKeyInfo.
    const PEM: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC KEY-----\n";

    fn root(first: &str, second: &str) -> Vec<u8> {
        let key = |public: &str| json!({"keytype": "ed25519", "scheme": "ed25519", "keyval": {"public": public}});
        let keys = json!({"a": key(first), "b": key(second)});
        json!({"signed": {"keys": keys, "roles": {"root": {"keyids": ["a", "b"], "threshold": 2}}}}).to_string().into()
    }

    #[test]
    fn one_key_is_found_under_two_ids_however_it_is_written() {
        for (first, second) in [(HEX, HEX), (HEX, PEM), (PEM, &HEX.to_uppercase())] {
            let refused = judge("1.root.json", &root(first, second)).expect_err("the same key");
            assert!(matches!(refused, TufError::OneKeyTwice { role, .. } if role == "root"));
        }
        judge("1.root.json", &root(HEX, &HEX.replace('d', "e"))).expect("two keys");
    }

    #[test]
    fn a_compressed_point_is_the_same_key() {
        use p256::elliptic_curve::sec1::ToEncodedPoint;
        let public = p256::SecretKey::from_slice(&[7; 32]).expect("a scalar").public_key();
        // SEQUENCE { SEQUENCE { id-ecPublicKey, prime256v1 }, BIT STRING }, with the lengths of each form.
        let der = |outer: u8, inner: u8, compressed: bool| {
            let algorithm = "301306072a8648ce3d020106082a8648ce3d030107";
            let head = hex::decode(format!("30{outer:02x}{algorithm}03{inner:02x}00")).expect("hexadecimal");
            [head.as_slice(), public.to_encoded_point(compressed).as_bytes()].concat()
        };
        let (whole, short) = (der(0x59, 0x42, false), der(0x39, 0x22, true));
        let pem = |der: Vec<u8>| DerPublicKey::new(der).to_pem();
        let refused = judge("1.root.json", &root(&pem(whole), &pem(short))).expect_err("the same key");
        assert!(matches!(refused, TufError::OneKeyTwice { .. }));
    }
}
