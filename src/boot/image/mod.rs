//! Images: signing what was found out about one, and giving one a name once all that its realm demands is there.

mod attest;
mod evidence;
mod key;
mod manifest;
mod promote;
mod publish;
mod way;

pub use attest::{Attested, Attesting, Told, attest};
pub use manifest::{Built, built};
pub use promote::{Promoted, Promoting, promote};
pub use publish::Published;
pub(super) use way::Way;

use crate::failure::{Explain, Failure, Stage};
use std::path::Path;
use std::time::Duration;

/// A whole command: images are looked at, KMS signs, parameters are written.
const PATIENCE: Duration = Duration::from_secs(300);
/// The most bytes of a report, a run's record, a manifest or a bundle.
const LARGEST: u64 = 256 << 20;

/// What is not as a rule has it, or could not be looked at.
fn refused(error: impl Explain) -> Failure {
    Failure::new(Stage::Image, error)
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let failed = |why: String| Failure::message(Stage::Usage, format!("read {}: {why}", path.display()));
    match std::fs::metadata(path) {
        Ok(stat) if stat.len() > LARGEST => Err(failed(format!("it has more than {LARGEST} bytes"))),
        Ok(stat) if !stat.is_file() => Err(failed("it is no regular file".into())),
        Ok(_) => std::fs::read(path).map_err(|error| failed(error.to_string())),
        Err(error) => Err(failed(error.to_string())),
    }
}
