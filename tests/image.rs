//! `muster image` from outside: attested with KMS and with a key file, promoted in two regions, and each refusal by its rule.
#![expect(clippy::disallowed_methods, reason = "tests set the stage and run the program")]

use base64::Engine;
use emulator::{Builder, Denial, Image, Instance, KeyKind, Patches, Running};
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Command, Output};
use tempfile::TempDir;

const HOME: &str = "us-east-1";
const COPY: &str = "eu-west-1";
const BUILT: &str = "ami-0123456789abcdef0";
const COPIED: &str = "ami-0fedcba9876543210";
const SOURCE: &str = "ami-00000000000000001";
const INSTANCE: &str = "i-0123456789abcdef0";
const KEY: &str = "arn:aws:kms:us-east-1:123456789012:key/builder";
const LATEST: &str = "/muster/images/ubuntu2404-amd64/latest";

const POLICY: &str = r#"
signers:
  builder: {key: builder, proof: none}
  tester: {key: tester, proof: none}
images:
  - names: ["ubuntu2404-*"]
    channels: [latest, stable]
    validation: {signers: [builder], profiles: [ubuntu2404-cis-l2], max_age: 7d}
    run: {signers: [tester], max_age: 7d}
    vulnerabilities: {scanners: [trivy], max_age: 3d, budget: {high: 1, low: any}}
    patches: {max_age: 7d}
    copies: original
"#;

/// An account with an image, its copy and an instance of it; and a directory with what a build left behind.
struct Stage {
    aws: Running,
    scratch: TempDir,
}

fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

fn pem(der: &[u8]) -> String {
    let body = base64::engine::general_purpose::STANDARD.encode(der);
    format!("-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n")
}

fn report(verdicts: &[&str]) -> Value {
    let result = |(at, verdict): (usize, &&str)| {
        let id = format!("1.{at}");
        json!({"id": id, "level": 1, "title": "t", "area": "a", "verdict": verdict, "facts": {}, "evidence": []})
    };
    let results: Vec<Value> = verdicts.iter().enumerate().map(result).collect();
    json!({
        "schema": "muster.validation/1", "muster": "0.1.0", "binary": "ab".repeat(32), "profile": "ubuntu2404-cis-l2",
        "title": "t", "benchmarks": [], "started": now(), "seconds": 0.1, "without": {}, "results": results,
        "subject": {"root": "/", "running": true, "system": {"id": "ubuntu", "version": "24.04", "name": "Ubuntu"}},
        // A number that a report says of itself counts for nothing.
        "summary": {"pass": 99, "fail": 0, "not-applicable": 0, "could-not-look": 0, "waived": 0, "expired": 0},
    })
}

fn run(command: &str, state: &str) -> Value {
    let record = json!({
        "id": "20260101T000000000Z-0000", "command": command, "version": "0.1.0",
        "process": {"pid": 1, "started": 1, "boot": "b"}, "started": now(), "ended": now(), "state": state,
        "instance": INSTANCE, "tree": "0123", "stages": [], "counts": {}, "failure": null, "changes": [],
        "changes_total": 0, "notes": [], "reported": true,
    });
    json!({"status": null, "run": record, "unsent": []})
}

fn scan(severities: &[&str]) -> Value {
    let found = severities.iter().enumerate();
    let found: Vec<Value> =
        found.map(|(at, one)| json!({"VulnerabilityID": format!("CVE-{at}"), "Severity": one})).collect();
    json!({"SchemaVersion": 2, "CreatedAt": now(), "ArtifactName": format!("ami:{BUILT}"), "ArtifactType": "vm",
           "Results": [{"Vulnerabilities": found}]})
}

impl Stage {
    fn new() -> Self {
        let instance = Instance { image_id: BUILT.into(), ..Instance::default() };
        let aws = Builder::default()
            .region(COPY)
            .image(Image { source: Some(SOURCE.into()), ..Image::new(BUILT, HOME) })
            .image(Image::new(COPIED, COPY))
            .signing_key("builder")
            .signing_key("tester")
            .key("p384", KeyKind::P384)
            .key("rsa2048", KeyKind::Rsa2048)
            .key("rsa3072", KeyKind::Rsa3072)
            .key("p256k1", KeyKind::P256K1)
            .key("encrypting", KeyKind::Encrypting)
            .patches(Patches::compliant(INSTANCE, now()))
            .instance(instance)
            .start_blocking()
            .expect("an emulator");
        let stage = Self { aws, scratch: tempfile::tempdir().expect("scratch") };
        stage.write("trust.d/prod/policy.yaml", POLICY);
        for key in ["builder", "tester"] {
            stage.write(&format!("trust.d/prod/keys/{key}.pem"), &pem(&stage.aws.signing_key(key).expect("a key")));
        }
        let build = json!({
            "name": "ubuntu2404-amd64", "builder_type": "amazon-ebs", "packer_run_uuid": "1",
            "artifact_id": format!("{COPY}:{COPIED},{HOME}:{BUILT}"),
            "custom_data": {"region": HOME, "source_ami": SOURCE, "profile": "ubuntu2404-cis-l2"},
        });
        stage.write("manifest.json", &json!({"builds": [build], "last_run_uuid": "1"}).to_string());
        stage.write(
            "report.json",
            &report(&["pass", "not-applicable", "pass"])
                .to_string()
                .replace(r#""verdict":"not-applicable""#, r#""verdict":"not-applicable","reason":"r""#),
        );
        stage.write("run.json", &run("muster boot", "done").to_string());
        stage.write("scan.json", &scan(&["HIGH", "LOW", "LOW"]).to_string());
        stage
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.scratch.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        std::fs::write(path, text).expect("a file");
    }

    fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.scratch.path().join(path)).expect("a file")
    }

    fn muster(&self, words: &str) -> Output {
        let keys = self.aws.credentials_of(INSTANCE).expect("credentials");
        let mut command = Command::new(env!("CARGO_BIN_EXE_muster"));
        command.current_dir(self.scratch.path()).args(words.split_whitespace());
        command.env("AWS_ENDPOINT_URL", self.aws.endpoint_url());
        command.env("AWS_EC2_METADATA_SERVICE_ENDPOINT", self.aws.imds_url());
        command.env("AWS_ACCESS_KEY_ID", keys.access_key_id).env("AWS_SECRET_ACCESS_KEY", keys.secret_access_key);
        command.env("AWS_SESSION_TOKEN", keys.session_token.unwrap_or_default()).output().expect("it runs")
    }

    fn well(&self, words: &str) -> String {
        let output = self.muster(words);
        assert!(output.status.success(), "{words}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    }

    /// The exit code, and what was said.
    fn ill(&self, words: &str) -> (i32, String) {
        let output = self.muster(words);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code().expect("an exit code"), said)
    }

    /// What a good build signs.
    fn attested(self) -> Self {
        self.well(&format!("image attest --report report.json --manifest manifest.json --key {KEY} -o image.jsonl"));
        let tester = KEY.replace("builder", "tester");
        self.well(&format!("image attest --run run.json --image {HOME}={BUILT} --key {tester} -o run.jsonl"));
        self
    }

    fn latest(&self, region: &str) -> Option<String> {
        self.aws.parameter_in(region, LATEST).map(|(value, _, _)| value)
    }
}

const PROMOTE: &str = "image promote --name ubuntu2404-amd64 --channel latest --manifest manifest.json --bundle image.jsonl \
                       --bundle run.jsonl --vulnerabilities scan.json --trust-dir trust.d";

#[test]
fn an_image_is_attested_and_promoted_and_the_one_before_it_is_kept() {
    let stage = Stage::new().attested();
    assert_eq!(stage.read("image.jsonl").lines().count(), 2, "one attestation a copy");
    assert!(stage.well(&format!("{PROMOTE} --check")).contains("within the budget"));
    assert_eq!(stage.latest(HOME), None, "a check writes nothing");
    let told = stage.well(PROMOTE);
    for part in ["2 passed, 1 do not apply", "signed by builder", "booted from", "complies with", "3 findings of trivy"]
    {
        assert!(told.contains(part), "{part}: {told}");
    }
    let written = |value: &str| Some((value.to_owned(), "aws:ec2:image".to_owned(), 1));
    assert_eq!(stage.aws.parameter_in(HOME, LATEST), written(BUILT));
    assert_eq!(stage.aws.parameter_in(COPY, LATEST), written(COPIED));
    assert!(stage.well(PROMOTE).contains("names ami-0123456789abcdef0 already"));
    assert_eq!(stage.aws.parameter_in(HOME, LATEST), written(BUILT), "and no second version");

    // The next one: what was there is kept.
    let older = emulator::Parameter::string(LATEST, "ami-0aaaaaaaaaaaaaaaa");
    stage.aws.put_image(Image::new("ami-0aaaaaaaaaaaaaaaa", HOME));
    stage.aws.put_parameter(older);
    assert!(stage.well(PROMOTE).contains("ami-0aaaaaaaaaaaaaaaa is kept as"));
    let kept = stage.aws.parameter_in(HOME, &format!("{LATEST}-previous")).expect("kept");
    assert_eq!((kept.0.as_str(), stage.latest(HOME).as_deref()), ("ami-0aaaaaaaaaaaaaaaa", Some(BUILT)));
}

#[test]
fn keys_of_kms_sign_where_their_kind_can_be_verified() {
    let stage = Stage::new().attested();
    let attest = |kind: &str| {
        let key = KEY.replace("builder", kind);
        format!("image attest --report report.json --manifest manifest.json --key {key} -o image.jsonl")
    };
    for kind in ["p384", "rsa2048", "rsa3072"] {
        stage.write("trust.d/prod/keys/builder.pem", &pem(&stage.aws.signing_key(kind).expect("a key")));
        let (code, said) = stage.ill(&format!("{PROMOTE} --check"));
        assert!(code == 28 && said.contains("rule: image/validation"), "{kind}: signed by another key: {code} {said}");
        stage.well(&attest(kind));
        assert!(stage.well(&format!("{PROMOTE} --check")).contains("signed by builder"), "{kind}");
    }
    for (kind, why) in [("p256k1", "ECC_SECG_P256K1 is not supported"), ("encrypting", "is not one that signs")] {
        let (code, said) = stage.ill(&attest(kind));
        assert!(code == 28 && said.contains(why), "{kind}: {said}");
    }
}

#[test]
fn what_is_signed_is_read_by_verify_too() {
    let stage = Stage::new().attested();
    let bundle: Value = serde_json::from_str(stage.read("image.jsonl").lines().nth(1).expect("a line")).expect("JSON");
    let payload = bundle["dsseEnvelope"]["payload"].as_str().expect("a payload");
    let payload = base64::engine::general_purpose::STANDARD.decode(payload).expect("base64");
    let statement: Value = serde_json::from_slice(&payload).expect("JSON");
    assert_eq!(statement["subject"][0]["name"], format!("arn:aws:ec2:{HOME}::image/{BUILT}"));
    let predicate = &statement["predicate"];
    let facts = json!({"region": HOME, "ami": BUILT, "snapshots": [BUILT.replace("ami", "snap")], "source": SOURCE});
    assert_eq!(predicate["image"], facts);
    assert_eq!(
        (&predicate["profile"], &predicate["muster"]["sha256"]),
        (&json!("ubuntu2404-cis-l2"), &json!("ab".repeat(32)))
    );
    // A rule of releases that asks for no signature but for what the key says of the report itself.
    let key = stage.aws.signing_key("builder").expect("a key");
    stage.write("other.d/prod/keys/builder.pem", &pem(&key));
    stage.write("image.arn", &format!("arn:aws:ec2:{HOME}::image/{BUILT}"));
    let cosign = "cosign verify-blob-attestation --key other.d/prod/keys/builder.pem --bundle one.json \
                  --insecure-ignore-tlog=true --type urn:muster:image-validation:1";
    stage.write("one.json", stage.read("image.jsonl").lines().nth(1).expect("a line"));
    stage.well(&format!("{cosign} image.arn"));
    stage.well(&format!("{cosign} report.json"));
    stage.write("image.arn", &format!("arn:aws:ec2:{HOME}::image/{COPIED}"));
    assert_ne!(stage.ill(&format!("{cosign} image.arn")).0, 0);
}

#[test]
fn each_refusal_names_its_rule_and_nothing_is_written() {
    let stage = Stage::new().attested();
    let refused = |why: &str, rule: &str, part: &str| {
        let (code, said) = stage.ill(PROMOTE);
        assert!(code == 28 && said.contains(&format!("rule: {rule}\n")) && said.contains(part), "{why}: {code} {said}");
        assert_eq!((stage.latest(HOME), stage.latest(COPY)), (None, None), "{why}");
    };
    let mended = |path: &str, text: &str, rule: &str, part: &str| {
        let was = stage.read(path);
        stage.write(path, text);
        refused(path, rule, part);
        stage.write(path, &was);
    };
    mended("scan.json", &scan(&["CRITICAL"]).to_string(), "image/vulnerabilities", "severity critical");
    mended("run.jsonl", "{}", "image/validation", "must hold exactly one");
    let one = stage.read("image.jsonl").lines().nth(1).expect("a line").to_owned();
    mended("image.jsonl", &one, "image/validation", &format!("{COPIED} in {COPY}"));
    mended("trust.d/prod/policy.yaml", &POLICY.replace("[latest, stable]", "[stable]"), "image/rule", "latest");
    mended(
        "trust.d/prod/policy.yaml",
        &POLICY.replace("profiles: [ubuntu2404-cis-l2]", "profiles: [x]"),
        "image/validation",
        "x is wanted",
    );
    let swapped = POLICY
        .replace("run: {signers: [tester]", "run: {signers: [builder]")
        .replace("validation: {signers: [builder]", "validation: {signers: [tester]");
    mended("trust.d/prod/policy.yaml", &swapped, "image/validation", "signed by tester");
    mended(
        "trust.d/prod/policy.yaml",
        &POLICY.replace("    copies: original\n", ""),
        "image/run",
        &format!("{COPIED} in {COPY}"),
    );
    stage.aws.set_patches(Patches { missing: 2, ..Patches::compliant(INSTANCE, now()) });
    refused("a missing patch", "image/patches", "MissingCount 2");
    stage.aws.set_patches(Patches::compliant(INSTANCE, now() - jiff::SignedDuration::from_hours(24 * 8)));
    refused("patches of last week", "image/patches", "looked at");
    stage.aws.set_patches(Patches::compliant("i-0fffffffffffffff0", now()));
    stage.aws.set_patches(Patches::compliant(INSTANCE, now()));
    stage.aws.put_image(Image { snapshots: vec!["snap-0eeeeeeeeeeeeeeee".into()], ..Image::new(BUILT, HOME) });
    refused("other snapshots", "image/registered", "were attested");
    stage.aws.put_image(Image { state: "deregistered".into(), ..Image::new(BUILT, HOME) });
    refused("gone", "image/registered", "deregistered");
    stage.aws.put_image(Image::new(BUILT, HOME));
    stage.well(PROMOTE);
}

#[test]
fn what_is_no_pass_is_not_signed() {
    let stage = Stage::new();
    let attest = format!("image attest --report report.json --image {HOME}={BUILT} --key {KEY} -o image.jsonl");
    let good = stage.read("report.json");
    let partial = good.replacen('{', r#"{"partial":true,"#, 1);
    let unbound = good.replace(&"ab".repeat(32), "").replace(r#""binary":"","#, "");
    for (text, part) in [
        (report(&["pass", "fail"]).to_string(), "1 failed"),
        (report(&["not-applicable"]).to_string().replace(r#""facts""#, r#""reason":"r","facts""#), "0 passed"),
        (partial, "--only"),
        (unbound, "which program"),
        ("{}".to_owned(), "cannot be read"),
    ] {
        stage.write("report.json", &text);
        let (code, said) = stage.ill(&attest);
        assert!(code == 28 && said.contains("rule: image/validation") && said.contains(part), "{part}: {said}");
    }
    stage.write("report.json", &good);
    let snapshot = "--snapshot snap-0123456789abcdef0";
    stage.well(&format!("{attest} {snapshot}"));
    let (code, said) = stage.ill(&format!("{attest} --snapshot snap-0fffffffffffffff0"));
    assert!(code == 28 && said.contains("rule: image/registered"), "{said}");
    for (text, part) in
        [(run("muster converge", "done"), "muster converge"), (run("muster boot", "interrupted"), "did not end well")]
    {
        stage.write("run.json", &text.to_string());
        let (code, said) =
            stage.ill(&format!("image attest --run run.json --image {HOME}={BUILT} --key {KEY} -o run.jsonl"));
        assert!(code == 28 && said.contains("rule: image/run") && said.contains(part), "{said}");
    }
    stage.write("run.json", &run("muster boot", "done").to_string());
    let (code, said) =
        stage.ill(&format!("image attest --run run.json --image {HOME}={SOURCE} --key {KEY} -o run.jsonl"));
    assert!(code == 28 && said.contains(&format!("is an instance of {BUILT}")), "{said}");
    stage.aws.deny(Denial::of("kms:Sign"));
    let (code, said) = stage.ill(&attest);
    assert!(code == 28 && said.contains("kms:Sign on") && said.contains("denied to"), "{said}");
}

#[test]
fn a_key_in_a_file_needs_no_aws_and_must_be_its_owner_s() {
    use std::os::unix::fs::PermissionsExt;
    let stage = Stage::new();
    let pair = aws_lc_rs::signature::EcdsaKeyPair::generate(&aws_lc_rs::signature::ECDSA_P256_SHA256_ASN1_SIGNING);
    let der = pair.and_then(|pair| pair.to_pkcs8v1()).expect("a key");
    stage.write("key.pem", &pem(der.as_ref()).replace("PUBLIC", "PRIVATE"));
    let words = format!(
        "image attest --report report.json --image {HOME}={BUILT} --offline --snapshot snap-0123456789abcdef0 \
         --source-ami {SOURCE} --key key.pem -o image.jsonl"
    );
    let (code, said) = stage.ill(&words);
    assert!(code == 64 && said.contains("others may use it"), "{said}");
    let mode = |path: &Path| std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).expect("a mode");
    mode(&stage.scratch.path().join("key.pem"));
    stage.aws.forget_requests();
    stage.well(&words);
    assert!(stage.aws.requests().is_empty());
    let (code, said) = stage.ill(&words.replace("--source-ami ami-00000000000000001", ""));
    assert!(code == 28 && said.contains("--source-ami"), "{said}");
}

#[test]
fn a_region_that_fails_names_those_that_were_written_and_the_next_run_finishes() {
    let stage = Stage::new().attested();
    stage.aws.deny(Denial::of("ssm:PutParameter").on(&format!("arn:aws:ssm:{COPY}:*")));
    let (code, said) = stage.ill(PROMOTE);
    assert_eq!(code, 29, "{said}");
    for part in [&format!("{COPY}: ssm:PutParameter"), &format!("written: {HOME}"), "as it should be before: none"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert_eq!((stage.latest(HOME).as_deref(), stage.latest(COPY)), (Some(BUILT), None));
    stage.aws.clear_denials();
    let told = stage.well(PROMOTE);
    assert!(told.contains(&format!("{HOME}: {LATEST} names {BUILT} already")), "{told}");
    assert_eq!(stage.latest(COPY).as_deref(), Some(COPIED));
}

#[test]
fn an_instance_signs_its_own_boot_and_tells_what_it_complies_with() {
    let stage = Stage::new();
    let record = &run("muster boot", "done")["run"];
    stage.write("state/runs/20260101T000000000Z-0000.json", &record.to_string());
    let state = stage.scratch.path().join("state").display().to_string();
    let tester = KEY.replace("builder", "tester");
    let told = stage.well(&format!("image attest --run --set state_directory={state} --key {tester} -o run.jsonl"));
    assert_eq!(told, format!("{BUILT} in {HOME}: attested in run.jsonl\n"));
    let output = stage.muster("validate --profile muster-image --only syn-cookies,aslr --compliance");
    assert!(
        [30, 31, 0].contains(&output.status.code().expect("a code")),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let items = stage.aws.compliance(INSTANCE, "Custom:muster_muster_image");
    assert!(
        !items.is_empty() && items.iter().all(|item| item["Severity"] == "HIGH" || item["Severity"] == "MEDIUM"),
        "{items:?}"
    );
    // Settings ask for it: for a whole profile and not for single controls, nor where the command line takes it back.
    stage.write(
        "small.yaml",
        "profile: small\ncontrols:\n- {id: a, level: 1, area: a, title: t, check: {package_absent: no-such}}\n",
    );
    let small =
        |settings: &str, more: &str| stage.muster(&format!("validate --profile ./small.yaml {settings} {more}"));
    let told = |kind: &str| stage.aws.compliance(INSTANCE, kind).len();
    for (settings, more) in
        [("", ""), ("--set compliance={}", "--only a"), ("--set compliance={}", "--set compliance=null")]
    {
        small(settings, more);
        assert_eq!(told("Custom:muster_small"), 0, "{settings} {more}");
    }
    small("--set compliance={}", "");
    small("--set compliance.type=Hardening", "");
    assert_eq!((told("Custom:muster_small"), told("Custom:Hardening")), (1, 1));
    for (odd, why) in
        [("a/b", "warning: whether settings want Compliance told is not known"), ("a-b", "letters, digits and _")]
    {
        let output = small(&format!("--set compliance.type={odd}"), "");
        assert!(String::from_utf8_lossy(&output.stderr).contains(why), "{odd}: {output:?}");
    }
    stage.aws.deny(Denial::of("ssm:PutComplianceItems"));
    let (code, said) = stage.ill("validate --profile muster-image --only aslr --compliance=Mine");
    assert!(code == 22 && said.contains("ssm:PutComplianceItems"), "{said}");
}
