//! A TUF repository, and what thieves of some keys, other applications or whoever is in between make of it.

use super::edit::{Edit, alter};
use super::{Outcome, explained};
use crate::repository::{Key, Repository, days, now};
use muster::trust::tuf::{Client, Floor, Store, TufError};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// What the operator did before.
    #[serde(default)]
    before: Vec<Step>,
    /// What is done then.
    #[serde(default)]
    attack: Vec<Step>,
    /// What makes it good again; without it the twin is the repository before the attack.
    #[serde(default)]
    twin: Vec<Step>,
    /// Whether the host has a floor, baked before the attack.
    #[serde(default)]
    floor: bool,
    /// How many days later the attacked host looks.
    #[serde(default)]
    after: i64,
    /// What it asks for.
    #[serde(default = "release")]
    target: String,
    /// What the twin asks for, where that is something else.
    #[serde(default)]
    twin_target: Option<String>,
    /// The most bytes of that.
    #[serde(default = "page")]
    limit: u64,
}

fn release() -> String {
    "stable/shop/release.json".into()
}

fn page() -> u64 {
    1024
}

/// One thing that somebody does.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Step {
    /// A new version of these roles, of snapshot and of timestamp.
    Next(Vec<String>),
    /// Everything is published as it is; only snapshot and timestamp; only the timestamp.
    Publish(Part),
    /// Who signs for a role: names, or `NAME as ID`, which is a key under the id of another name.
    Keys(BTreeMap<String, Vec<String>>),
    /// The next root lists the keys as they are, with these edits, signed by holders before and after.
    Rotate(Vec<Edit>),
    /// The next root, signed by these alone.
    Forge(Vec<String>),
    /// Edits of a role that is not signed yet.
    Edit(String, Vec<Edit>),
    /// A role's version.
    Version(String, u64),
    /// When a role expires, in days.
    Expires(String, i64),
    Add {
        role: String,
        path: String,
        content: String,
    },
    Delegate {
        name: String,
        paths: Vec<String>,
        #[serde(default = "once")]
        threshold: u64,
        #[serde(default)]
        keys: Vec<String>,
    },
    /// A file is served as it never was published.
    Serve(String, Served),
    /// What becomes of the bytes of targets.
    Targets(Bytes),
}

fn once() -> u64 {
    1
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Part {
    All,
    Snapshot,
    Timestamp,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Served {
    /// Another file of the repository in its place.
    As(String),
    Text(String),
    Replace(String, String),
    /// So many blanks after it.
    Padded(usize),
    /// An error, as a 503 is.
    Failing,
    Missing,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Bytes {
    Flipped,
    Cut,
    Longer,
    Gone,
}

fn key(written: &str) -> Key {
    match written.split_once(" as ") {
        Some((name, other)) => {
            let id = if other.contains(' ') { Key::new(other).id } else { other.to_owned() };
            Key { id, ..Key::new(name) }
        }
        None => Key::new(written),
    }
}

fn role<'r>(repository: &'r mut Repository, name: &str) -> &'r mut Value {
    match name {
        "root" => &mut repository.root,
        "timestamp" => &mut repository.timestamp,
        "snapshot" => &mut repository.snapshot,
        other => repository.roles.get_mut(other).unwrap_or_else(|| panic!("no role {other}")),
    }
}

impl Step {
    fn take(&self, repository: &mut Repository) {
        match self {
            Self::Next(roles) => repository.next(&roles.iter().map(String::as_str).collect::<Vec<_>>()),
            Self::Publish(Part::All) => repository.publish(),
            Self::Publish(Part::Snapshot) => repository.publish_snapshot(),
            Self::Publish(Part::Timestamp) => repository.publish_timestamp(),
            Self::Keys(all) => {
                for (role, names) in all {
                    repository.keys.insert(role.clone(), names.iter().map(|name| key(name)).collect());
                }
            }
            Self::Rotate(edits) => rotate(repository, edits),
            Self::Forge(names) => {
                let mut root = repository.root.clone();
                root["version"] = json!(root["version"].as_u64().expect("a number") + 1);
                let keys: Vec<Key> = names.iter().map(|name| key(name)).collect();
                repository.put(&format!("{}.root.json", root["version"]), Repository::signed_by(&keys, &root));
            }
            Self::Edit(name, edits) => alter(role(repository, name), edits, &|| Value::Null),
            Self::Version(name, version) => role(repository, name)["version"] = json!(version),
            Self::Expires(name, at) => role(repository, name)["expires"] = json!(days(*at).to_string()),
            Self::Add { role, path, content } => repository.add(role, path, content.as_bytes()),
            Self::Delegate { name, paths, threshold, keys } => {
                let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
                match keys.is_empty() {
                    true => repository.delegate(name, &paths, *threshold),
                    false => {
                        let keys = keys.iter().map(|name| key(name)).collect();
                        repository.delegate_to(name, &paths, *threshold, keys);
                    }
                }
            }
            Self::Serve(file, served) => serve(repository, file, served),
            Self::Targets(what) => repository.server.alter(|served| match what {
                Bytes::Flipped => served.targets.values_mut().for_each(|bytes| bytes[0] ^= 1),
                Bytes::Cut => served.targets.values_mut().for_each(|bytes| bytes.truncate(bytes.len() - 1)),
                Bytes::Longer => served.targets.values_mut().for_each(|bytes| bytes.extend([0; 4096])),
                Bytes::Gone => served.targets.clear(),
            }),
        }
    }
}

/// What the first root listed stays with the repository: the root as it was signed last says who signs the next.
fn rotate(repository: &mut Repository, edits: &[Edit]) {
    let listed = |repository: &Repository| repository.root["roles"]["root"]["keyids"].clone();
    let before = listed(repository);
    let known: Vec<Key> = (0..2).map(|number| Key::new(&format!("root {number}"))).collect();
    repository.list_keys(2);
    alter(&mut repository.root, edits, &|| Value::Null);
    repository.root["version"] = json!(repository.root["version"].as_u64().expect("a number") + 1);
    let mut signers = repository.keys["root"].clone();
    for key in known {
        let was_listed = before.as_array().expect("a list").iter().any(|id| *id == json!(key.id));
        if was_listed && !signers.iter().any(|one| one.id == key.id) {
            signers.push(key);
        }
    }
    repository
        .put(&format!("{}.root.json", repository.root["version"]), Repository::signed_by(&signers, &repository.root));
}

fn serve(repository: &Repository, file: &str, served: &Served) {
    let bytes = match served {
        Served::As(other) => repository.server.read(other),
        Served::Text(text) => text.clone().into_bytes(),
        Served::Replace(from, to) => {
            let text = String::from_utf8(repository.server.read(file)).expect("text");
            assert!(text.contains(from.as_str()), "{file} has no {from}");
            text.replace(from.as_str(), to).into_bytes()
        }
        Served::Padded(count) => [repository.server.read(file), vec![b' '; *count]].concat(),
        Served::Failing => return repository.server.alter(|served| served.failing.push(file.to_owned())),
        Served::Missing => return repository.server.alter(|served| drop(served.metadata.remove(file))),
    };
    repository.put(file, bytes);
}

impl Case {
    fn asked(
        &self,
        repository: &Repository,
        floor: Option<&Floor>,
        target: &str,
        after: i64,
    ) -> Result<Vec<u8>, TufError> {
        let server = Arc::new(repository.server.clone());
        let mut client = match floor {
            Some(floor) => Client::above(floor.clone(), &repository.anchor, server)?,
            None => Client::without_floor(&repository.anchor, server, Store::default())?,
        };
        let at = if after == 0 { now() } else { days(after) };
        client.refresh(at)?;
        client.document(target, self.limit, at).map(muster::trust::Verified::into_inner)
    }

    pub fn run(&self) -> Outcome {
        let mut repository = Repository::new();
        self.before.iter().for_each(|step| step.take(&mut repository));
        let floor = self.floor.then(|| {
            let server = Arc::new(repository.server.clone());
            let mut client = Client::without_floor(&repository.anchor, server, Store::default()).expect("a client");
            client.refresh(now()).expect("refreshed");
            client.raised(&repository.anchor, now()).expect("a floor")
        });
        let ask = |repository: &Repository, target: &str, after| {
            explained(self.asked(repository, floor.as_ref(), target, after))
        };
        let benign = self.twin_target.as_ref().unwrap_or(&self.target);
        let before = self.twin.is_empty().then(|| ask(&repository, benign, 0));
        self.attack.iter().for_each(|step| step.take(&mut repository));
        let attack = ask(&repository, &self.target, self.after);
        self.twin.iter().for_each(|step| step.take(&mut repository));
        Outcome { twin: before.unwrap_or_else(|| ask(&repository, benign, 0)), attack }
    }
}
