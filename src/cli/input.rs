//! Files that a command line names and somebody else wrote: no more of them is read than what they are may have.

use crate::failure::{Failure, Stage};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// The most bytes of a bundle, and of whatever else is read whole; most are a page.
const LARGEST: u64 = 24 << 20;

/// Reads one. A pipe is read as well; what does not end is refused.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes));
    match read {
        Ok(_) if bytes.len() as u64 > LARGEST => {
            let text = format!("{}: it is larger than {LARGEST} bytes, which no such file is", path.display());
            Err(Failure::message(Stage::Release, text)
                .with_hint("is it the file that was meant? Bundles, keys and descriptors are small"))
        }
        Ok(_) => Ok(bytes),
        Err(error) => Err(missing(path, &error)),
    }
}

/// What could not be read at all.
pub(super) fn missing(path: &Path, error: &io::Error) -> Failure {
    Failure::message(Stage::Usage, format!("reading {}: {error}", path.display()))
}
