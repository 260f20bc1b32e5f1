//! What has moved since a plan was made.

use super::file::PlanFile;
use super::step::Step;
use std::collections::{BTreeMap, BTreeSet};

/// Compares a reviewed plan with one made just now, and names what differs: nothing where it may be applied.
pub fn moved(reviewed: &PlanFile, now: &PlanFile) -> Vec<String> {
    let mut all = Vec::new();
    let (old, new) = (&reviewed.inputs, &now.inputs);
    for (name, old, new) in [
        ("muster's version", &old.muster, &new.muster),
        ("the tree", &old.tree, &new.tree),
        ("what is run", &old.what, &new.what),
        ("the host", &old.host, &new.host),
    ] {
        if old != new {
            all.push(format!("{name} was {old} and is {new}"));
        }
    }
    members("parameter", &old.parameters, &new.parameters, &mut all);
    members("secret", &old.secrets, &new.secrets, &mut all);
    members("variable", &old.variables, &new.variables, &mut all);
    members("fact", &old.facts, &new.facts, &mut all);
    members("", &reviewed.seen, &now.seen, &mut all);
    // Where something is named already, the steps only follow from it.
    if all.is_empty() {
        steps(&reviewed.steps, &now.steps, &mut all);
    }
    all
}

fn members(kind: &str, old: &BTreeMap<String, String>, new: &BTreeMap<String, String>, all: &mut Vec<String>) {
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    for name in names {
        let what = if kind.is_empty() { name.clone() } else { format!("{kind} {name}") };
        match (old.get(name), new.get(name)) {
            (Some(old), Some(new)) if old == new => {}
            (Some(old), Some(new)) if kind == "fact" || kind == "variable" => {
                all.push(format!("{what} has changed ({old}, {new})"))
            }
            (Some(old), Some(new)) => all.push(format!("{what} was {old} and is {new}")),
            (Some(_), None) => all.push(format!("{what} is no longer concerned")),
            (None, _) => all.push(format!("{what} is concerned now")),
        }
    }
}

fn steps(old: &[Step], new: &[Step], all: &mut Vec<String>) {
    let same = |a: &Step, b: &Step| a.place == b.place && a.turn == b.turn && a.item == b.item;
    for step in old {
        match new.iter().find(|now| same(step, now)) {
            None => all.push(format!("task `{step}` has nothing to do any more")),
            Some(now) if now.changes != step.changes || now.undecided.is_some() != step.undecided.is_some() => {
                all.push(format!("task `{step}` would do something else"));
            }
            Some(now) if now.diff != step.diff => all.push(format!("task `{step}` does not do what the plan shows")),
            Some(_) => {}
        }
    }
    for step in new.iter().filter(|now| !old.iter().any(|step| same(step, now))) {
        all.push(format!("task `{step}` has something to do now"));
    }
}
