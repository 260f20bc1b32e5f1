//! `muster verify` as people call it: verdicts, reasons, exit codes, and the chain.
#![expect(clippy::disallowed_methods, reason = "tests set the stage and run the program")]

use crate::instance::{Instance, Key, Log, Recipe};
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Command, Output};
use support::{Repository, Tree};
use tempfile::TempDir;

const POLICY: &str = r#"
signers:
  kms: {key: release, proof: none}
  ci:
    identity: https://github.com/acme/shop/.github/workflows/release.yml@refs/heads/main
    issuer: https://token.actions.githubusercontent.com
rules:
  - applications: [shop]
    channels: [stable]
    signatures: {all: [kms, ci]}
    attestations:
      sbom: {signers: [ci], formats: [spdx]}
"#;

/// A trust directory, a release with its bundles, and what signed it.
struct Stage {
    scratch: TempDir,
    instance: Instance,
    kms: Key,
    signer: support::Key,
}

impl Stage {
    fn new() -> Self {
        let scratch = tempfile::tempdir().expect("scratch");
        let signer = support::Key::generate("ops").expect("a key");
        let stage = Self { scratch, instance: Instance::new(), kms: Key::new(), signer };
        stage.write("trust.d/prod/keys/release.pem", &stage.kms.pem());
        stage.write("trust.d/prod/trusted_root.json", &stage.instance.document().to_string());
        stage.write("trust.d/prod/policy.yaml", POLICY);
        stage.write("trust.d/prod/allowed_signers", &stage.signer.allowed_signer("ops").expect("a line"));
        stage.write("shop", "the program");
        let artifact = json!({"path": "shop", "sha256": digest(b"the program"), "size": 11});
        let descriptor = json!({
            "schema": 1, "app": "shop", "version": "1.0", "release_id": "r1", "track": "stable",
            "artifacts": [{"os": "linux", "arch": "amd64", "binary": artifact}],
        });
        stage.write("release.json", &descriptor.to_string());
        let signed = |artifact: &[u8]| {
            let by = |key| Recipe {
                key,
                log: if key.is_some() { Log::None } else { Log::One },
                artifact: artifact.to_vec(),
                ..Recipe::default()
            };
            [by(Some(&stage.kms)), by(None)].map(|recipe| stage.instance.bundle(&recipe))
        };
        let lines = |bundles: &[Value]| bundles.iter().map(|bundle| format!("{bundle}\n")).collect::<String>();
        let [kms, ci] = signed(descriptor.to_string().as_bytes());
        stage.write("release.jsonl", &lines(&[kms.clone(), ci, stage.materials()]));
        stage.write("half.jsonl", &lines(&[kms, stage.materials()]));
        let [kms, ci] = signed(b"the program");
        stage.write("blob.jsonl", &lines(&[kms, ci, stage.materials()]));
        stage
    }

    fn materials(&self) -> Value {
        let statement = json!({
            "_type": "https://in-toto.io/Statement/v1", "predicateType": "https://spdx.dev/Document",
            "predicate": {"spdxVersion": "SPDX-2.3", "packages": []},
            "subject": [{"name": "shop", "digest": {"sha256": digest(b"the program")}}],
        });
        self.instance.bundle(&Recipe { statement: Some(statement), ..Recipe::default() })
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.scratch.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        std::fs::write(path, text).expect("a file");
    }

    fn run(&self, words: &str) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_muster"));
        command.current_dir(self.scratch.path()).arg("verify").args(words.split_whitespace());
        command.args(["--trust-dir", "trust.d"]).output().expect("it runs")
    }

    fn json(&self, words: &str) -> (i32, Value) {
        let output = self.run(&format!("{words} --json"));
        let document = serde_json::from_slice(&output.stdout);
        let document = document.unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
        (output.status.code().expect("an exit code"), document)
    }
}

fn digest(bytes: &[u8]) -> String {
    sigstore_crypto::sha256(bytes).to_hex()
}

#[test]
fn a_release_a_file_and_an_image() {
    let stage = Stage::new();
    let asked = "--application shop --channel stable";
    let (code, verdict) = stage.json(&format!("release release.json --artifact shop --bundle release.jsonl {asked}"));
    assert_eq!((code, &verdict["verdict"], &verdict["rule"]), (0, &json!("pass"), &json!(1)));
    assert_eq!(verdict["artifacts"], json!([digest(b"the program")]));
    assert_eq!(verdict["signatures"].as_array().expect("a list").len(), 2);
    assert_eq!(verdict["attestations"][0]["predicate_type"], "https://spdx.dev/Document");
    // A descriptor of one's own making, as settings say with `layout`.
    let own = stage.scratch.path().join("release.json");
    let own: Value = serde_json::from_slice(&std::fs::read(own).expect("a file")).expect("JSON");
    let moved = format!("release release.json --bundle release.jsonl {asked} --layout");
    let (code, verdict) = stage.json(&format!("{moved} release_id=/version --layout app=/app"));
    assert_eq!((code, &verdict["release_id"]), (0, &own["version"]));
    let refused = |words: &str, says: &str| {
        let output = stage.run(words);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(64) && text.contains(says), "{words}: {text}");
    };
    refused(&format!("{moved} application=/app"), "`application` is none of app, component");
    refused(&format!("{moved} app=app"), "no JSON pointer");
    refused(&format!("{moved} app"), "NAME=POINTER");
    stage.write("target.json", &json!({"schema": "muster.release/1", "application": "shop"}).to_string());
    refused(&format!("release target.json --bundle release.jsonl {asked}"), "muster verify tuf");
    let (code, verdict) = stage.json(&format!("release release.json --bundle half.jsonl {asked}"));
    assert_eq!((code, &verdict["verdict"]), (20, &json!("fail")));
    let reason = verdict["reasons"][0].as_str().expect("text");
    // Who is missing, and what to do about that.
    assert!(reason.contains("kms and ci; signed by kms; ci: no bundle is signed by a certificate"), "{verdict}");
    assert!(verdict["hint"].as_str().expect("text").contains("have the missing sign too"), "{verdict}");
    let (code, verdict) = stage.json("release release.json --bundle release.jsonl --application shop --channel canary");
    assert_eq!((code, &verdict["verdict"]), (20, &json!("fail")));
    let (code, _) = stage.json(&format!("blob shop --bundle blob.jsonl {asked}"));
    assert_eq!(code, 0);
    let (code, _) = stage.json(&format!("image sha256:{} --bundle blob.jsonl {asked}", digest(b"another")));
    assert_eq!(code, 20);
    // Of several files the one that is none is named, and what does not end is read no further.
    stage.write("cut.jsonl", "{\"mediaType\": \"");
    for (bad, says) in [("cut.jsonl", "EOF"), ("/dev/zero", "larger than")] {
        let (code, verdict) = stage.json(&format!("blob shop --bundle blob.jsonl --bundle {bad} {asked}"));
        let reason = verdict["reasons"][0].as_str().expect("text");
        assert!(code == 20 && reason.contains(bad) && reason.contains(says), "{verdict}");
    }
    let output = stage.run(&format!("image sha256:abc --bundle blob.jsonl {asked}"));
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(64) && text.contains("no SHA-256"), "{text}");
    stage.write("two.json", r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","layers":[],"config":{},"manifests":[]}"#);
    let (code, verdict) = stage.json(&format!("image two.json --bundle blob.jsonl {asked}"));
    assert!(code == 20 && verdict["reasons"][0].as_str().expect("text").contains("manifests"), "{verdict}");
}

#[test]
fn the_chain_is_told_from_the_trust_root_to_the_bytes() {
    let stage = Stage::new();
    let output = stage.run("blob shop --bundle blob.jsonl --application shop --channel stable --explain");
    let text = String::from_utf8(output.stdout).expect("text");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for part in [
        "pass  shop",
        "realm prod",
        "rule 1 of policy.yaml",
        "ci: certificate of https://github.com/acme/shop",
        "entry 1 of log",
        &format!("signature over sha256 {}", digest(b"the program")),
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
}

#[test]
fn a_repository_s_commit() {
    let stage = Stage::new();
    let repository = Repository::new().expect("a repository");
    let tree = Tree::default().file("site.yml", "[]\n");
    let path = |path: &Path| path.display().to_string();
    repository.commit(&tree, "signed", Some(&stage.signer)).expect("a commit");
    let (code, verdict) = stage.json(&format!("repo {} main", path(repository.path())));
    assert_eq!((code, &verdict["verdict"], &verdict["principal"]), (0, &json!("pass"), &json!("ops")));
    repository.commit(&tree, "unsigned", None).expect("a commit");
    let (code, verdict) = stage.json(&format!("repo {} main", path(repository.path())));
    assert_eq!((code, &verdict["verdict"]), (16, &json!("fail")));
}

#[test]
fn what_is_believed_is_shown_with_whom_the_rules_speak_of() {
    let stage = Stage::new();
    stage.write("trust.d/prod/trusted_roots/staging.json", &stage.instance.document().to_string());
    let arn = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    stage.write("trust.d/prod/policy.yaml", &format!("kms: {{\"{arn}\": release}}\n{POLICY}"));
    let run = |program: &Path, words: &[&str]| {
        let output = Command::new(program).current_dir(stage.scratch.path()).args(words).output().expect("it runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    };
    run(Path::new(env!("CARGO_BIN_EXE_muster")), &["trust", "embed", "trust.d", "-o", "own"]);
    let own = stage.scratch.path().join("own");
    let text = run(&own, &["trust", "show"]);
    for line in [
        "realm prod".to_owned(),
        format!("  kms          {arn} is key release"),
        "  rule signer  ci: identity `https://github.com/acme/shop/.github/workflows/release.yml@refs/heads/main`, issuer \
         `https://token.actions.githubusercontent.com`, proof log"
            .to_owned(),
        "  rule signer  kms: key release, proof none".to_owned(),
        "  rule         shop in stable: kms and ci".to_owned(),
        "  sigstore     trusted_root.json".to_owned(),
        "  sigstore     trusted_roots/staging.json".to_owned(),
    ] {
        assert!(text.lines().any(|have| have == line), "{line} is not in {text}");
    }
    let document: Value = serde_json::from_str(&run(&own, &["trust", "show", "--json"])).expect("JSON");
    let signers = &document["realms"][0]["rule_signers"];
    assert_eq!((&signers[0]["name"], &signers[1]["known_by"]["key"]), (&json!("ci"), &json!("release")), "{signers}");
}
