//! Bytes from elsewhere, put in place: what `get_url` and `s3_object` share.

use super::draft::Draft;
use crate::host::{Attributes, Content, Digest, FileWrite, Hasher, Kind};
use crate::roles::modules::Failed;
use crate::roles::remote::RemoteError;
use std::path::Path;

/// A content's digest.
pub fn sum(content: &Content, algorithm: Digest) -> Result<String, Failed> {
    Hasher::of_reader(algorithm, content.reader()).map_err(|error| Failed::new(format!("read the download: {error}")))
}

/// A file's digest; `None` where it is not there.
pub fn sum_of(draft: &Draft<'_>, path: &Path, algorithm: Digest) -> Result<Option<String>, Failed> {
    let sum = draft.machine().digest(path, algorithm);
    sum.map_err(|error| Failed::new(format!("read {}: {error}", path.display())))
}

/// Checks that a file can be made there.
pub fn check_parent(draft: &Draft<'_>, path: &Path) -> Result<(), Failed> {
    let parent = path.parent().unwrap_or(Path::new("/"));
    match draft.stat(parent, true)? {
        Some(stat) if stat.kind == Kind::Directory => Ok(()),
        _ => Err(Failed::new(format!("Destination {} does not exist", parent.display()))),
    }
}

/// Plans the file.
pub fn place(
    draft: &mut Draft<'_>,
    path: &Path,
    content: Content,
    attributes: Attributes,
    backup: bool,
    in_place: bool,
) -> Result<(), Failed> {
    let mut write = FileWrite::new(path, Vec::new());
    write.content = content;
    write.attributes = attributes;
    write.follow = true;
    write.backup = backup;
    write.in_place = in_place;
    draft.write(write)
}

impl From<RemoteError> for Failed {
    fn from(error: RemoteError) -> Self {
        let mut failed = Self::new(error.message);
        failed.hint = error.hint;
        failed
    }
}
