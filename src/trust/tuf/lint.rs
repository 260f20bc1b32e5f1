//! Judges an operator's repository: what a host would take, and should not be left as it is.

use super::adapter::Guarded;
use super::{Client, Remote, TufError, keys, patterns};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use sigstore_tuf::{DelegatedRole, Metadata, Targets};
use std::collections::{BTreeMap, BTreeSet};
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
pub fn lint(anchor: &[u8], remote: &Arc<dyn Remote>, now: Timestamp) -> Result<Vec<Finding>, TufError> {
    let mut judge = Judge { found: Vec::new(), now, holders: BTreeMap::new() };
    let mut client = Client::without_floor(anchor, Arc::clone(remote), super::Store::default())?;
    let refreshed = client.refresh(now);
    root(&mut judge, &client);
    if let Err(refused) = refreshed {
        judge.shared();
        judge.say("refused", "repository", refused.to_string(), "a host refuses it as it is");
        return Ok(judge.found);
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
    Ok(judge.found)
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
        overlaps(judge, &block.roles);
        for role in &block.roles {
            judge.threshold(&role.name, role.threshold, role.keyids.len(), least(role));
            judge.hold(&role.name, &role.keyids, &block.keys);
            shape(judge, role);
            match read(client, remote, role, &block.keys) {
                Ok(targets) => {
                    unreachable(judge, role, &targets);
                    roles.push((role.name.clone(), targets));
                }
                Err(problem) => judge.say("refused", &role.name, problem.to_string(), "a host refuses it as it is"),
            }
        }
    }
}

/// What reaches stable hosts takes two.
fn least(role: &DelegatedRole) -> usize {
    let stable = |pattern: &String| pattern.split('/').any(|part| part == "stable");
    if role.paths.iter().flatten().any(stable) { 2 } else { 1 }
}

fn shape(judge: &mut Judge, role: &DelegatedRole) {
    if !role.terminating {
        let hint = "set terminating: otherwise roles listed after it may speak for its paths";
        judge.say("terminating", &role.name, "the search goes on after it".into(), hint);
    }
    for pattern in role.paths.iter().flatten() {
        if pattern.contains("**") || pattern.contains(['{', '}']) {
            let hint = "write one `*` a directory, and one pattern a case: TUF knows no `**` and no `{a,b}`";
            judge.say(
                "pattern",
                &role.name,
                format!("the pattern `{pattern}` means other things to other clients"),
                hint,
            );
        }
        if pattern.starts_with('*') {
            let hint = "begin patterns with a channel and an application, such as `stable/shop/*`";
            judge.say("pattern", &role.name, format!("the pattern `{pattern}` names no directory"), hint);
        }
    }
}

fn overlaps(judge: &mut Judge, roles: &[DelegatedRole]) {
    for (at, first) in roles.iter().enumerate() {
        for second in &roles[at + 1..] {
            let pairs = first.paths.iter().flatten().flat_map(|a| second.paths.iter().flatten().map(move |b| (a, b)));
            for (a, b) in pairs.filter(|(a, b)| patterns::overlap(a, b)) {
                let hint = "let each path belong to one role: with overlaps the order of the list decides";
                judge.say("overlap", &second.name, format!("`{b}` overlaps `{a}` of role {}", first.name), hint);
            }
        }
    }
}

/// Targets outside of a role's own paths are never found.
fn unreachable(judge: &mut Judge, role: &DelegatedRole, targets: &Targets) {
    for path in targets.targets.keys().filter(|path| !role.matches_path(path).unwrap_or(false)) {
        let hint = "list it in the role that its path was delegated to";
        judge.say("outside", &role.name, format!("it lists `{path}`, which it was not delegated"), hint);
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
    let file = if consistent { format!("{version}.{pin}") } else { pin };
    let limit = super::adapter::limits().targets_max_length;
    let bytes = remote.read(&file, limit)?.ok_or_else(|| TufError::Missing { file: file.clone() })?;
    let told = |error| super::adapter::told(error, Timestamp::UNIX_EPOCH);
    let metadata = Metadata::<Targets>::from_slice(&bytes).map_err(told)?;
    metadata.verify_threshold(keys, &role.role_keys(), &role.name).map_err(told)?;
    Ok(metadata.into_signed())
}
