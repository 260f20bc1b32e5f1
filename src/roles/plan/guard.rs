//! Holds the machine to a reviewed plan: a change that the plan does not have is not made.

use super::step::Step;
use crate::host::{Change, Effect, Host, HostError, Observe, Through};
use crate::roles::converge::{Event, Observer};
use crate::secret::Redactor;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

/// What one turn of a task may still do.
#[derive(Clone, Default)]
struct Turn {
    changes: Vec<String>,
    /// It was undecided, and is allowed all the same.
    open: bool,
}

struct Held {
    turns: HashMap<(String, u32), Turn>,
    begun: HashMap<String, u32>,
    /// Whether an undecided include may bring tasks that the plan does not know.
    open: bool,
    task: String,
    now: Turn,
    /// The plan's texts have no secrets, so what is compared with them must have none.
    redactor: Redactor,
}

/// The machine, held to the plan.
pub struct Guarded<'a> {
    host: &'a mut dyn Host,
    held: Rc<RefCell<Held>>,
}

/// Listens which task is running.
pub struct Guard<'a> {
    next: &'a mut dyn Observer,
    held: Rc<RefCell<Held>>,
}

impl<'a> Guard<'a> {
    /// Holds a machine to the steps of a plan. Undecided steps may do anything: whoever applies the plan has allowed
    /// them.
    pub fn new(
        steps: &[Step],
        redactor: Redactor,
        host: &'a mut dyn Host,
        next: &'a mut dyn Observer,
    ) -> (Guarded<'a>, Self) {
        let mut turns: HashMap<(String, u32), Turn> = HashMap::new();
        for step in steps {
            let turn = turns.entry((step.place.clone(), step.turn)).or_default();
            turn.changes.extend(step.changes.iter().cloned());
            turn.open |= step.undecided.is_some();
        }
        let open = steps.iter().any(|step| step.include && step.undecided.is_some());
        let held = Held { turns, begun: HashMap::new(), open, task: String::new(), now: Turn::default(), redactor };
        let held = Rc::new(RefCell::new(held));
        (Guarded { host, held: Rc::clone(&held) }, Self { next, held })
    }
}

impl Held {
    fn begin(&mut self, task: &str, place: &str) {
        let begun = self.begun.entry(place.to_owned()).or_default();
        let planned = self.turns.remove(&(place.to_owned(), *begun));
        let unknown = self.open && planned.is_none();
        *begun += 1;
        task.clone_into(&mut self.task);
        self.now = planned.unwrap_or(Turn { changes: Vec::new(), open: unknown });
    }

    fn allow(&mut self, change: &Change) -> Result<(), HostError> {
        if self.now.open || matches!(change, Change::Wait(_)) {
            return Ok(());
        }
        let [full, outline] = [change.describe(), change.outline()].map(|text| self.redactor.scrub(&text));
        match self.now.changes.iter().position(|planned| *planned == full || *planned == outline) {
            Some(at) => {
                self.now.changes.remove(at);
                Ok(())
            }
            None => Err(HostError::NotReviewed { what: full, task: self.task.clone() }),
        }
    }
}

impl Observer for Guard<'_> {
    fn event(&mut self, event: &Event<'_>) {
        if let Event::Task { name, place, .. } = event {
            self.held.borrow_mut().begin(name, &place.to_string());
        }
        self.next.event(event);
    }
}

impl Through for Guarded<'_> {
    fn through(&self) -> &dyn Observe {
        self.host.observe()
    }
}

impl Host for Guarded<'_> {
    fn apply(&mut self, change: &Change) -> Result<Effect, HostError> {
        self.held.borrow_mut().allow(change)?;
        self.host.apply(change)
    }
    fn is_held(&self) -> bool {
        true
    }
    // Nothing torn is left for the plan's sake.
    fn recover(&mut self, change: &Change) -> Result<Effect, HostError> {
        self.host.recover(change)
    }
    fn observe(&self) -> &dyn Observe {
        self.host.observe()
    }
}
