//! A Sigstore bundle of a private instance: made after a recipe, altered before or after it was signed, judged by a signer.

use super::edit::{Edit, alter};
use super::{Outcome, explained};
use crate::attacks::{Scene, keyless};
use crate::instance::{Instance, Key, Log, Recipe};
use muster::trust::sigstore::{Claim, Keyless, Proof, ReleaseKey, Signatory, Signer, Text, TrustedRoot};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
pub struct Case {
    /// Who must have signed.
    signer: By,
    /// Who must have signed the attack, where that is another.
    judged_by: Option<By>,
    /// What is signed, and what vouches for it: as the instance makes it, but for this.
    recipe: Made,
    /// What the attack's recipe has in place.
    altered: Made,
    /// Edits of the statement before it is signed.
    statement: Vec<Edit>,
    /// Edits of the bundle after it was signed.
    edit: Vec<Edit>,
    /// Edits of the bundle's text, after those.
    text: Option<Written>,
    /// Edits of the trusted root by which the attack is judged.
    root: Vec<Edit>,
    /// What the signature is shown with, in place of the artifact.
    shown_with: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Written {
    Before(String),
    After(String),
    Replace(String, String),
    /// Only its first half.
    Cut,
    /// The bundle so many times, a line each.
    Lines(usize),
    /// So many blanks after it.
    Blanks(usize),
    /// Brackets around a member, so deep.
    Nested(usize),
    /// A byte before it that no text begins with.
    Byte(u8),
}

#[derive(Clone, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct By {
    /// `ours` or `theirs`, in place of the release workflow's identity.
    key: Option<String>,
    /// A pattern in place of the identity.
    pattern: Option<String>,
    claims: BTreeMap<String, String>,
    without_sct: bool,
    proof: Option<String>,
    logs: Option<usize>,
    /// In hours.
    max_age: Option<u64>,
}

#[derive(Deserialize, Default, Clone)]
#[serde(deny_unknown_fields, default)]
struct Made {
    artifact: Option<String>,
    /// An attestation about the artifact, in place of a signature.
    attestation: Option<bool>,
    payload_type: Option<String>,
    /// `ours` or `theirs`; `none` is a certificate.
    key: Option<String>,
    identities: Option<Vec<String>>,
    issuer: Option<String>,
    /// By the last arc of Fulcio's extension; null takes one away.
    claims: BTreeMap<u64, Option<String>>,
    code_signing: Option<bool>,
    valid: Option<(i64, i64)>,
    log: Option<String>,
    logs: Option<Vec<usize>>,
    logged: Option<i64>,
    /// Seconds around the instance's time.
    stamped: Option<i64>,
    unstamped: bool,
    /// Which of `ca`, `ct`, `log`, `tsa` are another instance's.
    theirs: Vec<String>,
    without_sct: Option<bool>,
    entry_of: Option<String>,
    stamp_of: Option<String>,
    /// The artifact is what a key signs for an attestation (DSSE, *PAE*).
    artifact_is_pae: bool,
}

fn statement() -> Value {
    json!({
        "_type": "https://in-toto.io/Statement/v1", "predicateType": "https://example.test/p", "predicate": {},
        "subject": [{"name": "release", "digest": {"sha256": sigstore_crypto::sha256(b"release").to_hex()}}],
    })
}

struct Keys {
    ours: Key,
    theirs: Key,
}

impl Keys {
    fn named(&self, name: &str) -> &Key {
        match name {
            "ours" => &self.ours,
            "theirs" => &self.theirs,
            other => panic!("no key {other}"),
        }
    }
}

impl Made {
    /// Puts what is written here into a recipe.
    fn into<'a>(self, recipe: &mut Recipe<'a>, evil: &'a Instance, keys: &'a Keys) {
        macro_rules! put {
            ($($field:ident),*) => { $(if let Some(value) = self.$field { recipe.$field = value; })* };
        }
        put!(identities, issuer, code_signing, valid, logs, logged, without_sct);
        if self.attestation.is_some() {
            recipe.statement = Some(statement());
        }
        if let Some(artifact) = self.artifact {
            recipe.artifact = artifact.into_bytes();
        }
        if self.artifact_is_pae {
            recipe.artifact = sigstore_types::pae("application/vnd.in-toto+json", statement().to_string().as_bytes());
        }
        if let Some(kind) = self.payload_type {
            recipe.payload_type = kind.leak();
        }
        if let Some(name) = self.key {
            recipe.key = (name != "none").then(|| keys.named(&name));
        }
        if let Some(log) = self.log {
            recipe.log = match log.as_str() {
                "none" => Log::None,
                "one" => Log::One,
                _ => Log::Two,
            };
        }
        for (arc, claim) in self.claims {
            recipe.claims.retain(|(have, _)| *have != arc);
            recipe.claims.extend(claim.map(|claim| (arc, claim)));
        }
        recipe.stamped = self.stamped.or(recipe.stamped).filter(|_| !self.unstamped);
        recipe.entry_of = self.entry_of.map(String::into_bytes).or(recipe.entry_of.take());
        recipe.stamp_of = self.stamp_of.map(String::into_bytes).or(recipe.stamp_of.take());
        for part in self.theirs {
            match part.as_str() {
                "ca" => recipe.ca = Some(evil),
                "ct" => recipe.ct = Some(evil),
                "log" => recipe.log_of = Some(evil),
                _ => recipe.tsa = Some(evil),
            }
        }
    }
}

impl By {
    fn signer(&self, keys: &Keys) -> Signer {
        let mut signer = match &self.key {
            Some(name) => Signer::key(ReleaseKey::from_pem("kms", &keys.named(name).pem()).expect("a key")),
            None => {
                let claim = |(name, text): (&String, &String)| {
                    (Claim::named(name).expect("a claim"), Text::Exact(text.clone()))
                };
                let claims = self.claims.iter().map(claim).collect();
                let mut who = Keyless { claims, without_sct: self.without_sct, ..keyless() };
                if let Some(pattern) = &self.pattern {
                    who.identity = Text::pattern(pattern).expect("a pattern");
                }
                Signer::new("ci".into(), Signatory::Keyless(who))
            }
        };
        signer.proof = match self.proof.as_deref() {
            Some("none") => Proof::None,
            Some("timestamp") => Proof::Timestamp,
            _ => Proof::Log,
        };
        signer.logs = self.logs.unwrap_or(signer.logs);
        signer.max_age = self.max_age.map(|hours| Duration::from_secs(hours * 3600));
        signer
    }
}

impl Written {
    fn of(&self, text: &str) -> Vec<u8> {
        match self {
            Self::Before(more) => format!("{more}{text}").into_bytes(),
            Self::After(more) => format!("{text}{more}").into_bytes(),
            Self::Replace(from, to) => {
                assert!(text.contains(from.as_str()), "{from}");
                text.replacen(from.as_str(), to, 1).into_bytes()
            }
            Self::Cut => text.as_bytes()[..text.len() / 2].to_vec(),
            Self::Lines(count) => format!("{text}\n").repeat(*count).into_bytes(),
            Self::Blanks(count) => [text.as_bytes(), &vec![b' '; *count]].concat(),
            Self::Nested(deep) => {
                let inner = format!("{{\"x\":{}1{},", "[".repeat(*deep), "]".repeat(*deep));
                text.replacen('{', &inner, 1).into_bytes()
            }
            Self::Byte(byte) => [&[*byte], text.as_bytes()].concat(),
        }
    }
}

impl Case {
    pub fn run(&self) -> Outcome {
        let (mut scene, keys) = (Scene::new(), Keys { ours: Key::new(), theirs: Key::new() });
        // Borrowed by recipes while the trusted root is altered.
        let evil = Instance::new();
        let recipe = |altered: bool| {
            let mut recipe = Recipe::default();
            self.recipe.clone().into(&mut recipe, &evil, &keys);
            if altered {
                self.altered.clone().into(&mut recipe, &evil, &keys);
                if let Some(statement) = &mut recipe.statement {
                    alter(statement, &self.statement, &|| panic!("there is no other statement"));
                }
            }
            recipe
        };
        let benign = recipe(false);
        let good = scene.ours.bundle(&benign);
        let twin = explained(scene.judge(&good, &benign.artifact, &self.signer.signer(&keys)));
        let attack = recipe(true);
        let mut bad = if self.edit.is_empty() { scene.ours.bundle(&attack) } else { good };
        alter(&mut bad, &self.edit, &|| scene.ours.bundle(&benign));
        let text = bad.to_string();
        let bytes = self.text.as_ref().map_or_else(|| text.clone().into_bytes(), |written| written.of(&text));
        let mut root = scene.ours.document();
        alter(&mut root, &self.root, &|| evil.document());
        if !self.root.is_empty() {
            scene.root = TrustedRoot::from_json(&root.to_string()).expect("a trusted root");
        }
        let artifact = self.shown_with.as_ref().map_or(&attack.artifact[..], |text| text.as_bytes());
        let signer = self.judged_by.as_ref().unwrap_or(&self.signer).signer(&keys);
        Outcome { twin, attack: explained(scene.bytes(&bytes, artifact, &signer)) }
    }
}
