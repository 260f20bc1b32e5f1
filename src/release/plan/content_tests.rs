//! Content bundles put in place beneath a scratch root, and every way in which one is refused.

use super::tests::Scene;
use super::*;
use crate::host::unpack::Refusal;
use crate::host::{Attributes, Content, Host, HostError, Overlay};
use crate::release::{Active, put_back, rollback};
use std::io::Write;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// An archive of one file in a directory, with one more entry where there is one.
fn archive(text: &str, more: Option<(&str, tar::EntryType)>) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    let mut add = |name: &str, kind: tar::EntryType, mode: u32, data: &[u8]| {
        let mut header = tar::Header::new_ustar();
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_size(data.len() as u64);
        header.set_cksum();
        builder.append(&header, data).expect("entry");
    };
    add("site/index.html", tar::EntryType::Regular, 0o640, text.as_bytes());
    if let Some((name, kind)) = more {
        add(name, kind, 0o644, b"");
    }
    builder.into_inner().expect("archive")
}

fn zipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("compressed");
    encoder.finish().expect("compressed")
}

/// A scene with one bundle in place.
fn scene() -> Scene {
    let mut scene = Scene::new();
    scene.order.destination = "/srv/shop".into();
    scene.order.unpack = Some(3);
    scene.order.attributes = Attributes { mode: Some(0o750), ..Attributes::default() };
    scene.publish_as("r1", "shop.tar", &archive("one", None));
    scene.converge();
    assert_eq!(shown(&scene), "one");
    scene
}

fn site(scene: &Scene) -> PathBuf {
    scene.scratch.path().join("root/srv/shop")
}

/// What is served.
fn shown(scene: &Scene) -> String {
    std::fs::read_to_string(site(scene).join("current/site/index.html")).expect("in place")
}

fn names(scene: &Scene) -> Vec<String> {
    let all = std::fs::read_dir(site(scene).join("releases")).expect("releases");
    all.map(|entry| entry.expect("entry").file_name().into_string().expect("text")).collect()
}

fn apply(scene: &Scene, change: &Change) -> Result<(), HostError> {
    scene.host().apply(change).map(drop)
}

#[test]
fn a_bundle_is_unpacked_replaced_kept_and_rolled_back() {
    let mut scene = scene();
    let link = std::fs::read_link(site(&scene).join("current")).expect("a link");
    assert!(link.is_relative() && link.starts_with("releases"), "{link:?}");
    let mode = |path: &str| std::fs::metadata(site(&scene).join(path)).expect("there").permissions().mode() & 0o7777;
    assert_eq!((mode("current"), mode("current/site"), mode("current/site/index.html")), (0o750, 0o755, 0o640));
    let zstd = |bytes: &[u8]| zstd::encode_all(bytes, 1).expect("compressed");
    for (id, name, bytes) in [
        ("r2", "shop.tar.gz", zipped(&archive("two", None))),
        ("r3", "shop.tar.zst", zstd(&archive("three", None))),
        ("r4", "shop.tgz", zipped(&archive("four", None))),
    ] {
        scene.publish_as(id, name, &bytes);
        scene.converge();
        let again = scene.plan().expect("again");
        assert!(again.changes.is_empty(), "{id}: a second run changes nothing: {:?}", again.changes);
        for change in &again.settle {
            apply(&scene, change).expect("settled");
        }
        assert!(scene.plan().expect("again").settle.is_empty(), "{id}");
    }
    assert_eq!((shown(&scene).as_str(), names(&scene).len()), ("four", 3));
    let record = scene.order.records.join("shop.api.json");
    for (id, text) in [("r3", "three"), ("r2", "two")] {
        let back = rollback(&record, &mut scene.host()).expect("rolled back");
        assert_eq!((back.active.release_id.as_str(), shown(&scene).as_str()), (id, text));
    }
    let error = rollback(&record, &mut scene.host()).expect_err("r1 is pruned");
    assert!(error.to_string().contains("no previous release is kept"), "{error}");
    // Forward again: what is still there is not fetched and not unpacked again.
    let planned = scene.converge();
    assert!(!planned.changes.iter().any(|change| matches!(change, Change::Unpack(_))), "{:?}", planned.changes);
    assert_eq!((shown(&scene).as_str(), planned.previous.expect("previous").release_id.as_str()), ("four", "r2"));
}

#[test]
fn a_bad_bundle_leaves_the_one_before_and_nothing_of_itself() {
    use tar::EntryType::{Block, Directory, Link, Regular};
    let mut scene = scene();
    for (name, kind, good) in [
        ("../../etc/cron.d/x", Regular, false),
        ("/etc/passwd", Regular, false),
        ("site/disk", Block, false),
        ("site/hard", Link, false),
        ("site/more", Directory, true),
    ] {
        scene.publish_as("r2", "shop.tar.gz", &zipped(&archive("two", Some((name, kind)))));
        let planned = scene.plan().expect("signed");
        let outcome = planned.changes.iter().try_for_each(|change| apply(&scene, change));
        assert_eq!(outcome.is_ok(), good, "{name}: {outcome:?}");
        if good {
            assert_eq!(shown(&scene), "two");
            continue;
        }
        assert!(matches!(outcome, Err(HostError::Archive { .. })), "{name}: {outcome:?}");
        assert!(!put_back(&scene.order, &planned, &mut scene.host()).expect("looked"), "it never left");
        assert_eq!((shown(&scene).as_str(), names(&scene).len()), ("one", 1), "{name}");
    }
}

#[test]
fn bytes_that_change_between_verifying_and_extracting_are_refused() {
    let mut scene = scene();
    scene.publish_as("r2", "shop.tar", &archive("two", None));
    for alter in [true, false] {
        let planned = scene.plan().expect("planned");
        let outcome = planned.changes.iter().try_for_each(|change| {
            if let (Change::Unpack(unpack), true) = (change, alter) {
                let Content::Staged(file) = &unpack.content else { panic!("{:?}", unpack.content) };
                file.write_at(b"ten", 512).expect("altered");
            }
            apply(&scene, change)
        });
        match alter {
            true => {
                let Err(HostError::Archive { refusal, .. }) = outcome else { panic!("{outcome:?}") };
                assert!(matches!(refusal, Refusal::Digest { .. }), "{refusal}");
                assert_eq!((shown(&scene).as_str(), names(&scene).len()), ("one", 1));
            }
            false => assert_eq!((outcome.is_ok(), shown(&scene).as_str()), (true, "two")),
        }
    }
}

#[test]
fn a_run_that_is_killed_at_any_change_leaves_one_release_whole_and_the_next_finishes() {
    let two = archive("two", None);
    for done in 0..10 {
        let mut scene = scene();
        scene.publish_as("r2", "shop.tar", &two);
        let planned = scene.plan().expect("planned");
        let steps = planned.changes.len();
        planned.changes.iter().take(done).for_each(|change| apply(&scene, change).expect("applied"));
        // What a kill within the extraction, and within the swap, leaves.
        std::fs::create_dir(site(&scene).join("releases/.aa.muster-0123456789abcdef")).expect("left");
        std::os::unix::fs::symlink("releases/x", site(&scene).join(".current.muster-0123456789abcdef")).expect("left");
        assert!(["one", "two"].contains(&shown(&scene).as_str()), "after {done}");
        let planned = scene.converge();
        planned.settle.iter().for_each(|change| apply(&scene, change).expect("settled"));
        assert_eq!((shown(&scene).as_str(), names(&scene).len()), ("two", 2), "after {done}");
        let top = std::fs::read_dir(site(&scene)).expect("the place").count();
        assert_eq!(top, 2, "after {done}: nothing is left over");
        let again = scene.plan().expect("again");
        assert!(again.changes.is_empty() && again.settle.is_empty(), "after {done}: {:?}", again.changes);
        let record = Record::read(&scene.host(), &scene.order.records.join("shop.api.json")).expect("read");
        let previous = record.expect("a record").previous.map(|Active { release_id, .. }| release_id);
        assert_eq!(previous.as_deref(), Some("r1"), "after {done}");
        if done > steps {
            return;
        }
    }
    panic!("more changes than were counted on");
}

#[test]
fn an_activation_that_fails_swaps_back() {
    let mut scene = scene();
    scene.publish_as("r2", "shop.tar", &archive("two", None));
    let planned = scene.plan().expect("planned");
    let is_record = |change: &&Change| matches!(change, Change::Write(_));
    planned.changes.iter().filter(|change| !is_record(change)).for_each(|change| apply(&scene, change).expect("done"));
    assert_eq!(shown(&scene), "two");
    assert!(put_back(&scene.order, &planned, &mut scene.host()).expect("put back"));
    assert_eq!(shown(&scene), "one");
}

#[test]
fn a_plan_shows_it_and_over_what_it_would_change_there_is_nothing_left() {
    let mut scene = scene();
    scene.publish_as("r2", "shop.tar", &archive("two", None));
    let host = scene.host();
    let mut overlay = Overlay::new(&host);
    let first = scene.plan_over(&overlay).expect("planned");
    let shown_as = first.changes.iter().map(Change::describe).collect::<Vec<_>>().join("\n");
    for word in ["extract archive sha256:", "/srv/shop/releases/", "link /srv/shop/current -> releases/"] {
        assert!(shown_as.contains(word), "{shown_as}");
    }
    first.changes.iter().for_each(|change| drop(overlay.apply(change).expect("laid over")));
    let again = scene.plan_over(&overlay).expect("again");
    assert!(again.changes.is_empty(), "{:?}", again.changes);
    assert_eq!(shown(&scene), "one", "nothing was altered");
}

#[test]
#[expect(clippy::disallowed_methods, reason = "tests set the stage")]
fn a_place_that_is_something_else_is_refused_and_an_owner_is_given() {
    let mut scene = scene();
    let refused = |scene: &Scene, says: &str| {
        let error = scene.plan().expect_err(says).to_string();
        assert!(error.contains(says), "{error}");
    };
    scene.publish_as("r2", "shop.zip", b"PK");
    refused(&scene, "is no archive that is unpacked");
    scene.publish_as("r1", "shop.tar", &archive("one", None));
    scene.order.attributes.mode = Some(0o700);
    let planned = scene.converge();
    assert!(matches!(&planned.changes[..], [Change::SetAttributes { .. }]), "{:?}", planned.changes);
    assert!(scene.plan().expect("again").changes.is_empty());
    let current = site(&scene).join("current");
    std::fs::remove_file(&current).expect("removed");
    for target in ["/etc", "releases/../../x", "releases/new"] {
        std::os::unix::fs::symlink(target, &current).expect("a link");
        refused(&scene, "is no link to a release");
        std::fs::remove_file(&current).expect("removed");
    }
    std::fs::create_dir(&current).expect("a directory");
    refused(&scene, "is no link to a release");
    scene.order.destination = Path::new("/srv/shop/releases").join(names(&scene)[0].as_str()).join("site/index.html");
    refused(&scene, "it is no directory");
}
