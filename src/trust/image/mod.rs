//! Images: what is said of one, signed, and by whom it may be said.
//!
//! An AMI has no digest of its own. What is signed is about its ARN: the statement's subject is the SHA-256 of the ARN's
//! text, so that `verify blob` reads it as it reads any other attestation. An AMI's content never changes under its id.

mod error;
mod judge;
mod key;
mod make;
mod rule;
mod said;

pub use error::ImageError;
pub use judge::{Said, judge, judge_scans};
pub use key::KeyFile;
pub use make::{Unsigned, statement};
pub use rule::{ImageRule, Images, Patches, Run, Scans, Validation};
pub use said::{Binary, ImageFacts, ImageName, RunReport, ValidationReport};
