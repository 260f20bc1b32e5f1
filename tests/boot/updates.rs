//! Releases that come from a TUF repository in a bucket: at boot, by `muster release update`, and every way in which one
//! that is validly signed is refused.

use crate::machine::machine;
use crate::stage::{BUCKET, Plan, Stage};
use crate::tuf_repository::{Repository, days};
use aws_lc_rs::digest::{SHA256, digest};
use emulator::{Denial, Object};
use muster::boot::{Baking, Ended, Mode, Request, bake, boot, update};
use muster::failure::{Failure, Stage as At};
use muster::host::{Change, Effect, HostError};
use muster::release::Record;
use muster::settings::Sources;
use muster::trust::TrustRoot;
use serde_json::{Value, json};

const PROGRAM: &str = "/usr/local/bin/shop-api";
const TARGET: &str = "stable/shop/release.json";

/// A stage whose release comes from a TUF repository, and that repository with all its keys.
pub(crate) struct Shop {
    pub(crate) stage: Stage,
    tuf: Repository,
    pub(crate) trust: TrustRoot,
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex::encode(digest(&SHA256, bytes))
}

fn program(version: &str) -> Vec<u8> {
    format!("#!/bin/sh\necho shop {version}\n").into_bytes()
}

impl Shop {
    fn new() -> Self {
        let plan = Plan {
            settings: format!("updates: {{repository: \"s3://{BUCKET}/tuf\", clock: any}}\nchannel: stable\n"),
            replace: vec![(
                format!("channel: stable, bucket: {BUCKET}, destination"),
                "target: \"{channel}/{app}/release.json\", restart: shop.service, destination".into(),
            )],
            ..Plan::new().unwrap()
        };
        let stage = plan.set().unwrap();
        let tuf = Repository::new();
        stage.put("trust.d/production/root.json", std::str::from_utf8(&tuf.anchor).unwrap());
        let trust = TrustRoot::read(&stage.scratch().join("trust.d")).unwrap();
        let mut shop = Self { stage, tuf, trust };
        shop.publish("1.4.2", |_| {});
        shop
    }

    /// Everything in place, the floor baked, and the host in service.
    pub(crate) fn booted() -> Self {
        let shop = Self::new();
        shop.bake().unwrap();
        boot(&shop.request(Mode::Boot)).unwrap();
        assert!(shop.stage.read(PROGRAM).contains("1.4.2"));
        shop
    }

    /// The commit that the config repository's branch is at.
    fn head(&self) -> String {
        self.stage.repository.head("main").unwrap()
    }

    fn descriptor(&self, version: &str) -> Value {
        let artifacts: Vec<Value> = ["amd64", "arm64"]
            .iter()
            .map(|one| {
                let (bytes, proof) = (program(version), proof(version));
                json!({
                    "os": "linux", "architecture": one, "path": format!("shop-api-{version}"),
                    "sha256": sha256(&bytes), "size": bytes.len(),
                    "attestations": [
                        {"path": format!("{version}.sigstore.json"), "sha256": sha256(&proof), "size": proof.len()}
                    ],
                })
            })
            .collect();
        json!({
            "schema": "muster.release/1", "application": "shop", "component": "api", "channel": "stable",
            "environment": "production", "version": version, "config_commit": self.head(), "artifacts": artifacts,
        })
    }

    /// Signs and publishes a release, with what a change makes of its descriptor.
    pub(crate) fn publish(&mut self, version: &str, change: impl FnOnce(&mut Value)) {
        let mut descriptor = self.descriptor(version);
        change(&mut descriptor);
        self.tuf.add("shop", TARGET, descriptor.to_string().as_bytes());
        let (bytes, proof) = (program(version), proof(version));
        self.put_target(&format!("shop/shop-api-{version}"), bytes);
        self.put_target(&format!("shop/{version}.sigstore.json"), proof);
        self.tuf.next(&["shop"]);
        self.upload();
    }

    pub(crate) fn put_target(&self, path: &str, bytes: Vec<u8>) {
        self.tuf.server.alter(|served| drop(served.targets.insert(path.to_owned(), bytes)));
    }

    pub(crate) fn upload(&self) {
        self.tuf.server.alter(|served| {
            for (directory, files) in [("metadata", &served.metadata), ("targets", &served.targets)] {
                for (name, bytes) in files {
                    self.stage.aws.put_object(Object::new(BUCKET, &format!("tuf/{directory}/{name}"), bytes.clone()));
                }
            }
        });
    }

    pub(crate) fn request(&self, mode: Mode) -> Request {
        // Units are not restarted on the machine that tests run on.
        let around = machine(|_, change| matches!(change, Change::Unit { .. }).then(|| Ok(Effect::default())));
        Request { trust: Some(self.trust.clone()), machine: Some(around), ..self.stage.request(mode) }
    }

    fn bake(&self) -> Result<(), Failure> {
        let root = self.stage.root();
        let sources = Sources { root: root.clone(), ..Sources::default() };
        bake(&Baking { sources, root, replace: false, trust: Some(self.trust.clone()) }).map(drop)
    }

    pub(crate) fn update(&self) -> Result<Ended, Failure> {
        update(&self.request(Mode::Update))
    }

    /// The releases after an update that succeeds.
    fn updated(&self) -> Vec<Record> {
        match self.update().expect("an update") {
            Ended::Updated { releases } => releases,
            other => panic!("{other:?}"),
        }
    }

    /// The update is refused at a stage, says this, and leaves what is there.
    pub(crate) fn refused(&self, stage: At, words: &[&str]) {
        let failure = self.update().unwrap_err();
        assert_eq!(failure.stage, stage, "{failure}");
        for word in words {
            assert!(failure.to_string().contains(word), "no `{word}`: {failure}");
        }
        assert!(failure.hint.is_some() && failure.rule.is_some(), "no hint, or no rule: {failure}");
        assert!(self.stage.read(PROGRAM).contains("1.4.2"), "the release before stays");
    }
}

fn proof(version: &str) -> Vec<u8> {
    format!("{{\"bundle of\": \"{version}\"}}").into_bytes()
}

#[test]
fn a_host_boots_from_the_update_repository_and_is_brought_to_the_newest() {
    let mut shop = Shop::booted();
    let releases = shop.updated();
    assert_eq!(releases[0].active.version, "1.4.2");
    assert!(shop.stage.newest().changes.is_empty(), "nothing is newer");
    shop.publish("1.5.0", |_| {});
    let releases = shop.updated();
    assert_eq!((releases[0].active.version.as_str(), releases[0].label().as_str()), ("1.5.0", "shop.api"));
    assert!(shop.stage.read(PROGRAM).contains("1.5.0"));
    let run = shop.stage.newest();
    assert_eq!((run.command.as_str(), run.changes.len()), ("muster release update", 1));
    let back = muster::boot::roll_back(&shop.request(Mode::Rollback), "shop.api").unwrap();
    assert!(matches!(back, Ended::RolledBack { record } if record.active.version == "1.4.2"));
    assert_eq!(shop.stage.aws.signals().len(), 1, "an update tells nobody");
}

#[test]
fn an_update_that_fails_gives_its_place_back() {
    let mut shop = Shop::booted();
    shop.publish("1.5.0", |_| {});
    shop.stage.set("port=8080", "port=9090");
    let failure = shop.update().unwrap_err();
    assert_eq!(failure.stage, At::Health, "{failure}");
    assert!(failure.to_string().contains("release shop.api is back at 1.4.2"), "{failure}");
    assert!(shop.stage.read(PROGRAM).contains("1.4.2"));
    shop.stage.set("port=9090", "port=8080");
    let broken = machine(|_, change| match change {
        Change::Unit { .. } => {
            let (command, output) = ("systemctl restart shop.service".into(), "it does not start".into());
            Some(Err(HostError::Program { command, code: 1, output }))
        }
        _ => None,
    });
    let failure = update(&Request { machine: Some(broken), ..shop.request(Mode::Update) }).unwrap_err();
    assert!(failure.stage == At::Release && shop.stage.read(PROGRAM).contains("1.4.2"), "{failure}");
    shop.update().unwrap();
    assert!(shop.stage.read(PROGRAM).contains("1.5.0"));
}

#[test]
fn a_descriptor_of_something_else_is_refused_though_it_is_signed() {
    let mut shop = Shop::booted();
    for (field, value, named) in [
        ("application", "blog", "application"),
        ("component", "worker", "component"),
        ("channel", "canary", "channel"),
        ("environment", "test", "environment"),
        ("schema", "muster.release/9", "schema"),
    ] {
        shop.publish("1.5.0", |descriptor| descriptor[field] = json!(value));
        shop.refused(At::Release, &[named, value]);
    }
    shop.publish("1.5.0", |descriptor| {
        for artifact in descriptor["artifacts"].as_array_mut().unwrap() {
            artifact["architecture"] = json!("riscv64");
        }
    });
    shop.refused(At::Release, &["architecture", "riscv64"]);
    shop.publish("1.5.0", |_| {});
    shop.update().unwrap();
}

#[test]
fn a_descriptor_that_says_too_much_or_leads_elsewhere_is_refused() {
    let mut shop = Shop::booted();
    shop.publish("1.5.0", |descriptor| descriptor["run_first"] = json!("/bin/sh"));
    shop.refused(At::Release, &["unknown field `run_first`"]);
    for path in ["../blog/blog-api", "/etc/shadow", "a//b", "./shop-api-1.5.0"] {
        shop.publish("1.5.0", |descriptor| {
            for artifact in descriptor["artifacts"].as_array_mut().unwrap() {
                artifact["path"] = json!(path);
            }
        });
        shop.refused(At::Release, &["not a plain relative path"]);
    }
    let twice = shop.descriptor("1.5.0").to_string().replacen("\"channel\"", "\"channel\":\"canary\",\"channel\"", 1);
    shop.tuf.add("shop", TARGET, twice.as_bytes());
    shop.tuf.next(&["shop"]);
    shop.upload();
    shop.refused(At::Release, &["the key `channel` is there twice"]);
}

#[test]
fn the_artifact_of_another_release_is_refused() {
    let mut shop = Shop::booted();
    shop.publish("1.5.0", |_| {});
    let old = program("1.4.2");
    shop.put_target("shop/shop-api-1.5.0", old);
    shop.upload();
    shop.refused(At::Release, &["shop/shop-api-1.5.0", "was signed"]);
    shop.put_target("shop/shop-api-1.5.0", program("1.5.0"));
    shop.upload();
    shop.update().unwrap();
}

#[test]
fn an_attestation_that_is_hidden_or_swapped_is_missed() {
    let mut shop = Shop::booted();
    shop.publish("1.5.0", |descriptor| {
        for artifact in descriptor["artifacts"].as_array_mut().unwrap() {
            artifact["attestations"][0]["path"] = json!("nowhere.sigstore.json");
        }
    });
    shop.refused(At::Release, &["nowhere.sigstore.json"]);
    shop.publish("1.5.0", |_| {});
    shop.put_target("shop/1.5.0.sigstore.json", proof("9.9.9"));
    shop.upload();
    shop.refused(At::Release, &["attestation", "was signed"]);
}

#[test]
fn a_release_holds_the_config_repository_to_the_commit_that_it_was_made_with() {
    let mut shop = Shop::booted();
    let first = shop.head();
    // Made with a commit that this host has not seen.
    let newer = shop.stage.tree.clone().file("roles/web/files/more", "more\n");
    shop.stage.repository.commit(&newer, "Newer", Some(&shop.stage.signer)).unwrap();
    shop.publish("1.5.0", |_| {});
    shop.refused(At::Release, &["pins commit", "ran here last"]);
    // The server serves an old branch to a converge: the release is not run with it.
    let second = shop.head();
    shop.stage.repository.move_branch("main", &first).unwrap();
    let failure = boot(&shop.request(Mode::Converge)).unwrap_err();
    assert_eq!(failure.stage, At::Verify, "{failure}");
    assert!(failure.to_string().contains(&second) && failure.hint.is_some(), "{failure}");
    assert!(shop.stage.read(PROGRAM).contains("1.4.2"));
    shop.stage.repository.move_branch("main", &second).unwrap();
    boot(&shop.request(Mode::Converge)).unwrap();
    assert!(shop.stage.read(PROGRAM).contains("1.5.0"));
    // A repository that went on since is no older than the pin.
    let newest = newer.file("roles/web/files/most", "most\n");
    shop.stage.repository.commit(&newest, "Newest", Some(&shop.stage.signer)).unwrap();
    boot(&shop.request(Mode::Converge)).unwrap();
    shop.update().unwrap();
}

#[test]
fn without_a_floor_or_with_a_damaged_one_nothing_is_changed() {
    let shop = Shop::new();
    let failure = boot(&shop.request(Mode::Boot)).unwrap_err();
    assert_eq!(failure.stage, At::Updates, "{failure}");
    assert!(failure.to_string().contains("no TUF floor") && failure.hint.unwrap().contains("muster trust bake"));
    assert_eq!(shop.stage.read("/etc/web.conf"), "", "nothing was changed");
    assert!(!shop.stage.aws.signals()[0].success, "and it was told");
    let shop = Shop::booted();
    let floor = "var/lib/muster/floor/production/floor.json";
    let whole = shop.stage.read(floor);
    shop.stage.put(&format!("root/{floor}"), &whole.replace("\"format\":1", "\"format\":2"));
    shop.refused(At::Updates, &["damaged"]);
    shop.stage.put(&format!("root/{floor}"), &whole);
    shop.update().unwrap();
}

#[test]
fn a_repository_that_went_back_or_stood_still_is_refused() {
    let mut shop = Shop::booted();
    let old = shop.tuf.server.read("timestamp.json");
    shop.publish("1.4.2", |_| {});
    shop.bake().unwrap();
    shop.stage.aws.put_object(Object::new(BUCKET, "tuf/metadata/timestamp.json", old));
    shop.refused(At::Updates, &["goes back"]);
    shop.tuf.timestamp["expires"] = json!(days(-1).to_string());
    shop.publish("1.4.2", |_| {});
    shop.refused(At::Updates, &["timestamp expired"]);
    shop.tuf.timestamp["expires"] = json!(days(1).to_string());
    shop.publish("1.4.2", |_| {});
    shop.update().unwrap();
}

#[test]
fn a_bucket_that_may_not_be_listed_is_read_as_settings_say() {
    let shop = Shop::booted();
    shop.stage.aws.deny(Denial::of("s3:ListBucket"));
    shop.refused(At::Updates, &["2.root.json", "s3:ListBucket"]);
    shop.stage.set("clock: any", "clock: any, treat_403_as_missing: true");
    shop.update().unwrap();
    // Only the root that ends the chain: a denied timestamp is a denied timestamp.
    shop.stage.aws.deny(Denial::of("s3:GetObject").on("*timestamp.json"));
    shop.refused(At::Updates, &["timestamp.json", "denied"]);
}

#[test]
fn an_image_past_its_age_is_refused() {
    let shop = Shop::booted();
    shop.stage.set("clock: any", "clock: any, maximum_age: 0s");
    std::thread::sleep(std::time::Duration::from_millis(5));
    shop.refused(At::Updates, &["maximum age"]);
    shop.stage.set("maximum_age: 0s", "maximum_age: 90d");
    shop.update().unwrap();
}

#[test]
fn where_the_realm_has_a_policy_it_must_agree_too() {
    let mut shop = Shop::booted();
    let rules = "signers: {ops: {key: kms, proof: none}}\n\
                 rules:\n  - {applications: [shop], channels: [stable], signatures: {all: [ops]}}\n";
    shop.stage.put("trust.d/production/policy.yaml", rules);
    shop.trust = TrustRoot::read(&shop.stage.scratch().join("trust.d")).unwrap();
    // TUF's keys have signed, and the builder's has not; then the builder's has signed something else.
    shop.publish("1.5.0", |descriptor| {
        for artifact in descriptor["artifacts"].as_array_mut().unwrap() {
            artifact["attestations"] = json!([]);
        }
    });
    shop.refused(At::Release, &["stable/shop/release.json", "ops"]);
    for (signed, passes) in [("1.4.2", false), ("1.5.0", true)] {
        let bundle = shop.stage.bundle(&program(signed)).into_bytes();
        shop.put_target("shop/kms.sigstore.json", bundle.clone());
        shop.publish("1.5.0", |descriptor| {
            for artifact in descriptor["artifacts"].as_array_mut().unwrap() {
                artifact["attestations"] =
                    json!([{"path": "kms.sigstore.json", "sha256": sha256(&bundle), "size": bundle.len()}]);
            }
        });
        match passes {
            false => shop.refused(At::Release, &["stable/shop/release.json", "ops"]),
            true => drop(shop.update().unwrap()),
        }
    }
    assert!(shop.stage.read(PROGRAM).contains("1.5.0"));
}
