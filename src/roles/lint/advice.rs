//! What works today and will not, or is better not done: conditions that are no truth values, secrets on a command
//! line, versions that nobody chose.

use super::Linter;
use super::finding::Findings;
use super::known::Known;
use super::unit::Unit;
use crate::failure::Place;
use crate::roles::converge::{Text, TextKind, Texts};
use crate::roles::load::Task;
use crate::roles::template::Inspection;
use crate::roles::value::Value;
use std::collections::HashSet;

impl Linter {
    /// Advises on every task of a unit.
    pub(super) fn advise(&self, unit: &Unit, known: &Known, findings: &mut Findings) {
        let secrets = self.secrets(known);
        for task in &unit.tasks {
            let texts = Texts::of(task);
            for text in texts.all.iter().filter(|text| text.kind == TextKind::Condition) {
                self.condition(text, findings);
            }
            if task.action.is("command") || task.action.is("shell") {
                self.command_line(task, &secrets, findings);
            }
            if let Some(place) = latest(task) {
                let hint = "name the version, or use `state: present`, so that every host gets the same";
                findings.warn("`state: latest` installs whatever is newest at the time", Some(hint.into()), place);
            }
        }
    }

    fn condition(&self, text: &Text, findings: &mut Findings) {
        let Ok(Inspection { no_truth_value: Some(what), .. }) = text.inspect(&self.templar) else { return };
        let message = format!("this condition may yield {what}, and ansible-core 2.19 takes only a truth value");
        let hint = match what {
            "a number" => "compare it: `... > 0`",
            "text or nothing" => "say `is not none`, or use the test `is search(...)`",
            _ => "compare it, or ask for its length: `... | length > 0`",
        };
        findings.warn(message, Some(hint.into()), text.place.clone());
    }

    /// A secret among a program's arguments is seen by whoever lists processes.
    fn command_line(&self, task: &Task, secrets: &HashSet<String>, findings: &mut Findings) {
        let mut texts = Texts::default();
        for (name, value) in &task.action.arguments.map {
            if matches!(name.to_string().as_str(), "cmd" | "_raw_params" | "argv") {
                texts.value(value);
            }
        }
        for text in texts.all {
            let Ok(inspection) = text.inspect(&self.templar) else { continue };
            if is_secret(&inspection, secrets) {
                let hint = "hand it over in `environment`, in `stdin`, or in a file that only its reader can read";
                findings.warn(
                    "a secret stands on a command line, where every user can read it",
                    Some(hint.into()),
                    text.place,
                );
            }
        }
    }

    /// Variables whose values come from Secrets Manager, or from parameters that are decrypted by name.
    fn secrets(&self, known: &Known) -> HashSet<String> {
        let mut inspected: Vec<(&str, Inspection)> = Vec::new();
        for (name, values) in &known.values {
            let mut texts = Texts::default();
            values.iter().for_each(|value| texts.value(value));
            inspected
                .extend(texts.all.iter().filter_map(|text| Some((name.as_str(), text.inspect(&self.templar).ok()?))));
        }
        let mut secrets = HashSet::new();
        loop {
            let more = inspected.iter().filter(|(_, inspection)| is_secret(inspection, &secrets));
            let more: HashSet<String> = more.map(|(name, _)| (*name).to_owned()).collect();
            if more.len() == secrets.len() {
                return secrets;
            }
            secrets = more;
        }
    }
}

fn is_secret(inspection: &Inspection, secrets: &HashSet<String>) -> bool {
    inspection.variables.iter().any(|(name, _)| secrets.contains(name))
        || inspection.lookups.iter().any(|lookup| {
            let name = lookup.name.rsplit('.').next().unwrap_or_default();
            let decrypts =
                || lookup.options.iter().any(|(name, value)| name == "decrypt" && *value == Some(true.into()));
            matches!(name, "aws_secret" | "secretsmanager_secret")
                || matches!(name, "aws_ssm" | "ssm_parameter") && decrypts()
        })
}

/// Where a task asks for the newest version.
fn latest(task: &Task) -> Option<Place> {
    let arguments = &task.action.arguments;
    let asked = arguments.get("state").and_then(Value::as_str) == Some("latest");
    asked.then(|| arguments.places.get("state").unwrap_or(&task.place).clone())
}
