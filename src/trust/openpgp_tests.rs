//! What GnuPG made: certificates and signatures over one commit, each attack beside the twin that is believed.

use super::*;
use std::collections::BTreeMap;

macro_rules! made {
    ($name:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/trust/openpgp/", $name))
    };
}

fn realm(files: &[(&str, &str)]) -> Result<Realm, TrustError> {
    without(files, "")
}

/// A realm that has withdrawn some keys.
fn without(files: &[(&str, &str)], withdrawn: &str) -> Result<Realm, TrustError> {
    let files = files.iter().map(|(name, text)| (format!("openpgp/{name}.asc"), text.as_bytes().to_vec()));
    let withdrawn = ("revoked_keys".to_owned(), withdrawn.as_bytes().to_vec());
    Realm::parse("prod", &files.chain([withdrawn]).collect::<BTreeMap<_, _>>())
}

fn all() -> Realm {
    let files = [
        ("ops", made!("ops.asc")),
        ("root", made!("root.asc")),
        ("gone", made!("gone.asc")),
        ("weak", made!("weak.asc")),
    ];
    realm(&files).expect("a realm")
}

/// Judges a signature over the commit, two days after it was made.
fn judge(realm: &Realm, armor: &str) -> Result<(String, String), TrustError> {
    at(realm, made!("commit"), armor, "2026-01-04T00:00:00Z")
}

fn at(realm: &Realm, payload: &str, armor: &str, now: &str) -> Result<(String, String), TrustError> {
    let signed = Signed { payload: payload.into(), armor: armor.into() };
    verify("commit 1", &signed, realm, now.parse().expect("a time"))
}

#[test]
fn a_subkey_and_a_primary_key_sign() {
    assert_eq!(judge(&all(), made!("ops.sig")).expect("believed").0, "ops");
    let (name, fingerprint) = judge(&all(), made!("root.sig")).expect("believed");
    assert!(name == "root" && fingerprint.starts_with("OpenPGP key ") && fingerprint.len() == 52, "{fingerprint}");
}

#[test]
fn a_commit_that_was_altered() {
    let altered = made!("commit").replace("message", "massage");
    let refusal = at(&all(), &altered, made!("ops.sig"), "2026-01-04T00:00:00Z").expect_err("refused");
    assert!(matches!(refusal, TrustError::Tampered { .. }), "{refusal:?}");
}

#[test]
fn a_certificate_that_the_realm_has_not() {
    let refusal = judge(&all(), made!("other.sig")).expect_err("refused");
    assert!(matches!(refusal, TrustError::Signer { .. }), "{refusal:?}");
    judge(&realm(&[("other", made!("other.asc"))]).expect("a realm"), made!("other.sig")).expect("the benign twin");
}

#[test]
fn a_certificate_that_was_revoked() {
    judge(&all(), made!("gone.sig")).expect("the benign twin");
    let revoked = realm(&[("gone", made!("gone-revoked.asc"))]).expect("a realm");
    let refusal = judge(&revoked, made!("gone.sig")).expect_err("refused");
    assert!(matches!(&refusal, TrustError::NotNow { problem, .. } if problem == "is revoked"), "{refusal:?}");
}

#[test]
fn a_key_that_the_realm_has_withdrawn() {
    let (ops, root) = (("ops", made!("ops.asc")), ("root", made!("root.asc")));
    let (_, subkey) = judge(&all(), made!("ops.sig")).expect("the benign twin");
    let primary = all().openpgp.iter().find(|one| one.name == "ops").expect("ops").fingerprint();
    assert_ne!(primary, subkey, "ops signs with a subkey");
    for withdrawn in [primary, subkey] {
        let line = withdrawn.replace("OpenPGP key ", "openpgp:").to_lowercase();
        let realm = without(&[ops, root], &line).expect("a realm");
        let refusal = judge(&realm, made!("ops.sig")).expect_err("refused");
        assert!(
            matches!(&refusal, TrustError::Revoked { fingerprint, .. } if *fingerprint == withdrawn),
            "{refusal:?}"
        );
        judge(&realm, made!("root.sig")).expect("another key, which was not");
    }
}

#[test]
fn a_subkey_that_expired_whatever_the_signature_says() {
    at(&all(), made!("commit"), made!("ops.sig"), "2026-12-31T00:00:00Z").expect("the benign twin");
    for (now, says) in [("2027-01-02T00:00:00Z", "expired on"), ("2028-02-01T00:00:00Z", "expired on")] {
        let refusal = at(&all(), made!("commit"), made!("ops.sig"), now).expect_err("refused");
        assert!(matches!(&refusal, TrustError::NotNow { problem, .. } if problem.contains(says)), "{refusal:?}");
    }
}

#[test]
fn a_signature_before_and_after_its_time() {
    let refusal = at(&all(), made!("commit"), made!("root.sig"), "2026-01-01T12:00:00Z").expect_err("refused");
    assert!(matches!(&refusal, TrustError::NotNow { problem, .. } if problem.contains("not come")), "{refusal:?}");
    at(&all(), made!("commit"), made!("short.sig"), "2026-01-02T12:00:00Z").expect("the benign twin");
    let refusal = judge(&all(), made!("short.sig")).expect_err("refused");
    assert!(matches!(&refusal, TrustError::NotNow { problem, .. } if problem.contains("until")), "{refusal:?}");
}

#[test]
fn signatures_that_are_weak_or_of_another_kind() {
    for (armor, says) in [
        (made!("sha1.sig"), "digest is too weak"),
        (made!("weak.sig"), "1024 bits"),
        (made!("text.sig"), "binary data"),
    ] {
        let refusal = judge(&all(), armor).expect_err("refused");
        assert!(matches!(&refusal, TrustError::Signature { problem, .. } if problem.contains(says)), "{refusal:?}");
    }
}

#[test]
fn armor_with_more_in_it_than_one_signature() {
    let good = made!("ops.sig");
    for bad in [
        format!("{good}\nmore\n"),
        format!("{good}{good}"),
        good.replace("SIGNATURE", "MESSAGE"),
        good[..good.len() / 2].to_owned(),
    ] {
        let refusal = judge(&all(), &bad).expect_err("refused");
        assert!(matches!(refusal, TrustError::Signature { .. }), "{refusal:?}");
    }
}

#[test]
fn files_that_are_no_certificate() {
    for bad in ["", "x", made!("ops.sig"), &format!("{}{}", made!("ops.asc"), made!("root.asc"))] {
        let refusal = realm(&[("a", bad)]).expect_err("refused");
        assert!(matches!(refusal, TrustError::File { .. }), "{refusal:?}");
    }
}
