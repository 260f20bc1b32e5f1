//! Brings untrusted things in: the config repository by git, over SSH, HTTPS or from a local path.
//!
//! libgit2 keeps objects and refs; every byte from the network passes through transports written here, so that keys stay
//! in memory, host keys are the pinned ones, names are resolved without libc, and every wait has an end. All of it
//! blocks: an asynchronous caller gives it a thread of its own (`tokio::task::spawn_blocking`).

mod address;
mod checkout;
mod connection;
mod deploy_key;
mod error;
mod history;
mod https;
mod limits;
mod local;
mod proxy;
mod reference;
mod repository;
mod ssh;
mod ssh_session;
mod tls;
mod transport;
mod tree;

pub use address::Address;
pub use deploy_key::DeployKey;
pub use error::FetchError;
pub use history::Movement;
pub use limits::Limits;
pub use local::{candidate, files};
pub use proxy::Proxy;
pub use reference::Reference;
pub use repository::{Fetched, Repository};
pub use transport::{Credentials, Origin};
pub use tree::{Kind, Tree};
