//! A manifest of a registry, whose digest a signature could be about.

use super::edit::{Edit, alter};
use super::{Outcome, told};
use muster::trust::Untrusted;
use muster::trust::manifest::subject;
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// The benign one.
    benign: Value,
    #[serde(default)]
    edit: Vec<Edit>,
    /// Text before what comes after its first bracket.
    #[serde(default)]
    first: String,
    /// Its last bytes are missing.
    #[serde(default)]
    cut: usize,
}

impl Case {
    pub fn run(&self) -> Outcome {
        let judge = |text: String| told(subject(Untrusted::new(text.into_bytes())));
        let twin = judge(self.benign.to_string());
        let mut bad = self.benign.clone();
        alter(&mut bad, &self.edit, &|| self.benign.clone());
        let mut text = bad.to_string().replacen('{', &format!("{{{}", self.first), 1);
        text.truncate(text.len() - self.cut);
        Outcome { twin, attack: judge(text) }
    }
}
