//! What must have been attested: provenance, verification summaries, bills of materials, scans.

use super::{Realm, objection, statement};
use crate::instance::{IDENTITY, Recipe};
use muster::trust::policy::{Objection, PolicyError};
use serde_json::{Value, json};

const V1: &str = "https://slsa.dev/provenance/v1";
const V02: &str = "https://slsa.dev/provenance/v0.2";
const VSA: &str = "https://slsa.dev/verification_summary/v1";
const SPDX: &str = "https://spdx.dev/Document";
const CYCLONE: &str = "https://cyclonedx.org/bom/v1.5";
const SCAN: &str = "https://in-toto.io/attestation/vulns/v0.1";
const VEX: &str = "https://openvex.dev/ns/v0.2.0";

fn provenance_rule() -> String {
    format!(
        r#"
rules:
  - applications: [shop]
    channels: [stable]
    attestations:
      provenance:
        signers: [ci]
        builders: {{"{IDENTITY}": 3, "https://low.test": 1}}
        level: 3
        build_types: [https://actions.github.io/buildtypes/workflow/v1]
        source: https://github.com/acme/shop
        refs: [refs/heads/main]
        parameters: {{workflow: "*", inputs.mode: release}}
"#
    )
}

fn built() -> Value {
    json!({
        "buildDefinition": {
            "buildType": "https://actions.github.io/buildtypes/workflow/v1",
            "externalParameters": {"workflow": {"ref": "refs/heads/main", "repository": "https://github.com/acme/shop"}},
            "resolvedDependencies": [
                {"uri": "git+https://github.com/acme/shop@refs/heads/main", "digest": {"gitCommit": "0123abc"}},
            ],
        },
        "runDetails": {"builder": {"id": IDENTITY}},
    })
}

/// Provenance with one thing altered: what the policy objects to.
fn provenance(alter: impl Fn(&mut Value)) -> Objection {
    let realm = Realm::new(&provenance_rule());
    realm.approve(&[realm.said(V1, built())]).expect("the benign twin");
    let mut predicate = built();
    alter(&mut predicate);
    objection(realm.approve(&[realm.said(V1, predicate)]))
}

#[test]
fn provenance_of_another_builder() {
    let objection = provenance(|said| said["runDetails"]["builder"]["id"] = "https://evil.test".into());
    assert!(matches!(objection, Objection::Builder(_)), "{objection}");
}

#[test]
fn provenance_of_a_lesser_builder() {
    let objection = provenance(|said| said["runDetails"]["builder"]["id"] = "https://low.test".into());
    assert!(matches!(objection, Objection::Level { have: 1, want: 3 }), "{objection}");
}

#[test]
fn provenance_of_another_kind_of_build() {
    let objection = provenance(|said| said["buildDefinition"]["buildType"] = "https://evil.test/build".into());
    assert!(matches!(objection, Objection::BuildType(_)), "{objection}");
}

fn source(uri: &str) -> Objection {
    provenance(|said| said["buildDefinition"]["resolvedDependencies"][0]["uri"] = uri.into())
}

#[test]
fn provenance_of_another_source() {
    let objection = source("git+https://github.com/evil/shop@refs/heads/main");
    assert!(matches!(objection, Objection::Source { .. }), "{objection}");
}

#[test]
fn provenance_of_a_look_alike_source() {
    let objection = source("git+https://github.com/acme/shop2@refs/heads/main");
    assert!(matches!(objection, Objection::Source { .. }), "{objection}");
}

#[test]
fn provenance_of_another_ref() {
    let objection = source("git+https://github.com/acme/shop@refs/heads/main2");
    assert!(matches!(objection, Objection::Ref(_)), "{objection}");
}

#[test]
fn provenance_of_no_source() {
    let objection = provenance(|said| said["buildDefinition"]["resolvedDependencies"] = json!([]));
    assert!(matches!(objection, Objection::Source { .. }), "{objection}");
}

// GHSA-r2xv-vpr2-42m9: fields that nobody looked at.
#[test]
fn provenance_with_a_parameter_that_nobody_knows() {
    let objection = provenance(|said| said["buildDefinition"]["externalParameters"]["inputs"] = json!({"debug": "1"}));
    assert_eq!(objection, Objection::UnknownParameter("inputs.debug".into()));
}

#[test]
fn provenance_with_a_parameter_of_another_value() {
    let objection =
        provenance(|said| said["buildDefinition"]["externalParameters"]["inputs"] = json!({"mode": "debug"}));
    assert!(matches!(objection, Objection::Parameter { .. }), "{objection}");
}

#[test]
fn provenance_of_another_commit_than_the_certificate_s() {
    let digest = json!({"gitCommit": "fedcba9"});
    let objection = provenance(|said| said["buildDefinition"]["resolvedDependencies"][0]["digest"] = digest.clone());
    assert!(matches!(objection, Objection::Certificate { field: "source commit", .. }), "{objection}");
}

#[test]
fn provenance_that_is_malformed() {
    let objection = provenance(|said| *said = json!({}));
    assert!(matches!(objection, Objection::Malformed(_)), "{objection}");
}

/// The same provenance by a certificate that claims something else.
fn certified(arc: u64, claim: Option<&str>) -> Objection {
    let realm = Realm::new(&provenance_rule());
    realm.approve(&[realm.said(V1, built())]).expect("the benign twin");
    let mut recipe = Recipe { statement: Some(statement(V1, built())), ..Recipe::default() };
    recipe.claims.retain(|(have, _)| *have != arc);
    recipe.claims.extend(claim.map(|claim| (arc, claim.to_owned())));
    objection(realm.approve(&[realm.scene.ours.bundle(&recipe)]))
}

#[test]
fn provenance_by_another_build_s_certificate() {
    let objection = certified(9, Some("https://github.com/acme/shop/.github/workflows/test.yml@refs/heads/main"));
    assert!(matches!(objection, Objection::Certificate { field: "builder", .. }), "{objection}");
}

#[test]
fn provenance_by_another_repository_s_certificate() {
    let objection = certified(12, Some("https://github.com/evil/shop"));
    assert!(matches!(objection, Objection::Certificate { field: "source repository", .. }), "{objection}");
}

#[test]
fn provenance_by_another_branch_s_certificate() {
    let objection = certified(14, Some("refs/heads/evil"));
    assert!(matches!(objection, Objection::Certificate { field: "source ref", .. }), "{objection}");
}

#[test]
fn provenance_by_a_certificate_that_claims_nothing() {
    let objection = certified(9, None);
    assert!(matches!(objection, Objection::Certificate { field: "builder", .. }), "{objection}");
}

#[test]
fn provenance_of_a_runner_of_their_own() {
    let objection = certified(11, Some("self-hosted"));
    assert!(matches!(objection, Objection::Runner(_)), "{objection}");
}

#[test]
fn provenance_of_a_runner_that_nobody_names() {
    let objection = certified(11, None);
    assert!(matches!(objection, Objection::Runner(_)), "{objection}");
}

fn missing(bundles: impl Fn(&Realm) -> Vec<Value>) {
    let realm = Realm::new(&provenance_rule());
    realm.approve(&[realm.said(V1, built())]).expect("the benign twin");
    let refusal = realm.approve(&bundles(&realm)).expect_err("refused");
    assert!(matches!(refusal, PolicyError::Missing { kind: "SLSA provenance", .. }), "{refusal:?}");
}

// The registry hides what is there.
#[test]
fn provenance_that_is_not_there() {
    missing(|_| Vec::new());
}

// CVE-2022-35929: any attestation met any type.
#[test]
fn another_attestation_in_its_place() {
    missing(|realm| vec![realm.said(SPDX, built())]);
}

#[test]
fn provenance_by_the_wrong_signer() {
    missing(|realm| vec![realm.warranted(V1, built())]);
}

#[test]
fn provenance_about_another_artifact() {
    missing(|realm| {
        let mut said = statement(V1, built());
        said["subject"][0]["digest"]["sha256"] = sigstore_crypto::sha256(b"another").to_hex().into();
        vec![realm.scene.ours.bundle(&Recipe { statement: Some(said), ..Recipe::default() })]
    });
}

fn old() -> Value {
    json!({
        "builder": {"id": IDENTITY}, "buildType": "https://actions.github.io/buildtypes/workflow/v1",
        "invocation": {
            "configSource": {"uri": "git+https://github.com/acme/shop@refs/heads/main", "digest": {"sha1": "0123abc"}},
            "parameters": {},
        },
    })
}

#[test]
fn old_provenance_where_nobody_asked_for_it() {
    let open = Realm::new(&provenance_rule().replace("        level: 3", "        slsa_v0_2: true\n        level: 3"));
    open.approve(&[open.said(V02, old())]).expect("the benign twin");
    missing(|realm| vec![realm.said(V02, old())]);
}

#[test]
fn old_provenance_of_another_source() {
    let open = Realm::new(&provenance_rule().replace("        level: 3", "        slsa_v0_2: true\n        level: 3"));
    open.approve(&[open.said(V02, old())]).expect("the benign twin");
    let mut said = old();
    said["invocation"]["configSource"]["uri"] = "git+https://github.com/evil/shop@refs/heads/main".into();
    let objection = objection(open.approve(&[open.said(V02, said)]));
    assert!(matches!(objection, Objection::Source { .. }), "{objection}");
}

#[test]
fn old_provenance_with_a_parameter_that_nobody_knows() {
    let open = Realm::new(&provenance_rule().replace("        level: 3", "        slsa_v0_2: true\n        level: 3"));
    open.approve(&[open.said(V02, old())]).expect("the benign twin");
    let mut said = old();
    said["invocation"]["parameters"]["debug"] = true.into();
    let objection = objection(open.approve(&[open.said(V02, said)]));
    assert!(matches!(objection, Objection::UnknownParameter(_)), "{objection}");
}

const SUMMARY: &str = r#"
rules:
  - applications: [shop]
    channels: [stable]
    attestations:
      vsa:
        signers: [ci]
        verifiers: [https://verifier.acme.test]
        resource: "acme:{application}/{channel}"
        levels: [SLSA_BUILD_LEVEL_2]
        max_age: 30d
"#;

fn ago(hours: i64) -> String {
    (jiff::Timestamp::now() - jiff::SignedDuration::from_hours(hours)).to_string()
}

fn summary(alter: impl Fn(&mut Value)) -> Objection {
    let realm = Realm::new(SUMMARY);
    let benign = json!({
        "verifier": {"id": "https://verifier.acme.test"}, "timeVerified": ago(1), "resourceUri": "acme:shop/stable",
        "policy": {"uri": "https://policy.test"}, "verificationResult": "PASSED", "verifiedLevels": ["SLSA_BUILD_LEVEL_3"],
    });
    realm.approve(&[realm.said(VSA, benign.clone())]).expect("the benign twin");
    let mut altered = benign;
    alter(&mut altered);
    objection(realm.approve(&[realm.said(VSA, altered)]))
}

#[test]
fn a_summary_by_another_verifier() {
    let objection = summary(|said| said["verifier"]["id"] = "https://evil.test".into());
    assert!(matches!(objection, Objection::Verifier(_)), "{objection}");
}

#[test]
fn a_summary_for_another_channel() {
    let objection = summary(|said| said["resourceUri"] = "acme:shop/canary".into());
    assert!(matches!(objection, Objection::Resource { .. }), "{objection}");
}

#[test]
fn a_summary_for_another_application() {
    let objection = summary(|said| said["resourceUri"] = "acme:billing/stable".into());
    assert!(matches!(objection, Objection::Resource { .. }), "{objection}");
}

#[test]
fn a_summary_of_what_failed() {
    let objection = summary(|said| said["verificationResult"] = "FAILED".into());
    assert!(matches!(objection, Objection::Failed(_)), "{objection}");
}

#[test]
fn a_summary_of_a_lower_level() {
    let objection = summary(|said| said["verifiedLevels"] = json!(["SLSA_BUILD_LEVEL_1", "SLSA_SOURCE_LEVEL_3"]));
    assert!(matches!(objection, Objection::NotVerified(_)), "{objection}");
}

#[test]
fn a_summary_that_is_too_old() {
    let objection = summary(|said| said["timeVerified"] = ago(24 * 31).into());
    assert!(matches!(objection, Objection::Stale { .. }), "{objection}");
}

#[test]
fn a_summary_of_the_future() {
    let objection = summary(|said| said["timeVerified"] = ago(-24).into());
    assert!(matches!(objection, Objection::Future(_)), "{objection}");
}

const MATERIALS: &str = r#"
rules:
  - applications: [shop]
    channels: [stable]
    attestations:
      sbom: {signers: [ci], formats: [spdx], licences: [MIT, "Apache-*"]}
"#;

fn materials(kind: &str, predicate: Value) -> Objection {
    let realm = Realm::new(MATERIALS);
    let benign = json!({"spdxVersion": "SPDX-2.3", "packages": [
        {"name": "a", "licenseConcluded": "MIT OR GPL-3.0-only"},
        {"name": "b", "licenseConcluded": "NOASSERTION", "licenseDeclared": "Apache-2.0"},
    ]});
    realm.approve(&[realm.said(SPDX, benign)]).expect("the benign twin");
    objection(realm.approve(&[realm.said(kind, predicate)]))
}

#[test]
fn materials_in_another_format() {
    let objection = materials(CYCLONE, json!({"bomFormat": "CycloneDX", "components": []}));
    assert!(matches!(objection, Objection::Format("CycloneDX")), "{objection}");
}

#[test]
fn materials_under_a_licence_that_is_not_accepted() {
    let packages = json!([{"name": "a", "licenseConcluded": "MIT AND AGPL-3.0-only"}]);
    let objection = materials(SPDX, json!({"spdxVersion": "SPDX-2.3", "packages": packages}));
    assert!(matches!(objection, Objection::Licence { .. }), "{objection}");
}

#[test]
fn materials_whose_licence_nobody_knows() {
    let packages = json!([{"name": "a", "licenseConcluded": "NOASSERTION", "licenseDeclared": "NOASSERTION"}]);
    let objection = materials(SPDX, json!({"spdxVersion": "SPDX-2.3", "packages": packages}));
    assert!(matches!(objection, Objection::Licence { .. }), "{objection}");
}

#[test]
fn materials_that_are_text() {
    let objection = materials(SPDX, json!({"Data": "SPDXVersion: SPDX-2.2"}));
    assert!(matches!(objection, Objection::Malformed(_)), "{objection}");
}

#[test]
fn materials_whose_licences_cannot_be_read() {
    let objection =
        materials(SPDX, json!({"@context": "https://spdx.org/rdf/3.0.1/spdx-context.jsonld", "@graph": []}));
    assert!(matches!(objection, Objection::Unsupported(_)), "{objection}");
}

const SCANNED: &str = r#"
rules:
  - applications: [shop]
    channels: [stable]
    attestations:
      vulnerabilities:
        signers: [ci]
        scanners: ["https://scanner.test/*"]
        max_age: 7d
        budget: {medium: 1, low: any}
        vex: [security]
"#;

fn scan(hours: i64, findings: Value) -> Value {
    json!({
        "scanner": {"uri": "https://scanner.test/1.2", "version": "1.2", "db": {"uri": "https://db.test", "lastUpdate": ago(hours)}, "result": findings},
        "metadata": {"scanStartedOn": ago(hours), "scanFinishedOn": ago(hours)},
    })
}

fn finding(id: &str, score: &str) -> Value {
    json!({"id": id, "severity": [{"method": "CVSSv3", "score": score}]})
}

fn scanned(predicate: Value) -> Objection {
    let realm = Realm::new(SCANNED);
    let benign = scan(1, json!([finding("CVE-1", "5.0"), finding("CVE-2", "2.0"), finding("CVE-3", "1.0")]));
    realm.approve(&[realm.said(SCAN, benign)]).expect("the benign twin");
    objection(realm.approve(&[realm.said(SCAN, predicate)]))
}

#[test]
fn a_scan_that_is_too_old() {
    let objection = scanned(scan(24 * 8, json!([])));
    assert!(matches!(objection, Objection::Stale { .. }), "{objection}");
}

#[test]
fn a_scan_of_the_future() {
    let objection = scanned(scan(-24, json!([])));
    assert!(matches!(objection, Objection::Future(_)), "{objection}");
}

#[test]
fn a_scan_by_another_scanner() {
    let mut said = scan(1, json!([]));
    said["scanner"]["uri"] = "https://evil.test/scanner.test/".into();
    let objection = scanned(said);
    assert!(matches!(objection, Objection::Scanner(_)), "{objection}");
}

#[test]
fn a_scan_beyond_the_budget() {
    let objection = scanned(scan(1, json!([finding("CVE-1", "5.0"), finding("CVE-2", "6.0")])));
    assert!(matches!(objection, Objection::Severity { have: 2, allowed: 1, .. }), "{objection}");
}

#[test]
fn a_scan_with_a_critical_finding() {
    let objection = scanned(scan(1, json!([finding("CVE-1", "9.8")])));
    assert!(matches!(objection, Objection::Severity { have: 1, allowed: 0, .. }), "{objection}");
}

#[test]
fn a_scan_that_does_not_say_how_bad() {
    let objection = scanned(scan(1, json!([{"id": "CVE-1"}])));
    assert!(matches!(objection, Objection::Severity { .. }), "{objection}");
}

#[test]
fn a_scan_whose_report_is_malformed() {
    let objection = scanned(scan(1, json!({"findings": 0})));
    assert!(matches!(objection, Objection::Malformed(_)), "{objection}");
}

#[test]
fn an_older_scan_that_says_less() {
    let realm = Realm::new(SCANNED);
    let clean = realm.said(SCAN, scan(48, json!([])));
    realm.approve(std::slice::from_ref(&clean)).expect("the benign twin");
    let objection = objection(realm.approve(&[clean, realm.said(SCAN, scan(1, json!([finding("CVE-1", "9.8")])))]));
    assert!(matches!(objection, Objection::Severity { .. }), "{objection}");
}

fn word(status: &str, justification: Value) -> Value {
    let mut statement = json!({"vulnerability": {"name": "CVE-1"}, "status": status});
    if !justification.is_null() {
        statement["justification"] = justification;
    }
    json!({"@context": VEX, "timestamp": ago(2), "statements": [statement]})
}

/// A critical finding that VEX excuses; with other bundles in its place it is not.
fn excused(bundles: impl Fn(&Realm) -> Vec<Value>) -> Objection {
    let realm = Realm::new(SCANNED);
    let scan = realm.said(SCAN, scan(1, json!([finding("CVE-1", "9.8")])));
    let benign = realm.warranted(VEX, word("not_affected", "vulnerable_code_not_present".into()));
    realm.approve(&[scan.clone(), benign]).expect("the benign twin");
    objection(realm.approve(&[vec![scan], bundles(&realm)].concat()))
}

#[test]
fn an_excuse_by_the_wrong_signer() {
    let objection = excused(|realm| vec![realm.said(VEX, word("not_affected", "component_not_present".into()))]);
    assert!(matches!(objection, Objection::Severity { .. }), "{objection}");
}

#[test]
fn an_excuse_without_a_reason() {
    let objection = excused(|realm| vec![realm.warranted(VEX, word("not_affected", Value::Null))]);
    assert!(matches!(objection, Objection::Severity { .. }), "{objection}");
}

#[test]
fn an_excuse_that_was_taken_back() {
    let objection = excused(|realm| {
        let mut later = word("affected", Value::Null);
        later["timestamp"] = ago(1).into();
        vec![realm.warranted(VEX, word("not_affected", "component_not_present".into())), realm.warranted(VEX, later)]
    });
    assert!(matches!(objection, Objection::Severity { .. }), "{objection}");
}

#[test]
fn an_excuse_for_another_product() {
    let objection = excused(|realm| {
        let mut other = word("not_affected", "component_not_present".into());
        other["statements"][0]["products"] = json!([{"@id": format!("pkg:oci/shop@sha256:{}", "0".repeat(64))}]);
        vec![realm.warranted(VEX, other)]
    });
    assert!(matches!(objection, Objection::Severity { .. }), "{objection}");
}

#[test]
fn an_excuse_for_another_finding() {
    let objection = excused(|realm| {
        let mut other = word("not_affected", "component_not_present".into());
        other["statements"][0]["vulnerability"]["name"] = "CVE-10".into();
        vec![realm.warranted(VEX, other)]
    });
    assert!(matches!(objection, Objection::Severity { .. }), "{objection}");
}
