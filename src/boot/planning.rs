//! Plans of a run's roles: made without altering anything, and applied as they were reviewed.

use super::Ended;
use super::observer::Watching;
use super::work::Work;
use crate::failure::{Failure, Stage};
use crate::host::{Digest, Hasher, Observe, Overlay};
use crate::journal::UNVERIFIED;
use crate::roles::converge::{self, Observer, converge};
use crate::roles::load::Source;
use crate::roles::plan::{FORMAT, Guard, Inputs, PlanError, PlanFile, Recorder, Step, moved};
use crate::roles::value::Map;
use std::collections::BTreeMap;
use std::path::Path;

/// What becomes of what the roles ask for.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Planning {
    /// It is done.
    #[default]
    Converge,
    /// It is told as a plan, and nothing is altered. Hooks, releases and health checks are no part of it.
    Plan,
    /// Its tasks are listed, and nothing else.
    List,
    /// It is done where a reviewed plan has it.
    Apply {
        /// The plan.
        reviewed: Box<PlanFile>,
        /// Whether its undecided tasks may do what they turn out to do.
        undecided: bool,
    },
}

impl Work {
    /// Makes a plan; and where one was reviewed, applies that one if it still holds.
    pub(super) fn by_plan(
        mut self,
        planning: &Planning,
        observer: Option<&mut dyn Observer>,
    ) -> Result<Ended, Failure> {
        if *planning == Planning::List {
            self.list(observer)?;
            return Ok(self.ended());
        }
        let Planning::Apply { reviewed, undecided } = planning else {
            let plan = self.plan(observer)?;
            return Ok(Ended::Planned { plan: Box::new(plan) });
        };
        let now = self.plan(None)?;
        let moved = moved(reviewed, &now);
        if !moved.is_empty() {
            return Err(Failure::new(Stage::Converge, PlanError::Moved(moved)));
        }
        let open: Vec<String> = reviewed.undecided().into_iter().map(Step::to_string).collect();
        if !open.is_empty() && !undecided {
            return Err(Failure::new(Stage::Converge, PlanError::Undecided(open)));
        }
        self.apply(reviewed, observer)?;
        Ok(self.ended())
    }

    /// What the roles would do, as things stand.
    fn plan(&mut self, observer: Option<&mut dyn Observer>) -> Result<PlanFile, Failure> {
        let mut nobody = ();
        let observer: &mut dyn Observer = match observer {
            Some(observer) => observer,
            None => &mut nobody,
        };
        let plan = self.rehearse(observer)?;
        Ok(PlanFile { inputs: self.inputs()?, ..plan })
    }

    /// Converges over a machine that only remembers. What the plan is bound to is not in it yet.
    fn rehearse(&mut self, observer: &mut dyn Observer) -> Result<PlanFile, Failure> {
        self.input.pending_handlers = self.owed()?;
        self.input.facts = self.input.facts.fresh();
        self.input.check = true;
        let mut overlay = Overlay::new(self.below.observe());
        let mut recorder = Recorder::new(self.below.observe(), observer);
        let machine = converge::Machine { host: &mut overlay, remote: &*self.remote, real: Some(self.host.as_mut()) };
        let outcome = converge(&self.input, &self.playbook, &self.loader, &self.templar, machine, &mut recorder);
        let (steps, seen, recap) = (recorder.steps, recorder.seen, recorder.recap);
        self.input.check = false;
        let made = jiff::Timestamp::now();
        let plan = PlanFile { format: FORMAT.into(), made, inputs: Inputs::default(), steps, seen, recap };
        let plan = plan.scrubbed(&self.grounds.redactor);
        outcome.error.map_or(Ok(plan), |error| Err(error.into_failure()))
    }

    /// What the plan was made from.
    fn inputs(&self) -> Result<Inputs, Failure> {
        let digest = |bytes: &[u8]| {
            let mut hasher = Hasher::new(Digest::Sha256);
            hasher.update(bytes);
            hasher.finish()
        };
        let used = self.input.facts.used(self.below.observe());
        let facts = used
            .iter()
            .map(|(name, value)| (name.to_string(), digest(value.to_json().to_string().as_bytes())[..16].to_owned()));
        let mut tree = self.tree.clone();
        if tree.starts_with(UNVERIFIED) {
            let source = self.loader.source();
            tree = format!(
                "{tree} ({})",
                of_tree(source, source.root())
                    .map_err(|error| { Failure::message(Stage::Parse, format!("reading {tree}: {error}")) })?
            );
        }
        let (input, mut what) = (&self.input, self.what.to_string());
        for (name, words) in [("tags", &input.tags), ("without", &input.skip_tags), ("groups", &input.groups)] {
            if !words.is_empty() {
                what.push_str(&format!("; {name} {}", words.join(", ")));
            }
        }
        Ok(Inputs {
            muster: env!("CARGO_PKG_VERSION").into(),
            tree,
            what,
            host: format!("{} at {}", input.hostname, self.grounds.root.display()),
            parameters: self.remote.versions(),
            secrets: self.remote.secret_versions(),
            variables: given(self.below.observe(), &[&input.inventory, &input.extra]),
            facts: facts.collect(),
        })
    }

    /// Converges, held to a plan.
    fn apply(&mut self, reviewed: &PlanFile, observer: Option<&mut dyn Observer>) -> Result<(), Failure> {
        self.grounds.run.enter(Stage::Converge);
        self.input.pending_handlers = self.owed()?;
        self.input.facts = self.input.facts.fresh();
        let redactor = self.grounds.redactor.clone();
        let observer = observer.map(|observer| observer as &mut dyn Observer);
        let mut watching = Watching::new(&self.grounds.run, self.counts, &self.grounds.handlers, observer);
        let (mut guarded, mut guard) = Guard::new(&reviewed.steps, redactor, self.host.as_mut(), &mut watching);
        let machine = converge::Machine { host: &mut guarded, remote: &*self.remote, real: None };
        let outcome = converge(&self.input, &self.playbook, &self.loader, &self.templar, machine, &mut guard);
        drop((guarded, guard));
        self.counts = watching.counts;
        self.grounds.run.counts(self.counts);
        self.keep(&outcome.pending_handlers)?;
        self.ended_with(outcome)
    }

    /// After changes, reads every declared state once more, and names what does not hold: a task that says that it did
    /// its work and has not, or one that undoes another's.
    pub(super) fn look_again(&mut self, changed: u32) {
        if changed == 0 {
            return;
        }
        match self.rehearse(&mut ()) {
            Ok(plan) => {
                for step in plan.steps.iter().filter(|step| step.undecided.is_none() && !step.changes.is_empty()) {
                    let text =
                        format!("{step} ({}) does not hold after the run: {}", step.place, step.changes.join(", "));
                    self.grounds.run.note(&text);
                }
            }
            Err(failure) => {
                let text = format!("the declared states could not be read once more: {}", failure.reason());
                self.grounds.run.note(&text);
            }
        }
    }
}

/// Variables by name, each with a digest of its value. The machine's own number is in it, which no plan has, so that
/// whoever has the plan alone cannot guess a value; without one, the names alone are held. A secret has no digest of its
/// own: it is held by its version where it was read, and by the tree where a vault holds it.
fn given(machine: &dyn Observe, layers: &[&Map]) -> BTreeMap<String, String> {
    let number = machine.read(Path::new("/etc/machine-id")).ok().flatten().filter(|number| number.len() >= 32);
    let all = layers.iter().enumerate().flat_map(|(layer, map)| map.iter().map(move |pair| (layer, pair)));
    all.map(|(layer, (name, value))| {
        let digest = number.as_ref().map_or_else(String::new, |number| {
            let mut hasher = Hasher::new(Digest::Sha256);
            hasher.update(b"muster plan: variable\0");
            hasher.update(number);
            hasher.update(format!("{layer}\0{name}\0{}", value.to_json()).as_bytes());
            hasher.finish()[..16].to_owned()
        });
        (name.to_string(), digest)
    })
    .collect()
}

/// A digest of every file of a tree: names, modes and bytes.
fn of_tree(source: &dyn Source, top: &Path) -> std::io::Result<String> {
    let mut hasher = Hasher::new(Digest::Sha256);
    let mut open = vec![top.to_owned()];
    while let Some(directory) = open.pop() {
        for (name, is_directory) in source.list(&directory)? {
            let path = directory.join(&name);
            // What git keeps for itself is no part of what is run.
            if name == ".git" {
                continue;
            }
            if is_directory {
                open.push(path);
                continue;
            }
            let (mode, bytes) = (source.mode(&path)?, source.read(&path)?);
            hasher.update(format!("{}\0{mode:o}\0{}\0", path.display(), bytes.len()).as_bytes());
            hasher.update(&bytes);
        }
    }
    Ok(format!("sha256:{}", hasher.finish()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::{Change, FileWrite, Host, Void};
    use crate::roles::value::{Key, Value};

    #[test]
    fn values_are_held_by_digests_that_only_this_machine_can_make() {
        let machine = |number: &str| {
            let mut machine = Overlay::new(Void::new());
            let etc = Change::MakeDirectory { path: "/etc".into(), attributes: crate::host::Attributes::default() };
            machine.apply(&etc).expect("made");
            machine.apply(&Change::Write(FileWrite::new("/etc/machine-id", number))).expect("written");
            machine
        };
        let of = |number: &str, value: &str| {
            let map = Map::from_iter([(Key::from("pw"), Value::str(value))]);
            given(&machine(number), &[&map]).remove("pw").expect("named")
        };
        let (one, other) = ("0123456789abcdef0123456789abcdef", "f123456789abcdef0123456789abcdef");
        assert_eq!(of(one, "a"), of(one, "a"));
        assert_ne!(of(one, "a"), of(one, "b"));
        assert_ne!(of(one, "a"), of(other, "a"));
        assert_eq!(of("", "a"), "", "nothing that could be guessed");
    }
}
