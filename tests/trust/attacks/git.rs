//! Commits and tags: unsigned, by others, re-encoded, backdated, withdrawn.

use muster::trust::{Candidate, Commit, Realm, Tag, TrustError, TrustRoot, Untrusted, verify_commit};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use support::Key;

pub const TREE: &str = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

/// The git id of an object's bytes.
fn id(kind: &str, bytes: &str) -> String {
    let object = format!("{kind} {}\0{bytes}", bytes.len());
    hex::encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, object.as_bytes()))
}

pub fn plain(message: &str) -> String {
    format!("tree {TREE}\nauthor A <a@test> 1700000000 +0000\ncommitter A <a@test> 1700000000 +0000\n\n{message}\n")
}

/// The commit with its signature as git puts it: a header before the empty line.
pub fn with_header(name: &str, plain: &str, armor: &str) -> String {
    let folded = armor.trim_end().replace('\n', "\n ");
    plain.replacen("\n\n", &format!("\n{name} {folded}\n\n"), 1)
}

pub fn signed(key: &Key, plain: &str) -> String {
    with_header("gpgsig", plain, &key.sign(plain.as_bytes()).expect("signed"))
}

#[expect(clippy::disallowed_methods, reason = "tests set the stage")]
pub fn trust(signers: &str, revoked: &str) -> Result<Realm, TrustError> {
    let scratch = tempfile::tempdir().expect("scratch");
    let realm = scratch.path().join("prod");
    std::fs::create_dir_all(&realm).expect("a directory");
    std::fs::write(realm.join("allowed_signers"), signers).expect("a file");
    std::fs::write(realm.join("revoked_keys"), revoked).expect("a file");
    Ok(TrustRoot::read(scratch.path())?.realm(None)?.clone())
}

pub fn realm(signers: &str) -> Realm {
    trust(signers, "").expect("a realm")
}

fn at(realm: &Realm, bytes: &str, tag: Option<Tag>, now: SystemTime) -> Result<Commit, TrustError> {
    let candidate = Candidate { id: id("commit", bytes), bytes: bytes.as_bytes().to_vec(), tag };
    verify_commit(Untrusted::new(candidate), realm, now).map(|commit| commit.get().clone())
}

pub fn judge(realm: &Realm, bytes: &str) -> Result<Commit, TrustError> {
    at(realm, bytes, None, SystemTime::now())
}

/// A signed commit that passes, and what is made of it.
fn altered(alter: impl Fn(&str) -> String) -> TrustError {
    let key = Key::generate("a").expect("a key");
    let realm = realm(&key.allowed_signer("ops").expect("a line"));
    let good = signed(&key, &plain("message"));
    judge(&realm, &good).expect("the benign twin");
    judge(&realm, &alter(&good)).expect_err("refused")
}

#[test]
fn a_signature_of_another_format() {
    let armor = "-----BEGIN PGP SIGNATURE-----\n\niQ==\n-----END PGP SIGNATURE-----\n";
    let refusal = altered(|_| with_header("gpgsig", &plain("message"), armor));
    // With the feature `openpgp` it is judged, and malformed.
    let wanted = match cfg!(feature = "openpgp") {
        true => matches!(refusal, TrustError::Signature { .. }),
        false => matches!(refusal, TrustError::Format { .. }),
    };
    assert!(wanted, "{refusal:?}");
}

#[test]
fn a_signature_over_another_commit() {
    let refusal = altered(|good| {
        let from = good.find("gpgsig").expect("there");
        let to = good.find("\n\n").expect("there");
        plain("another").replacen("\n\n", &format!("\n{}\n\n", &good[from..to]), 1)
    });
    assert!(matches!(refusal, TrustError::Tampered { .. }), "{refusal:?}");
}

#[test]
fn a_commit_under_another_id() {
    let key = Key::generate("a").expect("a key");
    let realm = realm(&key.allowed_signer("ops").expect("a line"));
    let good = signed(&key, &plain("message"));
    judge(&realm, &good).expect("the benign twin");
    let candidate = Candidate { id: id("commit", "other"), bytes: good.into_bytes(), tag: None };
    let refusal = verify_commit(Untrusted::new(candidate), &realm, SystemTime::now()).expect_err("refused");
    assert!(matches!(refusal, TrustError::Id { .. }), "{refusal:?}");
}

/// git judges validity at the committer's date, which whoever holds the expired key writes.
#[test]
fn a_backdated_commit_by_an_expired_key() {
    let key = Key::generate("a").expect("a key");
    let line = format!("ops valid-before=\"20240101Z\" {}\n", key.public_openssh().expect("a key"));
    let realm = realm(&line);
    let good = signed(&key, &plain("message"));
    let then = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    at(&realm, &good, None, then).expect("the benign twin");
    let refusal = judge(&realm, &good).expect_err("refused");
    assert!(matches!(refusal, TrustError::NotNow { .. }), "{refusal:?}");
}

#[test]
fn a_key_that_was_withdrawn_by_its_fingerprint() {
    let key = Key::generate("a").expect("a key");
    let line = key.allowed_signer("ops").expect("a line");
    let good = signed(&key, &plain("message"));
    let fingerprint = judge(&realm(&line), &good).expect("the benign twin").fingerprint;
    let withdrawn = trust(&line, &format!("# lost laptop\n{fingerprint}\n")).expect("a realm");
    let refusal = judge(&withdrawn, &good).expect_err("refused");
    assert!(matches!(refusal, TrustError::Revoked { .. }), "{refusal:?}");
}

#[test]
fn a_revocation_list_that_cannot_be_read() {
    let key = Key::generate("a").expect("a key");
    let line = key.allowed_signer("ops").expect("a line");
    trust(&line, "").expect("the benign twin");
    for list in ["SSHKRL\n\0", "SHA256:short", "not a key"] {
        let refusal = trust(&line, list).expect_err("refused");
        assert!(matches!(refusal, TrustError::Line { .. } | TrustError::File { .. }), "{refusal:?}");
    }
}

/// A signed tag of the commit, and what is made of it.
fn tag(alter: impl Fn(&str, &str) -> (String, String)) -> TrustError {
    let key = Key::generate("a").expect("a key");
    let realm = realm(&key.allowed_signer("ops").expect("a line"));
    let commit = plain("message");
    let text = format!(
        "object {}\ntype commit\ntag v1\ntagger A <a@test> 1700000000 +0000\n\nmessage\n",
        id("commit", &commit)
    );
    let signed = |text: &str| format!("{text}{}", key.sign(text.as_bytes()).expect("signed"));
    let named = |name: &str, bytes: &str| Some(Tag { name: name.into(), id: id("tag", bytes), bytes: bytes.into() });
    let good = signed(&text);
    at(&realm, &commit, named("v1", &good), SystemTime::now()).expect("the benign twin");
    let (name, unsigned) = alter("v1", &text);
    let bytes = if unsigned == text { good } else { signed(&unsigned) };
    at(&realm, &commit, named(&name, &bytes), SystemTime::now()).expect_err("refused")
}

#[test]
fn a_tag_served_under_another_name() {
    let refusal = tag(|_, text| ("v2".into(), text.to_owned()));
    assert!(matches!(refusal, TrustError::TagName { .. }), "{refusal:?}");
}

#[test]
fn a_tag_of_another_commit() {
    let other = id("commit", &plain("another"));
    let refusal = tag(|name, text| {
        let end = text.find('\n').expect("a line");
        (name.into(), format!("object {other}{}", &text[end..]))
    });
    assert!(matches!(refusal, TrustError::Object { .. }), "{refusal:?}");
}

#[test]
fn a_tag_of_something_else_than_a_commit() {
    let refusal = tag(|name, text| (name.into(), text.replace("type commit", "type tree")));
    assert!(matches!(refusal, TrustError::Object { .. }), "{refusal:?}");
}
