//! Bundles before a realm's policy: what the rules of `tests/trust/policies.yaml` demand, and what is said instead.

use super::edit::{Edit, alter};
use super::{Outcome, told};
use crate::attacks::policy::{Realm, statement};
use crate::instance::{Key, Log, Recipe};
use muster::failure::Explain;
use muster::trust::policy::PolicyError;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// The rules, by name.
    rules: String,
    /// What passes.
    twin: Vec<Bundle>,
    /// What must not.
    attack: Vec<Bundle>,
    /// For which application and channel the attack is shown; shop and stable as a rule.
    #[serde(default = "shop")]
    application: String,
    #[serde(default = "stable")]
    channel: String,
    #[serde(default = "stable")]
    twin_channel: String,
}

fn shop() -> String {
    "shop".into()
}

fn stable() -> String {
    "stable".into()
}

/// One bundle.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Bundle {
    /// `kms`, `ci`, `security` or `stranger`, who has a key of his own.
    by: String,
    /// What is said, by name; a signature where nothing is.
    #[serde(default)]
    says: Option<String>,
    /// Another predicate type than what is said has.
    #[serde(default)]
    kind: Option<String>,
    #[serde(default)]
    edit: Vec<Edit>,
    /// What it is about, in place of the release.
    #[serde(default)]
    about: Option<String>,
    /// The certificate's names, in place of the release workflow's.
    #[serde(default)]
    identities: Vec<String>,
    /// Fulcio's extensions by their last arc; null takes one away.
    #[serde(default)]
    claims: BTreeMap<u64, Option<String>>,
}

/// Rules and predicates that many attacks begin with.
#[derive(Deserialize)]
struct Common {
    rules: BTreeMap<String, String>,
    says: BTreeMap<String, Said>,
}

#[derive(Deserialize)]
struct Said {
    kind: String,
    predicate: Value,
    /// Times in it, in hours from now.
    #[serde(default)]
    hours: BTreeMap<String, i64>,
}

fn common() -> Common {
    let path = super::directory().with_file_name("policies.yaml");
    super::yaml(&std::fs::read_to_string(path).expect("a file")).expect("rules and predicates")
}

impl Bundle {
    fn made(&self, realm: &Realm, common: &Common, stranger: &Key) -> Value {
        let artifact = self.about.as_deref().unwrap_or("release").as_bytes().to_vec();
        let digest = sigstore_crypto::sha256(&artifact).to_hex();
        let mut recipe = Recipe { artifact, ..Recipe::default() };
        if let Some(name) = &self.says {
            let said = common.says.get(name).unwrap_or_else(|| panic!("nothing is called {name}"));
            let mut predicate = said.predicate.clone();
            for (at, hours) in &said.hours {
                alter(&mut predicate, &[Edit::hours(at, *hours)], &|| Value::Null);
            }
            alter(&mut predicate, &self.edit, &|| said.predicate.clone());
            let mut whole = statement(self.kind.as_ref().unwrap_or(&said.kind), predicate);
            whole["subject"][0]["digest"]["sha256"] = digest.into();
            recipe.statement = Some(whole);
        }
        match self.by.as_str() {
            "kms" => (recipe.key, recipe.log) = (Some(&realm.kms), Log::None),
            "stranger" => (recipe.key, recipe.log) = (Some(stranger), Log::None),
            "security" => {
                recipe.identities = vec!["security@acme.test".into()];
                recipe.issuer = "https://accounts.acme.test".into();
            }
            _ => {}
        }
        if !self.identities.is_empty() {
            recipe.identities.clone_from(&self.identities);
        }
        for (arc, claim) in &self.claims {
            recipe.claims.retain(|(have, _)| have != arc);
            recipe.claims.extend(claim.clone().map(|claim| (*arc, claim)));
        }
        realm.scene.ours.bundle(&recipe)
    }
}

/// A refusal by what was objected to, or by what each bundle was refused for where signatures are missing.
fn shown(error: PolicyError) -> String {
    match error {
        other if other.hint().is_none() => format!("(it does not say what to do) {other:?}"),
        PolicyError::Attestation { objection, .. } => format!("{objection:?}"),
        other => format!("{other:?}"),
    }
}

impl Case {
    pub fn run(&self) -> Outcome {
        let common = common();
        let rules = common.rules.get(&self.rules).unwrap_or_else(|| panic!("no rules are called {}", self.rules));
        let (realm, stranger) = (Realm::new(rules), Key::new());
        let made = |all: &[Bundle]| -> Vec<Value> {
            all.iter().map(|bundle| bundle.made(&realm, &common, &stranger)).collect()
        };
        let twin = realm.approve_as("shop", &self.twin_channel, &made(&self.twin));
        let attack = realm.approve_as(&self.application, &self.channel, &made(&self.attack));
        Outcome { twin: told(twin), attack: attack.map(|_| ()).map_err(shown) }
    }
}
