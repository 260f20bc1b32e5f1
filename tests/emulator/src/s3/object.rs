//! Objects and their versions.

use crate::encoding::sha256_hex;
use md5::{Digest as _, Md5};

/// An object in a bucket; each content is a version, the last one current.
#[derive(Clone, Debug)]
pub struct Object {
    pub(crate) bucket: String,
    pub(crate) key: String,
    pub(crate) versions: Vec<Vec<u8>>,
    pub(crate) whole: bool,
}

impl Object {
    /// An object with its first content. Its bucket is there because it is.
    pub fn new(bucket: &str, key: &str, content: impl Into<Vec<u8>>) -> Self {
        Self { bucket: bucket.to_owned(), key: key.to_owned(), versions: vec![content.into()], whole: false }
    }

    /// A newer version. Objects with more than one have version ids.
    pub fn then(mut self, content: impl Into<Vec<u8>>) -> Self {
        self.versions.push(content.into());
        self
    }

    /// Uploaded in one piece and not encrypted with a key of KMS: its tag is its MD5.
    pub fn in_one_piece(mut self) -> Self {
        self.whole = true;
        self
    }

    /// The id of the version at this place, first one 0.
    pub fn version_id(&self, index: usize) -> String {
        crate::encoding::opaque(&format!("{}/{} {index}", self.bucket, self.key), 32)
    }

    /// Quoted; opaque, as it is for objects that are encrypted or came in parts, but for those that came whole.
    pub(crate) fn etag(&self, index: usize) -> String {
        if self.whole {
            return format!("\"{}\"", hex::encode(Md5::digest(&self.versions[index])));
        }
        let digest = sha256_hex(&self.versions[index]);
        format!("\"{}\"", &digest[..32])
    }

    /// The place of a version by id, or of the current one.
    pub(crate) fn place(&self, version_id: Option<&str>) -> Option<usize> {
        match version_id {
            None => self.versions.len().checked_sub(1),
            Some(id) => (0..self.versions.len()).find(|index| self.version_id(*index) == id),
        }
    }
}
