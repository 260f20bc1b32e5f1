//! Releases that are archives: from a bucket and from the update repository, killed in the middle, bad, and put back.

use crate::machine::machine;
use crate::stage::Stage;
use crate::updates::{Shop, sha256};
use crate::{apart, boot, stage};
use muster::boot::{Ended, Mode, Request, roll_back};
use muster::failure::Stage as At;
use muster::host::Change;
use serde_json::json;
use std::time::Duration;

const PLACE: &str = "/srv/shop";
const TEST: &str = "bundles::a_kill_within_the_extraction_leaves_the_bundle_before";

/// An archive with the version, and many files for a kill to come between.
fn archive(version: &str, files: usize) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    let mut add = |name: &str, data: &[u8]| {
        let mut header = tar::Header::new_ustar();
        header.set_mode(0o644);
        header.set_size(data.len() as u64);
        builder.append_data(&mut header, name, data).unwrap();
    };
    add("version", version.as_bytes());
    (0..files).for_each(|number| add(&format!("files/{number}"), &[b'x'; 8192]));
    builder.into_inner().unwrap()
}

fn served(stage: &Stage) -> String {
    stage.read(&format!("{PLACE}/current/version"))
}

fn releases(stage: &Stage) -> usize {
    std::fs::read_dir(stage.root().join("srv/shop/releases")).unwrap().count()
}

/// A host that serves a first bundle from the bucket.
fn booted() -> Stage {
    let stage = stage();
    stage.set("destination: /usr/local/bin/shop-api", "destination: /srv/shop, unpack: true, keep: 2");
    stage.publish_as(("r42", "1.4.2"), "shop.tar", &archive("1.4.2", 1));
    stage.boot(false).unwrap();
    assert_eq!(served(&stage), "1.4.2");
    stage
}

#[test]
fn a_bundle_of_a_bucket_is_swapped_in_and_a_failing_health_check_swaps_it_back() {
    let stage = booted();
    boot(&stage.request(Mode::Converge)).unwrap();
    assert!(stage.newest().changes.is_empty(), "a second run changes nothing: {:?}", stage.newest().changes);
    stage.publish_as(("r43", "1.5.0"), "shop.tar", &archive("1.5.0", 1));
    stage.set("port=8080", "port=9090");
    let failure = boot(&stage.request(Mode::Converge)).unwrap_err();
    assert_eq!(failure.stage, At::Health, "{failure}");
    assert!(failure.to_string().contains("release shop.api is back at 1.4.2"), "{failure}");
    assert_eq!(served(&stage), "1.4.2");
    stage.set("port=9090", "port=8080");
    boot(&stage.request(Mode::Converge)).unwrap();
    assert_eq!((served(&stage).as_str(), releases(&stage)), ("1.5.0", 2));
    stage.publish_as(("r44", "1.6.0"), "shop.tar", &archive("1.6.0", 1));
    boot(&stage.request(Mode::Converge)).unwrap();
    assert_eq!((served(&stage).as_str(), releases(&stage)), ("1.6.0", 2), "the oldest is gone");
    let Ended::RolledBack { record } = roll_back(&stage.request(Mode::Rollback), "shop.api").unwrap() else {
        panic!("no rollback")
    };
    assert_eq!((record.active.version.as_str(), served(&stage).as_str()), ("1.5.0", "1.5.0"));
}

#[test]
fn a_kill_within_the_extraction_leaves_the_bundle_before() {
    if let Some((request, after)) = apart::child() {
        let around = machine(move |_, change| {
            if matches!(change, Change::Unpack(_)) {
                std::thread::spawn(move || {
                    std::thread::sleep(Duration::from_micros(after));
                    let _ = nix::sys::signal::kill(nix::unistd::Pid::this(), nix::sys::signal::Signal::SIGKILL);
                });
            }
            None
        });
        apart::boot_and_exit(&Request { mode: Mode::Converge, machine: Some(around), ..request });
    }
    let stage = booted();
    stage.publish_as(("r43", "1.5.0"), "shop.tar", &archive("1.5.0", 4000));
    let mut within = 0;
    for after in [2_000, 8_000, 20_000, 50_000] {
        let status = apart::spawn(&stage, TEST, after).wait().unwrap();
        if status.code().is_some() {
            break;
        }
        assert!(["1.4.2", "1.5.0"].contains(&served(&stage).as_str()), "{after}");
        within += u32::from(served(&stage) == "1.4.2");
    }
    assert!(within > 0, "no kill came within the extraction");
    boot(&stage.request(Mode::Converge)).unwrap();
    boot(&stage.request(Mode::Converge)).unwrap();
    assert_eq!((served(&stage).as_str(), releases(&stage)), ("1.5.0", 2), "what the kills left is gone");
    let files = std::fs::read_dir(stage.root().join("srv/shop/current/files")).unwrap().count();
    assert_eq!(files, 4000);
}

#[test]
fn a_bundle_of_the_update_repository_is_swapped_in_and_a_bad_one_is_not() {
    let mut shop = Shop::booted();
    shop.stage.set("destination: /usr/local/bin/shop-api", "destination: /srv/shop, unpack: true");
    let mut bad = archive("1.5.0", 1);
    // A set-user-id bit in the first header, whose checksum is made right.
    bad[100..108].copy_from_slice(b"0004755\0");
    let mut header = tar::Header::new_ustar();
    header.as_mut_bytes().copy_from_slice(&bad[..512]);
    header.set_cksum();
    bad[..512].copy_from_slice(header.as_bytes());
    for (version, bytes, good) in
        [("1.4.3", archive("1.4.3", 1), true), ("1.5.0", bad, false), ("1.5.1", archive("1.5.1", 2), true)]
    {
        let name = format!("shop-{version}.tar");
        shop.put_target(&format!("shop/{name}"), bytes.clone());
        shop.publish(version, |descriptor| {
            for artifact in descriptor["artifacts"].as_array_mut().unwrap() {
                (artifact["path"], artifact["sha256"]) = (json!(name), json!(sha256(&bytes)));
                artifact["size"] = json!(bytes.len());
            }
        });
        match shop.update() {
            Ok(_) => assert!(good, "{version}"),
            Err(failure) => {
                assert!(!good && failure.stage == At::Release && failure.hint.is_some(), "{version}: {failure}");
                assert!(failure.to_string().contains("set-user-id"), "{failure}");
                assert_eq!((served(&shop.stage).as_str(), releases(&shop.stage)), ("1.4.3", 1));
                continue;
            }
        }
        assert_eq!(served(&shop.stage), version);
    }
    let Ended::RolledBack { record } = roll_back(&shop.request(Mode::Rollback), "shop.api").unwrap() else {
        panic!("no rollback")
    };
    assert_eq!((record.active.version.as_str(), served(&shop.stage).as_str()), ("1.4.3", "1.4.3"));
}
