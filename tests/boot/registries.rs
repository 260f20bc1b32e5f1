//! Releases from registries: ECR and others, with the referrers API and without, and every way in which one is refused.

use crate::boot;
use crate::stage::{Plan, Stage};
use crate::updates::{self, sha256};
use aws_lc_rs::digest::{SHA256, digest};
use emulator::{Denial, Registry, Secret};
use muster::boot::Mode;
use muster::failure::Stage as At;
use muster::trust::TrustRoot;
use serde_json::{Value, json};

const PROGRAM: &str = "/usr/local/bin/shop-api";
const IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
const NAME: &str = "acme/shop";

/// Which registry serves the release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    Ecr,
    Referrers,
    Tag,
}

/// A host whose release comes from a registry.
pub(crate) struct Shop {
    pub(crate) stage: Stage,
    trust: TrustRoot,
    by: By,
}

fn descriptor(kind: &str, name: &str, size: usize) -> Value {
    json!({"mediaType": kind, "digest": name, "size": size})
}

impl Shop {
    fn new(by: By) -> Self {
        let stage = Plan::new().unwrap().set().unwrap();
        let host = match by {
            By::Ecr => "123456789012.dkr.ecr.us-east-1.amazonaws.com".to_owned(),
            _ => stage.aws.registry_host(),
        };
        stage.aws.registry(|registry| registry.referrers = by != By::Tag);
        stage.set("bucket: acme-releases,", &format!("source: \"oci://{host}/{NAME}:{{channel}}\","));
        let rules = "signers: {ops: {key: kms, proof: none}}\n\
                     rules:\n  - {applications: [shop], channels: [stable], signatures: {all: [ops]}}\n";
        stage.put("trust.d/production/policy.yaml", rules);
        let trust = TrustRoot::read(&stage.scratch().join("trust.d")).unwrap();
        Self { stage, trust, by }
    }

    /// A host that runs 1.4.2.
    pub(crate) fn booted(by: By) -> Self {
        let shop = Self::new(by);
        shop.publish("1.4.2", |_| {});
        shop.run(Mode::Boot).unwrap_or_else(|failure| panic!("{by:?}: {failure}"));
        assert!(shop.installed().contains("1.4.2"));
        shop
    }

    pub(crate) fn run(&self, mode: Mode) -> Result<muster::boot::Ended, muster::failure::Failure> {
        boot(&muster::boot::Request { trust: Some(self.trust.clone()), ..self.stage.request(mode) })
    }

    fn installed(&self) -> String {
        self.stage.read(PROGRAM)
    }

    pub(crate) fn registry<T>(&self, work: impl FnOnce(&mut Registry) -> T) -> T {
        self.stage.aws.registry(work)
    }

    /// Pushes a release under its channel's tag, and gives the digests of manifest and referrer.
    fn publish(&self, version: &str, change: impl Fn(&mut Value)) -> (String, String) {
        let manifest = self.push(version, change);
        let referrer = self.sign(&manifest, &manifest);
        (manifest, referrer)
    }

    pub(crate) fn push(&self, version: &str, change: impl Fn(&mut Value)) -> String {
        let program = format!("#!/bin/sh\necho shop {version}\n").into_bytes();
        self.registry(|registry| {
            let config = registry.put_blob(NAME, b"{}");
            let layer = registry.put_blob(NAME, &program);
            let mut manifest = json!({
                "schemaVersion": 2, "mediaType": IMAGE, "artifactType": "application/vnd.acme.program",
                "config": descriptor("application/vnd.oci.empty.v1+json", &config, 2),
                "layers": [descriptor("application/octet-stream", &layer, program.len())],
                "annotations": {
                    "muster.release.application": "shop", "muster.release.component": "api",
                    "muster.release.channel": "stable", "org.opencontainers.image.version": version,
                },
            });
            change(&mut manifest);
            registry.put(NAME, Some("stable"), manifest.to_string().as_bytes())
        })
    }

    /// Lets KMS sign a manifest, and hangs the bundle on another one.
    pub(crate) fn sign(&self, signed: &str, about: &str) -> String {
        let bundle = self.stage.statement("https://sigstore.dev/cosign/sign/v1", signed);
        self.refer(about, bundle.as_bytes())
    }

    fn refer(&self, about: &str, bundle: &[u8]) -> String {
        let by = self.by;
        self.registry(|registry| {
            let (config, layer) = (registry.put_blob(NAME, b"{}"), registry.put_blob(NAME, bundle));
            let manifest = json!({
                "schemaVersion": 2, "mediaType": IMAGE, "artifactType": BUNDLE,
                "config": descriptor("application/vnd.oci.empty.v1+json", &config, 2),
                "layers": [descriptor(BUNDLE, &layer, bundle.len())], "subject": descriptor(IMAGE, about, 1),
            });
            let digest = registry.put(NAME, None, manifest.to_string().as_bytes());
            if by == By::Tag {
                registry.put_fallback(NAME, about);
            }
            digest
        })
    }

    /// The next run is refused, says this, and leaves what is there.
    fn refused(&self, words: &[&str]) {
        let failure = self.run(Mode::Converge).unwrap_err();
        assert_eq!(failure.stage, At::Release, "{:?}: {failure}", self.by);
        for word in words {
            assert!(failure.to_string().contains(word), "{:?}: no `{word}`: {failure}", self.by);
        }
        assert!(self.installed().contains("1.4.2"), "{:?}: the release before stays", self.by);
    }

    /// The twin: the next run brings this version.
    fn taken(&self, version: &str) {
        self.run(Mode::Converge).unwrap_or_else(|failure| panic!("{:?}: {failure}", self.by));
        assert!(self.installed().contains(version), "{:?}: {}", self.by, self.installed());
    }
}

#[test]
fn a_release_comes_from_ecr_and_from_registries_with_referrers_and_without() {
    for by in [By::Ecr, By::Referrers, By::Tag] {
        let shop = Shop::booted(by);
        shop.run(Mode::Converge).unwrap();
        assert!(shop.stage.newest().changes.is_empty(), "{by:?}: a second run changes nothing");
        shop.publish("1.5.0", |_| {});
        shop.taken("1.5.0");
        let ecr = shop.stage.aws.count("ecr", "BatchGetImage");
        assert_eq!(ecr > 0, by == By::Ecr);
    }
}

#[test]
fn a_signature_that_is_missing_hidden_or_of_something_else_is_no_signature() {
    for by in [By::Ecr, By::Referrers, By::Tag] {
        let shop = Shop::booted(by);
        // Not signed at all.
        let manifest = shop.push("1.5.0", |_| {});
        shop.refused(&["ops", "0 bundles"]);
        // A bundle over another release, hung on this one.
        let other = format!("sha256:{}", "ab".repeat(32));
        let wrong = shop.sign(&other, &manifest);
        shop.refused(&["ops", "none of the statement's subjects"]);
        shop.registry(|registry| registry.forget(NAME, &wrong));
        let referrer = shop.sign(&manifest, &manifest);
        if by == By::Ecr {
            shop.registry(|registry| registry.archived.insert(referrer.clone()));
            shop.refused(&["ops", "0 bundles"]);
            shop.registry(|registry| registry.archived.clear());
        }
        shop.taken("1.5.0");
    }
}

#[test]
fn a_manifest_of_something_else_is_refused_though_it_is_signed() {
    let shop = Shop::booted(By::Referrers);
    for (name, value, words) in [
        ("muster.release.application", "blog", ["application", "blog"]),
        ("muster.release.component", "worker", ["component", "worker"]),
        ("muster.release.channel", "canary", ["channel", "canary"]),
    ] {
        shop.publish("1.5.0", |manifest| manifest["annotations"][name] = json!(value));
        shop.refused(&words);
    }
    shop.publish("1.5.0", |manifest| manifest["manifests"] = json!([]));
    shop.refused(&["calls itself an image", "`manifests`"]);
    shop.publish("1.5.0", |manifest| manifest["layers"] = json!([]));
    shop.refused(&["0 layers"]);
    shop.publish("1.5.0", |manifest| manifest["layers"][0]["size"] = json!(5_u64 << 40));
    shop.refused(&["are allowed"]);
    shop.publish("1.5.0", |manifest| manifest["layers"][0]["digest"] = json!("sha512:00"));
    shop.refused(&["no digest"]);
    shop.publish("1.5.0", |_| {});
    shop.taken("1.5.0");
}

#[test]
fn bytes_other_than_those_that_are_named_are_refused() {
    for by in [By::Ecr, By::Referrers] {
        let shop = Shop::booted(by);
        let (manifest, referrer) = shop.publish("1.5.0", |_| {});
        let program = b"#!/bin/sh\necho shop 1.5.0\n";
        let layer = format!("sha256:{}", hex::encode(digest(&SHA256, program)));
        shop.registry(|registry| registry.corrupt(NAME, &layer, b"#!/bin/sh\necho shop 6.6.6\n"));
        shop.refused(&["was signed"]);
        shop.registry(|registry| registry.corrupt(NAME, &layer, &[b' '; 4096]));
        shop.refused(&["larger than"]);
        shop.registry(|registry| registry.put_blob(NAME, program));
        let other = json!({
            "schemaVersion": 2, "mediaType": IMAGE, "artifactType": BUNDLE, "layers": [], "config": {},
            "subject": descriptor(IMAGE, &manifest, 1),
        });
        shop.registry(|registry| registry.corrupt(NAME, &referrer, other.to_string().as_bytes()));
        shop.refused(&["verifying the manifest", "was named"]);
        shop.registry(|registry| registry.forget(NAME, &referrer));
        shop.sign(&manifest, &manifest);
        shop.taken("1.5.0");
    }
}

#[test]
fn lists_without_end_and_manifests_without_measure_are_ended() {
    for by in [By::Ecr, By::Referrers] {
        let shop = Shop::booted(by);
        shop.publish("1.5.0", |_| {});
        shop.registry(|registry| (registry.endless, registry.page) = (true, 1));
        shop.refused(&["pages do not end"]);
        shop.registry(|registry| registry.endless = false);
        // Read whole, though the page that has it is not the first.
        let manifest = shop.push("1.5.0", |_| {});
        for number in 0..5 {
            shop.refer(&manifest, format!("{{\"number\": {number}}}").as_bytes());
        }
        shop.refused(&["bundle"]);
        let shop = Shop::booted(by);
        shop.publish("1.5.0", |manifest| manifest["annotations"]["x"] = json!("y".repeat(5 << 20)));
        shop.refused(&["larger than 4194304 bytes"]);
        shop.publish("1.5.0", |_| {});
        shop.taken("1.5.0");
    }
}

#[test]
fn a_registry_that_sends_on_elsewhere_is_followed_only_for_blobs_and_only_outward() {
    let shop = Shop::booted(By::Referrers);
    shop.publish("1.5.0", |_| {});
    shop.registry(|registry| registry.manifests_onward = Some("https://elsewhere.example/".into()));
    shop.refused(&["only blobs may"]);
    shop.registry(|registry| registry.manifests_onward = None);
    for (to, says) in [
        ("http://169.254.169.254/latest/meta-data/", "this host's own"),
        ("http://elsewhere.example/", "without TLS"),
        ("file:///etc/shadow", "without TLS"),
    ] {
        shop.registry(|registry| registry.onward = Some(to.into()));
        shop.refused(&[says]);
    }
    shop.registry(|registry| registry.onward = None);
    shop.taken("1.5.0");
}

#[test]
fn a_login_is_asked_for_and_denials_are_named() {
    let shop = Shop::booted(By::Referrers);
    shop.publish("1.5.0", |_| {});
    shop.registry(|registry| registry.login = Some(("robot".into(), "pa55word".into())));
    shop.refused(&["asks for a login (401)"]);
    shop.stage.aws.put_secret(Secret::string("platform/registry", "wr0ng"));
    shop.stage.set("source: ", "login: {user: robot, secret: platform/registry}, source: ");
    shop.refused(&["does not take the login (401)"]);
    shop.stage.aws.put_secret(Secret::string("platform/registry", "pa55word\n"));
    shop.registry(|registry| registry.forbidden = true);
    shop.refused(&["denied (403)"]);
    shop.registry(|registry| registry.forbidden = false);
    shop.taken("1.5.0");
    let shop = Shop::booted(By::Ecr);
    shop.publish("1.5.0", |_| {});
    for action in ["BatchGetImage", "ListImageReferrers", "GetDownloadUrlForLayer"] {
        shop.stage.aws.deny(Denial::of(&format!("ecr:{action}")));
        shop.refused(&[&format!("ecr:{action}"), "denied to"]);
        shop.stage.aws.clear_denials();
    }
    shop.taken("1.5.0");
}

#[test]
fn an_index_leads_to_this_hosts_own() {
    let shop = Shop::booted(By::Tag);
    let publish = |architectures: &[&str]| {
        let manifest = shop.push("1.5.0", |_| {});
        let index = shop.registry(|registry| {
            let entries: Vec<Value> = architectures
                .iter()
                .map(|one| {
                    let entry = descriptor(IMAGE, &manifest, 1);
                    let mut entry = entry;
                    entry["platform"] = json!({"os": "linux", "architecture": one});
                    entry
                })
                .collect();
            let annotations = json!({
                "muster.release.application": "shop", "muster.release.component": "api",
                "muster.release.channel": "stable", "org.opencontainers.image.version": "1.5.0",
            });
            let index =
                json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries, "annotations": annotations});
            registry.put(NAME, Some("stable"), index.to_string().as_bytes())
        });
        shop.sign(&index, &index);
    };
    publish(&["riscv64"]);
    shop.refused(&["it has nothing for linux"]);
    publish(&["amd64", "arm64", "amd64", "arm64"]);
    shop.refused(&["several manifests"]);
    publish(&["amd64", "arm64"]);
    shop.taken("1.5.0");
}

/// The update repository names artifact, manifest and attestations by digest: there is nothing to list, nor to hide.
#[test]
fn a_descriptor_names_what_a_registry_has_and_what_it_hides_is_missed() {
    let mut shop = updates::Shop::booted();
    let host = shop.stage.aws.registry_host();
    shop.stage.set("target: ", &format!("source: \"oci://{host}/{NAME}\", target: "));
    let rules = "signers: {ops: {key: kms, proof: none}}\n\
                 rules:\n  - {applications: [shop], channels: [stable], signatures: {all: [ops]}}\n";
    shop.stage.put("trust.d/production/policy.yaml", rules);
    shop.trust = TrustRoot::read(&shop.stage.scratch().join("trust.d")).unwrap();
    let program = b"#!/bin/sh\necho shop 1.5.0\n";
    let (layer, manifest) = shop.stage.aws.registry(|registry| {
        let layer = registry.put_blob(NAME, program);
        let layers = [descriptor("application/octet-stream", &layer, program.len())];
        let manifest = json!({"schemaVersion": 2, "mediaType": IMAGE, "layers": layers, "config": layers[0]});
        (layer, registry.put(NAME, None, manifest.to_string().as_bytes()))
    });
    let bundle = shop.stage.statement("https://sigstore.dev/cosign/sign/v1", &manifest);
    let publish = |shop: &mut updates::Shop, manifest: Option<&str>| {
        shop.publish("1.5.0", |descriptor| {
            for artifact in descriptor["artifacts"].as_array_mut().unwrap() {
                (artifact["sha256"], artifact["size"]) = (json!(layer[7..]), json!(program.len()));
                let proof = json!({"path": "kms", "sha256": sha256(bundle.as_bytes()), "size": bundle.len()});
                artifact["attestations"] = json!([proof]);
                if let Some(manifest) = manifest {
                    artifact["manifest"] = json!(manifest[7..]);
                }
            }
        });
    };
    publish(&mut shop, Some(&manifest));
    shop.refused(At::Release, &[&sha256(bundle.as_bytes()), "no such thing"]);
    shop.stage.aws.registry(|registry| registry.put_blob(NAME, bundle.as_bytes()));
    // About the manifest, and not about the artifact itself.
    publish(&mut shop, None);
    shop.refused(At::Release, &["ops", "none of the statement's subjects"]);
    // A manifest that has another artifact.
    let other = json!({"schemaVersion": 2, "mediaType": IMAGE, "layers": [], "config": descriptor("x", &layer, 1)});
    let other = shop.stage.aws.registry(|registry| registry.put(NAME, None, other.to_string().as_bytes()));
    publish(&mut shop, Some(&other));
    shop.refused(At::Release, &["no layer with the artifact's digest"]);
    publish(&mut shop, Some(&manifest));
    shop.update().unwrap();
    assert!(shop.stage.read(PROGRAM).contains("1.5.0"));
}
