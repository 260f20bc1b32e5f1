//! What a user hands over to judge by: profiles, waivers, other reports. Each is a regular file of a size that it can have.

use super::error::ValidateError;
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

/// Reads it. What is no file is refused: nobody may ever write to a FIFO, and a device has no end.
pub(super) fn read(path: &Path, largest: u64, what: &str) -> Result<Vec<u8>, ValidateError> {
    let refused = |source| ValidateError::Read { path: path.to_owned(), source };
    let stat = std::fs::metadata(path).map_err(refused)?;
    if stat.file_type().is_fifo() {
        return Err(refused(io::Error::other("is a FIFO and no regular file: write it to a file first")));
    }
    if !stat.is_file() && !stat.is_dir() {
        return Err(refused(io::Error::other("is no regular file")));
    }
    if stat.len() > largest {
        return Err(refused(io::Error::other(format!("is larger than {what} may be ({} MiB)", largest >> 20))));
    }
    std::fs::read(path).map_err(refused)
}
