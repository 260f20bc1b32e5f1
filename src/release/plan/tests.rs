//! Releases put in place beneath a scratch root, and every way in which one is refused.

use super::*;
use crate::host::{Attributes, Host, Linux};
use crate::release::{Layout, rollback};
use crate::trust::bundle::ReleaseKey;
use sigstore_crypto::KeyPair;
use std::collections::BTreeMap;
use std::io::Write;

/// A bucket and a parameter store.
#[derive(Default)]
struct Shelf {
    parameters: BTreeMap<String, String>,
    objects: BTreeMap<String, Vec<u8>>,
}

impl Shelf {
    fn get(&self, key: &str) -> Result<Vec<u8>, (String, Option<String>)> {
        self.objects.get(key).cloned().ok_or_else(|| ("there is no such object".into(), None))
    }
}

impl Source for Shelf {
    fn parameter(&self, name: &str) -> Result<String, (String, Option<String>)> {
        self.parameters.get(name).cloned().ok_or_else(|| ("there is no such parameter".into(), None))
    }
    fn document(&self, _: &Order, key: &str) -> Result<Untrusted<Vec<u8>>, (String, Option<String>)> {
        self.get(key).map(Untrusted::new)
    }
    fn artifact(&self, _: &Order, key: &str, _: u64) -> Result<Untrusted<std::fs::File>, (String, Option<String>)> {
        let mut file = tempfile::tempfile().expect("scratch");
        file.write_all(&self.get(key)?).expect("write");
        Ok(Untrusted::new(file))
    }
}

/// A signer, a shelf with one release of it, a host and an order.
pub(super) struct Scene {
    pair: KeyPair,
    shelf: Shelf,
    policy: BundlePolicy,
    pub(super) order: Order,
    pub(super) scratch: tempfile::TempDir,
}

impl Scene {
    pub(super) fn new() -> Self {
        let pair = KeyPair::generate_ecdsa_p256().expect("key");
        let pem = pair.public_key_der().expect("public").to_pem();
        let policy = BundlePolicy {
            keys: vec![ReleaseKey::from_pem("kms", &pem).expect("key")],
            unlogged: vec!["kms".into()],
            ..BundlePolicy::default()
        };
        let scratch = tempfile::tempdir().expect("scratch");
        crate::host::durable::make_directory(&scratch.path().join("root/usr"), 0o755).expect("directory");
        let order = Order {
            app: "shop".into(),
            component: Some("api".into()),
            channel: "stable".into(),
            os: "linux".into(),
            arch: "amd64".into(),
            target: None,
            environment: None,
            parameter: "/{app}/{component}/{channel}/release_id".into(),
            registry: None,
            bucket: "releases".into(),
            region: None,
            descriptor_key: "{app}/{release_id}/release.json".into(),
            bundle_key: "{app}/{release_id}/release.json.sigstore.json".into(),
            artifact_key: "{app}/{release_id}/{path}".into(),
            layout: Layout::default(),
            destination: "/usr/shop".into(),
            attributes: Attributes { mode: Some(0o755), ..Attributes::default() },
            limit: 1 << 20,
            records: "/records".into(),
            restart: None,
            unpack: None,
        };
        let mut scene = Self { pair, shelf: Shelf::default(), policy, order, scratch };
        scene.publish("r1", b"one", |_| {});
        scene
    }

    /// Publishes a release and points the channel at it; `edit` may change the descriptor before it is signed.
    pub(super) fn publish(&mut self, id: &str, bytes: &[u8], edit: impl Fn(&mut serde_json::Value)) {
        let sha256 = hex::encode(sigstore_crypto::sha256(bytes).as_bytes());
        let mut descriptor = serde_json::json!({
            "schema": 1, "app": "shop", "component": "api", "version": "1.0", "release_id": id, "track": "stable",
            "artifacts": [
                {"os": "linux", "arch": "amd64", "binary": {"path": "shop", "sha256": sha256, "size": bytes.len()}},
                {"os": "linux", "arch": "arm64", "binary": {"path": "shop-arm", "sha256": sha256, "size": 1}},
            ],
        });
        edit(&mut descriptor);
        let text = descriptor.to_string().into_bytes();
        let bundle = serde_json::json!({
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": {"publicKey": {"hint": ""}},
            "messageSignature": {"signature": self.pair.sign(&text).expect("signature").to_base64()},
        });
        let at = |name: &str| format!("shop/{id}/{name}");
        self.shelf.objects.insert(at("release.json"), text);
        self.shelf.objects.insert(at("release.json.sigstore.json"), bundle.to_string().into_bytes());
        self.shelf.objects.insert(at("shop"), bytes.to_vec());
        self.shelf.parameters.insert("/shop/api/stable/release_id".into(), id.into());
    }

    /// Publishes an artifact of another name.
    pub(super) fn publish_as(&mut self, id: &str, name: &str, bytes: &[u8]) {
        self.publish(id, bytes, |json| json["artifacts"][0]["binary"]["path"] = name.into());
        self.shelf.objects.insert(format!("shop/{id}/{name}"), bytes.to_vec());
    }

    pub(super) fn host(&self) -> Linux {
        Linux::new(&self.scratch.path().join("root")).expect("host")
    }

    pub(super) fn plan(&self) -> Result<Planned, ReleaseError> {
        self.plan_over(self.host().observe())
    }

    pub(super) fn plan_over(&self, host: &dyn Observe) -> Result<Planned, ReleaseError> {
        plan(&self.order, &self.shelf, &self.policy, host)
    }

    /// Plans and applies.
    pub(super) fn converge(&self) -> Planned {
        let planned = self.plan().expect("planned");
        let mut host = self.host();
        for change in &planned.changes {
            host.apply(change).expect("applied");
        }
        planned
    }

    fn installed(&self) -> String {
        std::fs::read_to_string(self.scratch.path().join("root/usr/shop")).expect("installed")
    }
}

#[test]
fn a_release_is_put_in_place_replaced_and_rolled_back() {
    let mut scene = Scene::new();
    assert_eq!(scene.converge().descriptor.release_id, "r1");
    assert_eq!(scene.installed(), "one");
    assert!(scene.plan().expect("again").changes.is_empty(), "a second run changes nothing");
    scene.publish("r2", b"two", |_| {});
    assert_eq!(scene.converge().previous.expect("previous").release_id, "r1");
    assert_eq!(scene.installed(), "two");
    let record = scene.order.records.join("shop.api.json");
    let back = rollback(&record, &mut scene.host()).expect("rolled back");
    assert_eq!((back.active.release_id.as_str(), back.previous), ("r1", None));
    assert_eq!(scene.installed(), "one");
    let error = rollback(&record, &mut scene.host()).expect_err("nothing left");
    assert!(error.to_string().contains("no previous release is kept"), "{error}");
}

#[test]
fn a_descriptor_of_something_else_is_refused_though_its_signature_is_good() {
    for (field, pointer, value) in [
        ("application", "/app", "cart"),
        ("component", "/component", "web"),
        ("channel", "/track", "canary"),
        ("release id", "/release_id", "r0"),
    ] {
        let mut scene = Scene::new();
        scene.publish("r2", b"two", |json| *json.pointer_mut(pointer).expect("member") = value.into());
        let error = scene.plan().expect_err("refused");
        assert!(matches!(&error, ReleaseError::Mismatch { field: have, .. } if *have == field), "{error}");
    }
}

#[test]
fn what_does_not_fit_this_host_or_its_digest_is_refused() {
    let cases: [(&str, &str, serde_json::Value, &str); 4] = [
        ("architecture", "/artifacts/0/arch", "riscv64".into(), "has 0 artifacts for linux amd64"),
        ("path", "/artifacts/0/binary/path", "../../etc/passwd".into(), "not a plain relative path"),
        ("digest", "/artifacts/0/binary/sha256", "00".repeat(32).into(), "and 0000"),
        ("size", "/artifacts/0/binary/size", 4.into(), "it has 3 bytes, and 4 were signed"),
    ];
    for (name, pointer, value, says) in cases {
        let mut scene = Scene::new();
        scene.converge();
        scene.publish("r2", b"two", |json| *json.pointer_mut(pointer).expect("member") = value.clone());
        let error = scene.plan().expect_err(name).to_string();
        assert!(error.contains(says), "{name}: {error}");
        assert_eq!(scene.installed(), "one", "{name}: the release before it stands");
    }
}

#[test]
fn a_changed_descriptor_and_a_hostile_release_id_are_refused() {
    let mut scene = Scene::new();
    scene.shelf.objects.get_mut("shop/r1/release.json").expect("descriptor").push(b' ');
    assert!(matches!(scene.plan(), Err(ReleaseError::Bundle { .. })));
    for id in ["../r1", "", "r1/../../x", ".r1"] {
        scene.shelf.parameters.insert("/shop/api/stable/release_id".into(), id.into());
        assert!(matches!(scene.plan(), Err(ReleaseError::Id { .. })), "{id:?}");
    }
    let missing = std::path::Path::new("/nowhere/shop.api.json");
    assert!(rollback(missing, &mut scene.host()).is_err());
}

/// A policy that wants two keys' signatures over the descriptor, and a bill of materials of the artifact.
#[test]
fn a_policy_wants_both_signatures_and_what_is_attested_of_the_artifact() {
    use crate::trust::policy::{Attestations, Format, Policy, PolicyError, Quorum, Rule, Sbom};
    use crate::trust::sigstore::{Proof, Signer};
    let mut scene = Scene::new();
    let second = KeyPair::generate_ecdsa_p256().expect("key");
    let pem = second.public_key_der().expect("public").to_pem();
    let signer = |name: &str, key: ReleaseKey| (name.to_owned(), Signer { proof: Proof::None, ..Signer::key(key) });
    let signers = [
        signer("kms", scene.policy.keys[0].clone()),
        signer("second", ReleaseKey::from_pem("second", &pem).expect("key")),
    ];
    let both = ["kms", "second"].map(|name| Quorum::Signer(name.into())).to_vec();
    let sbom = Sbom { signers: vec!["kms".into()], formats: vec![Format::Spdx], licences: None, unlicensed: vec![] };
    let rule = Rule {
        applications: vec!["shop".into()],
        channels: vec!["stable".into()],
        signatures: Some(Quorum::Threshold(2, both)),
        attestations: Attestations { sbom: Some(sbom), ..Attestations::default() },
    };
    scene.policy.policy = Some(Policy { signers: signers.into(), rules: vec![rule] });
    let key = "shop/r1/release.json.sigstore.json";
    let first = String::from_utf8(scene.shelf.objects[key].clone()).expect("text");
    let descriptor = scene.shelf.objects["shop/r1/release.json"].clone();
    let more = serde_json::json!({
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": {"publicKey": {"hint": ""}},
        "messageSignature": {"signature": second.sign(&descriptor).expect("signature").to_base64()},
    });
    let attested = |artifact: &[u8]| {
        let statement = serde_json::json!({
            "_type": "https://in-toto.io/Statement/v1", "predicateType": "https://spdx.dev/Document",
            "predicate": {"spdxVersion": "SPDX-2.3"},
            "subject": [{"digest": {"sha256": hex::encode(sigstore_crypto::sha256(artifact).as_bytes())}}],
        });
        let (kind, payload) = ("application/vnd.in-toto+json", statement.to_string().into_bytes());
        let signature = scene.pair.sign(&sigstore_types::pae(kind, &payload)).expect("signature").to_base64();
        use base64::Engine;
        let payload = base64::engine::general_purpose::STANDARD.encode(payload);
        serde_json::json!({
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": {"publicKey": {"hint": ""}},
            "dsseEnvelope": {"payloadType": kind, "payload": payload, "signatures": [{"sig": signature}]},
        })
    };
    let (good, other) = (attested(b"one"), attested(b"two"));
    let mut plan = |bundles: String| {
        scene.shelf.objects.insert(key.into(), bundles.into_bytes());
        scene.plan()
    };
    let refused = |outcome: Result<Planned, ReleaseError>| match outcome.expect_err("refused") {
        ReleaseError::Bundle { source: crate::trust::bundle::BundleError::Policy(error), .. } => *error,
        other => panic!("{other}"),
    };
    let planned = plan(format!("{first}\n{more}\n{good}\n")).expect("planned");
    assert_eq!(planned.key, "kms and second");
    assert!(matches!(refused(plan(format!("{first}\n{good}\n"))), PolicyError::Quorum { .. }));
    assert!(matches!(refused(plan(format!("{first}\n{more}\n"))), PolicyError::Missing { .. }));
    assert!(matches!(refused(plan(format!("{first}\n{more}\n{other}\n"))), PolicyError::Missing { .. }));
}
