//! `muster cosign` as roles call cosign: flags, exit codes, and what is refused.
#![expect(clippy::disallowed_methods, reason = "tests set the stage and run the program")]

use crate::instance::{IDENTITY, ISSUER, Instance, Key, Log, Recipe, base64};
use serde_json::{Value, json};
use std::os::unix::fs::symlink;
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

const ARN: &str = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab";

struct Stage {
    scratch: TempDir,
    instance: Instance,
    kms: Key,
}

impl Stage {
    fn new() -> Self {
        let stage = Self { scratch: tempfile::tempdir().expect("scratch"), instance: Instance::new(), kms: Key::new() };
        stage.write("trust.d/prod/keys/release.pem", &stage.kms.pem());
        stage.write("trust.d/prod/policy.yaml", &format!("kms: {{\"{ARN}\": release}}\n"));
        stage.write("root.json", &stage.instance.document().to_string());
        stage.write("key.pem", &stage.kms.pem());
        stage.write("shop", "release");
        stage.write("other", "another");
        for (name, key, log) in
            [("ci", None, Log::One), ("kms", Some(&stage.kms), Log::One), ("bare", Some(&stage.kms), Log::None)]
        {
            stage.bundle(name, &Recipe { key, log, ..Recipe::default() });
        }
        let statement = json!({
            "_type": "https://in-toto.io/Statement/v0.1", "predicateType": "https://spdx.dev/Document",
            "predicate": {"spdxVersion": "SPDX-2.3"},
            "subject": [{"name": "shop", "digest": {"sha256": sigstore_crypto::sha256(b"release").to_hex()}}],
        });
        stage.bundle("spdx", &Recipe { statement: Some(statement), ..Recipe::default() });
        stage
    }

    fn bundle(&self, name: &str, recipe: &Recipe<'_>) {
        let bundle: Value = self.instance.bundle(recipe);
        self.write(&format!("{name}.json"), &bundle.to_string());
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.scratch.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        std::fs::write(path, text).expect("a file");
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.scratch.path()).stdin(Stdio::null());
        command
    }

    /// Runs `cosign WORDS` by the private instance, and gives the exit code and what it said.
    fn run(&self, words: &[&str]) -> (i32, String) {
        let mut command = self.command(env!("CARGO_BIN_EXE_muster"));
        told(command.arg("cosign").args(words).args(["--trusted-root", "root.json"]).output().expect("it runs"))
    }

    fn verified(&self, words: &[&str]) {
        assert_eq!(self.run(words), (0, "Verified OK\n".into()), "{words:?}");
    }

    fn refused(&self, words: &[&str], says: &str) {
        let (code, text) = self.run(words);
        assert!(code == 1 && text.contains(says), "{words:?}: {code}: {text}");
    }
}

fn told(output: Output) -> (i32, String) {
    (output.status.code().expect("an exit code"), String::from_utf8(output.stderr).expect("text"))
}

#[test]
fn a_file_is_verified_by_an_identity_exact_or_within() {
    let stage = Stage::new();
    let exact = ["verify-blob", "shop", "--bundle", "ci.json", "--certificate-identity", IDENTITY];
    let issuer = ["--certificate-oidc-issuer", ISSUER];
    stage.verified(&[&exact[..], &issuer].concat());
    let regexp =
        ["--certificate-identity-regexp", "^https://github.com/acme/", "--certificate-oidc-issuer-regexp", "github"];
    stage.verified(&[&["verify-blob", "--bundle=ci.json"], &regexp[..], &["--timeout", "30s", "shop"]].concat());
    let claims = [
        "--certificate-github-workflow-repository=acme/shop",
        "--certificate-github-workflow-ref=refs/heads/main",
        "--certificate-github-workflow-name=Release",
        "--certificate-github-workflow-trigger=push",
        "--certificate-github-workflow-sha=0123abc",
    ];
    stage.verified(&[&exact[..], &issuer, &claims].concat());
    for (altered, says) in [
        (["--certificate-github-workflow-ref", "refs/heads/evil"], "github_workflow_ref"),
        (["--certificate-github-workflow-repository", "acme/shop2"], "github_workflow_repository"),
    ] {
        stage.refused(&[&exact[..], &issuer, &altered].concat(), says);
    }
    stage.refused(&[&exact[..], &["--certificate-oidc-issuer", "https://accounts.evil.test"]].concat(), "issuer");
    stage.refused(&[&["verify-blob", "other"], &exact[2..], &issuer].concat(), "");
    stage.refused(&exact, "--certificate-oidc-issuer");
    stage.refused(&["verify-blob", "shop", "--bundle", "ci.json"], "must be there");
    stage.refused(&["verify-blob", "shop", "--bundle", "spdx.json", "--key", "key.pem"], "use verify-blob-attestation");
}

#[test]
fn a_file_is_verified_by_a_key_and_kms_is_never_called() {
    let stage = Stage::new();
    let blob = ["verify-blob", "shop", "--bundle"];
    stage.verified(&[&blob[..], &["kms.json", "--key", "key.pem"]].concat());
    let kms = format!("awskms:///{ARN}");
    stage.verified(&[&blob[..], &["kms.json", "--key", &kms, "--trust-dir", "trust.d"]].concat());
    stage.refused(&[&blob[..], &["bare.json", "--key", "key.pem"]].concat(), "transparency log entry");
    stage.verified(&[&blob[..], &["bare.json", "--key", "key.pem", "--insecure-ignore-tlog"]].concat());
    stage.verified(&[&blob[..], &["bare.json", "--key", "key.pem", "--private-infrastructure=true"]].concat());
    stage.refused(&[&blob[..], &["bare.json", "--key", "key.pem", "--insecure-ignore-tlog=false"]].concat(), "log");
    let stamped = ["kms.json", "--key", "key.pem", "--use-signed-timestamps"];
    stage.refused(&[&blob[..], &stamped].concat(), "RFC 3161");
    // `env://VARIABLE`, as pipelines hand keys over.
    let by_variable = |value: &str| {
        let mut command = stage.command(env!("CARGO_BIN_EXE_muster"));
        command.args(["cosign", "verify-blob", "shop", "--bundle", "kms.json", "--key", "env://RELEASE_KEY"]);
        told(command.args(["--trusted-root", "root.json"]).env("RELEASE_KEY", value).output().expect("it runs"))
    };
    assert_eq!(by_variable(&stage.kms.pem()), (0, "Verified OK\n".into()));
    assert_eq!(by_variable(&Key::new().pem()).0, 1);
    stage
        .refused(&[&blob[..], &["kms.json", "--key", "env://MUSTER_NO_SUCH_KEY"]].concat(), "env://MUSTER_NO_SUCH_KEY");
    let unknown = kms.replace("1234abcd", "9999abcd");
    stage.refused(&[&blob[..], &["kms.json", "--key", &unknown, "--trust-dir", "trust.d"]].concat(), "knows no key");
    for key in ["gcpkms://projects/p", "https://keys.test/k.pem", "awskms://localhost:4566/alias/x"] {
        stage.refused(&[&blob[..], &["kms.json", "--key", key]].concat(), "--key");
    }
    stage.write("key.pem", &Key::new().pem());
    stage.refused(&[&blob[..], &["kms.json", "--key", "key.pem"]].concat(), "");
}

/// As cosign 2 writes them: `sign-blob --output-signature` and `attest-blob --output-signature`.
#[test]
fn a_signature_beside_the_file_needs_a_key_that_needs_no_log() {
    let stage = Stage::new();
    let signature = stage.kms.sign(b"release");
    stage.write("shop.sig", &format!("{}\n", base64(&signature)));
    std::fs::write(stage.scratch.path().join("raw.sig"), &signature).expect("a file");
    let run = |words: &[&'static str]| [&["verify-blob", "--key", "key.pem"], words].concat();
    for written in ["shop.sig", "raw.sig", base64(&signature).leak()] {
        stage.verified(&run(&["--signature", written, "--insecure-ignore-tlog=true", "shop"]));
        stage.verified(&run(&["--signature", written, "--private-infrastructure", "shop"]));
        stage.refused(&run(&["--signature", written, "--insecure-ignore-tlog", "other"]), "signature");
        stage.refused(&run(&["--signature", written, "shop"]), "nobody is asked");
    }
    stage.refused(&run(&["--signature", "absent.sig", "--insecure-ignore-tlog", "shop"]), "neither a file nor base64");
    stage.refused(&run(&["shop"]), "--bundle, or --signature");
    // A realm whose policy lets the key do without a log says so once, in place of a flag.
    let policy = "signers:\n  kms: {key: release, proof: none}\nrules:\n  - {applications: ['*'], channels: ['*'], signatures: {all: [kms]}}\n";
    stage.refused(&run(&["--signature", "shop.sig", "--trust-dir", "trust.d", "shop"]), "nobody is asked");
    for policy in [policy, "releases: {unlogged: [release]}\n"] {
        stage.write("trust.d/prod/policy.yaml", policy);
        stage.verified(&run(&["--signature", "shop.sig", "--trust-dir", "trust.d", "shop"]));
    }
    let withdrawn = format!("sha256:{}\n", hex::encode(stage.kms.id()));
    stage.write("trust.d/prod/revoked_keys", &withdrawn);
    stage.refused(&run(&["--signature", "shop.sig", "--trust-dir", "trust.d", "shop"]), "withdrawn");
    stage.write("key.pem", &Key::new().pem());
    stage.refused(&run(&["--signature", "shop.sig", "--insecure-ignore-tlog", "shop"]), "signature");
}

#[test]
fn an_envelope_beside_the_file_is_an_attestation() {
    let stage = Stage::new();
    let bundle = |statement: Value| {
        let recipe = Recipe { key: Some(&stage.kms), log: Log::None, statement: Some(statement), ..Recipe::default() };
        stage.instance.bundle(&recipe)
    };
    let said = bundle(json!({
        "_type": "https://in-toto.io/Statement/v0.1", "predicateType": "https://spdx.dev/Document", "predicate": {},
        "subject": [{"name": "shop", "digest": {"sha256": sigstore_crypto::sha256(b"release").to_hex()}}],
    }));
    let envelope = said["dsseEnvelope"].to_string();
    stage.write("shop.att", &envelope);
    let run =
        |words: &[&'static str]| [&["verify-blob-attestation", "--key", "key.pem", "--type", "spdx"], words].concat();
    stage.verified(&run(&["--signature", "shop.att", "--insecure-ignore-tlog", "shop"]));
    stage.refused(&run(&["--signature", "shop.att", "--insecure-ignore-tlog", "other"]), "another artifact");
    stage.refused(&run(&["--signature", "shop.att", "shop"]), "nobody is asked");
    stage.write("twice.att", &envelope.replacen('{', r#"{"payloadType":"x","#, 1));
    stage.refused(&run(&["--signature", "twice.att", "--insecure-ignore-tlog", "shop"]), "no DSSE envelope");
}

/// Nothing proves when a certificate signed but a log or a stamp, and those stand in bundles.
#[test]
fn a_certificate_beside_the_file_is_refused_by_name() {
    let stage = Stage::new();
    let by = ["--certificate-identity", IDENTITY, "--certificate-oidc-issuer", ISSUER];
    let blob = ["verify-blob", "shop"];
    stage.verified(&[&blob[..], &by, &["--bundle", "ci.json"]].concat());
    for words in [&["--certificate", "ci.pem", "--signature", "AAAA"][..], &["--signature", "AAAA"]] {
        stage.refused(&[&blob[..], &by, words].concat(), "--certificate");
        stage.refused(&[&blob[..], &by, words].concat(), "--bundle FILE");
    }
    stage.write("old.json", r#"{"base64Signature": "AAAA", "cert": "AAAA", "rekorBundle": {}}"#);
    stage.refused(&[&blob[..], &by, &["--bundle", "old.json"]].concat(), "former format");
}

#[test]
fn an_attestation_is_about_the_file_and_of_the_type() {
    let stage = Stage::new();
    let by = ["--bundle", "spdx.json", "--certificate-identity", IDENTITY, "--certificate-oidc-issuer", ISSUER];
    let run = |words: &[&'static str]| [&["verify-blob-attestation"], words, &by[..]].concat();
    stage.verified(&run(&["--type", "spdxjson", "shop"]));
    stage.verified(&run(&["--type", "https://spdx.dev/Document", "shop"]));
    let digest: &'static str = sigstore_crypto::sha256(b"release").to_hex().leak();
    stage.verified(&run(&["--type", "spdx", "--digest", digest, "--digestAlg", "sha256"]));
    stage.refused(&run(&["--type", "cyclonedx", "shop"]), "is wanted");
    stage.refused(&run(&["shop"]), "is wanted");
    stage.refused(&run(&["--type", "spdx", "other"]), "another artifact");
    stage.refused(&run(&["--type", "spdx", "--check-claims=false", "shop"]), "--check-claims=false");
    stage.refused(&run(&["--type", "spdx", "--digest", digest, "--digestAlg", "sha512"]), "sha256");
    stage.refused(&run(&["--type", "sbom", "shop"]), "neither a known name nor a URI");
}

#[test]
fn called_by_its_name_it_is_cosign_and_what_it_does_not_know_it_refuses() {
    let stage = Stage::new();
    let link = stage.scratch.path().join("cosign");
    symlink(env!("CARGO_BIN_EXE_muster"), &link).expect("a link");
    let mut command = stage.command(&link.display().to_string());
    command.args(["verify-blob", "shop", "--bundle", "kms.json", "--key", "key.pem", "--trusted-root", "root.json"]);
    assert_eq!(told(command.output().expect("it runs")), (0, "Verified OK\n".into()));
    for words in [
        &["verify-blob", "shop", "--bundle", "kms.json", "--key", "key.pem", "--rekor-url", "https://x"][..],
        &["verify-blob", "shop", "--bundle", "kms.json", "--sk"],
        &["verify-blob", "shop", "--key", "key.pem", "--bundle", "kms.json", "--signature", "shop.sig"],
        &["sign-blob", "shop"],
        &["verify", "registry.test/shop"],
    ] {
        let (code, text) = stage.run(words);
        assert!(code == 1 && text.contains("error"), "{words:?}: {code}: {text}");
    }
    // cosign takes these before the command as well.
    for flags in [&["-d"][..], &["--verbose=true", "--timeout", "10m"], &["-t", "10m"]] {
        let words = ["verify-blob", "shop", "--bundle", "kms.json", "--key", "key.pem"];
        stage.verified(&[flags, &words].concat());
    }
    // A pipe's bytes are all verified, and what does not end is no bundle.
    let piped = |text: &str| {
        let mut command = stage.command(env!("CARGO_BIN_EXE_muster"));
        command.args(["cosign", "verify-blob", "-", "--bundle", "kms.json", "--key", "key.pem", "--trusted-root"]);
        let file = std::fs::File::open(stage.scratch.path().join(text)).expect("a file");
        told(command.arg("root.json").stdin(file).output().expect("it runs"))
    };
    assert_eq!(piped("shop"), (0, "Verified OK\n".into()));
    assert_eq!(piped("other").0, 1);
    stage.refused(&["verify-blob", "shop", "--bundle", "/dev/zero", "--key", "key.pem"], "larger than");
    let mut help = stage.command(env!("CARGO_BIN_EXE_muster"));
    assert_eq!(help.args(["cosign", "--help"]).output().expect("it runs").status.code(), Some(0));
}

/// Roles ask for it before they verify, and compare what they read.
#[test]
fn it_says_which_cosign_it_stands_for() {
    let stage = Stage::new();
    let said = |words: &[&str]| {
        let mut command = stage.command(env!("CARGO_BIN_EXE_muster"));
        let output = command.arg("cosign").args(words).output().expect("it runs");
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
        String::from_utf8(output.stdout).expect("text")
    };
    let version = format!("v3.1.0+muster.{}", env!("CARGO_PKG_VERSION"));
    let text = said(&["version"]);
    assert!(text.lines().any(|line| line == format!("GitVersion:    {version}")), "{text}");
    let document: Value = serde_json::from_str(&said(&["version", "--json"])).expect("JSON");
    assert_eq!(document["gitVersion"], json!(version));
    assert_eq!(stage.run(&["version", "--short"]).0, 1);
}

const TASKS: &str = r#"
- name: Look for cosign
  ansible.builtin.command: cosign version
  register: found
  changed_when: false
  failed_when: false
- name: It is there, and new enough
  ansible.builtin.assert:
    that:
    - found.rc == 0
    - (found.stdout | regex_search('GitVersion:\\s+v([0-9.]+)', '\\1') | first) is version('2.0.0', '>=')
- name: A signature by a key
  ansible.builtin.command:
    argv: [cosign, verify-blob, --key, key.pem, --bundle, bare.json, --insecure-ignore-tlog=true, "{{ file }}"]
    chdir: "{{ directory }}"
  register: signed
  changed_when: false
- ansible.builtin.assert: {that: "'Verified OK' in signed.stderr"}
- name: An attestation by a workflow
  ansible.builtin.shell: |
    set -e
    cosign verify-blob-attestation --type spdxjson --bundle spdx.json --trusted-root root.json \
      --certificate-identity-regexp '^https://github.com/acme/' --certificate-oidc-issuer "$ISSUER" {{ file }}
  args: {chdir: "{{ directory }}"}
  environment: {ISSUER: "https://token.actions.githubusercontent.com"}
  changed_when: false
"#;

/// A role that shells out to cosign, on a machine whose only cosign is a link to muster.
#[test]
fn a_role_that_calls_cosign_runs_unchanged() {
    let stage = Stage::new();
    let here = stage.scratch.path();
    stage.write("tree/roles/app/tasks/main.yml", TASKS);
    stage.write("tree/site.yml", "- {hosts: all, gather_facts: false, roles: [app]}\n");
    let (state, run) = (here.join("state"), here.join("run"));
    let settings = format!(
        "trust: {{unverified_trees: true}}\nstate_directory: {}\nrun_directory: {}\n",
        state.display(),
        run.display()
    );
    stage.write("muster.yaml", &settings);
    stage.write("bin/README", "the link lies here");
    symlink(env!("CARGO_BIN_EXE_muster"), here.join("bin/cosign")).expect("a link");
    let path = format!("{}:{}", here.join("bin").display(), std::env::var("PATH").expect("a path"));
    let converge = |file: &str| {
        let mut command = stage.command(env!("CARGO_BIN_EXE_muster"));
        command.args(["converge", "--tree", "tree", "--playbook", "site.yml", "--settings", "muster.yaml"]);
        command.arg("-e").arg(format!("file={file}")).arg("-e").arg(format!("directory={}", here.display()));
        command.env("PATH", &path).output().expect("it runs")
    };
    let good = converge("shop");
    assert!(good.status.success(), "{}", String::from_utf8_lossy(&good.stderr));
    let bad = converge("other");
    let text = String::from_utf8_lossy(&bad.stderr).into_owned();
    assert!(bad.status.code() == Some(19) && text.contains("A signature by a key"), "{text}");
}
