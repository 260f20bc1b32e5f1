//! How much may come out of an archive, counted on the decompressed bytes before anything reads them.

use super::Refusal;
use std::io::{self, Read};

/// How much may come out of an archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Entries.
    pub entries: u64,
    /// Bytes in all, headers included.
    pub bytes: u64,
    /// Bytes out for each byte in; what is smaller than a mebibyte is never too much.
    pub ratio: u64,
    /// Bytes of one path.
    pub path: u64,
    /// Names in one path.
    pub depth: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { entries: 100_000, bytes: 4 << 30, ratio: 200, path: 1024, depth: 64 }
    }
}

/// zstd's window: what its level 19 uses; a larger one is memory that the archive's author decides on.
pub(super) const WINDOW_LOG: u32 = 23;
/// What a ratio is not judged below.
const SMALL: u64 = 1 << 20;

/// Counts what comes out, and stops at the limit.
pub(super) struct Counted<R> {
    pub(super) inner: R,
    bytes: u64,
    limit: u64,
}

impl<R> Counted<R> {
    /// `compressed` is how many bytes go in, where it is compressed.
    pub(super) fn new(inner: R, limits: &Limits, compressed: Option<u64>) -> Self {
        let by_ratio = compressed.map_or(u64::MAX, |size| size.saturating_mul(limits.ratio).max(SMALL));
        Self { inner, bytes: 0, limit: limits.bytes.min(by_ratio) }
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.bytes += count as u64;
        if self.bytes > self.limit {
            let refusal = Refusal::Limit { what: "bytes when decompressed", limit: self.limit };
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, refusal));
        }
        Ok(count)
    }
}

/// Takes the digest of what goes in.
pub(super) struct Hashed<R> {
    pub(super) inner: R,
    pub(super) hash: aws_lc_rs::digest::Context,
}

impl<R> Hashed<R> {
    pub(super) fn new(inner: R) -> Self {
        Self { inner, hash: aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256) }
    }
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.hash.update(&buffer[..count]);
        Ok(count)
    }
}
