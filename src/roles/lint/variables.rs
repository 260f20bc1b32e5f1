//! Variables that are read and that nothing defines.

use super::Linter;
use super::finding::Findings;
use super::known::Known;
use super::unit::Unit;
use crate::failure::Place;
use crate::roles::converge::{Text, Texts, is_magic, item_names};
use crate::roles::load::nearest;
use crate::roles::template::Inspection;
use std::collections::HashSet;

/// Words of an expression through which a variable is read by a name that is itself a value.
const BY_NAME: [&str; 4] = ["lookup('vars'", "lookup(\"vars\"", "vars[", "ansible.builtin.vars"];

/// What a unit reads.
#[derive(Default)]
struct Reads {
    variables: Vec<(String, Place)>,
    /// Names that the unit itself expects to be missing at times.
    guarded: HashSet<String>,
}

impl Reads {
    fn add(&mut self, inspection: Inspection, local: &[String]) {
        self.guarded.extend(inspection.guarded);
        self.variables.extend(inspection.variables.into_iter().filter(|(name, _)| !local.contains(name)));
    }
}

impl Linter {
    /// Names what is read and nowhere defined. One that the unit tests by `is defined`, or gives a default anywhere,
    /// is a parameter.
    pub(super) fn variables(&self, unit: &Unit, known: &Known, findings: &mut Findings) {
        if unit.open || known.open {
            return;
        }
        let reads = self.reads(unit, known);
        for (name, place) in reads.variables {
            if reads.guarded.contains(&name) || known.has(&name) || is_magic(&name) {
                continue;
            }
            if let Some(hint) = hint(&name, known) {
                findings.error(format!("the variable `{name}` is defined nowhere"), Some(hint), place);
            }
        }
    }

    fn reads(&self, unit: &Unit, known: &Known) -> Reads {
        let mut reads = Reads::default();
        let mut seen: HashSet<(Text, Vec<String>)> = HashSet::new();
        for text in &unit.texts.all {
            text.inspect(&self.templar).into_iter().for_each(|inspection| reads.add(inspection, &[]));
        }
        for task in &unit.tasks {
            let local = item_names(task);
            let texts = Texts::of(task).all;
            if texts.iter().any(|text| BY_NAME.iter().any(|word| text.text.contains(word))) {
                reads.guarded.extend(Self::looped(task, known));
            }
            for text in texts {
                if seen.insert((text.clone(), local.clone())) {
                    text.inspect(&self.templar).into_iter().for_each(|inspection| reads.add(inspection, &local));
                }
            }
        }
        let mut sets = Vec::new();
        let mut files = Reads::default();
        for path in self.judged_templates(unit) {
            let Some(text) = self.template_text(&path) else { continue };
            if let Ok(mut inspection) = self.templar.inspect_file(&text, &self.loader.shown(&path)) {
                // What one template sets, another that it includes sees.
                sets.append(&mut inspection.sets);
                files.add(inspection, &[]);
            }
        }
        reads.guarded.extend(files.guarded);
        reads.variables.extend(files.variables.into_iter().filter(|(name, _)| !sets.contains(name)));
        reads
    }
}

/// What to do about a name that nothing defines; `None` where a run may define it.
fn hint(name: &str, known: &Known) -> Option<String> {
    if let Some(fact) = name.strip_prefix("ansible_") {
        // What a host's facts, its connection and its devices are called is known to the host; a slip is seen where
        // a fact is one letter away.
        let facts = crate::roles::facts::Facts::new(Vec::new());
        let mut near = facts.names().filter(|have| fact.len() >= 6 && strsim::damerau_levenshtein(have, fact) == 1);
        let exists = facts.names().any(|have| have == fact);
        return near.next().filter(|_| !exists).map(|near| format!("did you mean `ansible_{near}`?"));
    }
    if name == "muster" || name.starts_with("facter_") || name.starts_with("ohai_") {
        return None;
    }
    Some(match nearest(name, known.values.keys().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "define it, give it a default (`| default(...)`), or check it with `is defined`".into(),
    })
}
