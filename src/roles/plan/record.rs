//! Watches a planning converge and keeps what it would do.

use super::seen;
use super::step::Step;
use crate::host::Observe;
use crate::roles::converge::{Event, Observer, Recap, Status};
use std::collections::BTreeMap;

/// Makes steps of events.
pub struct Recorder<'a> {
    /// The machine below the overlay.
    machine: &'a dyn Observe,
    /// Who is told beside.
    next: &'a mut dyn Observer,
    task: Step,
    turns: BTreeMap<String, u32>,
    /// What has something to say, in order.
    pub steps: Vec<Step>,
    /// The state at each place before any planned change.
    pub seen: BTreeMap<String, String>,
    /// Counts.
    pub recap: Recap,
}

impl<'a> Recorder<'a> {
    /// Records a plan for a machine; events go on to another observer.
    pub fn new(machine: &'a dyn Observe, next: &'a mut dyn Observer) -> Self {
        let (steps, turns, seen) = (Vec::new(), BTreeMap::new(), BTreeMap::new());
        Self { machine, next, task: blank(), turns, steps, seen, recap: Recap::default() }
    }
}

fn blank() -> Step {
    let (task, place, changes, diff) = (String::new(), String::new(), Vec::new(), Vec::new());
    let (role, item, undecided) = (None, None, None);
    Step { task, role, place, handler: false, include: false, turn: 0, item, undecided, changes, diff }
}

impl Observer for Recorder<'_> {
    fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::Task { name, role, place, handler, include } => {
                let turns = self.turns.entry(place.to_string()).or_default();
                *turns += 1;
                self.task = Step {
                    task: (*name).to_owned(),
                    role: role.map(str::to_owned),
                    place: place.to_string(),
                    handler: *handler,
                    include: *include,
                    turn: *turns - 1,
                    ..blank()
                };
            }
            Event::Result { status, item, diff, changes, hidden, undecided, .. } => {
                for subject in changes.iter().flat_map(crate::host::Change::subjects) {
                    let known = self.seen.entry(seen::name(&subject));
                    known.or_insert_with(|| seen::state(self.machine, &subject));
                }
                let says = *status == Status::Changed || undecided.is_some() || !changes.is_empty();
                if says && *status != Status::Failed {
                    let words = changes.iter().map(|change| if *hidden { change.outline() } else { change.describe() });
                    self.steps.push(Step {
                        item: item.map(str::to_owned),
                        undecided: undecided.map(str::to_owned),
                        changes: words.collect(),
                        diff: diff.to_vec(),
                        ..self.task.clone()
                    });
                }
            }
            Event::Recap(recap) => self.recap = **recap,
            _ => {}
        }
        self.next.event(event);
    }
}
