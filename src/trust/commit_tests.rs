//! Attacks on signed commits and tags, each beside its benign twin.

use super::*;
use crate::trust::realm::Realm;
use ssh_key::private::{EcdsaKeypair, Ed25519Keypair, KeypairData};
use ssh_key::{EcdsaCurve, HashAlg, LineEnding, PrivateKey, SshSig};
use std::collections::BTreeMap;
use std::time::{Duration, UNIX_EPOCH};

const TREE: &str = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

fn ed25519(seed: u8) -> PrivateKey {
    PrivateKey::new(KeypairData::Ed25519(Ed25519Keypair::from_seed(&[seed; 32])), "").expect("key")
}

fn public(key: &PrivateKey) -> String {
    key.public_key().to_openssh().expect("public")
}

fn realm(signers: &str, revoked: &str) -> Realm {
    let files = [("allowed_signers", signers), ("revoked_keys", revoked)];
    let files = files.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec()));
    Realm::parse("prod", &files.collect::<BTreeMap<_, _>>()).expect("realm")
}

fn trusting(key: &PrivateKey) -> Realm {
    realm(&format!("ops@example.org namespaces=\"git\" {}", public(key)), "")
}

fn plain() -> String {
    format!("tree {TREE}\nauthor A <a@b> 1700000000 +0000\ncommitter A <a@b> 1700000000 +0000\n\nfirst\n")
}

fn armor(key: &PrivateKey, namespace: &str, payload: &str) -> String {
    let signature = SshSig::sign(key, namespace, HashAlg::Sha512, payload.as_bytes()).expect("signs");
    signature.to_pem(LineEnding::LF).expect("armor")
}

/// A commit as git writes it: the signature as a header after `committer`.
fn with_signature(plain: &str, armor: &str) -> String {
    let (headers, body) = plain.split_once("\n\n").expect("a body");
    format!("{headers}\ngpgsig {}\n\n{body}", armor.trim_end().replace('\n', "\n "))
}

fn signed(key: &PrivateKey) -> String {
    with_signature(&plain(), &armor(key, "git", &plain()))
}

fn judge(bytes: &str, realm: &Realm) -> Result<Commit, TrustError> {
    judge_at(bytes, realm, UNIX_EPOCH + Duration::from_secs(1_790_000_000))
}

fn judge_at(bytes: &str, realm: &Realm, now: SystemTime) -> Result<Commit, TrustError> {
    let id = Oid::hash_object(ObjectType::Commit, bytes.as_bytes()).expect("id").to_string();
    let candidate = Candidate { id, bytes: bytes.as_bytes().to_vec(), tag: None };
    verify(Untrusted::new(candidate), realm, now).map(Verified::into_inner)
}

#[test]
fn a_signed_commit_passes_and_says_who_signed() {
    let key = ed25519(1);
    let commit = judge(&signed(&key), &trusting(&key)).expect("passes");
    assert_eq!((commit.tree.as_str(), commit.principal.as_str()), (TREE, "ops@example.org"));
    assert_eq!(commit.fingerprint, key.fingerprint(HashAlg::Sha256).to_string());
}

#[test]
fn unsigned_wrong_signer_tampered_and_revoked_are_refused() {
    let (key, other) = (ed25519(1), ed25519(2));
    let good = signed(&key);
    assert!(matches!(judge(&plain(), &trusting(&key)), Err(TrustError::Unsigned { .. })));
    assert!(matches!(judge(&good, &trusting(&other)), Err(TrustError::Signer { .. })));
    for (from, to) in
        [("first", "fir5t"), (TREE, "5b825dc642cb6eb9a060e54bf8d69288fbee4904"), ("1700000000", "1700000001")]
    {
        let result = judge(&good.replace(from, to), &trusting(&key));
        assert!(matches!(result, Err(TrustError::Tampered { .. })), "{from}");
    }
    let line = format!("ops {}", public(&key));
    assert!(matches!(judge(&good, &realm(&line, &public(&key))), Err(TrustError::Revoked { .. })));
    assert!(judge(&good, &realm(&line, &public(&other))).is_ok());
}

#[test]
fn a_signature_for_files_is_none_for_git() {
    let key = ed25519(1);
    let forged = with_signature(&plain(), &armor(&key, "file", &plain()));
    let error = judge(&forged, &trusting(&key)).expect_err("refused").to_string();
    assert!(error.contains("namespace `file`"), "{error}");
}

#[test]
fn validity_is_judged_now_and_never_at_the_commits_own_date() {
    let key = ed25519(1);
    // The commit says November 2023, when the key was valid.
    let realm = realm(&format!("ops valid-after=20230101Z,valid-before=20240101Z {}", public(&key)), "");
    let at = |seconds| judge_at(&signed(&key), &realm, UNIX_EPOCH + Duration::from_secs(seconds));
    assert!(matches!(at(1_790_000_000), Err(TrustError::NotNow { .. })));
    assert!(matches!(at(1_600_000_000), Err(TrustError::NotNow { .. })));
    assert!(at(1_700_000_000).is_ok());
}

#[test]
fn repeated_and_foreign_headers_are_refused() {
    let key = ed25519(1);
    let good = signed(&key);
    let evil_tree = "1b825dc642cb6eb9a060e54bf8d69288fbee4904";
    let second_tree = good.replacen("author", &format!("tree {evil_tree}\nauthor"), 1);
    let first_tree = format!("tree {evil_tree}\n{good}");
    let signature = &good[good.find("gpgsig").expect("header")..good.find("\n\n").expect("end")];
    let second_signature = good.replacen("\n\n", &format!("\n{signature}\n\n"), 1);
    let sha256 = good.replacen("gpgsig ", "gpgsig-sha256 ", 1);
    let folded = good.replacen(TREE, &format!("{TREE}\n {evil_tree}"), 1);
    let parent_first = format!("parent {evil_tree}\n{good}");
    for bytes in [second_tree, first_tree, second_signature, folded, parent_first] {
        assert!(matches!(judge(&bytes, &trusting(&key)), Err(TrustError::Object { .. })), "{bytes}");
    }
    assert!(matches!(judge(&sha256, &trusting(&key)), Err(TrustError::Signature { .. })));
    let parents = plain().replacen("author", &format!("parent {evil_tree}\nparent {TREE}\nauthor"), 1);
    assert!(judge(&with_signature(&parents, &armor(&key, "git", &parents)), &trusting(&key)).is_ok());
}

#[test]
fn the_armor_is_taken_to_the_letter() {
    let key = ed25519(1);
    let good = armor(&key, "git", &plain());
    let end = "-----END SSH SIGNATURE-----";
    for bad in [
        good.replace('\n', "\r\n"),
        good.replace(end, &format!("{end}\ntrailing")),
        good.replace(end, &format!("{end} x")),
        format!("note\n{good}"),
        good.replace(end, ""),
        good.replacen("U1NI", "U1N!", 1),
    ] {
        let result = judge(&with_signature(&plain(), &bad), &trusting(&key));
        assert!(matches!(result, Err(TrustError::Signature { .. })), "{bad:?}: {result:?}");
    }
    let pgp = "-----BEGIN PGP SIGNATURE-----\n\nabc\n-----END PGP SIGNATURE-----\n";
    let error = judge(&with_signature(&plain(), pgp), &trusting(&key)).expect_err("named").to_string();
    assert!(error.contains("OpenPGP"), "{error}");
    let x509 = "-----BEGIN SIGNED MESSAGE-----\nabc\n-----END SIGNED MESSAGE-----\n";
    let error = judge(&with_signature(&plain(), x509), &trusting(&key)).expect_err("named").to_string();
    assert!(error.contains("gitsign"), "{error}");
    assert!(judge(&with_signature(&plain(), &good), &trusting(&key)).is_ok());
    // A message with carriage returns is a message like any other.
    let windows = plain().replace("first\n", "first\r\nsecond\r\n");
    assert!(judge(&with_signature(&windows, &armor(&key, "git", &windows)), &trusting(&key)).is_ok());
}

/// The signature's blob with one of its strings replaced.
fn reblob(armor: &str, edit: impl Fn(&mut Vec<u8>)) -> String {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    let inner: String = armor.lines().filter(|line| !line.starts_with('-')).collect();
    let mut blob = STANDARD.decode(inner).expect("base64");
    edit(&mut blob);
    format!("-----BEGIN SSH SIGNATURE-----\n{}\n-----END SSH SIGNATURE-----\n", STANDARD.encode(blob))
}

fn replace(blob: &mut Vec<u8>, from: &[u8], to: &[u8]) {
    let at = blob.windows(from.len()).rposition(|window| window == from).expect("there");
    blob.splice(at..at + from.len(), to.iter().copied());
}

/// A realm that trusts a fresh RSA key, and that key's signature of [`plain`]. (`ssh-key` takes seconds to make one.)
fn rsa_signature() -> (Realm, String) {
    use aws_lc_rs::{rand::SystemRandom, rsa, signature};
    use ssh_key::{Algorithm, Mpint, PublicKey, Signature, public};
    let pair = rsa::KeyPair::generate(rsa::KeySize::Rsa2048).expect("key");
    use aws_lc_rs::signature::KeyPair;
    let number = |bytes: &[u8]| Mpint::from_positive_bytes(bytes).expect("number");
    let modulus = number(pair.public_key().modulus().big_endian_without_leading_zero());
    let key = public::RsaPublicKey { e: number(&[1, 0, 1]), n: modulus };
    let data = SshSig::signed_data("git", HashAlg::Sha512, plain().as_bytes()).expect("data");
    let mut raw = vec![0; pair.public_modulus_len()];
    pair.sign(&signature::RSA_PKCS1_SHA512, &SystemRandom::new(), &data, &mut raw).expect("signs");
    let algorithm = Algorithm::Rsa { hash: Some(HashAlg::Sha512) };
    let signature = Signature::new(algorithm, raw).expect("signature");
    let public = PublicKey::from(public::KeyData::Rsa(key));
    let realm = realm(&format!("ops {}", public.to_openssh().expect("public")), "");
    let signature = SshSig::new(public.key_data().clone(), "git", HashAlg::Sha512, signature).expect("signature");
    (realm, signature.to_pem(LineEnding::LF).expect("armor"))
}

#[test]
fn weak_and_foreign_kinds_of_signature_are_named() {
    let (rsa, good) = rsa_signature();
    assert!(judge(&with_signature(&plain(), &good), &rsa).is_ok());
    // "ssh-rsa" as the signature's algorithm is SHA-1; the blob's lengths are kept right.
    let sha1 = reblob(&good, |blob| {
        let outer = blob.windows(12).rposition(|window| window == b"rsa-sha2-512").expect("there") - 8;
        let length = u32::from_be_bytes(blob[outer..outer + 4].try_into().expect("four")) - 5;
        blob[outer..outer + 4].copy_from_slice(&length.to_be_bytes());
        replace(blob, b"\0\0\0\x0crsa-sha2-512", b"\0\0\0\x07ssh-rsa");
    });
    let error = judge(&with_signature(&plain(), &sha1), &rsa).expect_err("refused").to_string();
    assert!(error.contains("SHA-1"), "{error}");
    let trailing = reblob(&good, |blob| blob.push(0));
    let error = judge(&with_signature(&plain(), &trailing), &rsa).expect_err("refused").to_string();
    assert!(error.contains("follow"), "{error}");
    for curve in [EcdsaCurve::NistP256, EcdsaCurve::NistP384] {
        let key = PrivateKey::new(EcdsaKeypair::random(&mut ssh_key::rand_core::OsRng, curve).expect("key").into(), "")
            .expect("key");
        assert!(judge(&signed(&key), &trusting(&key)).is_ok(), "{curve:?}");
    }
}

#[test]
fn a_signature_by_a_certificate_is_named() {
    let key = ed25519(1);
    let good = armor(&key, "git", &plain());
    let certificate = reblob(&good, |blob| {
        let length = u32::from_be_bytes(blob[10..14].try_into().expect("four")) + 21;
        blob[10..14].copy_from_slice(&length.to_be_bytes());
        blob.splice(14..29, b"\0\0\0\x20ssh-ed25519-cert-v01@openssh.com".iter().copied());
    });
    let error = judge(&with_signature(&plain(), &certificate), &trusting(&key)).expect_err("refused").to_string();
    assert!(error.contains("certificate"), "{error}");
}

#[test]
fn bytes_under_another_id_are_refused() {
    let key = ed25519(1);
    let candidate = Candidate { id: TREE.into(), bytes: signed(&key).into_bytes(), tag: None };
    let result = verify(Untrusted::new(candidate), &trusting(&key), SystemTime::now());
    assert!(matches!(result, Err(TrustError::Id { .. })));
}

fn judge_tag(commit: &str, name: &str, tag: &str, realm: &Realm) -> Result<Commit, TrustError> {
    let id = |kind, bytes: &str| Oid::hash_object(kind, bytes.as_bytes()).expect("id").to_string();
    let tag = Tag { name: name.into(), id: id(ObjectType::Tag, tag), bytes: tag.as_bytes().to_vec() };
    let candidate = Candidate { id: id(ObjectType::Commit, commit), bytes: commit.as_bytes().to_vec(), tag: Some(tag) };
    verify(Untrusted::new(candidate), realm, SystemTime::now()).map(Verified::into_inner)
}

#[test]
fn tags() {
    let (key, other) = (ed25519(1), ed25519(2));
    let realm = trusting(&key);
    let commit = plain();
    let id = Oid::hash_object(ObjectType::Commit, commit.as_bytes()).expect("id");
    let text = format!("object {id}\ntype commit\ntag v1\ntagger A <a@b> 1700000000 +0000\n\nv1\n");
    let tag = |key: &PrivateKey, text: &str| format!("{text}{}", armor(key, "git", text));
    assert_eq!(judge_tag(&commit, "v1", &tag(&key, &text), &realm).expect("passes").tag.as_deref(), Some("v1"));
    assert!(matches!(judge_tag(&commit, "v2", &tag(&key, &text), &realm), Err(TrustError::TagName { .. })));
    assert!(matches!(judge_tag(&commit, "v1", &tag(&other, &text), &realm), Err(TrustError::Signer { .. })));
    assert!(matches!(judge_tag(&commit, "v1", &text, &realm), Err(TrustError::Unsigned { .. })));
    // A tag's bad signature is not made good by the commit's own.
    let tampered = tag(&key, &text).replace("\nv1\n", "\nv1!\n");
    assert!(matches!(judge_tag(&commit, "v1", &tampered, &realm), Err(TrustError::Tampered { .. })));
    let twice = tag(&key, &tag(&key, &text));
    assert!(matches!(judge_tag(&commit, "v1", &twice, &realm), Err(TrustError::Object { .. })));
    let trailing = format!("{}more\n", tag(&key, &text));
    assert!(matches!(judge_tag(&commit, "v1", &trailing, &realm), Err(TrustError::Signature { .. })));
    let elsewhere = text.replace(&id.to_string(), TREE);
    assert!(matches!(judge_tag(&commit, "v1", &tag(&key, &elsewhere), &realm), Err(TrustError::Object { .. })));
    let nested = text.replace("type commit", "type tag");
    assert!(matches!(judge_tag(&commit, "v1", &tag(&key, &nested), &realm), Err(TrustError::Object { .. })));
    // An unsigned annotated tag leaves it to the commit.
    let own = signed(&key);
    let id = Oid::hash_object(ObjectType::Commit, own.as_bytes()).expect("id");
    let light = format!("object {id}\ntype commit\ntag v1\ntagger A <a@b> 1700000000 +0000\n\n-----BEGIN NOTE-----\n");
    assert_eq!(judge_tag(&own, "v1", &light, &realm).expect("passes").tag, None);
}
