//! Judges roles and playbooks without a host and without a network: everything that is wrong or not done, wherever it
//! stands, whether or not a run would come to it.
//!
//! `discover` finds what a tree has, `unit` reads it, `known` is what the tree defines, `judge` and `variables` say
//! what is wrong, `advice` what will be. What is judged before a converge is judged by the same code (`load`'s
//! refusals, `converge::Texts`).

mod advice;
mod discover;
mod finding;
mod judge;
mod known;
mod targets;
mod unit;
mod variables;

pub use finding::{Finding, Severity};

use crate::roles::load::{Directory, LoadError, Loader, Source};
use crate::roles::template::Templar;
use discover::Found;
use finding::Findings;
use known::Known;
use std::io;
use std::path::Path;
use std::sync::Arc;
use unit::Unit;

/// What was judged, and what was found.
#[derive(Debug)]
pub struct Report {
    /// In order of file and line.
    pub findings: Vec<Finding>,
    /// How many roles were judged.
    pub roles: usize,
    /// How many playbooks.
    pub playbooks: usize,
    /// How many tasks and handlers.
    pub tasks: usize,
}

/// Judges a role, a directory of roles, a playbook, or a whole repository. Places are relative to `from`, where they
/// lie below it.
pub fn lint(path: &Path, from: &Path, advise: bool) -> io::Result<Report> {
    let path = path.canonicalize()?;
    let root = discover::root(&path);
    let source: Arc<dyn Source> = Arc::new(Directory::new(&root)?);
    let found = discover::discover(&*source, &path);
    let loader = Loader::new(Arc::clone(&source), &found.role_paths()).stepping_over();
    let linter = Linter { loader, templar: Templar::new() };
    let (units, known, mut findings) = linter.read(&found);
    let below = |unit: &Unit| unit.path.starts_with(&path);
    // The rest is read for what it defines.
    for unit in units.iter().filter(|unit| below(unit)) {
        linter.judge(unit, &known, &mut findings);
        linter.variables(unit, &known, &mut findings);
        if advise {
            linter.advise(unit, &known, &mut findings);
        }
    }
    for error in linter.loader.take_errors() {
        findings.load_error(&error);
    }
    if advise {
        linter.loader.take_warnings().into_iter().for_each(|odd| findings.warn(odd.text, None, odd.place));
    }
    let judged: Vec<&Unit> = units.iter().filter(|unit| below(unit)).collect();
    Ok(Report {
        roles: judged.iter().filter(|unit| unit.is_role).count(),
        playbooks: judged.iter().filter(|unit| !unit.is_role).count(),
        tasks: unit::count(&judged),
        findings: findings.below(&path, &root, from),
    })
}

/// Judges one tree.
struct Linter {
    loader: Loader,
    templar: Templar,
}

impl Linter {
    /// Reads everything, and what it defines.
    fn read(&self, found: &Found) -> (Vec<Unit>, Known, Findings) {
        let mut findings = Findings::default();
        let mut known = Known::default();
        let mut units = Vec::new();
        for path in &found.roles {
            units.push(self.role(path, &mut known, &mut findings));
        }
        for path in &found.playbooks {
            units.push(self.playbook(path, &mut known, &mut findings));
        }
        for path in &found.inventory {
            self.inventory(path, &mut known, &mut findings);
        }
        for unit in &mut units {
            self.learn(unit, &mut known);
        }
        (units, known, findings)
    }

    /// An error of something that was read; `None` where it says nothing about what is written.
    fn told<T>(read: Result<T, LoadError>, findings: &mut Findings) -> Option<T> {
        read.map_err(|error| findings.load_error(&error)).ok()
    }
}

#[cfg(test)]
mod tests;
