//! A program's pipes without blocking, and what is kept of its output.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// Bytes kept from the beginning of an output, and as many from its end.
const HALF: usize = 4 << 20;

/// One end of a pipe to a program.
pub struct Pipe {
    file: File,
    done: bool,
}

impl Pipe {
    /// Takes a pipe's end, and makes it not block.
    pub fn new(end: OwnedFd) -> io::Result<Self> {
        use nix::fcntl::{FcntlArg, OFlag, fcntl};
        let flags = OFlag::from_bits_retain(fcntl(&end, FcntlArg::F_GETFL)?);
        fcntl(&end, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK))?;
        Ok(Self { file: end.into(), done: false })
    }

    /// Whether the other side has closed.
    pub fn is_done(&self) -> bool {
        self.done
    }

    /// Reads what is there into `kept`; whether anything was.
    pub fn receive(&mut self, kept: &mut Kept) -> io::Result<bool> {
        let mut bytes = Vec::new();
        let moved = self.hear(&mut bytes)?;
        kept.add(&bytes);
        Ok(moved)
    }

    /// Adds what is there to `bytes`; whether anything was.
    pub fn hear(&mut self, bytes: &mut Vec<u8>) -> io::Result<bool> {
        let mut chunk = [0; 64 << 10];
        match self.file.read(&mut chunk) {
            Ok(0) => self.done = true,
            Ok(count) => {
                bytes.extend_from_slice(&chunk[..count]);
                return Ok(true);
            }
            // A terminal whose last program is gone.
            Err(error) if error.raw_os_error() == Some(nix::libc::EIO) => self.done = true,
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
            Err(error) => return Err(error),
        }
        Ok(false)
    }

    /// Writes what fits; how much that was. A program that reads no further is no error.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.file.write(bytes) {
            Ok(count) => Ok(count),
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => Ok(0),
                io::ErrorKind::BrokenPipe => {
                    self.done = true;
                    Ok(0)
                }
                _ => Err(error),
            },
        }
    }
}

impl AsFd for Pipe {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

/// An output's beginning and end, in bounded memory.
#[derive(Default)]
pub struct Kept {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    dropped: usize,
}

impl Kept {
    /// Adds bytes.
    pub fn add(&mut self, bytes: &[u8]) {
        let (head, rest) = bytes.split_at(bytes.len().min(HALF.saturating_sub(self.head.len())));
        self.head.extend_from_slice(head);
        self.tail.extend(rest);
        let excess = self.tail.len().saturating_sub(HALF);
        self.tail.drain(..excess);
        self.dropped += excess;
    }

    /// The output; where bytes were left out, a line in their place says how many.
    pub fn finish(self) -> Vec<u8> {
        let mut whole = self.head;
        if self.dropped > 0 {
            whole.extend_from_slice(format!("\n[muster: {} bytes left out]\n", self.dropped).as_bytes());
        }
        whole.extend(self.tail);
        whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_output_keeps_its_ends_and_says_so() {
        let mut kept = Kept::default();
        kept.add(b"first");
        for _ in 0..9 {
            kept.add(&vec![b'.'; 1 << 20]);
        }
        kept.add(b"last");
        let text = String::from_utf8(kept.finish()).expect("text");
        assert!(text.starts_with("first") && text.ends_with("last"));
        assert!(text.contains("[muster: 1048585 bytes left out]"));
        let mut short = Kept::default();
        short.add(b"all");
        assert_eq!(short.finish(), b"all");
    }
}
