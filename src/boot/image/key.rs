//! What signs: a key of KMS, or one in a file.

use super::way::Way;
use super::{read, refused};
use crate::cloud::{KmsKey, kms_key, kms_sign};
use crate::failure::{Failure, Stage};
use crate::trust::image::{KeyFile, Unsigned};
use std::path::Path;

/// A key that signs.
pub(super) enum Key {
    File(KeyFile),
    Kms(Box<KmsKey>),
}

/// Whether a name is a key's in KMS, and no file's.
fn in_kms(name: &str) -> bool {
    name.starts_with("awskms:///") || name.starts_with("arn:")
}

impl Key {
    /// A key by the path of its file, or by its ARN in KMS. KMS is asked from the region of the image.
    pub(super) fn open(name: &str, region: &str, way: &Way) -> Result<Self, Failure> {
        if in_kms(name) {
            let session = way.session(region)?;
            return Ok(Self::Kms(Box::new(way.ask(kms_key(&session, name, way.deadline))?)));
        }
        let path = Path::new(name);
        private(path)?;
        KeyFile::read(name, &read(path)?).map(Self::File).map_err(refused)
    }

    /// The bundle over a statement.
    pub(super) fn sign(&self, unsigned: &Unsigned, way: &Way) -> Result<String, Failure> {
        let message = unsigned.message();
        let (signature, public) = match self {
            Self::File(key) => (key.sign(&message).map_err(refused)?, key.public().map_err(refused)?),
            Self::Kms(key) => (way.ask(kms_sign(key, &message, way.deadline))?, key.public.clone()),
        };
        unsigned.signed(&signature, &public).map_err(refused)
    }
}

/// A key that others may read signs for others.
fn private(path: &Path) -> Result<(), Failure> {
    use std::os::unix::fs::MetadataExt;
    let failed = |why: String| Failure::message(Stage::Usage, format!("the key {}: {why}", path.display()));
    let stat = std::fs::metadata(path).map_err(|error| failed(error.to_string()))?;
    match stat.mode() & 0o077 {
        0 => Ok(()),
        mode => Err(failed(format!("others may use it (mode {:04o}: {mode:03o} too much)", stat.mode() & 0o7777))
            .with_hint("chmod 0600, or sign with a key of KMS")),
    }
}
