//! `ec2_metadata_facts`: instance metadata as facts, under the names that amazon.aws gives them.

use super::{ArgError, Args, Eyes, Failed, FreeForm, Module, Param, ParamKind, Plan, Spec};
use crate::roles::value::{Key, Map, Value};
use std::collections::BTreeMap;

/// `ec2_metadata_facts`.
pub static SPEC: Spec = Spec {
    name: "amazon.aws.ec2_metadata_facts",
    aliases: &["community.aws.ec2_metadata_facts"],
    summary: "Sets facts from instance metadata; credentials are never among them.",
    free_form: FreeForm::Pairs,
    params: &[Param::new("metadata_token_ttl_seconds", ParamKind::Int, "Has no meaning: muster's own token is used.")
        .default("60")],
    file_attributes: false,
    examples: &["ec2_metadata_facts: {}\n"],
};

struct Metadata;

/// Reads the arguments.
pub fn metadata(args: &mut Args) -> Result<Box<dyn Module>, ArgError> {
    match args.int("metadata_token_ttl_seconds") {
        Some(1..=21_600) => Ok(Box::new(Metadata)),
        _ => Err(args.wrong("metadata_token_ttl_seconds", "must be set to a value between 1 and 21600")),
    }
}

/// More questions than this are no instance's metadata.
const MOST: usize = 2000;
/// Nor is a deeper tree.
const DEEPEST: usize = 12;

/// A walk over the tree of metadata.
struct Walk<'a> {
    eyes: &'a Eyes<'a>,
    root: &'static str,
    /// By path below the root, and `path:key` for the members of JSON documents.
    found: BTreeMap<String, Value>,
    asked: usize,
}

impl Walk<'_> {
    /// What is not there is the text `None`, as the module has it.
    fn ask(&mut self, path: &str) -> Result<Option<String>, Failed> {
        self.asked += 1;
        if self.asked > MOST {
            return Err(Failed::new(format!("instance metadata has more than {MOST} entries")));
        }
        ask(self.eyes, &format!("{}{path}", self.root))
    }

    fn walk(&mut self, directory: &str, depth: usize) -> Result<(), Failed> {
        if depth > DEEPEST {
            return Err(Failed::new(format!("instance metadata is nested deeper than {DEEPEST} levels")));
        }
        let listing = self.ask(directory)?.unwrap_or_default();
        for field in listing.lines().filter(|field| !field.is_empty()) {
            let path = format!("{directory}{field}");
            if holds_credentials(&path) {
                self.name_role(&path);
            } else if field.ends_with('/') {
                self.walk(&path, depth + 1)?;
            } else if !self.found.contains_key(&path) {
                let content = self.ask(&path)?.unwrap_or_else(|| "None".into());
                self.keep(path, field, content);
            }
        }
        Ok(())
    }

    fn keep(&mut self, path: String, field: &str, content: String) {
        if matches!(field, "security-groups" | "security-group-ids") {
            self.found.insert(path, Value::from(content.lines().collect::<Vec<_>>().join(",")));
            return;
        }
        if let Ok(serde_json::Value::Object(members)) = serde_json::from_str(&content) {
            for (key, value) in members {
                self.found.insert(format!("{path}:{}", key.to_lowercase()), Value::from_json(&value));
            }
        }
        self.found.insert(path, Value::from(content));
    }

    /// The role is named by the path of its credentials, which are not read.
    fn name_role(&mut self, path: &str) {
        if let Some(role) = path.strip_prefix("iam/security-credentials/") {
            self.found.insert("iam-instance-profile-role".into(), Value::str(role));
        }
    }

    /// What was found, by the names of facts.
    fn facts(self) -> impl Iterator<Item = (String, Value)> {
        let named =
            self.found.into_iter().map(|(path, value)| (format!("ansible_ec2_{}", path.replace('/', "-")), value));
        named.filter(|(name, _)| !name.contains("public-keys-0"))
    }
}

fn ask(eyes: &Eyes<'_>, path: &str) -> Result<Option<String>, Failed> {
    eyes.remote.metadata(path).map_err(|error| Failed {
        message: format!("Failed to retrieve metadata from AWS: {error}"),
        hint: error.hint,
        ..Failed::default()
    })
}

fn holds_credentials(path: &str) -> bool {
    let is_below = |prefix: &str| path.strip_prefix(prefix).is_some_and(|rest| !rest.is_empty());
    is_below("iam/security-credentials/") || is_below("identity-credentials/ec2/security-credentials/")
}

fn walked<'a>(eyes: &'a Eyes<'a>, root: &'static str) -> Result<Walk<'a>, Failed> {
    let mut walk = Walk { eyes, root, found: BTreeMap::new(), asked: 0 };
    walk.walk("", 0)?;
    Ok(walk)
}

impl Module for Metadata {
    fn plan(&self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        let text = |path: &str| Ok::<_, Failed>(Value::from(ask(eyes, path)?.unwrap_or_else(|| "None".into())));
        let mut facts: BTreeMap<String, Value> = walked(eyes, "meta-data/")?.facts().collect();
        facts.insert("ansible_ec2_user-data".into(), text("user-data")?);
        facts.insert("ansible_ec2_public-key".into(), text("meta-data/public-keys/0/openssh-key")?);
        facts.extend(walked(eyes, "dynamic/")?.facts());
        let mut facts: BTreeMap<String, Value> =
            facts.into_iter().map(|(name, value)| (name.replace([':', '-'], "_"), value)).collect();
        let keys = ask(eyes, "meta-data/tags/instance")?.unwrap_or_default();
        let keys: Vec<&str> = keys.lines().collect();
        let tags: Map = keys
            .iter()
            .filter_map(|key| Some((Key::from(*key), facts.get(&format!("ansible_ec2_tags_instance_{key}"))?.clone())))
            .collect();
        facts.insert("ansible_ec2_instance_tags_keys".into(), Value::list(keys.into_iter().map(Value::str)));
        facts.insert("ansible_ec2_instance_tags".into(), Value::Map(tags.into()));
        if let Some(region) = facts.get("ansible_ec2_instance_identity_document_region").cloned() {
            facts.insert("ansible_ec2_placement_region".into(), region);
        }
        Ok(Plan::unchanged().with("ansible_facts", Value::map(facts)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roles::modules::fake::{Fake, plan_values};
    use crate::roles::remote::{Remote, RemoteError};

    /// Metadata that is scripted; nothing else is to be had.
    struct Scripted(BTreeMap<&'static str, &'static str>);

    impl Remote for Scripted {
        fn metadata(&self, path: &str) -> Result<Option<String>, RemoteError> {
            assert!(!path.contains("security-credentials/app"), "credentials were asked for");
            Ok(self.0.get(path).map(|text| (*text).to_owned()))
        }
    }

    #[test]
    fn names_are_those_of_the_module() {
        let remote = Scripted(BTreeMap::from([
            ("meta-data/", "ami-id\niam/\nidentity-credentials/\npublic-keys/\nsecurity-groups\ntags/"),
            ("meta-data/ami-id", "ami-1"),
            ("meta-data/iam/", "info\nsecurity-credentials/"),
            ("meta-data/iam/info", "{\"Code\": \"Success\"}"),
            ("meta-data/iam/security-credentials/", "app-role"),
            ("meta-data/identity-credentials/", "ec2/"),
            ("meta-data/identity-credentials/ec2/", "info\nsecurity-credentials/"),
            ("meta-data/identity-credentials/ec2/info", "{\"AccountId\": \"123\"}"),
            ("meta-data/identity-credentials/ec2/security-credentials/", "ec2-instance"),
            ("meta-data/public-keys/", "0=app"),
            ("meta-data/security-groups", "a\nb"),
            ("meta-data/tags/", "instance/"),
            ("meta-data/tags/instance/", "Name"),
            ("meta-data/tags/instance", "Name"),
            ("meta-data/tags/instance/Name", "web"),
            ("dynamic/", "instance-identity/"),
            ("dynamic/instance-identity/", "document"),
            ("dynamic/instance-identity/document", "{\"region\": \"eu-west-1\", \"devpayProductCodes\": null}"),
        ]));
        let empty = Value::map::<&str>([]);
        let plan = plan_values(&Fake::default(), &remote, "ec2_metadata_facts", &empty).expect("plan");
        let facts = plan.result.get(&Key::from("ansible_facts")).expect("facts").to_json();
        for (name, value) in [
            ("ami_id", "ami-1"),
            ("iam_instance_profile_role", "app-role"),
            ("iam_info_code", "Success"),
            ("identity_credentials_ec2_info_accountid", "123"),
            ("security_groups", "a,b"),
            ("tags_instance_Name", "web"),
            ("instance_identity_document_region", "eu-west-1"),
            ("placement_region", "eu-west-1"),
            ("user_data", "None"),
        ] {
            assert_eq!(facts[format!("ansible_ec2_{name}")], value, "{name}");
        }
        assert_eq!(facts["ansible_ec2_instance_tags"]["Name"], "web");
        assert!(facts["ansible_ec2_instance_identity_document_devpayproductcodes"].is_null());
        assert!(!facts.to_string().contains("public_keys_0"));
    }
}
