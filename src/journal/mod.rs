//! What happened: runs and how they ended, the lock, the status, what is still to be said about outcomes.

mod error;
mod history;
mod journald;
mod lock;
mod marker;
mod message;
mod outbox;
mod process;
mod progress;
mod record;
mod run;
mod status;

pub use error::JournalError;
pub use history::{History, UNVERIFIED, Unheard};
pub use journald::Priority;
pub use lock::Lock;
pub use marker::{Done, HostKey, Marker};
pub use message::Message;
pub use outbox::{Attempt, Delivery, Entry, Outbox, Pending, UNKEPT};
pub use process::Process;
pub use progress::Progress;
pub use record::{Counts, FailureRecord, Record, RunId, StageTime, State};
pub use run::Run;
pub use status::Status;
