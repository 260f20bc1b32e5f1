//! Plays, roles, blocks and tasks of a tree, as typed structures with their places.

mod action;
mod block;
mod build;
mod error;
mod files;
mod frame;
mod free_form;
mod groups;
mod keyword;
mod loader;
mod meta;
mod play;
mod playbook;
mod prompt;
mod refusals;
mod repeat;
mod role;
mod source;
mod task;
mod validation;

pub(in crate::roles) use action::has_template;
pub use action::{Action, Arguments};
pub use block::{Block, Item};
pub(crate) use error::nearest;
pub use error::{LoadError, Refusal};
pub use frame::{Frame, FrameKind, Said};
pub use free_form::{parse_pairs, split};
pub(in crate::roles) use groups::has as group_has;
pub(in crate::roles) use keyword::{inherited, is_local};
pub use loader::{At, Literal, Loader, Names};
pub use play::Play;
pub use playbook::Playbook;
pub use prompt::Prompt;
pub use repeat::{Repeat, RepeatControl};
pub use role::{From, Role, RoleRun};
pub(in crate::roles) use source::tidy;
pub use source::{Directory, Source};
pub use task::Task;

#[cfg(test)]
mod tests;
