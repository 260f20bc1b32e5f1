//! What lies behind a signature: metadata, descriptors and attestations that are altered and then signed by who may. A holder
//! of keys may say anything; it must be taken or refused, and never break what reads it.
#![expect(clippy::disallowed_methods, reason = "a trust directory is read from one")]

use crate::descriptor::{PATH, benign, order};
use crate::instance::{IDENTITY, Instance, Key, Log, Recipe};
use crate::repository::Repository;
use crate::target::{Target, Verdict, fetched, told};
use muster::release::{Asking, Descriptor, Layout, judge};
use muster::trust::policy::Asked;
use muster::trust::sigstore::Subject;
use muster::trust::{TrustRoot, Untrusted, approve};
use serde_json::{Value, json};

/// Every one.
pub fn all() -> Vec<Target> {
    let mut targets: Vec<Target> =
        ["root", "timestamp", "snapshot", "targets", "shop"].into_iter().map(signed_metadata).collect();
    targets.extend([tuf_descriptors(), bundled_descriptors()]);
    targets.extend(attestations());
    targets
}

fn outline(bytes: &[u8]) -> Option<Value> {
    let value: Value = serde_json::from_slice(bytes).ok()?;
    // What has no canonical form (a fraction) cannot be signed.
    sigstore_tuf::canonical_json::to_canonical_bytes(&value).ok().map(|_| value)
}

/// A role's metadata, signed by its holders whatever it says.
fn signed_metadata(role: &'static str) -> Target {
    let repository = Repository::new();
    let (name, seed) = match role {
        "root" => ("2.root.json", {
            let mut root = repository.root.clone();
            root["version"] = json!(2);
            root
        }),
        "timestamp" => ("timestamp.json", repository.timestamp.clone()),
        "snapshot" => ("1.snapshot.json", repository.snapshot.clone()),
        "targets" => ("1.targets.json", repository.roles["targets"].clone()),
        _ => ("1.shop.json", repository.roles["shop"].clone()),
    };
    let seeds = vec![seed.to_string().into_bytes()];
    Target::new(role, seeds, move |bytes| {
        let Some(signed) = outline(bytes) else { return Verdict::Refused };
        repository.put(name, repository.signed(role, &signed));
        told(&fetched(&repository))
    })
}

/// A descriptor that is a target.
fn tuf_descriptors() -> Target {
    let mut repository = Repository::new();
    let order = order();
    Target::new("TUF descriptor", vec![benign().to_string().into_bytes()], move |bytes| {
        repository.server.alter(|served| served.targets.clear());
        repository.add("shop", PATH, bytes);
        repository.publish();
        fetched(&repository).map_or(Verdict::Refused, |document| told(&Descriptor::of_target(&document, &order, PATH)))
    })
}

/// A realm on disk that believes one key, with this policy.
fn realm(key: &Key, policy: &str) -> TrustRoot {
    let scratch = tempfile::tempdir().unwrap();
    let realm = scratch.path().join("prod");
    std::fs::create_dir_all(realm.join("keys")).unwrap();
    std::fs::write(realm.join("keys/kms.pem"), key.pem()).unwrap();
    std::fs::write(realm.join("policy.yaml"), policy).unwrap();
    TrustRoot::read(scratch.path()).unwrap_or_else(|error| panic!("{error}"))
}

/// A descriptor beside its bundle.
fn bundled_descriptors() -> Target {
    let (ours, key) = (Instance::new(), Key::new());
    let root = realm(&key, "releases: {unlogged: [kms]}\n");
    let seed = json!({
        "app": "shop", "component": "api", "version": "1.4.2", "release_id": "r42", "track": "stable",
        "artifacts": [{"os": "linux", "arch": "amd64", "binary": {"path": "shop", "sha256": "ab".repeat(32), "size": 7}}],
    });
    Target::new("descriptor", vec![seed.to_string().into_bytes()], move |bytes| {
        let recipe = Recipe { key: Some(&key), log: Log::None, artifact: bytes.to_vec(), ..Recipe::default() };
        let bundles = [Untrusted::new(ours.bundle(&recipe).to_string().into_bytes())];
        let asking = Asking {
            descriptor: Untrusted::new(bytes.to_vec()),
            bundles: &bundles,
            artifact: None,
            layout: &Layout::default(),
            asked: Asked { application: "shop", channel: "stable" },
            now: jiff::Timestamp::now(),
        };
        told(&judge(asking, &root.realms[0].releases))
    })
}

const POLICY: &str = r#"
signers: {kms: {key: kms, proof: none}}
rules:
  - applications: [shop]
    channels: [provenance]
    attestations:
      provenance:
        {signers: [kms], builders: {B: 3}, level: 3, build_types: [t], source: "https://github.com/acme/shop",
         refs: [refs/heads/main], parameters: {workflow: "*"}, slsa_v0_2: true}
  - applications: [shop]
    channels: [vsa]
    attestations:
      vsa: {signers: [kms], verifiers: [v], resource: "acme:{application}", levels: [SLSA_BUILD_LEVEL_2], max_age: 30d}
  - applications: [shop]
    channels: [sbom]
    attestations:
      sbom: {signers: [kms], formats: [spdx, cyclonedx], licences: [MIT, "Apache-*"]}
  - applications: [shop]
    channels: [scan]
    attestations:
      vulnerabilities: {signers: [kms], scanners: ["s*"], max_age: 90d, budget: {medium: 1, low: any}, vex: [kms]}
"#;

/// What is attested, by its kind.
fn attestations() -> Vec<Target> {
    let time = jiff::Timestamp::now().to_string();
    let scan =
        |result: Value| json!({"scanner": {"uri": "s1", "result": result}, "metadata": {"scanFinishedOn": time}});
    let source = "git+https://github.com/acme/shop@refs/heads/main";
    let cosign = "https://cosign.sigstore.dev/attestation/vuln/v1";
    let kinds = [
        (
            "provenance",
            vec![
                (
                    "https://slsa.dev/provenance/v1",
                    json!({
                        "buildDefinition": {"buildType": "t", "externalParameters": {"workflow": {"ref": "main", "inputs": [1]}},
                            "resolvedDependencies": [{"uri": source, "digest": {"gitCommit": "0123abc"}}]},
                        "runDetails": {"builder": {"id": IDENTITY}},
                    }),
                ),
                (
                    "https://slsa.dev/provenance/v0.2",
                    json!({
                        "builder": {"id": IDENTITY}, "buildType": "t", "invocation": {
                            "configSource": {"uri": source, "digest": {"sha1": "0123abc"}}, "parameters": {"workflow": "x"}},
                    }),
                ),
            ],
        ),
        (
            "vsa",
            vec![(
                "https://slsa.dev/verification_summary/v1",
                json!({
                    "verifier": {"id": "v"}, "timeVerified": time, "resourceUri": "acme:shop", "verificationResult": "PASSED",
                    "verifiedLevels": ["SLSA_BUILD_LEVEL_3"],
                }),
            )],
        ),
        (
            "sbom",
            vec![
                (
                    "https://spdx.dev/Document",
                    json!({"spdxVersion": "SPDX-2.3", "packages": [
                {"name": "a", "licenseConcluded": "(MIT OR GPL-3.0-only WITH x) AND Apache-2.0"}, {"name": "b", "licenseDeclared": "MIT"}]}),
                ),
                (
                    "https://cyclonedx.org/bom/v1.5",
                    json!({"bomFormat": "CycloneDX", "components": [
                {"name": "a", "licenses": [{"license": {"id": "MIT"}}], "components": [{"name": "b", "licenses": [{"expression": "MIT"}]}]}]}),
                ),
            ],
        ),
        (
            "scan",
            vec![
                (
                    "https://in-toto.io/attestation/vulns/v0.1",
                    scan(json!([{"id": "CVE-1", "severity": [{"method": "nvd", "score": "5.0"}]}])),
                ),
                (
                    cosign,
                    scan(json!({"Results": [{"Vulnerabilities": [{"VulnerabilityID": "CVE-1", "Severity": "LOW"}]}]})),
                ),
                (cosign, scan(json!({"matches": [{"vulnerability": {"id": "CVE-1", "severity": "Medium"}}]}))),
                (
                    "https://openvex.dev/ns/v0.2.0",
                    json!({"timestamp": time, "statements": [
                {"vulnerability": {"name": "CVE-1", "aliases": ["G"]}, "status": "not_affected", "justification": "x", "products": [{"@id": "p"}]}]}),
                ),
            ],
        ),
    ];
    kinds.into_iter().map(|(channel, seeds)| attestation(channel, seeds)).collect()
}

fn attestation(channel: &'static str, seeds: Vec<(&str, Value)>) -> Target {
    let (ours, key) = (Instance::new(), Key::new());
    let root = realm(&key, &POLICY.replace("builders: {B", &format!("builders: {{\"{IDENTITY}\"")));
    let statement = |(kind, predicate): &(&str, Value)| {
        json!({
            "_type": "https://in-toto.io/Statement/v1", "predicateType": kind, "predicate": predicate,
            "subject": [{"name": "release", "digest": {"sha256": sigstore_crypto::sha256(b"release").to_hex()}}],
        })
    };
    let statements: Vec<Value> = seeds.iter().map(statement).collect();
    let by = move |said: Value| {
        let recipe = Recipe { key: Some(&key), log: Log::None, statement: Some(said), ..Recipe::default() };
        Untrusted::new(ours.bundle(&recipe).to_string().into_bytes())
    };
    let seeds = statements.iter().map(|one| one.to_string().into_bytes()).collect();
    // An altered excuse has a scan beside it that it may excuse.
    let beside = (channel == "scan").then(|| statements[0].clone());
    Target::new(channel, seeds, move |bytes| {
        let Ok(said) = serde_json::from_slice::<Value>(bytes) else { return Verdict::Refused };
        let excuses = said["predicateType"].as_str().is_some_and(|kind| kind.contains("openvex"));
        let mut bundles = vec![by(said)];
        bundles.extend(beside.iter().filter(|_| excuses).map(|scan| by(scan.clone())));
        let subject = Subject::bytes(Untrusted::new(b"release".to_vec()));
        let asked = Asked { application: "shop", channel };
        told(&approve(subject, &bundles, &root.realms[0].releases, &asked, jiff::Timestamp::now()))
    })
}
