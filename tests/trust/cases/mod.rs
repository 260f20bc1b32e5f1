//! Attacks as data: each directory of `tests/trust/attacks` is one. Its `attack.yaml` says what it is, which published flaws it
//! is of, what is altered, and how the refusal begins; the stage that it names makes the benign twin, which must be
//! accepted, and the altered one, which must be refused for that reason.

mod archive;
mod bundle;
mod catalogue;
mod commit;
mod descriptor;
mod edit;
mod manifest;
mod policy;
mod repository;

use muster::failure::Explain;
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// One attack.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attack {
    /// The directory's name.
    #[serde(skip)]
    pub name: String,
    /// What is tried, in a sentence.
    pub attack: String,
    /// Rows of `tests/trust/attacks.yaml`.
    #[serde(default)]
    pub of: Vec<String>,
    /// Published flaws that were of this kind.
    #[serde(default)]
    pub flaws: Vec<String>,
    /// How the refusal's variant is written, from its beginning; one of these.
    pub refused: Vec<String>,
    /// Where it happens: one of these.
    archive: Option<archive::Case>,
    bundle: Option<bundle::Case>,
    commit: Option<commit::Case>,
    descriptor: Option<descriptor::Case>,
    manifest: Option<manifest::Case>,
    policy: Option<policy::Case>,
    repository: Option<repository::Case>,
}

/// What became of the twin and of the attack: nothing, or the refusal as `Debug` writes it.
pub struct Outcome {
    pub twin: Result<(), String>,
    pub attack: Result<(), String>,
}

/// An outcome as it is written down.
pub fn told<T, E: std::fmt::Debug>(result: Result<T, E>) -> Result<(), String> {
    result.map(|_| ()).map_err(|error| format!("{error:?}"))
}

/// The same of an error that people read: each says what to do.
pub fn explained<T, E: Explain>(result: Result<T, E>) -> Result<(), String> {
    result.map(|_| ()).map_err(|error| match error.hint() {
        Some(_) => format!("{error:?}"),
        None => format!("(it does not say what to do) {error:?}"),
    })
}

pub fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/trust/attacks")
}

/// Every attack, by name.
pub fn all() -> Vec<Attack> {
    let entries = std::fs::read_dir(directory()).expect("a directory").map(|entry| entry.expect("an entry").path());
    let mut attacks: Vec<Attack> =
        entries.filter(|path| path.is_dir() && path.join("attack.yaml").exists()).map(read).collect();
    attacks.sort_by(|one, other| one.name.cmp(&other.name));
    attacks
}

/// YAML as JSON has it: variants are members, and no tags.
fn yaml<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, String> {
    let value: serde_json::Value = serde_yaml::from_str(text).map_err(|error| error.to_string())?;
    serde_json::from_value(value).map_err(|error| error.to_string())
}

fn read(path: PathBuf) -> Attack {
    let text = std::fs::read_to_string(path.join("attack.yaml")).expect("a file");
    let mut attack: Attack = yaml(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    attack.name = path.file_name().expect("a name").to_string_lossy().into_owned();
    attack
}

/// Whether a refusal is of a variant, and not of one whose name only begins so.
fn is_of(refusal: &str, variant: &str) -> bool {
    let rest = refusal.strip_prefix(variant);
    rest.is_some_and(|rest| !rest.starts_with(|next: char| next.is_alphanumeric()))
}

/// What is wrong with an attack's outcome.
fn wrong(attack: &Attack) -> Option<String> {
    let mut outcomes = [
        attack.archive.as_ref().map(archive::Case::run),
        attack.bundle.as_ref().map(bundle::Case::run),
        attack.commit.as_ref().map(commit::Case::run),
        attack.descriptor.as_ref().map(descriptor::Case::run),
        attack.manifest.as_ref().map(manifest::Case::run),
        attack.policy.as_ref().map(policy::Case::run),
        attack.repository.as_ref().map(repository::Case::run),
    ]
    .into_iter()
    .flatten();
    let (Some(outcome), None) = (outcomes.next(), outcomes.next()) else {
        return Some("it names no stage, or two".into());
    };
    match (outcome.twin, outcome.attack) {
        (Err(refusal), _) => Some(format!("its benign twin was refused: {refusal}")),
        (Ok(()), Ok(())) => Some("it was accepted".into()),
        (Ok(()), Err(refusal)) if attack.refused.iter().any(|variant| is_of(&refusal, variant)) => None,
        (Ok(()), Err(refusal)) => Some(format!("it was refused for another reason: {refusal}")),
    }
}

/// The attacks are shared out, because each makes keys and certificates of its own.
fn share(part: usize, parts: usize) {
    let attacks = all();
    let mine = attacks.iter().enumerate().filter(|(at, _)| at % parts == part).map(|(_, attack)| attack);
    let faults: Vec<String> =
        mine.filter_map(|attack| wrong(attack).map(|fault| format!("{}: {fault}", attack.name))).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_attack_is_refused_for_its_reason_first_part() {
    share(0, 2);
}

#[test]
fn every_attack_is_refused_for_its_reason_second_part() {
    share(1, 2);
}
