//! Extracting a content bundle: everything odd refuses the whole archive, and what stands there afterwards is whole.
//!
//! `tar` and the decompressors only parse. Which entries are taken is decided in `entry`, the decompressed bytes are
//! counted in `limits`, and all writing is the host's own, beneath one directory descriptor.

mod entry;
mod guard;
mod limits;
mod walk;

pub use entry::{Item, ItemKind};
pub use limits::Limits;
pub use walk::{Sink, Summary, walk};

use super::{Attributes, Content};
use std::path::PathBuf;

/// How an archive is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// Not at all.
    Tar,
    /// gzip, one member.
    Gzip,
    /// Zstandard, one frame.
    Zstd,
}

impl Packing {
    /// The packing that a file's name says: `.tar`, `.tar.gz`, `.tgz`, `.tar.zst`.
    pub fn of(name: &str) -> Option<Self> {
        let ends = |ends: &[&str]| ends.iter().any(|end| name.ends_with(end));
        match () {
            () if ends(&[".tar"]) => Some(Self::Tar),
            () if ends(&[".tar.gz", ".tgz"]) => Some(Self::Gzip),
            () if ends(&[".tar.zst", ".tzst"]) => Some(Self::Zstd),
            () => None,
        }
    }
}

/// An archive to extract.
#[derive(Clone, Debug)]
pub struct Unpack {
    /// The directory that it becomes. It must not be there, and its parent must.
    pub path: PathBuf,
    /// The archive: on disk it is an unlinked file, so that nobody can change it between verifying and extracting.
    pub content: Content,
    /// The digest that was verified; it is taken again of the very bytes that were extracted.
    pub sha256: [u8; 32],
    /// How it is compressed.
    pub packing: Packing,
    /// How much may come out.
    pub limits: Limits,
    /// Whose everything in it becomes; the mode is the top's, what is beneath it keeps the archive's own.
    pub attributes: Attributes,
}

/// Why an archive was refused. Nothing of it is left.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// It is no such archive, or a damaged one.
    #[error("it cannot be read: {0}")]
    Malformed(String),
    /// An entry of a kind that is never taken.
    #[error("`{path}` is a {kind}; only files, directories and relative links are taken")]
    Kind {
        /// The entry.
        path: String,
        /// What it is.
        kind: String,
    },
    /// An entry's name that leads elsewhere, or means different things to different readers.
    #[error("the name `{path}` is refused: {why}")]
    Name {
        /// The name, escaped.
        path: String,
        /// Why.
        why: &'static str,
    },
    /// A link that leads out of the tree.
    #[error("the link `{path}` to `{target}` is refused: {why}")]
    Link {
        /// The link.
        path: String,
        /// Where it leads, escaped.
        target: String,
        /// Why.
        why: &'static str,
    },
    /// Two entries of one name, as some filesystems see names.
    #[error("`{path}` is there twice (as `{other}`, without regard to case and composition)")]
    Duplicate {
        /// The second.
        path: String,
        /// The first.
        other: String,
    },
    /// An entry beneath something that is no directory.
    #[error("`{path}` is beneath `{parent}`, which is no directory of the archive")]
    Beneath {
        /// The entry.
        path: String,
        /// What it is beneath.
        parent: String,
    },
    /// Permissions that nothing extracted may have.
    #[error("`{path}` has mode {mode:o}: set-user-id, set-group-id and sticky bits are refused")]
    Mode {
        /// The entry.
        path: String,
        /// Its permission bits.
        mode: u32,
    },
    /// Two sizes for one entry.
    #[error("`{path}` has two sizes: {header} in its header, {extended} in its extended header")]
    Sizes {
        /// The entry.
        path: String,
        /// In the header.
        header: u64,
        /// In the PAX header.
        extended: String,
    },
    /// An extended header that says what is not taken.
    #[error("`{path}` has an extended header `{key}`, which is refused")]
    Extended {
        /// The entry.
        path: String,
        /// Its key.
        key: String,
    },
    /// Bytes after its end.
    #[error("bytes follow the archive's end")]
    Trailing,
    /// More than the limits allow.
    #[error("it has more than {limit} {what}")]
    Limit {
        /// Of what.
        what: &'static str,
        /// The limit.
        limit: u64,
    },
    /// Its bytes are not those that were verified.
    #[error("its SHA-256 is {have} while it is extracted, and {want} was verified")]
    Digest {
        /// While extracting.
        have: String,
        /// While verifying.
        want: String,
    },
    /// The operating system refused.
    #[error("{what}: {source}")]
    Io {
        /// What was attempted.
        what: String,
        /// Why not.
        source: std::io::Error,
    },
}

#[cfg(test)]
mod tests;
