//! What `muster trust lint` says of a repository: nothing of a sound one, and of each fault its rule.

use crate::repository::{Key, Repository, days, now};
use muster::trust::tuf::{Client, Remote, Store, lint};
use serde_json::{Value, json};
use std::sync::Arc;

fn rules(repository: &Repository) -> Vec<(&'static str, String)> {
    let remote: Arc<dyn Remote> = Arc::new(repository.server.clone());
    let found = lint(&repository.anchor, &remote, now());
    assert!(found.iter().all(|finding| !finding.hint.is_empty() && !finding.message.is_empty()));
    found.into_iter().map(|finding| (finding.rule, finding.role)).collect()
}

/// With three keys where two sign, as an operator should have it.
fn sound() -> Repository {
    let mut repository = Repository::new();
    repository.rotate(|this| {
        for role in ["root", "targets"] {
            let keys = (0..3).map(|number| Key::new(&format!("{role} {number}"))).collect();
            this.keys.insert(role.into(), keys);
        }
        this.list_keys(2);
    });
    let targets = repository.roles.get_mut("targets").unwrap();
    targets["delegations"] = json!({"keys": {}, "roles": []});
    for name in ["shop", "blog"] {
        let keys = (0..3).map(|number| Key::new(&format!("{name} {number}"))).collect();
        let listed = repository.roles[name]["targets"].clone();
        repository.delegate_to(name, &[&format!("stable/{name}/*")], 2, keys);
        repository.roles.get_mut(name).unwrap()["targets"] = listed;
        repository.roles.get_mut(name).unwrap()["version"] = json!(1);
    }
    repository.next(&["targets", "shop", "blog"]);
    repository
}

/// A role's first key becomes another role's.
fn share(repository: &mut Repository, role: &str, name: &str) {
    let key = Key::new(name);
    let old = repository.keys[role][0].id.clone();
    let block = &mut repository.roles.get_mut("targets").unwrap()["delegations"];
    block["keys"][&key.id] = key.public();
    let entry = block["roles"].as_array_mut().unwrap().iter_mut().find(|entry| entry["name"] == role).unwrap();
    let ids = entry["keyids"].as_array_mut().unwrap();
    ids.iter_mut().filter(|id| **id == old).for_each(|id| *id = json!(key.id));
    repository.keys.get_mut(role).unwrap()[0] = key;
    repository.next(&["targets", role]);
}

/// Alters one delegation of the top-level targets.
fn delegated(repository: &mut Repository, at: usize, member: &str, value: Value) {
    repository.roles.get_mut("targets").unwrap()["delegations"]["roles"][at][member] = value;
    repository.next(&["targets"]);
}

#[test]
fn a_sound_repository_has_nothing_to_mend() {
    assert_eq!(rules(&sound()), []);
}

#[test]
fn a_role_may_be_called_as_its_path_is() {
    let mut repository = sound();
    let keys = (0..3).map(|number| Key::new(&format!("wiki {number}"))).collect();
    repository.delegate_to("stable/wiki", &["stable/wiki/*"], 2, keys);
    repository.add("stable/wiki", "stable/wiki/release.json", b"wiki 1.0");
    repository.next(&["targets"]);
    // By the name that hosts ask for.
    repository.put("1.stable%2Fwiki.json", repository.server.read("1.stable/wiki.json"));
    assert_eq!(rules(&repository), []);
    let server = Arc::new(repository.server.clone());
    let mut client = Client::without_floor(&repository.anchor, server, Store::default()).unwrap();
    client.refresh(now()).unwrap();
    client.find("stable/wiki/release.json", now()).unwrap();
}

#[test]
fn each_fault_is_named_with_its_role() {
    type Break = fn(&mut Repository);
    let faults: [(&str, &str, Break); 15] = [
        ("threshold", "root", |this| this.rotate(|this| this.list_keys(1))),
        ("consistent-snapshot", "root", |this| {
            // Names without versions are served too, as such a repository has them.
            this.rotate(|this| this.root["consistent_snapshot"] = json!(false));
            this.server.alter(|served| {
                let plain: Vec<_> = served
                    .metadata
                    .iter()
                    .filter(|(name, _)| !name.contains("root"))
                    .map(|(name, bytes)| {
                        let name = name.split_once('.').filter(|(first, _)| first.parse::<u64>().is_ok());
                        (name.map(|(_, rest)| rest.to_owned()), bytes.clone())
                    })
                    .collect();
                plain.into_iter().for_each(|(name, bytes)| drop(name.map(|name| served.metadata.insert(name, bytes))));
            });
        }),
        ("expiry", "root", |this| this.rotate(|this| this.root["expires"] = json!(days(4000).to_string()))),
        ("expiry", "shop", |this| {
            this.roles.get_mut("shop").unwrap()["expires"] = json!(days(4000).to_string());
            this.next(&["shop"]);
        }),
        ("shared-key", "root", |this| {
            this.rotate(|this| {
                let key = this.keys["root"][0].clone();
                this.keys.insert("snapshot".into(), vec![key]);
                this.list_keys(2);
            });
            this.next(&[]);
        }),
        ("shared-key", "blog", |this| share(this, "blog", "shop 0")),
        ("shared-key", "root", |this| share(this, "shop", "root 1")),
        ("terminating", "shop", |this| {
            this.roles.get_mut("targets").unwrap()["delegations"]["roles"][0]["terminating"] = json!(false);
            this.next(&["targets"]);
        }),
        ("pattern", "shop", |this| {
            this.roles.get_mut("targets").unwrap()["delegations"]["roles"][0]["paths"] =
                json!(["stable/shop/*", "beta/**"]);
            this.next(&["targets"]);
        }),
        ("pattern", "blog", |this| delegated(this, 1, "paths", json!(["stable/blog/[0"]))),
        ("pattern", "blog", |this| delegated(this, 1, "paths", json!([]))),
        ("hash-bins", "blog", |this| delegated(this, 1, "path_hash_prefixes", json!(["0", "1"]))),
        ("hash-bins", "targets", |this| {
            let bins = json!({"keyids": [], "threshold": 1, "bit_length": 4, "name_prefix": "bin"});
            this.roles.get_mut("targets").unwrap()["delegations"]["succinct_roles"] = bins;
            this.next(&["targets"]);
        }),
        ("overlap", "blog", |this| {
            this.roles.get_mut("targets").unwrap()["delegations"]["roles"][1]["paths"] =
                json!(["stable/blog/*", "stable/*/release.json"]);
            this.next(&["targets"]);
        }),
        ("outside", "blog", |this| {
            this.add("blog", "stable/wiki/release.json", b"wiki");
            this.next(&["blog"]);
        }),
    ];
    for (rule, role, apply) in faults {
        let mut repository = sound();
        apply(&mut repository);
        let found = rules(&repository);
        assert!(found.contains(&(rule, role.to_owned())), "{rule} of {role}: {found:?}");
    }
}

#[test]
fn what_a_host_refuses_is_a_finding_too() {
    let mut repository = sound();
    repository.timestamp["expires"] = json!(days(-1).to_string());
    repository.next(&[]);
    assert!(rules(&repository).contains(&("refused", "repository".into())));
    let mut repository = sound();
    let both = repository.keys["shop"].clone();
    repository.keys.insert("shop".into(), vec![both[0].clone()]);
    repository.next(&["shop"]);
    assert!(rules(&repository).contains(&("refused", "shop".into())));
    let mut repository = sound();
    repository.anchor = b"{}".to_vec();
    assert_eq!(rules(&repository), [("refused", "root".to_owned())]);
}
