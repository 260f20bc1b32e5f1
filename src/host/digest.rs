//! Digests of files, as modules name and print them.

use super::Digest;
use aws_lc_rs::digest as lc;
use md5::Digest as _;
use std::io::{self, Read};

/// A digest that is being computed.
pub enum Hasher {
    /// Through the TLS library's own.
    Lc(lc::Context),
    /// The one that it does not have.
    Md5(md5::Md5),
}

impl Hasher {
    /// Begins.
    pub fn new(algorithm: Digest) -> Self {
        let algorithm = match algorithm {
            Digest::Md5 => return Self::Md5(md5::Md5::new()),
            Digest::Sha1 => &lc::SHA1_FOR_LEGACY_USE_ONLY,
            Digest::Sha224 => &lc::SHA224,
            Digest::Sha256 => &lc::SHA256,
            Digest::Sha384 => &lc::SHA384,
            Digest::Sha512 => &lc::SHA512,
        };
        Self::Lc(lc::Context::new(algorithm))
    }

    /// Takes in bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Lc(context) => context.update(bytes),
            Self::Md5(md5) => md5.update(bytes),
        }
    }

    /// The digest in lower-case hexadecimal.
    pub fn finish(self) -> String {
        match self {
            Self::Lc(context) => hex::encode(context.finish()),
            Self::Md5(md5) => hex::encode(md5.finalize()),
        }
    }

    /// Of bytes in memory.
    pub fn of(algorithm: Digest, bytes: &[u8]) -> String {
        let mut hasher = Self::new(algorithm);
        hasher.update(bytes);
        hasher.finish()
    }

    /// Of all that a reader gives.
    pub fn of_reader(algorithm: Digest, mut reader: impl Read) -> io::Result<String> {
        let mut hasher = Self::new(algorithm);
        let mut buffer = vec![0_u8; 128 * 1024];
        loop {
            match reader.read(&mut buffer) {
                Ok(0) => return Ok(hasher.finish()),
                Ok(count) => hasher.update(&buffer[..count]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}
