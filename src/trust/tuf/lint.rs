//! Judges an operator's repository: what a host would take, and should not be left as it is.

mod paths;

use super::adapter::Guarded;
use super::{Client, Remote, TufError, keys};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use sigstore_tuf::{DelegatedRole, Metadata, Targets};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::sync::Arc;

/// One thing to be mended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Which rule, as a word.
    pub rule: &'static str,
    /// The role or file concerned.
    pub role: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: &'static str,
}

/// The longest that a role should hold: root a year, targets a quarter, snapshot and timestamp by machines.
const LONGEST: [(&str, i64); 4] = [("root", 400), ("targets", 100), ("snapshot", 14), ("timestamp", 3)];

/// The judge of one repository.
struct Judge {
    found: Vec<Finding>,
    now: Timestamp,
    /// Each public key, whatever ids it has, and the roles that it signs for.
    holders: BTreeMap<Vec<u8>, BTreeSet<String>>,
}

impl Judge {
    fn say(&mut self, rule: &'static str, role: &str, message: String, hint: &'static str) {
        self.found.push(Finding { rule, role: role.to_owned(), message, hint });
    }

    fn refused(&mut self, role: &str, refused: &TufError) {
        self.say("refused", role, refused.to_string(), "a host refuses it as it is");
    }

    /// Notes who signs for a role, and what is listed and not there.
    fn hold(&mut self, role: &str, ids: &[String], keys: &BTreeMap<String, sigstore_tuf::Key>) {
        for id in ids {
            match keys.get(id).and_then(|key| serde_json::to_value(key).ok()).as_ref().and_then(keys::material) {
                Some(material) => {
                    self.holders.entry(material).or_default().insert(role.to_owned());
                }
                None => self.say("missing-key", role, format!("it lists key {id}, which is not there"), "list the key"),
            }
        }
    }

    /// One key for several roles: whoever steals it has them all.
    fn shared(&mut self) {
        let online = BTreeSet::from(["snapshot".to_owned(), "timestamp".to_owned()]);
        let holders = std::mem::take(&mut self.holders);
        for roles in holders.values().filter(|roles| roles.len() > 1 && !roles.is_subset(&online)) {
            let roles: Vec<&str> = roles.iter().map(String::as_str).collect();
            let hint = "give each role keys of its own: snapshot and timestamp are kept online, the others not";
            self.say("shared-key", roles[0], format!("one key signs for {}", roles.join(" and ")), hint);
        }
    }

    fn expiry(&mut self, role: &str, kind: &str, expires: Timestamp) {
        let days = LONGEST.iter().find(|(name, _)| *name == kind).map_or(100, |(_, days)| *days);
        if expires.duration_since(self.now) > SignedDuration::from_hours(24 * days) {
            let hint = "sign it anew more often: until it expires a thief can serve it";
            self.say("expiry", role, format!("it holds until {expires}, more than {days} days from now"), hint);
        }
        if expires < self.now {
            self.say("expiry", role, format!("it expired at {expires}"), "sign it anew");
        }
    }

    fn threshold(&mut self, role: &str, threshold: usize, keys: usize, least: usize) {
        if threshold < least {
            let hint = "let at least two people hold keys, and need them both";
            self.say("threshold", role, format!("{threshold} of {keys} keys can sign for it"), hint);
        }
        if threshold >= least && keys == threshold {
            let hint = "add a spare key: when one is lost, nobody can sign";
            self.say("spare-key", role, format!("all of its {keys} keys must sign"), hint);
        }
    }
}

/// Judges a repository from a root on, as it is now. A fault that a host refuses is a finding too, the last one.
pub fn lint(anchor: &[u8], remote: &Arc<dyn Remote>, now: Timestamp) -> Vec<Finding> {
    let mut judge = Judge { found: Vec::new(), now, holders: BTreeMap::new() };
    let mut client = match Client::without_floor(anchor, Arc::clone(remote), super::Store::default()) {
        Ok(client) => client,
        Err(refused) => {
            judge.refused("root", &refused);
            return judge.found;
        }
    };
    let refreshed = client.refresh(now);
    root(&mut judge, &client);
    if let Err(refused) = refreshed {
        judge.shared();
        judge.refused("repository", &refused);
        return judge.found;
    }
    let trusted = client.trusted();
    if let (Some(timestamp), Some(snapshot)) = (trusted.timestamp(), trusted.snapshot()) {
        judge.expiry("timestamp", "timestamp", timestamp.expires);
        judge.expiry("snapshot", "snapshot", snapshot.expires);
    }
    let top = trusted.targets_role("targets").cloned();
    if let Some(targets) = top {
        delegations(&mut judge, &client, &Guarded(Arc::clone(remote)), targets);
    }
    judge.shared();
    judge.found
}

/// A repository's own first root, which nobody vouches for: for judging the repository that it came from.
pub fn unverified_root(remote: &dyn Remote, limit: u64) -> Result<Option<Vec<u8>>, TufError> {
    let name = "1.root.json";
    let answer = remote.metadata(name, limit).map_err(|refusal| refusal.of(name, limit))?;
    Ok(answer.map(crate::trust::Untrusted::judge))
}

fn root(judge: &mut Judge, client: &Client) {
    let root = client.trusted().root();
    judge.expiry("root", "root", root.expires);
    if !root.consistent_snapshot {
        let hint = "set consistent_snapshot: without it a host can meet a repository half published";
        judge.say("consistent-snapshot", "root", "consistent snapshots are off".into(), hint);
    }
    for name in ["root", "targets", "snapshot", "timestamp"] {
        let Some(role) = root.role(name) else { continue };
        if ["root", "targets"].contains(&name) {
            judge.threshold(name, role.threshold, role.keyids.len(), 2);
        }
        judge.hold(name, &role.keyids, &root.keys);
    }
}

/// Walks every delegation, as no host does.
fn delegations(judge: &mut Judge, client: &Client, remote: &Guarded, top: Targets) {
    let mut roles = vec![("targets".to_owned(), top)];
    let mut seen = BTreeSet::new();
    while let Some((name, targets)) = roles.pop() {
        if !seen.insert(name.clone()) {
            continue;
        }
        judge.expiry(&name, "targets", targets.expires);
        let Some(block) = targets.delegations else { continue };
        paths::bins(judge, &name, &block);
        paths::overlaps(judge, &block.roles);
        for role in &block.roles {
            judge.threshold(&role.name, role.threshold, role.keyids.len(), paths::least(role));
            judge.hold(&role.name, &role.keyids, &block.keys);
            paths::shape(judge, role);
            match read(client, remote, role, &block.keys) {
                Ok(targets) => {
                    paths::unreachable(judge, role, &targets);
                    roles.push((role.name.clone(), targets));
                }
                Err(problem) => judge.refused(&role.name, &problem),
            }
        }
    }
}

fn read(
    client: &Client,
    remote: &Guarded,
    role: &DelegatedRole,
    keys: &BTreeMap<String, sigstore_tuf::Key>,
) -> Result<Targets, TufError> {
    let pin = format!("{}.json", role.name);
    let snapshot = client.trusted().snapshot();
    let version = snapshot.and_then(|snapshot| snapshot.meta.get(&pin)).map(|file| file.version);
    let version = version.ok_or_else(|| TufError::Missing { file: format!("{pin} in its snapshot") })?;
    let consistent = client.trusted().root().consistent_snapshot;
    let place = format!("{}.json", file_name(&role.name));
    let file = if consistent { format!("{version}.{place}") } else { place };
    let limit = super::adapter::limits().targets_max_length;
    let bytes = remote.read(&file, limit)?.ok_or_else(|| TufError::Missing { file: file.clone() })?;
    let told = |error| super::adapter::told(error, Timestamp::UNIX_EPOCH);
    let metadata = Metadata::<Targets>::from_slice(&bytes).map_err(told)?;
    metadata.verify_threshold(keys, &role.role_keys(), &role.name).map_err(told)?;
    Ok(metadata.into_signed())
}

/// A role's name as its file has it: a role may be called anything, `stable/shop` too (TUF 1.0.34, 4.5, leaves the name
/// free; python-tuf and go-tuf write it percent-encoded).
fn file_name(role: &str) -> String {
    let mut name = String::new();
    for byte in role.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => name.push(char::from(byte)),
            other => {
                let _ = write!(name, "%{other:02X}");
            }
        }
    }
    name
}
