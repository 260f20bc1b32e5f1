//! Bounds what a tar reader keeps in memory: long names and extended headers are read whole by it, whatever their size.

use super::Refusal;
use std::io::{self, Read};

const BLOCK: usize = 512;
/// More than any path and all its extended attributes have.
const HEADER: u64 = 64 << 10;

/// Follows the blocks that pass through, and stops at a header whose own data would be too large.
///
/// An extended header may give the next entry another size than its header has; such an entry is refused before its
/// data is read, so that the two never count differently.
pub(super) struct Guard<R> {
    inner: R,
    block: Vec<u8>,
    /// Bytes of data, padded, before the next header.
    data: u64,
    done: bool,
}

impl<R> Guard<R> {
    pub(super) fn new(inner: R) -> Self {
        Self { inner, block: Vec::with_capacity(BLOCK), data: 0, done: false }
    }

    fn pass(&mut self, mut bytes: &[u8]) -> Result<(), Refusal> {
        while !bytes.is_empty() && !self.done {
            if self.data > 0 {
                let skip = usize::try_from(self.data).unwrap_or(usize::MAX).min(bytes.len());
                self.data -= skip as u64;
                bytes = &bytes[skip..];
                continue;
            }
            let take = (BLOCK - self.block.len()).min(bytes.len());
            self.block.extend_from_slice(&bytes[..take]);
            bytes = &bytes[take..];
            if self.block.len() == BLOCK {
                self.header()?;
                self.block.clear();
            }
        }
        Ok(())
    }

    fn header(&mut self) -> Result<(), Refusal> {
        if self.block.iter().all(|&byte| byte == 0) {
            self.done = true;
            return Ok(());
        }
        let mut header = tar::Header::new_old();
        header.as_mut_bytes().copy_from_slice(&self.block);
        let size = header.entry_size().map_err(|error| Refusal::Malformed(error.to_string()))?;
        let kind = header.entry_type();
        let kept = kind.is_gnu_longname()
            || kind.is_gnu_longlink()
            || kind.is_pax_local_extensions()
            || kind.is_pax_global_extensions();
        if kept && size > HEADER {
            return Err(Refusal::Limit { what: "bytes in one extended header", limit: HEADER });
        }
        self.data = size.checked_next_multiple_of(BLOCK as u64).ok_or_else(|| Refusal::Malformed("a size".into()))?;
        Ok(())
    }
}

impl<R: Read> Read for Guard<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.pass(&buffer[..count]).map_err(|refusal| io::Error::new(io::ErrorKind::InvalidData, refusal))?;
        Ok(count)
    }
}
