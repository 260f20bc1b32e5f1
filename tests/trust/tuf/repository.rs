//! A TUF repository in memory, with every key at hand: what an operator can sign, and what a thief of some keys could.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use jiff::{SignedDuration, Timestamp};
use muster::trust::Untrusted;
use muster::trust::tuf::{Refusal, Remote};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::sync::{Arc, LazyLock, Mutex};

/// When these repositories are looked at: once a test run, in whole seconds, as TUF writes times.
static NOW: LazyLock<Timestamp> =
    LazyLock::new(|| Timestamp::from_second(Timestamp::now().as_second()).expect("a time"));

/// When these repositories are looked at.
pub fn now() -> Timestamp {
    *NOW
}

/// Days from then.
pub fn days(count: i64) -> Timestamp {
    now() + SignedDuration::from_hours(24 * count)
}

/// A signing key, under an id of its own choosing.
#[derive(Clone)]
pub struct Key {
    pub pair: Arc<Ed25519KeyPair>,
    pub id: String,
}

impl Key {
    pub fn new(name: &str) -> Self {
        let seed = digest(&SHA256, name.as_bytes());
        let pair = Arc::new(Ed25519KeyPair::from_seed_unchecked(seed.as_ref()).unwrap());
        Self { pair, id: hex::encode(digest(&SHA256, format!("id of {name}").as_bytes())) }
    }

    pub fn public(&self) -> Value {
        let public = hex::encode(self.pair.public_key().as_ref());
        json!({"keytype": "ed25519", "scheme": "ed25519", "keyval": {"public": public}})
    }

    pub fn sign(&self, signed: &Value) -> Value {
        let bytes = sigstore_tuf::canonical_json::to_canonical_bytes(signed).unwrap();
        json!({"keyid": self.id, "sig": hex::encode(self.pair.sign(&bytes))})
    }
}

/// What the repository serves, and what stands between it and the host.
#[derive(Default)]
pub struct Served {
    pub metadata: BTreeMap<String, Vec<u8>>,
    pub targets: BTreeMap<String, Vec<u8>>,
    /// Files that are answered with an error, as a 503 is.
    pub failing: Vec<String>,
    /// The metadata that was asked for, by name.
    pub asked: Vec<String>,
}

#[derive(Clone, Default)]
pub struct Server(Arc<Mutex<Served>>);

impl Server {
    pub fn alter(&self, change: impl FnOnce(&mut Served)) {
        change(&mut self.0.lock().unwrap());
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        self.0.lock().unwrap().metadata[name].clone()
    }
}

impl Remote for Server {
    fn metadata(&self, name: &str, limit: u64) -> Result<Option<Untrusted<Vec<u8>>>, Refusal> {
        let mut served = self.0.lock().unwrap();
        served.asked.push(name.to_owned());
        if served.failing.iter().any(|file| file == name) {
            return Err(Refusal::new("it answered 503"));
        }
        match served.metadata.get(name) {
            Some(bytes) if bytes.len() as u64 > limit => Err(Refusal::TooLarge),
            found => Ok(found.cloned().map(Untrusted::new)),
        }
    }

    fn target(&self, path: &str, limit: u64) -> Result<Option<Untrusted<File>>, Refusal> {
        let served = self.0.lock().unwrap();
        let Some(bytes) = served.targets.get(path) else { return Ok(None) };
        if bytes.len() as u64 > limit {
            return Err(Refusal::TooLarge);
        }
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        Ok(Some(Untrusted::new(file)))
    }
}

/// A repository and the keys of each role.
#[derive(Clone)]
pub struct Repository {
    pub root: Value,
    pub timestamp: Value,
    pub snapshot: Value,
    /// Targets roles by name, the top-level one among them.
    pub roles: BTreeMap<String, Value>,
    pub keys: BTreeMap<String, Vec<Key>>,
    pub server: Server,
    /// What an image holds: the first root.
    pub anchor: Vec<u8>,
}

fn role(kind: &str, expires: Timestamp) -> Value {
    json!({"_type": kind, "spec_version": "1.0.34", "version": 1, "expires": expires.to_string()})
}

impl Repository {
    /// A sound repository: two root keys and two targets keys, and two applications of whom each has its path.
    pub fn new() -> Self {
        let mut keys = BTreeMap::new();
        for (name, count) in [("root", 2), ("targets", 2), ("snapshot", 1), ("timestamp", 1)] {
            keys.insert(name.to_owned(), (0..count).map(|number| Key::new(&format!("{name} {number}"))).collect());
        }
        let mut root = role("root", days(365));
        root["consistent_snapshot"] = json!(true);
        let mut targets = role("targets", days(90));
        targets["targets"] = json!({});
        let mut this = Self {
            root,
            timestamp: role("timestamp", days(1)),
            snapshot: role("snapshot", days(7)),
            roles: BTreeMap::from([("targets".to_owned(), targets)]),
            keys,
            server: Server::default(),
            anchor: Vec::new(),
        };
        this.list_keys(2);
        this.delegate("shop", &["stable/shop/*"], 2);
        this.delegate("blog", &["stable/blog/*"], 1);
        this.add("shop", "stable/shop/release.json", b"shop 1.0");
        this.add("blog", "stable/blog/release.json", b"blog 1.0");
        let signed = this.signed("root", &this.root);
        this.server.alter(|served| drop(served.metadata.insert("1.root.json".into(), signed.clone())));
        this.anchor = signed;
        this.publish();
        this
    }

    /// Writes the keys of the four roles into the root; root and targets need this many signatures.
    pub fn list_keys(&mut self, threshold: u64) {
        let (mut all, mut roles) = (json!({}), json!({}));
        for name in ["root", "targets", "snapshot", "timestamp"] {
            let keys = &self.keys[name];
            for key in keys {
                all[&key.id] = key.public();
            }
            let ids: Vec<&String> = keys.iter().map(|key| &key.id).collect();
            let needed = if ["root", "targets"].contains(&name) { threshold } else { 1 };
            roles[name] = json!({"keyids": ids, "threshold": needed});
        }
        (self.root["keys"], self.root["roles"]) = (all, roles);
    }

    /// Delegates paths to a role with as many keys of its own as must sign; the search ends with it.
    pub fn delegate(&mut self, name: &str, paths: &[&str], threshold: u64) {
        let keys: Vec<Key> = (0..threshold).map(|number| Key::new(&format!("{name} {number}"))).collect();
        self.delegate_to(name, paths, threshold, keys);
    }

    pub fn delegate_to(&mut self, name: &str, paths: &[&str], threshold: u64, keys: Vec<Key>) {
        let ids: Vec<&String> = keys.iter().map(|key| &key.id).collect();
        let entry = json!({"name": name, "keyids": ids, "threshold": threshold, "terminating": true, "paths": paths});
        let targets = self.roles.get_mut("targets").unwrap();
        if targets.get("delegations").is_none() {
            targets["delegations"] = json!({"keys": {}, "roles": []});
        }
        for key in &keys {
            targets["delegations"]["keys"][&key.id] = key.public();
        }
        targets["delegations"]["roles"].as_array_mut().unwrap().push(entry);
        let mut own = role("targets", days(90));
        own["targets"] = json!({});
        self.roles.insert(name.to_owned(), own);
        self.keys.insert(name.to_owned(), keys);
    }

    /// Lists a target in a role, and serves it.
    pub fn add(&mut self, role: &str, path: &str, content: &[u8]) {
        let sha256 = hex::encode(digest(&SHA256, content));
        let entry = json!({"length": content.len(), "hashes": {"sha256": sha256}});
        self.roles.get_mut(role).unwrap()["targets"][path] = entry;
        let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
        let place =
            if directory.is_empty() { format!("{sha256}.{name}") } else { format!("{directory}/{sha256}.{name}") };
        self.server.alter(|served| drop(served.targets.insert(place, content.to_vec())));
    }

    /// A role's file, signed by all of its keys.
    pub fn signed(&self, role: &str, signed: &Value) -> Vec<u8> {
        Self::signed_by(&self.keys[role], signed)
    }

    pub fn signed_by(keys: &[Key], signed: &Value) -> Vec<u8> {
        let signatures: Vec<Value> = keys.iter().map(|key| key.sign(signed)).collect();
        json!({"signed": signed, "signatures": signatures}).to_string().into_bytes()
    }

    pub fn put(&self, name: &str, bytes: Vec<u8>) {
        self.server.alter(|served| drop(served.metadata.insert(name.to_owned(), bytes)));
    }

    /// Publishes everything but the root: what changed gets its file, snapshot and timestamp name it.
    pub fn publish(&mut self) {
        let mut meta = json!({});
        for (name, signed) in &self.roles {
            meta[format!("{name}.json")] = json!({"version": signed["version"]});
            self.put(&format!("{}.{name}.json", signed["version"]), self.signed(name, signed));
        }
        self.snapshot["meta"] = meta;
        self.publish_snapshot();
    }

    /// Publishes the snapshot and a timestamp that names it.
    pub fn publish_snapshot(&mut self) {
        self.put(&format!("{}.snapshot.json", self.snapshot["version"]), self.signed("snapshot", &self.snapshot));
        self.publish_timestamp();
    }

    /// Publishes the timestamp alone.
    pub fn publish_timestamp(&mut self) {
        self.timestamp["meta"] = json!({"snapshot.json": {"version": self.snapshot["version"]}});
        self.put("timestamp.json", self.signed("timestamp", &self.timestamp));
    }

    /// A new version of some roles, and of snapshot and timestamp.
    pub fn next(&mut self, roles: &[&str]) {
        let rise = |signed: &mut Value| signed["version"] = json!(signed["version"].as_u64().unwrap() + 1);
        for name in roles {
            rise(self.roles.get_mut(*name).unwrap());
        }
        rise(&mut self.snapshot);
        rise(&mut self.timestamp);
        self.publish();
    }
}
