//! Decides what may be believed.

pub mod artifact;
pub mod bundle;
mod commit;
mod error;
mod hosts;
mod key;
mod object;
mod pattern;
mod realm;
mod sealed;
mod signers;
mod sshsig;
pub mod strict;
mod timestamp;

pub use commit::{Candidate, Commit, Tag, verify as verify_commit};
pub use error::TrustError;
pub use hosts::{HostKey, KnownHosts};
pub use key::SshKey;
pub use realm::Realm;
pub use sealed::{Untrusted, Verified};
pub use signers::Signer;
