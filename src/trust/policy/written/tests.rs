//! Policies that are read, and every way in which one is refused.

use super::*;
use crate::trust::policy::Severity;
use sigstore_crypto::KeyPair;

/// The sample: production is signed by a KMS key and by the release workflow, and its provenance names the source.
const SAMPLE: &str = r#"
signers:
  kms: {key: release, proof: none}
  ci:
    identity: {regex: 'https://github\.com/acme/shop/\.github/workflows/release\.yml@refs/(heads/main|tags/v.*)'}
    issuer: https://token.actions.githubusercontent.com
    claims: {runner_environment: github-hosted}
    trusted_root: public-good
    max_age: 90d
rules:
  - applications: [shop, "shop-*"]
    channels: [stable]
    signatures: {all: [kms, ci]}
    attestations:
      provenance:
        signers: [ci]
        builders: {"https://github.com/acme/shop/.github/workflows/release.yml@refs/heads/main": 3}
        level: 3
        build_types: [https://actions.github.io/buildtypes/workflow/v1]
        source: https://github.com/acme/shop
        refs: [refs/heads/main, "refs/tags/v*"]
        parameters: {workflow: "*"}
      vulnerabilities: {signers: [ci], scanners: ["pkg:github/*"], max_age: 7d, budget: {high: 2, low: any}}
  - applications: ["*"]
    channels: [canary]
    signatures: {threshold: 1, of: [kms, {all: [ci]}]}
"#;

fn keys() -> Vec<ReleaseKey> {
    let pem = KeyPair::generate_ecdsa_p256().and_then(|pair| pair.public_key_der()).expect("key").to_pem();
    vec![ReleaseKey::from_pem("release", &pem).expect("key")]
}

fn policy(text: &str) -> Result<Option<Policy>, String> {
    read("prod/policy.yaml", text).map_err(|error| error.to_string())?.policy(&keys(), &[]).map(|(policy, _)| policy)
}

#[test]
fn the_sample_is_read() {
    let policy = policy(SAMPLE).expect("reads").expect("rules");
    assert_eq!(policy.rules[0].signatures.as_ref().expect("there").to_string(), "kms and ci");
    assert_eq!(policy.rules[1].signatures.as_ref().expect("there").to_string(), "kms or (ci)");
    assert_eq!(policy.signers["ci"].max_age, Some(Duration::from_secs(90 * 86400)));
    let budget = &policy.rules[0].attestations.vulnerabilities.as_ref().expect("there").budget;
    assert_eq!((budget[&Severity::High], budget[&Severity::Low]), (Some(2), None));
    let rule = |application, channel| policy.rule(&super::super::Asked { application, channel }).map(|(at, _)| at);
    assert_eq!(rule("shop-api", "stable").expect("first"), 1);
    assert_eq!(rule("other", "canary").expect("second"), 2);
    assert!(rule("other", "stable").is_err(), "no rule, no belief");
}

#[test]
fn what_is_wrong_is_said() {
    let rule = "rules: [{applications: [a], channels: [b], signatures: {all: [kms]}}]";
    let kms = "signers: {kms: {key: release}}";
    for (text, why) in [
        ("allow_everything: true".to_owned(), "unknown field"),
        (format!("{kms}\n{rule}\nrules: []"), "duplicate"),
        ("signers: {kms: {key: release}, kms: {key: other}}".into(), "duplicate"),
        (format!("{kms}\nrules: [{{applications: [a], channels: [b]}}]"), "demands nothing"),
        (format!("signers: {{kms: {{key: absent}}}}\n{rule}"), "no `absent.pem`"),
        (format!("{kms}\nrules: [{{applications: [a], channels: [b], signatures: {{all: [nobody]}}}}]"), "no `nobody`"),
        (format!("{kms}\nrules: [{{applications: [a], channels: [b], signatures: {{all: []}}}}]"), "never be met"),
        (
            format!("{kms}\nrules: [{{applications: [a], channels: [b], signatures: {{threshold: 0, of: [kms]}}}}]"),
            "never be met",
        ),
        (
            format!("{kms}\nrules: [{{applications: [a], channels: [b], signatures: {{all: [kms], any: [kms]}}}}]"),
            "signatures are",
        ),
        (format!("{kms}\nrules: [{{applications: [a], channels: [b], signatures: {{all: [kms, kms]}}}}]"), "twice"),
        (format!("signers: {{kms: {{key: release}}, idle: {{key: release}}}}\n{rule}"), "by no rule"),
        (kms.to_owned(), "no rules"),
        (format!("signers: {{kms: {{key: release, identity: a, issuer: b}}}}\n{rule}"), "known by"),
        (format!("signers: {{kms: {{identity: a}}}}\n{rule}"), "known by"),
        (format!("signers: {{kms: {{identity: a, issuer: b, proof: none}}}}\n{rule}"), "proven time"),
        (format!("signers: {{kms: {{key: release, proof: none, max_age: 1d}}}}\n{rule}"), "proven time"),
        (format!("signers: {{kms: {{identity: {{regex: '('}}, issuer: b}}}}\n{rule}"), "no regular expression"),
        (format!("signers: {{kms: {{identity: '', issuer: b}}}}\n{rule}"), "matches nobody"),
        (format!("signers: {{kms: {{identity: a, issuer: b, claims: {{colour: red}}}}}}\n{rule}"), "claim `colour`"),
        (format!("signers: {{kms: {{key: release, claims: {{build_trigger: push}}}}}}\n{rule}"), "of certificates"),
        (format!("signers: {{kms: {{key: release, trusted_root: absent}}}}\n{rule}"), "no `absent.json`"),
        (format!("signers: {{kms: {{key: release, max_age: soon}}}}\n{rule}"), "no length of time"),
        (format!("signers: {{kms: {{key: release, max_age: -1d}}}}\n{rule}"), "no length of time"),
        (format!("signers: {{kms: {{key: release, logs: 0}}}}\n{rule}"), "`logs`"),
        (format!("releases: {{unlogged: [release]}}\n{kms}\n{rule}"), "without rules"),
        (
            SAMPLE.replace("{workflow: \"*\"}", "{workflow: \"*\", workflow.path: release.yml}"),
            "`workflow.path` is never looked at, because `workflow` covers it",
        ),
        (format!("signers: {{kms: {{identity: {{regexp: a}}, issuer: b}}}}\n{rule}"), "a text, or `{regex: PATTERN}`"),
        (format!("{kms}\nrules: [{{applications: [a], channels: [b], signatures: [kms]}}]"), "`{all: [...]}`"),
        (
            format!("{kms}\nrules: [{{applications: [a], channels: [b], signatures: {{all: [[kms]]}}}}]"),
            "a signer's name",
        ),
        (
            format!(
                "{kms}\nrules:\n- {{applications: [a, 'b*'], channels: ['*'], signatures: {{all: [kms]}}}}\n\
                 - {{applications: [bc], channels: [d, e], signatures: {{all: [kms]}}}}"
            ),
            "number 2: it never decides, because number 1",
        ),
    ] {
        let error = policy(&text).expect_err(&text);
        assert!(error.contains(why), "{text}: {error}");
    }
    let error = read("prod/policy.yaml", "signers:\n  kms: {kee: release}\n").expect_err("refused");
    let TrustError::Line { place, .. } = error else { panic!("{error}") };
    assert_eq!((place.file.as_str(), place.line), ("prod/policy.yaml", 2));
}
