//! The lookups that a tree names literally: asked for in batches before the first task.

use super::refuse::all_tasks;
use super::texts::{TextKind, Texts};
use crate::failure::Place;
use crate::roles::load::{Item, Loader, Playbook, Repeat, Task};
use crate::roles::remote::SecretName;
use crate::roles::template::{LookupUse, Templar};
use crate::roles::value::Value;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What a playbook's tasks, variables and templates ask AWS for by literal names, each once.
#[derive(Debug, Default)]
pub struct Named {
    /// Parameters.
    pub parameters: BTreeSet<String>,
    /// Secrets.
    pub secrets: BTreeSet<SecretName>,
}

impl Named {
    /// Those of a playbook.
    pub fn of(playbook: &Playbook, loader: &Loader, templar: &Templar) -> Self {
        let (mut texts, mut named) = (Texts::default(), Self::default());
        for play in &playbook.plays {
            texts.map(&play.frame.vars);
            let mut items: Vec<Item> = play.parts().concat();
            items.extend(play.handlers.iter().map(|handler| Item::Task(Arc::clone(handler))));
            let mut roles = Vec::new();
            super::play::imports(&items, &mut roles);
            for role in roles.iter().flat_map(|run| run.all_roles()) {
                [&role.defaults, &role.vars, &role.params, &role.vars_given].into_iter().for_each(|map| texts.map(map));
                role_files(loader, &role.path, &mut texts);
            }
            all_tasks(&items).iter().for_each(|task| {
                texts.task(task);
                named.looped(task);
            });
        }
        for text in texts.all {
            let Ok(inspection) = text.inspect(templar) else { continue };
            inspection.lookups.iter().for_each(|lookup| named.asked(lookup));
        }
        named
    }

    /// With another's.
    pub fn join(&mut self, other: Self) {
        self.parameters.extend(other.parameters);
        self.secrets.extend(other.secrets);
    }

    fn looped(&mut self, task: &Task) {
        let Some((lookup, terms)) = literal_loop(task) else { return };
        match Kind::of(&lookup) {
            Some(Kind::Parameter) => self.parameters.extend(terms),
            Some(Kind::Secret) => {
                self.secrets.extend(terms.into_iter().map(|name| SecretName { name, ..SecretName::default() }));
            }
            None => {}
        }
    }

    fn asked(&mut self, lookup: &LookupUse) {
        match Kind::of(&lookup.name) {
            Some(Kind::Parameter) => {
                let literal = lookup.terms.iter().flatten().filter_map(Value::as_str);
                self.parameters.extend(literal.map(str::to_owned));
            }
            Some(Kind::Secret) => self.secrets.extend(secrets(lookup).into_iter().flatten()),
            None => {}
        }
    }
}

/// What a lookup asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Parameter,
    Secret,
}

impl Kind {
    pub(super) fn of(lookup: &str) -> Option<Self> {
        match lookup.rsplit('.').next()? {
            "aws_ssm" | "ssm_parameter" => Some(Self::Parameter),
            "aws_secret" | "secretsmanager_secret" => Some(Self::Secret),
            _ => None,
        }
    }
}

/// The secrets that a lookup asks for; `None` for a term that is not literal, and nothing where an option that says which
/// one it is is not.
pub(super) fn secrets(lookup: &LookupUse) -> Vec<Option<SecretName>> {
    let option = |name: &str| lookup.options.iter().find(|(option, _)| option == name).map(|(_, value)| value.as_ref());
    // Not written is `Ok(None)`.
    let text = |name: &str| match option(name) {
        None | Some(Some(Value::Null)) => Ok(None),
        Some(Some(value)) => value.as_str().map(|text| Some(text.to_owned())).ok_or(()),
        Some(None) => Err(()),
    };
    let nested = match option("nested") {
        None => false,
        Some(Some(Value::Bool(nested))) => *nested,
        Some(_) => return vec![None],
    };
    let (Ok(version), Ok(stage), None) = (text("version_id"), text("version_stage"), option("bypath")) else {
        return vec![None];
    };
    let name = |term: &str| match term.split_once('.') {
        Some((name, _)) if nested => name.to_owned(),
        _ => term.to_owned(),
    };
    let secret = |term: &str| SecretName { name: name(term), version: version.clone(), stage: stage.clone() };
    lookup.terms.iter().map(|term| term.as_ref().and_then(Value::as_str).map(secret)).collect()
}

/// The lookup of a `with_NAME` and its terms, as far as these are literal.
pub(super) fn literal_loop(task: &Task) -> Option<(String, Vec<String>)> {
    let Some(Repeat::With { lookup, terms }) = &task.repeat else { return None };
    let literal = |value: &Value| match value {
        Value::Str(text) => vec![text.expose().to_owned()],
        _ => Vec::new(),
    };
    let terms = match &terms.value {
        Value::List(items) => items.iter().flat_map(literal).collect(),
        other => literal(other),
    };
    Some((lookup.clone(), terms))
}

/// Templates and dynamically included tasks of a role, as far as they can be read.
fn role_files(loader: &Loader, role: &std::path::Path, texts: &mut Texts) {
    for directory in ["templates", "tasks", "vars"] {
        let mut open = vec![role.join(directory)];
        while let Some(directory) = open.pop() {
            for (name, is_directory) in loader.source().list(&directory).unwrap_or_default() {
                let path = directory.join(name);
                if is_directory {
                    open.push(path);
                } else if let Some(text) = loader.bytes(&path).ok().and_then(|bytes| String::from_utf8(bytes).ok())
                    && text.contains("lookup")
                {
                    // Line by line: a lookup in YAML or in a template stands on one line, and what is no template
                    // alone is left to the run itself.
                    let place = Place { file: loader.shown(&path), line: 1, column: 1, excerpt: None };
                    let lines = text.lines().filter(|line| line.contains("lookup") && line.contains("{{"));
                    lines.for_each(|line| texts.put(line, &place, TextKind::Template));
                }
            }
        }
    }
}
