//! Decides what may be believed.

mod approval;
mod archive;
pub mod artifact;
pub mod bundle;
mod commit;
mod embed;
mod error;
mod hosts;
pub mod image;
mod key;
pub mod manifest;
mod object;
#[cfg(feature = "openpgp")]
mod openpgp;
mod pattern;
pub mod policy;
mod realm;
mod root;
mod sealed;
mod section;
mod signers;
pub mod sigstore;
mod sshsig;
pub mod strict;
mod timestamp;
pub mod tuf;

pub use approval::{approve, attested, verify_release};
pub use commit::{Candidate, Commit, Tag, verify as verify_commit};
pub use error::TrustError;
pub use hosts::{HostKey, KnownHosts};
pub use key::SshKey;
#[cfg(feature = "openpgp")]
pub use openpgp::Certificate;
pub use realm::Realm;
pub use root::{DIRECTORY, Source, TrustRoot};
pub use sealed::{Untrusted, Verified};
pub use signers::{Revoked, Signer};
