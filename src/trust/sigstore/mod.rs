//! Judges one Sigstore bundle over one subject by one signatory: cryptography, then who, then when.
//!
//! What is believed of a bundle is told by [`Evidence`]. Which signatories there must be is the policy's to say.

mod anchored;
mod bare;
mod claim;
mod document;
mod error;
mod evidence;
mod identity;
mod judge;
mod log;
mod signatory;
mod statement;
mod subject;

pub use anchored::Text;
pub use claim::Claim;
pub use document::{Document, documents};
pub use error::SigstoreError;
pub use evidence::{Evidence, Who};
pub use judge::{Judge, PUBLIC};
pub use signatory::{Keyless, Proof, ReleaseKey, Signatory, Signer};
pub use statement::Statement;
pub use subject::Subject;

pub use signatory::KeyError;

pub use sigstore_verify::trust_root::TrustedRoot;

/// The public instance's trusted root as the library ships it, or its staging instance's.
pub fn public_root(staging: bool) -> Result<TrustedRoot, SigstoreError> {
    use sigstore_verify::trust_root::{SIGSTORE_PRODUCTION_TRUSTED_ROOT, SIGSTORE_STAGING_TRUSTED_ROOT};
    let text = if staging { SIGSTORE_STAGING_TRUSTED_ROOT } else { SIGSTORE_PRODUCTION_TRUSTED_ROOT };
    TrustedRoot::from_json(text).map_err(|error| SigstoreError::TrustedRoot(error.to_string()))
}
