//! The metadata of one instance as a tree: leaves by path, listings from their prefixes.

use crate::account::Account;
use crate::clock::rfc3339;
use crate::credentials::Key;
use crate::encoding::{opaque, uuid};
use crate::imds::{Instance, identity};
use jiff::Timestamp;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// What the tree is drawn from.
pub(crate) struct Seen<'a> {
    pub(crate) instance: &'a Instance,
    pub(crate) account: &'a Account,
    pub(crate) now: Timestamp,
    pub(crate) launched: Timestamp,
    /// The role's present credentials, once they are there.
    pub(crate) key: Option<&'a Key>,
    /// Where Auto Scaling wants the instance to be.
    pub(crate) target_state: Option<String>,
}

/// Paths below `/latest/` and what they hold.
pub(crate) type Leaves = BTreeMap<String, Vec<u8>>;

/// Every leaf.
pub(crate) fn leaves(seen: &Seen) -> Leaves {
    let mut leaves = Leaves::new();
    general(&mut leaves, seen);
    network(&mut leaves, seen);
    roles(&mut leaves, seen);
    let document = identity::document(seen.instance, seen.account, seen.launched);
    if let Some(signature) = identity::signature(&document) {
        leaves.insert("dynamic/instance-identity/signature".to_owned(), signature.into_bytes());
    }
    leaves.insert("dynamic/instance-identity/document".to_owned(), document.into_bytes());
    if let Some(data) = &seen.instance.user_data {
        leaves.insert("user-data".to_owned(), data.clone());
    }
    leaves
}

fn put(leaves: &mut Leaves, path: &str, text: &str) {
    leaves.insert(format!("meta-data/{path}"), text.as_bytes().to_vec());
}

fn general(leaves: &mut Leaves, seen: &Seen) {
    let (instance, account) = (seen.instance, seen.account);
    let host = instance.hostname(&account.region);
    let zone = format!("{}{}", account.region, instance.zone);
    let life = if instance.spot_action.is_some() { "spot" } else { "on-demand" };
    for (path, text) in [
        ("ami-id", instance.image_id.as_str()),
        ("ami-launch-index", "0"),
        ("ami-manifest-path", "(unknown)"),
        ("block-device-mapping/ami", "/dev/xvda"),
        ("block-device-mapping/root", "/dev/xvda"),
        ("events/maintenance/history", "[]"),
        ("events/maintenance/scheduled", "[]"),
        ("hostname", &host),
        ("instance-action", "none"),
        ("instance-id", &instance.id),
        ("instance-life-cycle", life),
        ("instance-type", &instance.instance_type),
        ("local-hostname", &host),
        ("local-ipv4", &instance.private_ip),
        ("mac", &instance.mac),
        ("placement/availability-zone", &zone),
        ("placement/availability-zone-id", &format!("use1-az{}", zone.len() % 6 + 1)),
        ("placement/region", &account.region),
        ("profile", "default-hvm"),
        ("reservation-id", &format!("r-{}", opaque(&instance.id, 17))),
        ("security-groups", "default"),
        ("services/domain", "amazonaws.com"),
        ("services/partition", &account.partition),
        ("system", "nitro"),
    ] {
        put(leaves, path, text);
    }
    if let Some(state) = &seen.target_state {
        put(leaves, "autoscaling/target-lifecycle-state", state);
    }
    if let Some((_, key)) = &instance.key_pair {
        put(leaves, "public-keys/0/openssh-key", key);
    }
    if instance.metadata.tags {
        for (key, value) in &instance.tags {
            put(leaves, &format!("tags/instance/{key}"), value);
        }
    }
    if let Some(action) = &instance.spot_action {
        let time = rfc3339(seen.launched + jiff::SignedDuration::from_mins(2));
        put(leaves, "spot/instance-action", &json!({ "action": action, "time": time }).to_string());
        if action == "terminate" {
            put(leaves, "spot/termination-time", &time);
        }
    }
}

fn network(leaves: &mut Leaves, seen: &Seen) {
    let (instance, account) = (seen.instance, seen.account);
    let host = instance.hostname(&account.region);
    let id = |kind: &str| format!("{kind}-{}", opaque(&format!("{kind} {}", account.id), 17));
    let mut entries = vec![
        ("device-number", "0".to_owned()),
        ("interface-id", format!("eni-{}", opaque(&instance.mac, 17))),
        ("local-hostname", host),
        ("local-ipv4s", instance.private_ip.clone()),
        ("mac", instance.mac.clone()),
        ("owner-id", account.id.clone()),
        ("security-group-ids", id("sg")),
        ("security-groups", "default".to_owned()),
        ("subnet-id", id("subnet")),
        ("subnet-ipv4-cidr-block", "10.0.1.0/24".to_owned()),
        ("vpc-id", id("vpc")),
        ("vpc-ipv4-cidr-block", "10.0.0.0/16".to_owned()),
        ("vpc-ipv4-cidr-blocks", "10.0.0.0/16".to_owned()),
    ];
    if let Some(ip) = &instance.public_ip {
        let host = format!("ec2-{}.compute-1.amazonaws.com", ip.replace('.', "-"));
        put(leaves, "public-ipv4", ip);
        put(leaves, "public-hostname", &host);
        entries.extend([("public-ipv4s", ip.clone()), ("public-hostname", host)]);
        entries.push(("ipv4-associations/PUBLIC", instance.private_ip.clone()));
    }
    for (name, text) in entries {
        let name = name.replace("PUBLIC", instance.public_ip.as_deref().unwrap_or_default());
        put(leaves, &format!("network/interfaces/macs/{}/{name}", instance.mac), &text);
    }
}

fn roles(leaves: &mut Leaves, seen: &Seen) {
    let (Some(role), Some(key)) = (&seen.instance.role, seen.key) else { return };
    let pretty = |value: &serde_json::Value| serde_json::to_string_pretty(value).unwrap_or_default();
    let info = json!({
        "Code": "Success",
        "LastUpdated": rfc3339(seen.now),
        "InstanceProfileArn": seen.account.global_arn("iam", &format!("instance-profile/{role}")),
        "InstanceProfileId": format!("AIPA{}", opaque(role, 17).to_uppercase()),
    });
    let credentials = json!({
        "Code": "Success",
        "LastUpdated": rfc3339(seen.now),
        "Type": "AWS-HMAC",
        "AccessKeyId": key.credentials.access_key_id,
        "SecretAccessKey": key.credentials.secret_access_key,
        "Token": key.credentials.session_token,
        "Expiration": key.expires.map(rfc3339),
    });
    put(leaves, "iam/info", &pretty(&info));
    put(leaves, &format!("iam/security-credentials/{role}"), &pretty(&credentials));
}

/// What a path answers: a leaf's bytes, a directory's listing, or nothing.
pub(crate) fn look(leaves: &Leaves, path: &str, key_name: Option<&str>) -> Option<Vec<u8>> {
    if let Some(leaf) = leaves.get(path) {
        return Some(leaf.clone());
    }
    let directory = path.trim_end_matches('/');
    if directory == "meta-data/public-keys" {
        return key_name.map(|name| format!("0={name}").into_bytes());
    }
    let prefix = if directory.is_empty() { String::new() } else { format!("{directory}/") };
    let names: BTreeSet<String> = leaves
        .keys()
        .filter_map(|leaf| leaf.strip_prefix(&prefix))
        .map(|rest| match rest.split_once('/') {
            // The versions' own listing has no slashes.
            Some((name, _)) if prefix.is_empty() => name.to_owned(),
            Some((name, _)) => format!("{name}/"),
            None => rest.to_owned(),
        })
        .collect();
    let listing = names.into_iter().collect::<Vec<_>>().join("\n");
    (!listing.is_empty()).then(|| listing.into_bytes())
}

/// A session token's text: opaque, of the length that EC2's have.
pub(crate) fn token(instance: &Instance, number: u32) -> String {
    let seed = format!("token {} {number}", instance.id);
    format!("{}==", crate::encoding::base64(uuid(&seed) + &opaque(&seed, 4)).trim_end_matches('='))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_list_and_leaves_answer() {
        let instance = Instance::default().tag("role", "web");
        let (account, now) = (Account::default(), Timestamp::UNIX_EPOCH);
        let seen = Seen { instance: &instance, account: &account, now, launched: now, key: None, target_state: None };
        let leaves = leaves(&seen);
        let text = |path: &str| look(&leaves, path, None).map(|found| String::from_utf8_lossy(&found).into_owned());
        assert_eq!(text("").as_deref(), Some("dynamic\nmeta-data"));
        assert_eq!(text("meta-data/tags/instance/").as_deref(), Some("role"));
        assert_eq!(text("meta-data/placement").as_deref(), Some("availability-zone\navailability-zone-id\nregion"));
        assert!(text("meta-data/").expect("a listing").contains("network/\nplacement/\nprofile"));
        assert_eq!(text("meta-data/network/interfaces/macs/").as_deref(), Some("0a:1b:2c:3d:4e:5f/"));
        assert_eq!(text("meta-data/iam/info"), None);
        assert_eq!(text("meta-data/instance"), None);
    }
}
