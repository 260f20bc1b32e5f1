//! Runs a loaded playbook: tasks in order, with variables, loops, blocks, handlers, and a result for each.

mod absent;
mod arguments;
mod background;
mod block;
mod brought;
mod builtin;
mod debug;
mod error;
mod events;
mod facts;
mod gathered;
mod handlers;
mod hosts;
mod include;
mod include_vars;
mod input;
mod inventory;
mod invoke;
mod layers;
mod limits;
mod listing;
mod lookups;
mod magic;
mod names;
mod outcome;
mod play;
mod refuse;
mod rehearse;
mod repeat;
mod result;
mod run;
mod settle;
mod specified;
mod tags;
mod task;
mod template_file;
mod texts;
mod tries;
mod variables;
mod view;

pub use error::{ConvergeError, TaskFailure};
pub use events::{Event, Observer, Status};
pub use facts::{Facts, Gather};
pub use input::{Input, Limits, Machine};
pub use lookups::Named;
pub(in crate::roles) use magic::is_magic;
pub use names::KnownNames;
pub use outcome::{Completed, Outcome, PendingHandler, Recap};
pub(in crate::roles) use refuse::{all_tasks, item_names};
pub use run::{converge, judge, list};
pub(in crate::roles) use texts::{Text, TextKind, Texts, elsewhere, together, unheard};
pub use variables::Variables;

#[cfg(test)]
mod tests;
