//! Sigstore's trusted root as a target: the public one is replaced, and never by an older one.
#![expect(clippy::disallowed_methods, reason = "tests set the stage and run the program")]

use crate::instance::{IDENTITY, ISSUER, Instance, Log, Recipe};
use crate::repository::{Repository, now};
use muster::trust::Untrusted;
use muster::trust::bundle::BundlePolicy;
use muster::trust::sigstore::{Subject, TrustedRoot};
use muster::trust::tuf::{Client, Floor, TufError};
use muster::trust::{TrustRoot, approve};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

const PUBLIC: &str = "sigstore/public.json";
const POLICY: &str = r#"
signers:
  ci:
    identity: https://github.com/acme/shop/.github/workflows/release.yml@refs/heads/main
    issuer: https://token.actions.githubusercontent.com
    trusted_root: public-good
rules:
  - {applications: [shop], channels: [stable], signatures: {all: [ci]}}
"#;

fn write(directory: &Path, name: &str, bytes: &[u8]) {
    let path = directory.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

fn wanted() -> BTreeMap<String, String> {
    BTreeMap::from([("public-good".to_owned(), PUBLIC.to_owned())])
}

/// What a refresh above a floor leaves as the next one.
fn refreshed(repository: &Repository, client: &mut Client) -> Result<Floor, TufError> {
    client.refresh(now())?;
    let mut floor = client.raised(&repository.anchor, now())?;
    client.trusted_roots(&wanted(), &mut floor, now())?;
    Ok(floor)
}

fn publish(repository: &mut Repository, instance: &Instance) {
    repository.add("targets", PUBLIC, instance.document().to_string().as_bytes());
    repository.next(&["targets"]);
}

#[test]
fn the_public_root_is_replaced_and_the_one_before_does_not_come_back() {
    let scratch = tempfile::tempdir().unwrap();
    write(scratch.path(), "prod/policy.yaml", POLICY.as_bytes());
    let releases = TrustRoot::read(scratch.path()).unwrap().realms[0].releases.clone();
    let (old, new) = (Instance::new(), Instance::new());
    assert!(POLICY.contains(IDENTITY) && POLICY.contains(ISSUER));
    let by = |instance: &Instance| {
        let bundle = instance.bundle(&Recipe { log: Log::One, ..Recipe::default() });
        Untrusted::new(bundle.to_string().into_bytes())
    };
    let believes = |policy: &BundlePolicy, instance: &Instance| {
        let subject = Subject::bytes(Untrusted::new(b"release".to_vec()));
        let asked = muster::trust::policy::Asked { application: "shop", channel: "stable" };
        approve(subject, &[by(instance)], policy, &asked, jiff::Timestamp::now()).is_ok()
    };
    // The library's own public root knows neither.
    assert!(!believes(&releases, &old) && !believes(&releases, &new));
    let mut repository = Repository::new();
    publish(&mut repository, &old);
    let first = refreshed(&repository, &mut repository.client()).unwrap();
    let policy = first.believed(releases.clone()).unwrap();
    assert!(believes(&policy, &old) && !believes(&policy, &new));
    let before = repository.server.clone().read("timestamp.json");
    publish(&mut repository, &new);
    let second = refreshed(&repository, &mut repository.client_above(&first)).unwrap();
    let policy = second.believed(releases.clone()).unwrap();
    assert!(!believes(&policy, &old) && believes(&policy, &new));
    // It stays where there is no network, under the floor's seal.
    let floor = scratch.path().join("floor");
    second.write(&floor).unwrap();
    let kept = Floor::read(&floor, &repository.anchor).unwrap();
    assert_eq!(kept, second);
    assert!(believes(&kept.believed(releases).unwrap(), &new));
    // The metadata that listed the old one is below the floor.
    repository.put("timestamp.json", before);
    let refused = refreshed(&repository, &mut repository.client_above(&kept)).unwrap_err();
    assert!(matches!(&refused, TufError::Rollback { .. }), "{refused}");
}

#[test]
fn a_target_that_is_no_trusted_root_is_refused_and_nothing_is_kept() {
    let mut repository = Repository::new();
    publish(&mut repository, &Instance::new());
    let floor = refreshed(&repository, &mut repository.client()).unwrap();
    for bad in [&b"{}"[..], b"not json", br#"{"mediaType": "a", "mediaType": "b"}"#] {
        repository.add("targets", PUBLIC, bad);
        repository.next(&["targets"]);
        let refused = refreshed(&repository, &mut repository.client_above(&floor)).unwrap_err();
        assert!(matches!(&refused, TufError::Target { target, .. } if target == PUBLIC), "{refused}");
    }
    // One that a delegation lists outside of its paths is nobody's.
    let mut repository = Repository::new();
    repository.add("shop", PUBLIC, Instance::new().document().to_string().as_bytes());
    repository.next(&["shop"]);
    let refused = refreshed(&repository, &mut repository.client()).unwrap_err();
    assert!(matches!(&refused, TufError::NotListed { .. }), "{refused}");
    assert!(TrustedRoot::from_json(&Instance::new().document().to_string()).is_ok());
}

/// `muster verify tuf` over a directory, as an operator calls it.
#[test]
fn the_chain_is_told_from_the_realms_root_to_the_byte() {
    let scratch = tempfile::tempdir().unwrap();
    let mut repository = Repository::new();
    repository.rotate(|_| {});
    repository.next(&["shop"]);
    write(scratch.path(), "trust.d/prod/root.json", &repository.anchor);
    let serve = |repository: &Repository| {
        repository.server.alter(|served| {
            for (directory, files) in [("metadata", &served.metadata), ("targets", &served.targets)] {
                files.iter().for_each(|(name, bytes)| write(scratch.path(), &format!("tuf/{directory}/{name}"), bytes));
            }
        });
    };
    serve(&repository);
    let address = format!("file://{}/tuf", scratch.path().display());
    let settings = format!("updates: {{repository: \"{address}\", clock: any}}\n");
    write(scratch.path(), "root/etc/muster/muster.yaml", settings.as_bytes());
    let floor = scratch.path().join("root/var/lib/muster/floor/prod");
    let run = |words: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_muster"));
        command.current_dir(scratch.path()).args(["verify", "tuf", "--root", "root", "--trust-dir", "trust.d"]);
        let output = command.args(words).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        (output.status.code().unwrap(), text)
    };
    let target = "stable/shop/release.json";
    let (code, text) = run(&[target]);
    assert!(code == 26 && text.contains("muster trust bake"), "{code}: {text}");
    repository.bake(now()).write(&floor).unwrap();
    let (code, text) = run(&[target, "--explain"]);
    assert_eq!(code, 0, "{text}");
    let links = [
        "realm prod",
        "-> root 1 of the realm, sha256 ",
        "-> root 2, through every one between, 2 of 2 keys",
        "-> timestamp 2, 1 of 1 keys",
        "-> snapshot 2",
        "-> targets 1, 2 of 2 keys",
        "-> above the floor of",
        "-> delegated role shop 2, 2 of 2 keys",
        "-> target stable/shop/release.json, 8 bytes, sha256 ",
    ];
    let at: Vec<Option<usize>> = links.iter().map(|link| text.find(link)).collect();
    assert!(at.iter().all(Option::is_some) && at.is_sorted(), "{at:?}: {text}");
    let (code, text) = run(&[target, "--json", "--without-floor"]);
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((code, &document["verdict"], &document["targets"][0]["roles"][1]), (0, &"pass".into(), &"shop".into()));
    assert_eq!(document["chain"].as_array().unwrap().len(), 7);
    // The repository of Sigstore's trusted roots is looked at by its own name and root, and either may be looked at elsewhere.
    let (code, text) = run(&["--sigstore", target]);
    assert!(code == 10 && text.contains("sigstore_updates"), "{code}: {text}");
    let elsewhere = "sigstore_updates: {repository: \"file:///nowhere/at/all\", root: sigstore, clock: any}\n";
    write(scratch.path(), "root/etc/muster/muster.yaml", format!("{settings}{elsewhere}").as_bytes());
    write(scratch.path(), "trust.d/prod/tuf/sigstore.json", &repository.anchor);
    let (code, text) = run(&["--sigstore", "--without-floor", target]);
    assert!(code == 26 && text.contains("/nowhere/at/all"), "{code}: {text}");
    let (code, text) = run(&["--sigstore", "--without-floor", "--repository", &address, target]);
    assert!(code == 0 && text.contains(target), "{code}: {text}");
    let (code, text) = run(&["--sigstore", "--repository", &address]);
    assert!(code == 26 && text.contains("prod@sigstore"), "{code}: {text}");
    let (code, text) = run(&["--without-floor", "--repository", "file:///nowhere/at/all", target]);
    assert!(code == 26 && text.contains("/nowhere/at/all"), "{code}: {text}");
    repository.server.alter(|served| {
        for bytes in served.targets.values_mut() {
            bytes[0] ^= 1;
        }
    });
    serve(&repository);
    let (code, text) = run(&[target, "--json"]);
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((code, &document["verdict"]), (26, &"fail".into()));
    assert!(document["reasons"][0].as_str().unwrap().contains("its sha256 is"), "{text}");
    let (code, text) = run(&["stable/nothing.json"]);
    assert!(code == 26 && text.contains("stable/nothing.json"), "{code}: {text}");
}
