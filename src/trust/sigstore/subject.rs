//! What a signature is over: bytes, an open file, or a digest alone. Nothing leaves it before it was judged.

use crate::trust::sealed::Untrusted;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

/// How a DSSE envelope's signed bytes begin (DSSE protocol, *PAE*).
const PAE: &[u8] = b"DSSEv1 ";
/// The most bytes of a file that are read into memory, for keys that sign the message itself (Ed25519).
pub(super) const IN_MEMORY: u64 = 64 << 20;

/// What a signature is over.
#[derive(Debug)]
pub struct Subject {
    pub(super) sha256: [u8; 32],
    pub(super) content: Content,
    pub(super) pae: bool,
}

/// What there is of it.
#[derive(Debug)]
pub(super) enum Content {
    Bytes(Vec<u8>),
    File(File),
    Digest,
}

impl Subject {
    /// Bytes in memory.
    pub fn bytes(bytes: Untrusted<Vec<u8>>) -> Self {
        let bytes = bytes.judge();
        let sha256 = *sigstore_crypto::sha256(&bytes).as_bytes();
        Self { sha256, pae: bytes.starts_with(PAE), content: Content::Bytes(bytes) }
    }

    /// An open file, read once for its digest, in constant memory.
    pub fn file(file: Untrusted<File>) -> io::Result<Self> {
        let mut file = file.judge();
        file.seek(SeekFrom::Start(0))?;
        let mut hash = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
        let mut buffer = vec![0; 64 * 1024];
        let mut head = Vec::with_capacity(PAE.len());
        loop {
            let count = file.read(&mut buffer)?;
            if count == 0 {
                break;
            }
            let lacking = PAE.len() - head.len();
            head.extend_from_slice(&buffer[..count.min(lacking)]);
            hash.update(&buffer[..count]);
        }
        let sha256 = hash.finish().as_ref().try_into().map_err(|_| io::ErrorKind::InvalidData)?;
        file.seek(SeekFrom::Start(0))?;
        Ok(Self { sha256, pae: head == PAE, content: Content::File(file) })
    }

    /// A digest alone: what has it was judged, or is to be, elsewhere.
    pub fn digest(sha256: [u8; 32]) -> Self {
        Self { sha256, pae: false, content: Content::Digest }
    }

    /// The bytes, once they were judged.
    pub(in crate::trust) fn into_bytes(self) -> Option<Vec<u8>> {
        match self.content {
            Content::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// Its SHA-256, in hexadecimal.
    pub fn hex(&self) -> String {
        hex::encode(self.sha256)
    }
}
