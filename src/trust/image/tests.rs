//! Statements about images that count, and every way in which one does not.

use super::*;
use crate::trust::image::{KeyFile, statement};
use crate::trust::{Realm, TrustRoot};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use base64::Engine;
use serde_json::{Value, json};

const POLICY: &str = r#"
signers:
  builder: {key: builder, proof: none}
  tester: {key: tester, proof: none}
images:
  - names: ["ubuntu2404-*"]
    channels: [latest, stable]
    validation: {signers: [builder], profiles: [ubuntu2404-cis-l2], max_age: 7d}
    run: {signers: [tester], max_age: 1d}
    vulnerabilities: {scanners: [trivy], max_age: 2d, budget: {high: 1, low: any}}
    patches: {max_age: 7d}
    copies: original
"#;

fn pem(label: &str, der: &[u8]) -> String {
    let body = base64::engine::general_purpose::STANDARD.encode(der);
    format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n")
}

fn key() -> KeyFile {
    let der = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).and_then(|pair| pair.to_pkcs8v1()).expect("key");
    KeyFile::read("k", pem("PRIVATE KEY", der.as_ref()).as_bytes()).expect("reads")
}

#[expect(clippy::disallowed_methods, reason = "tests set the stage")]
fn realm(policy: &str, keys: &[(&str, &KeyFile)]) -> Result<Realm, String> {
    let scratch = tempfile::tempdir().expect("scratch");
    std::fs::create_dir_all(scratch.path().join("prod/keys")).expect("directory");
    std::fs::write(scratch.path().join("prod/policy.yaml"), policy).expect("file");
    for (name, key) in keys {
        let text = pem("PUBLIC KEY", &key.public().expect("public"));
        std::fs::write(scratch.path().join(format!("prod/keys/{name}.pem")), text).expect("file");
    }
    TrustRoot::read(scratch.path()).map(|root| root.realms[0].clone()).map_err(|error| error.to_string())
}

fn image() -> ImageName {
    ImageName { region: "eu-west-1".into(), ami: "ami-0123456789abcdef0".into() }
}

fn run(image: &ImageName, attested: Timestamp) -> RunReport {
    RunReport { image: image.clone(), instance: "i-0123456789abcdef0".into(), attested, run: json!({"state": "done"}) }
}

fn signed(about: &ImageName, predicate: &RunReport, key: &KeyFile) -> Untrusted<Vec<u8>> {
    let unsigned = statement(about, &[], RunReport::TYPE, predicate);
    let line = unsigned.signed(&key.sign(&unsigned.message()).expect("signs"), &key.public().expect("public"));
    Untrusted::new(line.expect("a bundle").into_bytes())
}

#[test]
fn the_newest_statement_by_the_rule_s_signer_about_this_image_counts() {
    let (builder, tester) = (key(), key());
    let realm = realm(POLICY, &[("builder", &builder), ("tester", &tester)]).expect("a realm");
    assert!(realm.releases.policy.is_none(), "a rule about images is none about releases");
    let (number, rule) = realm.releases.images.rule("ubuntu2404-amd64", "stable").expect("a rule");
    assert_eq!((number, rule.copies), (1, true));
    let error = realm.releases.images.rule("rhel9-amd64", "stable").expect_err("no rule");
    assert_eq!(error.rule, "image/rule");
    let now = Timestamp::now();
    let hours = |count: i64| now - jiff::SignedDuration::from_hours(count);
    let other = ImageName { ami: "ami-0fedcba9876543210".into(), ..image() };
    let ask = |bundles: &[Untrusted<Vec<u8>>]| judge::<RunReport>(&image(), bundles, &realm.releases, rule, now);
    let said = ask(&[
        signed(&image(), &run(&image(), hours(3)), &tester),
        signed(&image(), &run(&image(), hours(2)), &tester),
        signed(&other, &run(&other, hours(1)), &tester),
    ]);
    let said = said.expect("believed").expect("demanded").into_inner();
    assert_eq!((said.predicate.attested, said.evidence.signer.as_str()), (hours(2), "tester"));
    for (bundles, why) in [
        (vec![], "there is none about it"),
        (vec![signed(&image(), &run(&image(), hours(1)), &builder)], "signed by tester"),
        (vec![signed(&other, &run(&other, hours(1)), &tester)], "there is none about it"),
        (vec![signed(&other, &run(&image(), hours(1)), &tester)], "there is none about it"),
        (vec![signed(&image(), &run(&other, hours(1)), &tester)], "is about ami-0fedcba9876543210 in eu-west-1 inside"),
        (vec![signed(&image(), &run(&image(), hours(25)), &tester)], "ago"),
        (vec![signed(&image(), &run(&image(), hours(-2)), &tester)], "later than this host's clock"),
    ] {
        let error = ask(&bundles).expect_err(why);
        assert!(error.rule == "image/run" && error.to_string().contains(why), "{why}: {error}");
    }
}

#[test]
fn a_scan_is_about_the_image_recent_and_within_the_budget() {
    let (builder, tester) = (key(), key());
    let realm = realm(POLICY, &[("builder", &builder), ("tester", &tester)]).expect("a realm");
    let (_, rule) = realm.releases.images.rule("ubuntu2404-amd64", "latest").expect("a rule");
    let now: Timestamp = "2026-06-03T00:00:00Z".parse().expect("a time");
    let facts = ImageFacts {
        region: "eu-west-1".into(),
        ami: image().ami,
        snapshots: vec!["snap-0123456789abcdef0".into()],
        source: "ami-01234567".into(),
        original: None,
    };
    let trivy = |name: &str, at: &str, severities: &[&str]| {
        let found = severities.iter().enumerate();
        let found = found.map(|(at, one)| json!({"VulnerabilityID": format!("CVE-{at}"), "Severity": one}));
        let results = json!([{"Vulnerabilities": found.collect::<Vec<Value>>()}]);
        json!({"SchemaVersion": 2, "CreatedAt": at, "ArtifactName": name, "ArtifactType": "vm", "Results": results})
    };
    let ask = |report: &Value| judge_scans(&facts, &[Untrusted::new(report.to_string().into_bytes())], rule, now);
    let (own, day) = ("ami:ami-0123456789abcdef0", "2026-06-02T12:00:00.123+02:00");
    let told = ask(&trivy(own, day, &["HIGH", "LOW", "LOW"])).expect("within");
    assert_eq!(told.as_deref(), Some("3 findings of trivy, within the budget"));
    assert!(judge_scans(&facts, &[], rule, now).expect_err("none").to_string().contains("there must be"));
    ask(&trivy("ebs:snap-0123456789abcdef0", day, &[])).expect("by its snapshot");
    let grype = json!({"matches": [], "source": {"type": "directory", "target": format!("/mnt/{}", facts.ami)},
                       "descriptor": {"name": "grype", "timestamp": day}});
    for (report, why) in [
        (trivy("ami:ami-0123456789abcdef01", day, &[]), "no report names the image"),
        (trivy("ubuntu:24.04", day, &[]), "no report names the image"),
        (trivy(own, day, &["HIGH", "HIGH"]), "2 vulnerabilities of severity high"),
        (trivy(own, day, &["CRITICAL"]), "severity critical"),
        (trivy(own, "2026-05-01T00:00:00Z", &[]), "ago"),
        (trivy(own, "yesterday", &[]), "no time"),
        (grype, "scanner `grype`"),
        (json!({"runs": []}), "not supported"),
    ] {
        let error = ask(&report).expect_err(why);
        assert!(error.rule == "image/vulnerabilities" && error.to_string().contains(why), "{why}: {error}");
    }
}

#[test]
fn a_policy_that_speaks_of_nobody_or_accepts_nothing_is_refused() {
    let builder = key();
    for (from, to, why) in [
        ("signers: [tester], max_age: 1d", "signers: [nobody], max_age: 1d", "has no `nobody`"),
        ("profiles: [ubuntu2404-cis-l2]", "profiles: []", "validation.profiles"),
        ("copies: original", "copies: some", "copies"),
        ("patches: {max_age: 7d}", "patches: {max_age: 7d, baseline: x}", "baseline"),
        ("    run: {signers: [tester], max_age: 1d}\n", "", "`tester` is named by no rule"),
    ] {
        let text = POLICY.replace(from, to);
        assert_ne!(text, POLICY, "{from}");
        let error = realm(&text, &[("builder", &builder), ("tester", &key())]).expect_err(why);
        assert!(error.contains(why), "{why}: {error}");
    }
}
